"""The BOP folder agrees with itself, with the dataset, and with rays cast by a stranger."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import simenv
from simenv import pose
from simenv.dataset.read import Item, ObjectEntry
from simenv.errors import InputError
from simenv.export import export
from simenv.export.model import symmetries
from tests.export.conftest import PINHOLES
from tests.export.toolkit import DELTA_MM, Image, Instance, depth_on_canvas, images, iou, read_ply

JUDGED_PX = 400  # smaller silhouettes are mostly border


@cache
def model(root: Path, number: int) -> Any:
    """One of models/."""
    return read_ply(root / f"models/obj_{number:06d}.ply")


def cast(root: Path, instance: Instance, shift_px: float = 0.0) -> NDArray[np.float64]:
    """What rays say of an instance alone, on the canvas of three by three images."""
    K = instance.image.K + np.array([[0, 0, shift_px], [0, 0, shift_px], [0, 0, 0]])
    size = instance.image.depth_mm.shape
    return depth_on_canvas(model(root, instance.gt["obj_id"]), instance.X_CM, K, *size)


def inside(canvas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The image in the middle of the canvas."""
    height, width = canvas.shape[0] // 3, canvas.shape[1] // 3
    return canvas[height : 2 * height, width : 2 * width]


def judged(root: Path) -> Iterator[tuple[Instance, NDArray[np.float64]]]:
    """Instances worth judging, with what rays say of them."""
    for image in images(root):
        for instance in image.instances:
            canvas = cast(root, instance)
            if np.count_nonzero(canvas) > JUDGED_PX:
                yield instance, canvas


def pairs(root: Path, dataset: Path) -> Iterator[tuple[Image, Item]]:
    """Each picture of the folder with the one that it comes from."""
    rows = {row["bop_scene"]: row for row in json.loads((root / "simenv_map.json").read_text())}
    with simenv.open(dataset) as source:
        first: dict[int, int] = {}
        items = {}
        for item in source:
            first.setdefault(item.scene, item.frame)
            items[item.scene, item.camera, item.frame - first[item.scene]] = item
    for image in images(root):
        row = rows[image.scene]
        yield image, items[row["scene"], row["camera"], image.number]


def test_rays_reproduce_masks_visible_fractions_and_depth(bop: Path) -> None:
    silhouettes, visible, fractions, errors_mm = [], [], [], []
    for instance, canvas in judged(bop):
        depth_mm, alone = instance.image.depth_mm, inside(canvas)
        seen = (alone > 0) & (depth_mm > 0) & (alone <= depth_mm + DELTA_MM)
        silhouettes.append(iou(alone > 0, instance.mask))
        share = np.count_nonzero(seen) / np.count_nonzero(canvas)
        fractions.append(abs(share - instance.info["visib_fract"]))
        if np.count_nonzero(seen | instance.visible) > JUDGED_PX:
            visible.append(iou(seen, instance.visible))
            errors_mm.append(np.median(np.abs(alone - depth_mm)[seen & instance.visible]))
    assert len(silhouettes) > 30
    assert len(visible) > 20
    assert np.mean(silhouettes) >= 0.999
    assert np.mean(visible) >= 0.998
    assert np.min(silhouettes + visible) >= 0.985
    assert np.max(fractions) <= 0.01
    assert np.max(errors_mm) <= 0.2


def test_the_origin_of_pixels_is_the_centre_of_the_first_one(bop: Path) -> None:
    there = [iou(inside(canvas) > 0, one.mask) for one, canvas in judged(bop)]
    half = [iou(inside(cast(bop, one, 0.5)) > 0, one.mask) for one, _ in judged(bop)]
    assert np.mean(there) > 0.999
    assert np.mean(half) < 0.98


def test_counts_and_boxes_reach_beyond_the_image_as_rays_do(bop: Path) -> None:
    truncated = 0
    for one, canvas in judged(bop):
        px, info = np.count_nonzero(canvas), one.info
        assert abs(px - info["px_count_all"]) <= 0.003 * px
        if info["px_count_visib"]:
            truncated += int(px > np.count_nonzero(inside(canvas)))
            height, width = one.mask.shape
            x, y, *size = bounds(canvas > 0)
            np.testing.assert_allclose(info["bbox_obj"], [x - width, y - height, *size], atol=1)
    assert truncated > 0


