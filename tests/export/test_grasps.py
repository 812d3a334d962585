"""Exported grasps hold the part where the formats' own definitions put the gripper."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from ruamel.yaml import YAML

from simenv import mesh, pose
from simenv.dataset.grasps import read_grasps, write_grasps
from simenv.errors import InputError
from simenv.export import GRASP_FORMATS, export
from simenv.grasp.model import GraspSet
from simenv.spec.catalog import load_object
from simenv.spec.load_robot import load_robot
from tests.dataset.grasps import OPENINGS_M, box_file, box_grasps
from tests.export.conftest import files
from tests.export.demos import snippet

JAWS = tuple(OPENINGS_M)
REACH_M = {"jaw85": 0.151, "wsg50": 0.1435, "panda": 0.1034}
TIP_M = {"jaw85": 0.014, "wsg50": 0.010, "panda": 0.00885}


def exported(tmp_path: Path, to: str, grasps: GraspSet) -> Path:
    """The folder of an export of one set."""
    export(box_file(tmp_path / "grasps.h5", grasps), to, tmp_path / "out")
    return tmp_path / "out"


def pads(X_BG: NDArray[np.float64], width_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2, 3) where two pads are that close along x of G."""
    return np.stack(
        [X_BG[:, :3, 3] + s * width_m[:, None] / 2 * X_BG[:, :3, 0] for s in (-1, 1)], 1
    )


def test_the_grasps_made_by_hand_touch_what_they_say() -> None:
    for gripper in JAWS:
        grasps = box_grasps(gripper=gripper)
        np.testing.assert_allclose(pads(grasps.X_BG, grasps.width_m), grasps.contacts_B, atol=1e-12)


@pytest.mark.parametrize("gripper", JAWS)
def test_acronym_stands_where_the_gripper_is_mounted(tmp_path: Path, gripper: str) -> None:
    grasps = box_grasps(gripper=gripper)
    out = exported(tmp_path, "acronym", grasps)
    with h5py.File(out / f"grasps/carton_small-{gripper}.h5") as file:
        T = file["grasps/transforms"][()]
        assert T.dtype == np.float64
        assert T.shape == (24, 4, 4)
        # The fingers of ACRONYM's gripper are at +-x of its frame, their pads this far along its z.
        middle = T @ pose.pose(p_AB=(0, 0, REACH_M[gripper]))
        np.testing.assert_allclose(pads(middle, grasps.width_m), grasps.contacts_B, atol=1e-12)
        assert file["simenv/reach_m"][()] == pytest.approx(REACH_M[gripper])
        assert file["gripper/type"][()] == gripper.encode()
        assert file["gripper/configuration"].shape == (1,)


def test_acronym_of_the_panda_is_the_frame_of_its_hand(tmp_path: Path) -> None:
    """Turned by a quarter: ACRONYM's hand closes along x, Franka's along y."""
    out = exported(tmp_path, "acronym", box_grasps(gripper="panda"))
    link = isaac_frames(exported(tmp_path / "isaac", "isaac_grasp", box_grasps(gripper="panda")))
    with h5py.File(out / "grasps/carton_small-panda.h5") as file:
        quarter = pose.from_rpy_deg((0, 0, 90))
        np.testing.assert_allclose(file["grasps/transforms"][()], link @ quarter, atol=1e-8)
        np.testing.assert_allclose(file["gripper/configuration"][()], [0.04])


def test_acronym_has_what_its_loader_and_its_examples_have(tmp_path: Path) -> None:
    grasps = box_grasps()
    out = exported(tmp_path, "acronym", grasps)
    with h5py.File(out / "grasps/carton_small-jaw85.h5") as file:
        flex = file["grasps/qualities/flex"]
        held = flex["object_in_gripper"][()]
        assert held.dtype == np.int64
        np.testing.assert_array_equal(held, grasps.success_probability >= 0.5)
        for name, values in (
            ("closing_linear", grasps.motion_m),
            ("shaking_linear", grasps.slip_m),
            ("shaking_angular", grasps.turn_rad),
        ):
            np.testing.assert_array_equal(flex[f"object_motion_during_{name}"][()], values)
        assert np.isnan(flex["object_motion_during_closing_angular"][()]).all()
        model, own = load_object("carton_small"), {k: v[()] for k, v in file["object"].items()}
    assert own["file"].decode("utf-8") == "meshes/carton_small.obj"
    assert own["scale"] == 1.0
    assert own["mass"] == model.spec.mass_kg
    assert own["friction"] == model.spec.friction.lateral
    assert own["volume"] == pytest.approx(0.09 * 0.06 * 0.04, rel=0.01)
    assert own["density"] * own["volume"] == pytest.approx(own["mass"])
    com, inertia = model.mass_properties
    np.testing.assert_array_equal(own["com"], com)
    np.testing.assert_array_equal(own["inertia"], inertia)


