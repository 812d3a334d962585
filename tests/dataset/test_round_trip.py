"""What goes into a shard comes out, through simenv.open and through h5py alone."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv.dataset.hdf5 import in_memory, read_tables, write_tables
from simenv.dataset.layout import Layout
from simenv.dataset.param import Param
from simenv.dataset.read import open as open_dataset
from simenv.dataset.record import Record
from simenv.dataset.rows import content_hash, tables_of
from simenv.dataset.tables import Tables, concatenate, scene
from simenv.errors import InputError
from tests.dataset.factory import (
    DOMAIN,
    SCALE_M,
    THREE,
    builder,
    dataset,
    header,
    record,
    task,
    with_images,
)

RECORDS = [one for shard in THREE for one in shard]
LAYOUT = Layout.of(header())


@pytest.fixture(scope="module", params=["folder", "index", "file", "interrupted"])
def path(
    request: pytest.FixtureRequest,
    clean: Path,
    clean_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The same dataset in each form that can be opened."""
    if request.param == "interrupted":
        there = tmp_path_factory.mktemp("form")
        shutil.copytree(clean, there, dirs_exist_ok=True)
        (there / "dataset.h5").unlink()
        return there
    return {"folder": clean, "index": clean / "dataset.h5", "file": clean_file}[request.param]


def images_in_order() -> list[tuple[Record, int, str]]:
    """(record, its frame, camera) of every image."""
    return [
        (one, frame, camera)
        for one in RECORDS
        for frame in range(len(one.time_s))
        for camera in ("side", "top")
    ]


def test_every_image_and_label_comes_back(path: Path) -> None:
    with open_dataset(path) as ds:
        assert len(ds) == len(images_in_order())
        for item, (one, frame, camera) in zip(ds, images_in_order(), strict=True):
            seen = one.cameras[camera]
            assert (item.camera, item.scene) == (camera, one.scene)
            assert item.time_s == one.time_s[frame]
            np.testing.assert_array_equal(item.rgb, seen.images["rgb"][frame])
            np.testing.assert_allclose(
                item.depth_m, seen.images["depth"][frame] * SCALE_M, rtol=1e-6
            )
            assert item.depth_m.dtype == np.float32
            np.testing.assert_array_equal(item.instance, seen.images["instance"][frame])
            for name in ("K", "distortion", "X_WC", "near_far"):
                np.testing.assert_array_equal(getattr(item, name), getattr(seen, name)[frame])
            for name, values in vars(seen.seen[frame]).items():
                np.testing.assert_array_equal(getattr(item, name), values)
            np.testing.assert_array_equal(item.ids, one.body_id)
            np.testing.assert_array_equal(item.X_WB, one.X_WB[frame])
            np.testing.assert_array_equal(item.velocity, one.velocity[frame])
            assert tuple(item.groups) == one.body_group
            assert tuple(item.textures) == one.body_texture
            assert tuple(ds.objects[key].name for key in item.objects) == one.body_object


def test_objects_of_one_name_and_two_meshes_stay_apart(path: Path) -> None:
    with open_dataset(path) as ds:
        for item, (one, _, _) in zip(ds, images_in_order(), strict=True):
            for key, name in zip(item.objects, one.body_object, strict=True):
                surface = one.objects[name].mesh
                np.testing.assert_array_equal(
                    ds.objects[key].vertices, surface.vertices.astype("f4")
                )
                np.testing.assert_array_equal(ds.objects[key].faces, surface.faces)
        assert sum(entry.name == "belt_main" for entry in ds.objects.values()) == 2


def test_rejected_scenes_keep_their_attempts_and_values(path: Path) -> None:
    with open_dataset(path) as ds:
        scenes, attempts = ds.table("scenes"), ds.table("attempts")
        assert scenes["index"].tolist() == [one.scene for one in RECORDS]
        assert scenes["outcome"].tolist() == [one.outcome for one in RECORDS]
        eyes = np.array([one.scene_values["cameras.top.X_WC.eye"] for one in RECORDS])
        np.testing.assert_array_equal(scenes["param/cameras.top.X_WC.eye"], eyes)
        said = list(zip(attempts["scene"], attempts["outcome"], attempts["reason"], strict=True))
        assert said == [(r.scene, a.outcome, a.reason) for r in RECORDS for a in r.attempts]


