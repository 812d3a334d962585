"""What a camera that makes no sense is told, and that the advice helps."""

from pathlib import Path

import numpy as np
import pytest

from simenv.errors import InputError
from simenv.spec.camera import CameraSpec, Jitter, Lens
from simenv.spec.load import Task, load_task, task_from_text

TASK = """\
format: simenv-task-1
name: eyes
actors:
  parts: {objects: disc, count: 3, spawn: {zone: here}}
scene:
  zones:
    here: {center: [0, 0, 0], size_m: [0.2, 0.2]}
  mounts:
    wrist: {X_WM: {eye: [0, 0, 1], target: [0, 0, 0]}}
cameras:
  top:
    resolution: [64, 48]
    K: {fx: 60, fy: 60}
    distortion: {k1: -0.2}
    X_WC: {eye: [0, 0, 1], target: [0, 0, 0]}
  right: {resolution: [64, 48], stereo_of: top, baseline_m: 0.06}
  hand:
    resolution: [64, 48]
    fov_y_deg: 40
    mount: wrist
    X_MC: {p: [0, 0, 0.1], rotation: {rpy_deg: [0, 0, 0]}}
domain:
  actors.parts.count: {kind: semantic, integers: [2, 5]}
  cameras.top.distortion.k1: {kind: semantic, uniform: [-0.25, -0.15]}
  cameras.top.jitter.focal: {kind: semantic, uniform: [0.98, 1.02]}
  cameras.right.jitter.rpy_deg: {kind: semantic, uniform: [[-1, -1, -1], [1, 1, 1]]}
"""


def load(tasks: Path, text: str) -> Task:
    """The task that ``text`` says, next to the objects of the small project."""
    (tasks / "eyes.yaml").write_text(text)
    return load_task("eyes.yaml")