@pytest.mark.parametrize("to", GRASP_FORMATS)
def test_the_mesh_beside_it_is_that_of_the_file(tmp_path: Path, to: str) -> None:
    out = exported(tmp_path, to, box_grasps())
    found, wanted = (
        mesh.load_obj(out / "meshes/carton_small.obj"),
        read_grasps(tmp_path / "grasps.h5"),
    )
    np.testing.assert_array_equal(
        found.vertices[found.faces].astype(np.float32), wanted.vertices[wanted.faces]
    )


@pytest.mark.parametrize("gripper", JAWS)
def test_graspnet_closes_along_y_and_reaches_along_x(tmp_path: Path, gripper: str) -> None:
    grasps = box_grasps(gripper=gripper)
    out = exported(tmp_path, "graspnet", grasps)
    array = np.load(out / f"grasps/carton_small-{gripper}.npy")
    assert array.dtype == np.float64
    assert array.shape == (24, 17)
    score, width, height, depth = array[:, :4].T
    R, p = array[:, 4:13].reshape(-1, 3, 3), array[:, 13:16]
    np.testing.assert_array_equal(score, grasps.success_probability)
    np.testing.assert_array_equal(width, grasps.opening_m)
    np.testing.assert_allclose(depth, TIP_M[gripper], atol=1e-5)
    assert (height > 0.018).all()
    assert (height < 0.024).all()
    np.testing.assert_allclose(np.linalg.det(R), 1.0)
    along = np.stack([p + s * grasps.width_m[:, None] / 2 * R[:, :, 1] for s in (-1, 1)], 1)
    np.testing.assert_allclose(along, grasps.contacts_B, atol=1e-12)
    np.testing.assert_allclose(R[:, :, 0], grasps.X_BG[:, :3, 2], atol=1e-12)
    assert (array[:, 16] == 0).all()


def isaac(out: Path, gripper: str) -> dict[str, Any]:
    """A file of Isaac, as a reader of YAML 1.1 has it."""
    yaml = YAML(typ="safe")
    yaml.version = (1, 1)
    found: dict[str, Any] = yaml.load(out / f"carton_small-{gripper}.yaml")
    return found


def isaac_frames(out: Path, gripper: str = "panda") -> NDArray[np.float64]:
    found = []
    for row in isaac(out, gripper)["grasps"].values():
        turned = row["orientation"]
        found.append(pose.from_quaternion([*turned["xyz"], turned["w"]], row["position"]))
    return np.stack(found)


@pytest.mark.parametrize("gripper", [*JAWS, "cup"])
def test_isaac_has_the_pose_of_a_link_and_its_joints(tmp_path: Path, gripper: str) -> None:
    grasps = box_grasps(gripper=gripper)
    out = exported(tmp_path, "isaac_grasp", grasps)
    found, model = isaac(out, gripper), load_robot(gripper).hand
    assert found["format"] == "isaac_grasp"
    assert found["format_version"] == 1.0
    assert found["object_frame_link"] == "carton_small"
    assert found["gripper_frame_link"] == model.grasp.link
    X_BL = isaac_frames(out, gripper)
    for i, (name, row) in enumerate(found["grasps"].items()):
        assert name == f"grasp_{i}"
        assert row["confidence"] == pytest.approx(grasps.success_probability[i])
        # The robot's own kinematics puts G, and its pads, where the grasp has them.
        q = {**model.start(), **row["cspace_position"]}
        np.testing.assert_allclose(X_BL[i] @ model.grasp.X_AB, grasps.X_BG[i], atol=1e-7)
        if gripper != "cup":
            assert sum(q.values()) == pytest.approx(grasps.width_m[i], abs=1e-6)
            before = sum(row["pregrasp_cspace_position"].values())
            assert before == pytest.approx(grasps.opening_m[i], abs=1e-6)
        else:
            assert row["cspace_position"] == row["pregrasp_cspace_position"] == {}


@pytest.mark.parametrize("to", GRASP_FORMATS)
def test_equal_files_give_equal_bytes(tmp_path: Path, to: str) -> None:
    for gripper in JAWS:
        box_file(tmp_path / f"in/{gripper}.h5", box_grasps(gripper=gripper))
    steps: list[tuple[int, int]] = []
    for name in ("one", "two"):
        said = export(
            tmp_path / "in", to, tmp_path / name, progress=lambda *step: steps.append(step)
        )
        assert said == f"{tmp_path / name}: 72 grasps of 3 files"
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert steps == [(1, 3), (2, 3), (3, 3)] * 2


@pytest.mark.parametrize("to", GRASP_FORMATS)
def test_what_was_not_tried_is_left_out(tmp_path: Path, to: str) -> None:
    grasps = box_grasps()
    outcome = grasps.outcome.copy()
    outcome[[2, 5]] = -1
    path = box_file(tmp_path / "in.h5", replace(grasps, outcome=outcome))
    assert export(path, to, tmp_path / "out") == f"{tmp_path / 'out'}: 22 grasps of 1 files"
    if to == "isaac_grasp":  # a name is a row of the file
        names = list(isaac(tmp_path / "out", "jaw85")["grasps"])
        assert names == [f"grasp_{i}" for i in range(24) if i not in (2, 5)]