def test_each_part_has_the_values_of_its_own_group(path: Path) -> None:
    with open_dataset(path) as ds:
        parts = ds.table("parts")
        objects = ds.table("objects")["name"][parts["object"]]
    mine = parts["group"] == "parts"
    heights = parts["param/actors.screws.spawn.height_m"]
    drawn = [h for one in RECORDS for h in one.part_values["actors.screws.spawn.height_m"]]
    np.testing.assert_array_equal(heights[~mine], drawn)
    assert np.isnan(heights[mine]).all()
    assert (parts["param/actors.parts.objects"][mine] == objects[mine]).all()
    assert np.allclose(
        np.linalg.norm(parts["param/actors.parts.spawn.orientation"][mine], axis=1), 1
    )


def test_h5py_alone_reads_the_same_arrays(path: Path) -> None:
    file_path = path / "dataset.h5" if (path / "dataset.h5").exists() else path
    if file_path.is_dir():
        file_path = path / "shard-00000.h5"
    with h5py.File(file_path) as file, open_dataset(file_path) as ds:
        for i, item in enumerate(ds):
            camera = file["cameras"][item.camera]
            frame = i // 2
            np.testing.assert_array_equal(camera["rgb"][frame], item.rgb)
            scale = np.float32(camera["depth"].attrs["scale_m"])
            np.testing.assert_array_equal(camera["depth"][frame] * scale, item.depth_m)
            np.testing.assert_array_equal(camera["instance"][frame], item.instance)
            rows = camera["seen/frame"][:] == frame
            np.testing.assert_array_equal(camera["seen/X_CB"][rows], item.X_CB)
            np.testing.assert_array_equal(file["bodies/id"][camera["seen/body"][rows]], item.ids)


def test_columns_say_unit_axes_and_what_they_refer_to(clean: Path) -> None:
    with h5py.File(clean / "dataset.h5") as file:
        assert file["bodies/X_WB"].attrs["axes"] == "body_in_frame row column"
        assert file["objects/mass_kg"].attrs["unit"] == "kg"
        assert file["bodies/frame"].attrs["refers"] == "/frames"
        assert file["scenes/param/look.light.elevation_deg"].attrs["kind"] == "visual"
        assert file["cameras/top/rgb"].dims[0][0] == file["frames/time_s"]
        assert file["cameras/top/rgb"].attrs["axes"] == "frame y x channel"


def test_a_shard_without_an_accepted_scene_opens_empty(clean: Path) -> None:
    with open_dataset(clean / "shard-00001.h5") as ds:
        assert len(ds) == 0
        assert ds.table("scenes")["index"].tolist() == [2, 3]
        assert ds.table("bodies")["X_WB"].shape == (0, 4, 4)
        with pytest.raises(IndexError, match="image 0 of 0"):
            ds[0]


def test_negative_numbers_count_from_the_end(clean: Path) -> None:
    with open_dataset(clean) as ds:
        np.testing.assert_array_equal(ds[-1].rgb, ds[len(ds) - 1].rgb)
        for i in (len(ds), -len(ds) - 1):
            with pytest.raises(IndexError, match=f"image {i} of {len(ds)}"):
                ds[i]


def test_an_unknown_table_is_named_with_those_that_there_are(clean: Path) -> None:
    with open_dataset(clean) as ds, pytest.raises(KeyError, match="no table 'scene'; there is obj"):
        ds.table("scene")


def test_pictures_can_be_written_to(clean: Path) -> None:
    with open_dataset(clean) as ds:
        item = ds[0]
    item.rgb[:] = 0
    item.depth_m[:] = 0
    item.instance[:] = 0


