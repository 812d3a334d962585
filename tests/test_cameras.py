"""From the task file to the view: every camera stands, looks and bends where the file says.

Expected poses are written out by hand: rotations about one axis, offsets added up.
"""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.compose import compose
from simenv.domain.sample import Sample, sample
from simenv.physics.world import World
from simenv.render import lens as easel
from simenv.render.renderer import Renderer
from simenv.scene import Camera, Scene, Snapshot
from simenv.spec import yaml
from simenv.spec.calibration import describe
from simenv.spec.load import Task, task_from_text

Array = NDArray[np.float64]

PROJECT = Path(__file__).parent / "data/project/tasks"
TASK = """\
format: simenv-task-1
name: eyes
actors:
  parts: {objects: [brick], count: 2, spawn: {zone: infeed, height_m: 0.01}}
scene:
  belts:
    main: {length_m: 1.6, width_m: 0.5, top_z_m: 0.4, speed_m_s: 0.2}
  zones:
    infeed: {center: [-0.3, 0, 0.4], size_m: [0.3, 0.3]}
  mounts:
    slide:
      path:
        - {time_s: 0, p: [0, 0, 1.2], rotation: {rpy_deg: [180, 0, 0]}}
        - {time_s: 1, p: [0.4, 0, 1.2], rotation: {rpy_deg: [180, 0, 60]}}
cameras:
  left:
    resolution: [160, 120]
    K: {fx: 150, fy: 148, cx: 80.5, cy: 58.25, s: 0.75}
    mount: slide
    X_MC: {p: [0.1, 0, 0], rotation: {rpy_deg: [0, 0, 90]}}
  right: {resolution: [160, 120], stereo_of: left, baseline_m: 0.08}
  rider:
    resolution: [64, 48]
    fov_y_deg: 60
    mount: parts/0
    X_MC: {p: [0, 0, 0.2], rotation: {rpy_deg: [180, 0, 0]}}
  wide:
    resolution: [160, 120]
    K: {fx: 110, fy: 110}
    distortion: {k1: -0.25, k2: 0.06, p1: 0.001, p2: -0.0005}
    X_WC: {eye: [-0.3, -0.2, 0.9], target: [-0.3, 0, 0.4]}
  guard:
    resolution: [64, 48]
    fov_y_deg: 60
    mount: belts/main
    X_MC: {p: [0.2, 0, 0.7], rotation: {rpy_deg: [180, 0, 0]}}
capture: {fps: 2, frames: 3}
domain:
  cameras.left.jitter.p_m: {kind: semantic, uniform: [[-0.01, -0.01, -0.01], [0.01, 0.01, 0.01]]}
  cameras.right.jitter.rpy_deg: {kind: semantic, uniform: [[-1, -1, -1], [1, 1, 1]]}
  cameras.left.jitter.focal: {kind: semantic, uniform: [0.97, 1.03]}
  cameras.right.jitter.center_px: {kind: semantic, uniform: [[-2, -2], [2, 2]]}
  cameras.right.baseline_m: {kind: semantic, uniform: [0.05, 0.1]}
  cameras.wide.distortion.k1: {kind: semantic, uniform: [-0.28, -0.2]}
"""
NO_AXES = TASK[: TASK.index("domain:")]


def task(text: str) -> Task:
    """The task, with the objects of the small project."""
    return task_from_text(text, near=PROJECT)


def nominal() -> Scene:
    """The scene without any axis."""
    return compose(task(NO_AXES), Sample(0, 0, "core", {}, {}), seed=0)


def camera(scene: Scene, name: str) -> Camera:
    """A camera by name."""
    return next(camera for camera in scene.cameras if camera.name == name)