def test_the_info_follows_from_the_masks_and_the_depth_image(bop: Path) -> None:
    unseen = 0
    for image in images(bop):
        for one in image.instances:
            info = one.info
            assert info["px_count_visib"] == np.count_nonzero(one.visible)
            assert info["px_count_valid"] == np.count_nonzero(image.depth_mm[one.mask])
            assert info["px_count_all"] >= np.count_nonzero(one.mask)
            assert (one.mask | ~one.visible).all()
            assert info["visib_fract"] == info["px_count_visib"] / max(info["px_count_all"], 1)
            assert info["bbox_visib"] == bounds(one.visible)
            if info["px_count_visib"] == 0:
                unseen += 1
                assert info["bbox_obj"] == [-1, -1, -1, -1]
            elif info["px_count_all"] == np.count_nonzero(one.mask):
                assert info["bbox_obj"] == bounds(one.mask)
    assert unseen > 0, "nothing is hidden"


def bounds(mask: NDArray[np.bool_]) -> list[int]:
    """x, y, width, height as misc.calc_2d_bbox of the toolkit: last pixel minus first."""
    if not mask.any():
        return [-1, -1, -1, -1]
    y, x = np.nonzero(mask)
    return [int(v) for v in (x.min(), y.min(), x.max() - x.min(), y.max() - y.min())]


def test_pictures_and_poses_are_those_of_the_dataset(bop: Path, labelled: Path) -> None:
    names = json.loads((bop / "objects.json").read_text())
    for image, item in pairs(bop, labelled):
        np.testing.assert_array_equal(image.rgb, item.rgb)
        np.testing.assert_allclose(image.depth_mm, item.depth_m * 1000.0, rtol=1e-6)
        np.testing.assert_array_equal(image.K, item.K)
        parts = np.flatnonzero(item.roles == "part")
        assert len(image.gt) == len(parts) < np.sum(item.groups != "belts")
        for one, row in zip(image.instances, parts, strict=True):
            X_CB = item.X_CB[row].copy()
            X_CB[:3, 3] *= 1000.0
            np.testing.assert_allclose(one.X_CM, X_CB, rtol=1e-15, atol=1e-12)
            np.testing.assert_array_equal(one.visible, item.instance == item.ids[row])
            assert names[str(one.gt["obj_id"])]["name"] == item.objects[row]


def test_world_to_camera_joins_the_cameras_of_a_scene(bop: Path, labelled: Path) -> None:
    for image, item in pairs(bop, labelled):
        X_CW = np.eye(4)
        X_CW[:3, :3] = np.array(image.camera["cam_R_w2c"]).reshape(3, 3)
        X_CW[:3, 3] = np.array(image.camera["cam_t_w2c"]) / 1000.0
        for one, X_WB in zip(image.instances, item.X_WB[item.roles == "part"], strict=True):
            X_CB = X_CW @ X_WB
            np.testing.assert_allclose(one.X_CM[:3, 3] / 1000.0, X_CB[:3, 3], atol=1e-9)
            np.testing.assert_allclose(one.X_CM[:3, :3], X_CB[:3, :3], atol=1e-9)


def test_the_map_pairs_every_bop_scene_with_a_camera_and_its_ids(bop: Path, labelled: Path) -> None:
    with simenv.open(labelled) as dataset:
        cameras = dataset.cameras
    rows = json.loads((bop / "simenv_map.json").read_text())
    assert [row["bop_scene"] for row in rows] == sorted({image.scene for image in images(bop)})
    for row in rows:
        assert row["bop_scene"] == row["scene"] * len(cameras) + cameras.index(row["camera"])
        assert row["camera"] in PINHOLES
    for image, item in pairs(bop, labelled):
        (row,) = (row for row in rows if row["bop_scene"] == image.scene)
        assert row["ids"] == item.ids[item.roles == "part"].tolist()