def test_columns_are_the_same_whatever_the_scenes_hold() -> None:
    def columns(*records: Record) -> list[tuple[str, Any, Any]]:
        with in_memory() as file:
            tables = concatenate([tables_of(one, LAYOUT) for one in records], LAYOUT)
            write_tables(file, tables, LAYOUT)
            found = [(name, file[name].dtype, file[name].shape[1:]) for name in LAYOUT.fields]
        return found

    assert columns() == columns(RECORDS[0]) == columns(RECORDS[2], RECORDS[5])


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 2), st.integers(0, 3), st.sampled_from([1.0, 2.0])
        ),
        max_size=5,
    )
)
@settings(max_examples=25, deadline=None)
def test_joined_scenes_come_apart_again(sizes: list[tuple[int, int, int, float]]) -> None:
    """Ragged in parts and frames, through one file and back: every scene as it was alone."""
    alone = [
        tables_of(record(k, parts=p, screws=s, frames=f, belt_length_m=length), LAYOUT)
        for k, (p, s, f, length) in enumerate(sizes)
    ]
    with in_memory() as file:
        write_tables(file, concatenate(alone, LAYOUT), LAYOUT)
        joined = read_tables(file, LAYOUT)
    for k, own in enumerate(alone):
        assert_equal(scene(joined, k, LAYOUT), own)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_joining_is_associative(cuts: list[int]) -> None:
    """Any cut into shards gives the same whole."""
    scenes = [tables_of(record(k, parts=k % 3, frames=k % 2), LAYOUT) for k in range(sum(cuts))]
    ends = np.cumsum(cuts)
    shards = [
        concatenate(scenes[end - size : end], LAYOUT) for size, end in zip(cuts, ends, strict=True)
    ]
    assert_equal(concatenate(shards, LAYOUT), concatenate(scenes, LAYOUT))


def assert_equal(a: Tables, b: Tables) -> None:
    """In every column that is the content of a scene, and every mesh."""
    for name, field in LAYOUT.fields.items():
        if field.hashed:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
            assert a[name].dtype == b[name].dtype
    for (v, f), (w, g) in zip(a.meshes, b.meshes, strict=True):
        np.testing.assert_array_equal(v, w)
        np.testing.assert_array_equal(f, g)


def test_values_without_a_column_are_refused() -> None:
    one = replace(record(0), scene_values={"scene.belt": 1.0})
    with pytest.raises(ValueError, match=r"scene 0: scene\.belt has a value but is no axis"):
        tables_of(one, LAYOUT)
    one = replace(record(0), part_values={"actors.parts.objects": ("bolt",) * 9})
    with pytest.raises(
        ValueError, match=r"scene 0: actors\.parts\.objects has 7 more values than parts"
    ):
        tables_of(one, LAYOUT)
    one = replace(record(0), scene_values={"actors.parts.count": 1.5})
    with pytest.raises(
        ValueError, match=r"domain\.actors\.parts\.count: 1\.5 does not fit its int"
    ):
        tables_of(one, LAYOUT)


def test_scenes_are_added_in_order() -> None:
    shard = builder([record(3)])
    with pytest.raises(ValueError, match="scene 3 comes after a later one"):
        shard.add(record(3))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actors.parts.count", "integer"),
        ("actors.parts.objects", "text"),
        ("actors.parts.spawn.orientation", "quaternion"),
        ("cameras.top.X_WC.eye", "vector"),
        ("look.light.elevation_deg", "number"),
        ("scene.belts.main.profile", "json"),
        ("scene.belts.main.texture", "text"),
    ],
)
def test_the_form_of_an_axis_decides_its_column(path: str, value: str) -> None:
    table = "parts" if "each" in DOMAIN[path] else "scenes"
    assert LAYOUT.params[f"{table}/param/{path}"].value == value