def test_objects_are_numbered_by_file(tmp_path: Path) -> None:
    box_file(tmp_path / "in/a.h5", box_grasps(object="tin"))
    box_file(tmp_path / "in/b.h5", box_grasps(gripper="panda"))
    box_file(tmp_path / "in/c.h5", box_grasps(gripper="wsg50"))
    export(tmp_path / "in", "graspnet", tmp_path / "out")
    assert json.loads((tmp_path / "out/objects.json").read_text()) == {
        "0": {"name": "tin", "mesh": "meshes/tin.obj"},
        "1": {"name": "carton_small", "mesh": "meshes/carton_small.obj"},
    }
    for name, number in (("tin-jaw85", 0), ("carton_small-panda", 1), ("carton_small-wsg50", 1)):
        assert (np.load(tmp_path / f"out/grasps/{name}.npy")[:, 16] == number).all()


def refused(tmp_path: Path, to: str) -> str:
    """Why in/ is not exported."""
    with pytest.raises(InputError) as error:
        export(tmp_path / "in", to, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    return str(error.value).removeprefix(f"{tmp_path / 'in'}")


@pytest.mark.parametrize("to", ["acronym", "graspnet"])
def test_a_cup_is_refused_where_jaws_are_meant(tmp_path: Path, to: str) -> None:
    box_file(tmp_path / "in/a.h5", box_grasps(gripper="cup"))
    assert refused(tmp_path, to) == (
        f"/a.h5: {to} cannot say grasps of cup, a vacuum gripper; use --to isaac_grasp"
    )


def test_two_files_of_one_pair_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        box_file(tmp_path / f"in/{name}.h5")
    assert refused(tmp_path, "graspnet") == (
        f"/b.h5: is of the same object and gripper as {tmp_path / 'in/a.h5'}; remove one of the two"
    )


def test_two_meshes_of_one_object_are_refused(tmp_path: Path) -> None:
    box_file(tmp_path / "in/a.h5")
    other = mesh.box((0.09, 0.06, 0.05))
    write_grasps(tmp_path / "in/b.h5", box_grasps(gripper="panda"), other.vertices, other.faces)
    assert refused(tmp_path, "isaac_grasp") == (
        "/b.h5: has another mesh of carton_small than the files before; make the grasps of both "
        "grippers again"
    )


def test_an_object_that_has_changed_is_refused(tmp_path: Path) -> None:
    other = mesh.box((0.09, 0.06, 0.05))
    write_grasps(tmp_path / "in/a.h5", box_grasps(), other.vertices, other.faces)
    assert refused(tmp_path, "acronym") == (
        "/a.h5: carton_small has another size in the catalog by now; make its grasps again"
    )


@pytest.mark.parametrize("to", GRASP_FORMATS)
def test_grasps_that_nobody_tried_have_no_label(tmp_path: Path, to: str) -> None:
    box_file(tmp_path / "in/a.h5", box_grasps(trials=0))
    assert refused(tmp_path, to) == "/a.h5: no grasp in it was tried, so none has a label; try them"


@pytest.mark.parametrize(("what", "name"), [("object", "tea_cup"), ("gripper", "claw")])
def test_what_the_catalog_lacks_is_said(tmp_path: Path, what: str, name: str) -> None:
    values: dict[str, Any] = {what: name}
    box_file(tmp_path / "in/a.h5", replace(box_grasps(), **values))
    kind = {"object": "object", "gripper": "robot"}[what]
    assert f"no {kind} {name}" in refused(tmp_path, "acronym")


def test_formats_of_other_things_are_refused(tmp_path: Path) -> None:
    box_file(tmp_path / "in/a.h5")
    assert refused(tmp_path, "coco") == (
        ": holds grasps, which coco cannot say; use --to acronym, graspnet or isaac_grasp"
    )
    with pytest.raises(InputError, match="--sensor, --split: are of datasets; leave them out"):
        export(tmp_path / "in", "acronym", tmp_path / "out", sensor=True)


def test_a_dataset_holds_no_grasps(painted: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        export(painted, "acronym", tmp_path / "out")
    assert str(error.value) == (
        f"{painted}: holds no grasps, which acronym is made of; name a file that `simenv grasps` "
        "wrote, or a folder of them, or export a dataset with --to bop or coco"
    )


def test_names_are_those_of_the_command() -> None:
    from simenv.cli import ExportFormat

    assert GRASP_FORMATS == ("acronym", "graspnet", "isaac_grasp")
    assert set(GRASP_FORMATS) <= {member.value for member in ExportFormat}


@pytest.mark.parametrize("to", GRASP_FORMATS)
def test_the_snippets_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.chdir(tmp_path)
    box_file(tmp_path / "in/a.h5")
    export("in", to, f"out-{to}")
    heading = {"acronym": "ACRONYM", "graspnet": "GraspNet", "isaac_grasp": "Isaac"}[to]
    found: dict[str, Any] = {}
    exec(snippet(heading), found)
    assert found["X_BG"].shape == (24, 4, 4)
    np.testing.assert_allclose(found["X_BG"], box_grasps().X_BG, atol=1e-8)