def test_the_json_has_what_the_toolkits_loaders_ask_for(bop: Path) -> None:
    for image in images(bop):
        assert [len(image.camera[key]) for key in ("cam_K", "cam_R_w2c", "cam_t_w2c")] == [9, 9, 3]
        assert "cam_model" not in image.camera  # it excludes cam_K
        for gt, info in zip(image.gt, image.info, strict=True):
            assert set(gt) == {"cam_R_m2c", "cam_t_m2c", "obj_id"}
            assert (len(gt["cam_R_m2c"]), len(gt["cam_t_m2c"])) == (9, 3)
            counts = {"px_count_all", "px_count_valid", "px_count_visib"}
            assert set(info) == {"bbox_obj", "bbox_visib", "visib_fract", *counts}
            assert all(type(info[key]) is int for key in counts)
    camera = json.loads((bop / "camera.json").read_text())
    assert set(camera) == {"cx", "cy", "fx", "fy", "width", "height", "depth_scale"}
    assert camera == json.loads((bop / "camera_side.json").read_text())
    assert (camera["width"], camera["height"]) == (240, 160)


def test_folders_of_scenes_hold_numbers_and_nothing_else(bop: Path) -> None:
    for scene in (bop / "train").iterdir():
        assert scene.name == f"{int(scene.name):06d}"
        kinds = {"rgb", "depth", "mask", "mask_visib"}
        files = {"scene_camera.json", "scene_gt.json", "scene_gt_info.json"}
        assert {path.name for path in scene.iterdir()} == kinds | files
        assert sorted(p.name for p in (scene / "rgb").iterdir()) == ["000000.png", "000001.png"]


def test_models_have_what_the_toolkits_ply_loader_reads(bop: Path) -> None:
    for path in (bop / "models").glob("*.ply"):
        ply = read_ply(path)
        assert [name for _, name in ply.properties] == ["x", "y", "z", "nx", "ny", "nz"]
        assert {kind for kind, _ in ply.properties} == {"float"}
        assert ply.list_line == "property list uchar int vertex_indices"


def test_models_are_those_of_the_dataset_in_millimetres(bop: Path, labelled: Path) -> None:
    names = json.loads((bop / "objects.json").read_text())
    infos = json.loads((bop / "models/models_info.json").read_text())
    with simenv.open(labelled) as dataset:
        objects = dict(dataset.objects)
    assert set(infos) == set(names)
    for number, info in infos.items():
        ply, entry = model(bop, int(number)), objects[names[number]["name"]]
        np.testing.assert_allclose(ply.points, entry.vertices * 1000.0, atol=1e-4)
        np.testing.assert_array_equal(ply.faces, entry.faces)
        for k, axis in enumerate("xyz"):
            assert info[f"min_{axis}"] == pytest.approx(ply.points[:, k].min(), abs=1e-4)
            assert info[f"size_{axis}"] == pytest.approx(np.ptp(ply.points[:, k]), abs=1e-4)
        apart = np.linalg.norm(ply.points[:, None] - ply.points[None], axis=2)
        assert info["diameter"] == pytest.approx(apart.max(), abs=1e-3)


def test_normals_are_unit_and_point_out_of_their_faces(bop: Path) -> None:
    for path in (bop / "models").glob("*.ply"):
        ply = read_ply(path)
        np.testing.assert_allclose(np.linalg.norm(ply.normals, axis=1), 1.0, atol=1e-5)
        a, b, c = (ply.points[ply.faces[:, k]] for k in range(3))
        flat = np.cross(b - a, c - a)
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        assert np.einsum("ti,tci->tc", flat, ply.normals[ply.faces]).min() > 0.7


def test_normals_of_a_box_are_those_of_its_sides(bop: Path) -> None:
    names = json.loads((bop / "objects.json").read_text())
    (brick,) = (int(number) for number, entry in names.items() if entry["name"] == "brick")
    ply = model(bop, brick)
    sides = np.abs(ply.normals)
    np.testing.assert_allclose(np.sort(sides, axis=1), np.tile([0.0, 0.0, 1.0], (len(sides), 1)))


@pytest.fixture
def entry(labelled: Path) -> ObjectEntry:
    """Some object."""
    with simenv.open(labelled) as dataset:
        return dataset.objects["brick"]


def with_symmetry(entry: ObjectEntry, discrete: Any = (), continuous: Any = ()) -> dict[str, Any]:
    """What models_info.json says of an object with these symmetries."""
    text = json.dumps({"discrete": discrete, "continuous": continuous})
    return symmetries(replace(entry, symmetry=text))


def motion(*rpy_deg: float, offset_m: tuple[float, float, float] = (0, 0, 0)) -> dict[str, Any]:
    """A discrete symmetry as datasets hold it."""
    return {"rpy_deg": rpy_deg, "offset_m": offset_m}