def test_an_edge_of_another_form_widens_the_column() -> None:
    row = {"kind": "semantic", "uniform": (0.05, 0.3), "edge": {"still": {"choice": (0, 0.5)}}}
    params = Layout.of(header(task=task(**{"scene.belts.main.speed_m_s": row}))).params
    assert params["scenes/param/scene.belts.main.speed_m_s"].value == "number"
    row["edge"] = {"odd": {"choice": ("fast",)}}
    params = Layout.of(header(task=task(**{"scene.belts.main.speed_m_s": row}))).params
    assert params["scenes/param/scene.belts.main.speed_m_s"].value == "json"


@pytest.mark.parametrize(
    ("param", "missing"),
    [
        (Param("a", "number"), np.nan),
        (Param("a", "integer"), -1),
        (Param("a", "text"), ""),
        (Param("a", "json"), ""),
        (Param("a", "vector", 3), [np.nan] * 3),
        (Param("a", "quaternion"), [np.nan] * 4),
    ],
)
def test_what_is_missing_has_a_value_of_its_own(param: Param, missing: Any) -> None:
    np.testing.assert_array_equal(param.encode([None]), [missing])


def test_visual_changes_leave_the_label_digest() -> None:
    base = record(0)
    before = content_hash(base, LAYOUT)
    look = dict(base.scene_values) | {"look.light.elevation_deg": 30.0}
    shots = {
        name: with_images(camera, rgb=[255 - rgb for rgb in camera.images["rgb"]])
        for name, camera in base.cameras.items()
    }
    textures = tuple("green" for _ in base.body_texture)
    for other in (
        replace(base, scene_values=look),
        replace(base, cameras=shots),
        replace(base, body_texture=textures),
    ):
        after = content_hash(other, LAYOUT)
        assert after.labels == before.labels
        assert after.all != before.all


def test_every_other_change_shows_in_both_digests() -> None:
    base = record(0)
    before = content_hash(base, LAYOUT)
    top = base.cameras["top"]
    depth, instance = ([f.copy() for f in top.images[name]] for name in ("depth", "instance"))
    depth[0][0, 0] += 1
    instance[-1][-1, -1] += 1
    for other in (
        replace(base, tier="edge"),
        replace(base, X_WB=base.X_WB + 1e-15),
        replace(base, scene_values=dict(base.scene_values) | {"actors.parts.count": 9}),
        replace(base, cameras={**base.cameras, "top": with_images(top, depth=depth)}),
        replace(base, cameras={**base.cameras, "top": with_images(top, instance=instance)}),
        replace(base, body_object=("cap", *base.body_object[1:])),
        record(0, belt_length_m=1.1),
    ):
        after = content_hash(other, LAYOUT)
        assert after.labels != before.labels
        assert after.all != before.all


def test_digests_do_not_depend_on_the_shard(clean: Path, tmp_path: Path) -> None:
    other = dataset(tmp_path / "other", RECORDS[:5], RECORDS[5:])
    with open_dataset(clean) as a, open_dataset(other) as b:
        for name in ("labels_sha256", "all_sha256"):
            assert a.table("scenes")[name].tolist() == b.table("scenes")[name].tolist()
            expected = [vars(content_hash(one, LAYOUT))[name.split("_")[0]] for one in RECORDS]
            assert a.table("scenes")[name].tolist() == expected


def test_nothing_that_is_no_dataset_opens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: does not exist; name a dataset's folder or"):
        open_dataset(tmp_path / "gone")
    with pytest.raises(InputError, match=r"holds neither dataset\.h5 nor a committed shard"):
        open_dataset(tmp_path)
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match=r"text\.h5: is no readable HDF5 file"):
        open_dataset(tmp_path / "text.h5")
    h5py.File(tmp_path / "other.h5", "w").close()
    with pytest.raises(InputError, match="format is None, not 'simenv-dataset-1'"):
        open_dataset(tmp_path / "other.h5")


def test_frames_are_one_chunk_each_with_plain_filters(clean: Path) -> None:
    with h5py.File(clean / "shard-00000.h5") as file:
        for image in ("rgb", "depth", "instance"):
            found = file[f"cameras/top/{image}"]
            assert found.chunks == (1, *found.shape[1:])
            assert (found.compression, found.shuffle) == ("gzip", image != "rgb")