# fmt: off
WRONG = [  # what is replaced in the task, by what, and what is said
    ("{k1: -0.2}", "{k1: -0.9}",
     "14:17: cameras.top.distortion: folds inside the image: no direction leads to pixel (0, 0); "
     "lower it, or use the K and resolution it was calibrated with"),
    ("{k1: -0.2}", "{k1: -0.2, k7: 1}",
     "14:28: cameras.top.distortion.k7: unknown key; there is k1, k2, k3, k4, k5, k6, p1, p2"),
    ("{k1: -0.2}", "{k1: 1e7}",
     "14:22: cameras.top.distortion.k1: must be a number from -100000 to 100000, got "
     "10000000.0; write for example 100000.0"),
    ("{k1: -0.2}", "{k4: 0.9, k5: 3}",
     "14:17: cameras.top.distortion: folds inside the image: no direction leads to pixel (0, 0); "
     "lower it, or use the K and resolution it was calibrated with"),
    ("fx: 60, fy: 60", "fx: 0.5, fy: 60",
     "13:13: cameras.top.K.fx: must be a number from 1 to 100000, got 0.5; write for example 1"),
    ("resolution: [64, 48]\n    K: {fx: 60, fy: 60}",
     "resolution: [7900, 6000]\n    K: {fx: 7400, fy: 7400}",
     "14:17: cameras.top.distortion: shows what takes 8927 x 6781 pixels without it, and at most "
     "8192 a side can be drawn; lower the resolution"),
    ("eye: [0, 0, 1], target: [0, 0, 0]}\n  right", "eye: [0, 0, 1], target: [0, 0, 1]}\n  right",
     "15:36: cameras.top.X_WC.target: is the same point as eye; move one of them"),
    ("target: [0, 0, 0]}\n  right", "target: [0, 0, 0], up: [0, 0, 0]}\n  right",
     "15:51: cameras.top.X_WC.up: has no direction; write for example [0, 0, 1]"),
    ("X_WC: {eye: [0, 0, 1], target: [0, 0, 0]}\n  right", "path: []\n  right",
     "11:3: cameras.top: must have one of X_WC (still), path (moving) and mount (carried); remove "
     "or add one"),
    ("X_WC: {eye: [0, 0, 1], target: [0, 0, 0]}\n  right", "path: [{time_s: 1, eye: [0, 0, 1], "
     "target: [0, 0, 0]}, {time_s: 1, eye: [1, 0, 1], target: [0, 0, 0]}]\n  right",
     "15:11: cameras.top.path: time_s must increase from waypoint to waypoint; sort them"),
    ("stereo_of: top", "stereo_of: tip",
     "16:44: cameras.right.stereo_of: no camera tip with a lens of its own; did you mean top?"),
    ("stereo_of: top", "stereo_of: right",
     "16:44: cameras.right.stereo_of: no camera right with a lens of its own; there is top, hand"),
    (", baseline_m: 0.06", "",
     "16:3: cameras.right: must have both stereo_of and baseline_m, or none; remove or add one"),
    ("baseline_m: 0.06", "baseline_m: -0.06",
     "16:61: cameras.right.baseline_m: must be a number above 0, got -0.06; write for "
     "example 1.0"),
    ("baseline_m: 0.06", "baseline_m: 0.06, fov_y_deg: 40",
     "16:3: cameras.right: must have no K: stereo_of gives it; remove or add one"),
    ("baseline_m: 0.06", "baseline_m: 0.06, distortion: {k1: 0.1}",
     "16:79: cameras.right.distortion: is that of stereo_of; remove it"),
    ("baseline_m: 0.06", "baseline_m: 0.06, mount: wrist",
     "16:3: cameras.right: must have no pose of its own: stereo_of gives it; remove or add one"),
    ("right: {resolution: [64, 48]", "right: {resolution: [64, 40]",
     "16:23: cameras.right.resolution: must be that of top; write [64, 48]"),
    ("baseline_m: 0.06", "baseline_m: 0.06, jitter: {focal: 0.3}",
     "16:75: cameras.right.jitter: with it, the distortion of top folds inside the image: no "
     "direction leads to pixel (0, 0); lower it, or use the K and resolution it was calibrated "
     "with"),
    ("mount: wrist", "mount: wrst",
     "20:12: cameras.hand.mount: no mount or body wrst; did you mean wrist?"),
    ("mount: wrist", "mount: belts/main",
     "20:12: cameras.hand.mount: no mount or body belts/main; there is wrist, parts/0, "
     "parts/1, parts/2"),
    ("mount: wrist", "mount: parts/3",
     "20:12: cameras.hand.mount: no body parts/3 where actors.parts.count is 3; raise it, or let "
     "parts/2 carry the camera"),
    ("mount: wrist", "mount: parts/2",
     "23:51: domain.actors.parts.count.integers.0: 2 does not fit: cameras.hand.mount: no body "
     "parts/2 where actors.parts.count is 2; raise it, or let parts/1 carry the camera"),
    ("    X_MC: {p: [0, 0, 0.1], rotation: {rpy_deg: [0, 0, 0]}}\n", "",
     "17:3: cameras.hand: must have both mount and X_MC, or none; remove or add one"),
    ("wrist: {X_WM: {eye: [0, 0, 1], target: [0, 0, 0]}}", "wrist: {}",
     "9:5: scene.mounts.wrist: must have one of X_WM (still) and path (moving); remove or add one"),
    ("uniform: [-0.25, -0.15]", "uniform: [-0.9, -0.15]",
     "24:57: domain.cameras.top.distortion.k1.uniform.0: -0.9 does not fit: "
     "cameras.top.distortion: folds inside the image: no direction leads to pixel (0, 0); lower "
     "it, or use the K and resolution it was calibrated with"),
    ("uniform: [0.98, 1.02]", "uniform: [0.2, 1.02]",
     "25:56: domain.cameras.top.jitter.focal.uniform.0: 0.2 does not fit: cameras.top.distortion: "
     "folds inside the image: no direction leads to pixel (0, 0); lower it, or use the K and "
     "resolution it was calibrated with"),
    ("cameras.top.jitter.focal: {kind: semantic", "cameras.top.jitter.focal: {kind: visual",
     "25:36: domain.cameras.top.jitter.focal.kind: changes labels, so it cannot be visual; "
     "declare it semantic"),
    ("cameras.top.jitter.focal: {kind: semantic, uniform: [0.98, 1.02]}",
     "cameras.hand.mount: {kind: semantic, choice: [wrist, parts/0]}",
     "25:3: domain.cameras.hand.mount: is one for the whole dataset and cannot vary; declare a "
     "second camera instead"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_wrong_camera_is_told_where_what_and_the_way_out(
    old: str, new: str, line: str, tasks: Path
) -> None:
    assert old in TASK
    with pytest.raises(InputError) as caught:
        load(tasks, TASK.replace(old, new, 1))
    assert str(caught.value) == "\n".join(f"eyes.yaml:{part}" for part in line.splitlines())
    assert ";" in line  # the way out


CURES = [  # an edit that breaks the task, what is said of it, and the edit that was advised
    (("{k1: -0.2}", "{k1: -0.9}"), "lower it", ("{k1: -0.9}", "{k1: -0.2}")),
    (("up: [0, 0, 1]", "up: [0, 0, 0]"), "[0, 0, 1]", ("up: [0, 0, 0]", "up: [0, 0, 1]")),
    (("mount: wrist", "mount: parts/2"), "let parts/1", ("mount: parts/2", "mount: parts/1")),
    (("mount: wrist", "mount: parts/3"), "raise it",
     ("count: 3, spawn: {zone: here}}", "count: 4, spawn: {zone: here}}")),
    (("right: {resolution: [64, 48]", "right: {resolution: [64, 40]"), "write [64, 48]",
     ("right: {resolution: [64, 40]", "right: {resolution: [64, 48]")),
    (("baseline_m: 0.06", "baseline_m: 0.06, distortion: {k1: 0.1}"), "remove it",
     (", distortion: {k1: 0.1}", "")),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "said", "cure"), CURES)
def test_following_the_advice_solves_the_problem(
    broken: tuple[str, str], said: str, cure: tuple[str, str], tasks: Path
) -> None:
    base = TASK.replace("target: [0, 0, 0]}\n  right", "target: [0, 0, 0], up: [0, 0, 1]}\n  right")
    if "parts/3" in broken[1]:
        base = base.replace("  actors.parts.count: {kind: semantic, integers: [2, 5]}\n", "")
    text = base.replace(*broken, 1)
    with pytest.raises(InputError) as caught:
        load(tasks, text)
    assert said in str(caught.value)
    load(tasks, text.replace(*cure, 1))


def test_a_body_that_is_always_drawn_can_carry_a_camera(tasks: Path) -> None:
    carried = TASK.replace("mount: wrist", "mount: parts/1")
    load(tasks, carried)
    fewer = carried.replace(
        "integers: [2, 5]", "integers: [2, 5], edge: {none: {integers: [0, 1]}}"
    )
    with pytest.raises(InputError, match=r"edge.none.integers.0: 0 does not fit: cameras.hand"):
        load(tasks, fewer)


def test_the_stored_text_of_a_task_gives_its_cameras_back(tasks: Path) -> None:
    task = load(tasks, TASK)
    assert task_from_text(task.text, near=tasks).spec.cameras == task.spec.cameras


def test_the_matrix_has_pixel_centres_at_integers() -> None:
    pose = {"eye": (0.0, 0.0, 1.0), "target": (0.0, 0.0, 0.0)}
    angle = CameraSpec.model_validate({"resolution": (64, 48), "fov_y_deg": 90.0, "X_WC": pose})
    assert angle.matrix == pytest.approx(np.array([[24, 0, 31.5], [0, 24, 23.5], [0, 0, 1]]))
    K = {"fx": 60.0, "fy": 50.0, "cx": 30.0, "s": 2.0}
    jitter = {"focal": 1.1, "center_px": (0.5, -0.25)}
    given = CameraSpec.model_validate(
        {"resolution": (64, 48), "K": K, "X_WC": pose, "jitter": jitter}
    )
    assert given.matrix == pytest.approx(np.array([[66, 2.2, 30.5], [0, 55, 23.25], [0, 0, 1]]))


def test_a_lens_without_distortion_is_none() -> None:
    assert Lens().coefficients is None
    bent = Lens(k1=1.0, k2=2.0, p1=3.0, p2=4.0, k3=5.0, k4=6.0, k5=7.0, k6=8.0).coefficients
    assert bent is not None
    assert bent.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_jitter_moves_along_and_turns_about_the_cameras_own_axes() -> None:
    X_CJ = Jitter(p_m=(0.1, 0.2, 0.3), rpy_deg=(0.0, 0.0, 90.0)).X_CJ
    expected = [[0, -1, 0, 0.1], [1, 0, 0, 0.2], [0, 0, 1, 0.3], [0, 0, 0, 1]]
    assert pytest.approx(np.array(expected)) == X_CJ


def test_a_depth_device_has_no_bent_pictures(tmp_path: Path) -> None:
    task = tmp_path / "bent.yaml"
    task.write_text(
        "format: simenv-task-1\n"
        "name: bent\n"
        "actors: {}\n"
        "scene: {zones: {}}\n"
        "cameras:\n"
        "  top:\n"
        "    resolution: [64, 48]\n"
        "    fov_y_deg: 45\n"
        "    distortion: {k1: -0.1}\n"
        "    X_WC: {eye: [0, 1, 1], target: [0, 0, 0]}\n"
        "    sensor: {depth: {kind: stereo}}\n"
    )
    with pytest.raises(InputError) as caught:
        load_task(task)
    assert str(caught.value) == (
        f"{task}:11:21: cameras.top.sensor.depth: gives rectified pictures; "
        "remove distortion, or give depth to another camera"
    )