def turn(axis: str, degrees: float) -> Array:
    """R about one axis, written out."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis])


@pytest.fixture(scope="module")
def snapshots() -> tuple[Snapshot, ...]:
    """The nominal scene, dropped and filmed."""
    with World() as world:
        outcome = world.run(nominal())
    assert not outcome.reason
    return outcome.snapshots


@pytest.mark.parametrize(
    ("time_s", "x", "yaw"), [(0, 0, 0), (0.5, 0.2, 30), (1, 0.4, 60), (7, 0.4, 60)]
)
def test_a_camera_on_a_moving_mount_is_carried_along(time_s: float, x: float, yaw: float) -> None:
    X_WC = camera(nominal(), "left").view(time_s).X_WC
    R_WM = turn("z", yaw) @ turn("x", 180)
    assert X_WC[:3, :3] == pytest.approx(R_WM @ turn("z", 90), abs=1e-12)
    assert X_WC[:3, 3] == pytest.approx(np.array([x, 0, 1.2]) + 0.1 * R_WM[:, 0], abs=1e-12)


def test_cameras_of_a_snapshot_stand_where_the_moment_puts_them(
    snapshots: tuple[Snapshot, ...],
) -> None:
    scene = snapshots[0].scene
    for number, snapshot in enumerate(snapshots):
        assert snapshot.capture_time_s == pytest.approx(number / 2)
        expected = camera(scene, "left").view(number / 2).X_WC
        assert np.array_equal(snapshot.view(camera(scene, "left")).X_WC, expected)


def test_a_camera_rides_on_a_part(snapshots: tuple[Snapshot, ...]) -> None:
    rider = camera(snapshots[0].scene, "rider")
    places = []
    for snapshot in snapshots:
        X_WB, X_WC = snapshot.X_WB[0], snapshot.view(rider).X_WC
        assert X_WC[:3, :3] == pytest.approx(X_WB[:3, :3] @ turn("x", 180), abs=1e-12)
        assert X_WC[:3, 3] == pytest.approx(X_WB[:3, 3] + 0.2 * X_WB[:3, 2], abs=1e-12)
        places.append(X_WC[:3, 3])
    assert places[2][0] - places[0][0] == pytest.approx(0.2, rel=0.02)  # 1 s on a belt, 0.2 m/s


def test_a_camera_on_furniture_stands_still_with_it(snapshots: tuple[Snapshot, ...]) -> None:
    guard = camera(snapshots[0].scene, "guard")
    row = [body.name for body in snapshots[0].scene.bodies].index("belts/main")
    X_WB = snapshots[0].X_WB[row]
    for snapshot in snapshots:
        X_WC = snapshot.view(guard).X_WC
        assert X_WC[:3, 3] == pytest.approx(X_WB[:3, 3] + (0.2, 0, 0.7), abs=1e-9)


def test_the_right_camera_of_a_pair_sees_the_disparity_exactly(
    snapshots: tuple[Snapshot, ...],
) -> None:
    scene = snapshots[1].scene
    left, right = (snapshots[1].view(camera(scene, name)) for name in ("left", "right"))
    assert np.array_equal(left.K, right.K)
    assert (left.width, left.height) == (right.width, right.height)
    rng = np.random.default_rng(0)
    p_C = rng.uniform((-0.3, -0.3, 0.3), (0.3, 0.3, 2.0), (200, 3))
    p_W = pose.apply(left.X_WC, p_C)
    uv, uv_right = (
        lens.project(pose.apply(pose.inverse(view.X_WC), p_W), view.K) for view in (left, right)
    )
    assert (uv - uv_right)[:, 0] == pytest.approx(150 * 0.08 / p_C[:, 2], abs=1e-9)
    assert (uv - uv_right)[:, 1] == pytest.approx(0, abs=1e-9)


def test_jitter_arrives_where_the_sample_puts_it() -> None:
    varied = task(TASK)
    before = nominal()
    for index in range(5):
        values = sample(varied, 3, index).values
        scene = compose(varied, sample(varied, 3, index), seed=3)
        left, right = camera(scene, "left"), camera(scene, "right")
        focal = float(values["cameras.left.jitter.focal"])  # type: ignore[arg-type]
        shift = np.array(values["cameras.left.jitter.p_m"])
        K = np.diag([focal, focal, 1]) @ [[150, 0.75, 0], [0, 148, 0], [0, 0, 1]]
        K[:2, 2] = 80.5, 58.25  # the lens's middle does not move with its length
        assert left.K == pytest.approx(K, abs=1e-12)
        X_LL = pose.inverse(camera(before, "left").view(0.3).X_WC) @ left.view(0.3).X_WC
        assert pytest.approx(pose.pose(None, shift), abs=1e-12) == X_LL  # its own axes

        K[:2, 2] += np.array(values["cameras.right.jitter.center_px"])
        assert right.K == pytest.approx(K, abs=1e-12)
        roll, pitch, yaw = np.array(values["cameras.right.jitter.rpy_deg"]).tolist()
        baseline = float(values["cameras.right.baseline_m"])  # type: ignore[arg-type]
        X_LR = pose.inverse(left.view(0.3).X_WC) @ right.view(0.3).X_WC
        assert X_LR[:3, 3] == pytest.approx([baseline, 0, 0], abs=1e-12)
        R_LR = turn("z", yaw) @ turn("y", pitch) @ turn("x", roll)
        assert X_LR[:3, :3] == pytest.approx(R_LR, abs=1e-12)

        wide = camera(scene, "wide").distortion
        assert wide is not None
        k1 = values["cameras.wide.distortion.k1"]
        assert wide.tolist() == [k1, 0.06, 0.001, -0.0005, 0, 0, 0, 0]


def test_what_the_bent_picture_shows_is_where_opencv_projects_it(
    snapshots: tuple[Snapshot, ...], tiny: Renderer
) -> None:
    """The whole way: file, sample, scene, physics, view, picture."""
    wide = camera(snapshots[0].scene, "wide")
    for snapshot in snapshots[:2]:
        view = snapshot.view(wide)
        assert view.distortion is not None
        frame = easel.shoot(tiny, snapshot, view)
        X_CW = pose.inverse(view.X_WC)
        for row in (0, 1):
            body = snapshot.scene.bodies[row]
            corners = pose.apply(
                X_CW @ snapshot.X_WB[row], snapshot.scene.objects[body.object].mesh.vertices
            )
            uv, _ = cv2.projectPoints(corners, np.zeros(3), np.zeros(3), view.K, view.distortion)
            hull = cv2.convexHull(uv.astype(np.float32))
            v, u = np.nonzero(frame.instance == body.id)
            assert len(u) > 30
            edge = [
                cv2.pointPolygonTest(hull, (float(x), float(y)), True)
                for x, y in zip(u, v, strict=True)
            ]
            assert min(edge) > -0.05  # the lens bends edges a little beyond the hull of the corners
            assert len(u) == pytest.approx(cv2.contourArea(hull), rel=0.08)


def test_what_the_left_picture_measures_is_found_in_the_right_one(
    snapshots: tuple[Snapshot, ...], tiny: Renderer
) -> None:
    """Every pixel of a part, put into space by its depth, shifted by fx b / z: the same part."""
    scene, snapshot = snapshots[0].scene, snapshots[0]
    views = [snapshot.view(camera(scene, name)) for name in ("left", "right")]
    left, right = easel.begin(tiny, snapshot, views)()
    v, u = np.nonzero(left.instance > 0)
    z = left.depth_m[v, u]
    u_right = np.rint(u - 150 * 0.08 / z).astype(int)
    inside = u_right >= 0
    v, u, z, u_right = v[inside], u[inside], z[inside], u_right[inside]
    same = right.instance[v, u_right] == left.instance[v, u]
    assert len(same) > 5000
    assert same.mean() > 0.99  # the rest is hidden in one of the two, or half a pixel
    assert np.median(np.abs(right.depth_m[v, u_right] - z)[same]) < 1e-4


PAGE = (Path(__file__).parent.parent / "docs/cameras.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
BASE = """\
format: simenv-task-1
name: page
actors:
  parts: {objects: [brick], count: 3, spawn: {zone: infeed}}
scene:
  belts:
    main: {length_m: 1.6, width_m: 0.5, top_z_m: 0.4, speed_m_s: 0.2}
  zones:
    infeed: {center: [-0.3, 0, 0.4], size_m: [0.3, 0.3]}
"""


@pytest.mark.parametrize("block", [b for b in BLOCKS if "camera_matrix" not in b])
def test_what_the_page_shows_of_a_task_is_a_scene(block: str) -> None:
    shown = yaml.parse(block, name="page").value
    base = yaml.parse(BASE, name="base").value
    whole = {**base, **shown, "scene": {**base["scene"], **shown.get("scene", {})}}
    loaded = task(yaml.write(whole))
    scene = compose(loaded, sample(loaded, 0, 1), seed=0)
    assert [camera.name for camera in scene.cameras] == list(shown["cameras"])


def test_what_the_page_shows_of_a_calibration_is_what_is_printed(tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if "camera_matrix" in block)
    (tmp_path / "left.yaml").write_text(block)
    printed = "".join(f"    {line}\n" for line in describe(tmp_path / "left.yaml").splitlines())
    assert printed in PAGE