def test_an_object_without_symmetries_has_no_such_keys(entry: ObjectEntry) -> None:
    assert with_symmetry(entry) == {}


@pytest.mark.parametrize(
    ("declared", "count"),
    [
        ([motion(0, 0, 90)], 3),
        ([motion(180, 0, 0), motion(0, 180, 0)], 3),
        ([motion(0, 0, 60), motion(180, 0, 0)], 11),
        ([motion(0, 0, 90), motion(90, 0, 0)], 23),
        ([motion(0, 0, 22.5 * k) for k in range(1, 16)], 15),
    ],
)
def test_discrete_symmetries_are_completed_to_a_group(
    entry: ObjectEntry, declared: list[Any], count: int
) -> None:
    found = with_symmetry(entry, declared)["symmetries_discrete"]
    motions = np.array(found).reshape(-1, 4, 4)
    assert len(motions) == count
    everything = [np.eye(4), *motions]
    for a in everything:
        for b in everything:
            assert any(np.allclose(a @ b, c, atol=1e-9) for c in everything)


def test_the_translation_of_a_symmetry_is_in_millimetres(entry: ObjectEntry) -> None:
    (row,) = with_symmetry(entry, [motion(0, 0, 180, offset_m=(0.02, 0, 0))])["symmetries_discrete"]
    about = (
        pose.pose(p_AB=(10, 0, 0)) @ pose.from_rpy_deg((0, 0, 180)) @ pose.pose(p_AB=(-10, 0, 0))
    )
    np.testing.assert_allclose(np.reshape(row, (4, 4)), about, atol=1e-9)


def test_a_continuous_symmetry_has_a_unit_axis_and_an_offset_in_millimetres(
    entry: ObjectEntry,
) -> None:
    axis = {"axis": [0, 0, 2], "offset_m": [0.001, 0, 0]}
    found = with_symmetry(entry, continuous=[axis])
    assert found == {"symmetries_continuous": [{"axis": [0, 0, 1], "offset": [1, 0, 0]}]}


def test_motions_that_make_no_small_group_are_refused(entry: ObjectEntry) -> None:
    with pytest.raises(InputError) as error:
        with_symmetry(entry, [motion(0, 0, 0.1234567)])
    assert str(error.value) == (
        "objects/brick: symmetry: its discrete motions have more than 720 products; "
        "use angles that divide 360, or a continuous axis"
    )


def test_every_exported_symmetry_maps_the_model_onto_itself(bop: Path) -> None:
    infos = json.loads((bop / "models/models_info.json").read_text())
    motions = [
        (int(number), np.reshape(row, (4, 4)))
        for number, info in infos.items()
        for row in info.get("symmetries_discrete", [])
    ]
    assert motions
    for number, X in motions:
        points = model(bop, number).points
        moved = points @ X[:3, :3].T + X[:3, 3]
        apart = np.linalg.norm(moved[:, None] - points[None], axis=2).min(axis=1)
        assert apart.max() < 0.2


def test_silhouettes_from_geometry_are_those_that_were_stored(
    bop: Path, bare: Path, tmp_path: Path
) -> None:
    export(bare, "bop", tmp_path / "out", cameras=PINHOLES)
    stored = sorted((bop / "train").rglob("mask/*.png"))
    computed = sorted((tmp_path / "out/train").rglob("mask/*.png"))
    assert len(stored) == len(computed) > 0
    different = 0
    for image, twin in zip(images(bop), images(tmp_path / "out"), strict=True):
        for one, other in zip(image.instances, twin.instances, strict=True):
            different += int(np.count_nonzero(one.mask ^ other.mask))
            np.testing.assert_array_equal(one.visible, other.visible)
            assert {**one.info, "px_count_valid": 0} == {**other.info, "px_count_valid": 0}
    assert different <= 5  # meshes are stored as float32


def test_a_distorted_lens_is_refused_and_the_ways_out_work(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        export(labelled, "bop", tmp_path / "out")
    assert str(error.value) == (
        f"{labelled}: camera bent has a distorted lens, which BOP cannot say; leave it out with "
        "--cameras, export to coco, or generate it as a pinhole"
    )
    assert list(tmp_path.iterdir()) == []
    export(labelled, "bop", tmp_path / "out", cameras=["top"])
    export(labelled, "coco", tmp_path / "coco")
    assert {image.rgb.shape for image in images(tmp_path / "out")} == {(240, 320, 3)}
