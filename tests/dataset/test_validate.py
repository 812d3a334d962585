"""Validation finds what is wrong: any byte of a shard, any label that does not follow."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simenv.dataset.index import write_index
from simenv.dataset.record import Record
from simenv.dataset.store import manifest_path
from simenv.dataset.validate import validate
from simenv.errors import InputError
from tests.dataset.factory import THREE, builder, commit, dataset, record, reseal, with_images

FLIPS = 50


def found(path: Path) -> list[str]:
    """The findings as text."""
    return [str(finding) for finding in validate(path).findings]


def test_a_sound_dataset_has_no_findings(out: Path, clean_file: Path) -> None:
    report = validate(out)
    assert (report.findings, report.scenes, report.images) == ((), 6, 14)
    assert report.summary == "4 files, 6 scenes, 14 images: no findings"
    assert found(out / "dataset.h5") == found(out / "shard-00002.h5") == []
    assert found(clean_file) == []
    (out / "dataset.h5").unlink()
    assert found(out) == []


def test_every_flipped_byte_of_a_shard_is_found(tmp_path: Path) -> None:
    commit(tmp_path, 0, builder([record(0)]))
    path, rng = tmp_path / "shard-00000.h5", np.random.default_rng(0)
    data = path.read_bytes()
    for position in rng.integers(0, len(data), FLIPS):
        broken = bytearray(data)
        broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        assert found(tmp_path)[0].startswith(f"{path.name}: differs from its manifest"), position


def test_a_changed_value_in_a_single_file_is_found_by_its_digest(
    clean_file: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(clean_file, tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        file["scenes/param/look.light.elevation_deg"][4] += 1e-9
    assert found(path)[0] == "x.h5: does not end with its seal: it was cut off, or added to"
    reseal(path)
    assert found(path) == ["x.h5: scene 4: its content has another digest than was recorded"]


def test_missing_and_unfinished_shards_are_named(out: Path) -> None:
    (out / "shard-00000.h5").unlink()
    manifest_path(out, 1).unlink()
    texts = found(out)
    assert "shard-00000.h5: has a manifest but no file; generate again to make it anew" in texts
    assert "shard-00001.h5: has no manifest, so it is not committed; generate again" in texts
    manifest_path(out, 0).unlink()
    assert "shard-00000.h5: is missing; generate again to make it anew" in found(out)


def test_scenes_that_are_missing_or_twice_are_named(tmp_path: Path) -> None:
    commit(tmp_path, 0, builder([record(0), record(1)]))
    commit(tmp_path, 1, builder([record(1), record(3)]))
    assert found(tmp_path) == [
        "shard-00001.h5: scene 1: is in shard-00000.h5 as well",
        f"{tmp_path.name}: scene 2: is in no shard",
    ]


def test_an_index_of_other_shards_is_named(out: Path, tmp_path: Path) -> None:
    changed = (record(4, parts=0, belt_length_m=2.0, seed=1), THREE[2][1])
    other = dataset(tmp_path / "other", *THREE[:2], changed)
    shutil.copy(other / "dataset.h5", out / "dataset.h5")
    texts = found(out)
    assert len(texts) == 1
    assert texts[0].startswith("dataset.h5: /")
    assert "is not what the shards give; simenv repair" in texts[0]
    (out / "dataset.h5").unlink()  # the advice, taken
    write_index(out)
    assert found(out) == []


@pytest.mark.parametrize("name", ["bodies/X_WB", "frames/body_offset", "cameras/top/seen/frame"])
def test_an_index_that_disagrees_is_named(out: Path, name: str) -> None:
    with h5py.File(out / "dataset.h5", "r+") as file:
        values = file[name][()]
        values.flat[-1] += 1
        file[name][...] = values
    reseal(out / "dataset.h5")
    assert found(out) == [f"dataset.h5: /{name} is not what the shards give; simenv repair"]


def test_an_index_laid_out_otherwise_is_the_same(out: Path) -> None:
    """Another version of libhdf5 may write other bytes for the same values."""
    with h5py.File(out / "dataset.h5", "r+") as file:
        values = file["bodies/velocity"][()]
        attributes = dict(file["bodies/velocity"].attrs)
        del file["bodies/velocity"]
        file["bodies/velocity"] = values
        file["bodies/velocity"].attrs.update(attributes)
    reseal(out / "dataset.h5")
    assert found(out) == []


def camera(one: Record, **changes: Any) -> Record:
    """The record with another picture or table of camera top."""
    return replace(one, cameras={**one.cameras, "top": replace(one.cameras["top"], **changes)})


def pictures(one: Record, near_far: Any = None, **changes: Any) -> Record:
    """The record with other pictures of camera top."""
    top = with_images(one.cameras["top"], **changes)
    planes = top.near_far if near_far is None else near_far
    return replace(one, cameras={**one.cameras, "top": replace(top, near_far=planes)})


def seen(one: Record, name: str, change: Callable[[Any], Any]) -> Record:
    """The record with a column of the first frame of camera top changed."""
    first, *rest = one.cameras["top"].seen
    values = change(getattr(first, name).copy())
    return camera(one, seen=(replace(first, **{name: values}), *rest))


def edited(array: Any, where: Any, value: Any) -> Any:
    """A copy with another value somewhere."""
    copy = np.array(array)
    copy[where] = value
    return copy


SOUND = record(0)
TOP = SOUND.cameras["top"]
FREE = tuple(np.argwhere(TOP.images["instance"][0] == 0)[0])  # a pixel of the background
HIT = tuple(np.argwhere(TOP.images["instance"][0] > 0)[0])
WRONG: dict[str, tuple[Record, str]] = {
    "stranger": (
        pictures(SOUND, instance=edited(TOP.images["instance"], (0, *FREE), 99)),
        "top, frame 0: instance has id 99, which is no body",
    ),
    "count": (
        seen(SOUND, "px_visible", lambda px: px - (px > 0)),
        "top, frame 0: px_visible is not the count of the mask's pixels",
    ),
    "box": (
        seen(SOUND, "box_visible", lambda box: box + np.array([0, 0, 0, 1])),
        "top, frame 0: box_visible is not the bounds of the mask",
    ),
    "enclosed": (
        seen(SOUND, "box_all", lambda box: box + np.array([1, 0, -1, 0])),
        "top, frame 0: box_visible reaches outside box_all",
    ),
    "fraction": (
        seen(SOUND, "visible_fraction", lambda f: f * np.float32(0.5)),
        "top, frame 0: visible_fraction is not px_visible / px_all",
    ),
    "silhouette": (
        seen(SOUND, "px_all", lambda px: px * 0),
        "top, frame 0: px_visible is larger than px_all",
    ),
    "composed": (
        seen(SOUND, "X_CB", lambda X: edited(X, (0, 0, 3), X[0, 0, 3] + 1e-5)),
        "top, frame 0: X_CB is not inverse(X_WC) X_WB",
    ),
    "no surface": (
        pictures(SOUND, depth=edited(TOP.images["depth"], (0, *HIT), 0)),
        "top, frame 0: depth is 0 where instance is not",
    ),
    "too far": (
        pictures(SOUND, depth=edited(TOP.images["depth"], (0, *FREE), 3002)),
        "top, frame 0: depth leaves near_far, 0.1 to 3 m",
    ),
    "too near": (
        pictures(SOUND, depth=edited(TOP.images["depth"], (0, *FREE), 98)),
        "top, frame 0: depth leaves near_far, 0.1 to 3 m",
    ),
    "rotation": (
        replace(SOUND, X_WB=edited(SOUND.X_WB, (0, 0, 3, 0), 1e-9)),
        "/bodies/X_WB has a last row other than 0 0 0 1",
    ),
    "mirror": (
        camera(SOUND, X_WC=TOP.X_WC * [-1, 1, 1, 1]),
        "/cameras/top/X_WC has a rotation that is none (off by ",
    ),
    "scaled": (
        camera(SOUND, X_WC=TOP.X_WC * [1.001, 1, 1, 1]),
        "/cameras/top/X_WC has a rotation that is none (off by 2.0e-03)",
    ),
    "finite": (
        replace(SOUND, velocity=edited(SOUND.velocity, (0, 0, 0), np.nan)),
        "/bodies/velocity is not finite",
    ),
    "time": (
        replace(SOUND, time_s=SOUND.time_s[::-1]),
        "/frames/time_s does not increase",
    ),
    "ids": (
        replace(SOUND, body_id=edited(SOUND.body_id, 1, 1)),
        "frame 0: /bodies/id has an id twice, or id 0",
    ),
    "outcome": (
        replace(SOUND, outcome="rejected"),
        "/scenes/outcome 'rejected' is not that of the last attempt",
    ),
    "frames": (
        replace(record(0, frames=0), attempts=SOUND.attempts, outcome="accepted"),
        "outcome is 'accepted' with 0 frames",
    ),
}


@pytest.mark.parametrize(("one", "text"), WRONG.values(), ids=WRONG)
def test_a_label_that_does_not_follow_is_found(tmp_path: Path, one: Record, text: str) -> None:
    """The shard is committed with right digests: only the laws of the labels can tell."""
    commit(tmp_path, 0, builder([one]))
    start = f"shard-00000.h5: scene 0: {text}"
    assert any(finding.startswith(start) for finding in found(tmp_path))


def test_depth_beyond_sixteen_bits_may_be_absent(tmp_path: Path) -> None:
    """Where 65535 units do not reach the far plane, a far part has no depth."""
    far = edited(TOP.near_far, (slice(None), 1), 66.0)
    depth = edited(TOP.images["depth"], (0, *HIT), 0)
    commit(tmp_path, 0, builder([pictures(SOUND, depth=depth, near_far=far)]))
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "where", "value", "text"),
    [
        ("frames/body_offset", -1, 7, "/frames/body_offset disagrees with /bodies/frame"),
        ("bodies/object", 0, 99, "/bodies/object points outside the 3 rows of /objects"),
        ("bodies/frame", 0, 1, "/bodies/frame does not increase"),
        ("cameras/top/seen/body", 0, 1, "is not one row for each row of /bodies"),
        ("cameras/top/seen/frame", 0, 1, "/cameras/top/seen/frame disagrees with /bodies/frame"),
        ("scenes/index", 1, 0, "/scenes/index does not increase"),
        ("attempts/scene", -1, 8, "/attempts/scene has scene 8, which is not in /scenes"),
        ("objects/mesh/cap/vertices", (0, 0), 9.0, "the mesh of cap is not the one named"),
    ],
)
def test_rows_that_cannot_be_followed_are_named(
    out: Path, tmp_path: Path, name: str, where: Any, value: float, text: str
) -> None:
    path = tmp_path / "x.h5"
    shutil.copy(out / "shard-00000.h5", path)
    with h5py.File(path, "r+") as file:
        file[name][where] = value
    assert text in found(path)[0]


def test_the_task_and_the_count_of_scenes_are_compared(clean: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(clean / "shard-00000.h5", tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        file["task"][()] = "{}"
        file.attrs["scenes"] = 3
    assert found(path) == [
        "x.h5: /task is not the text that task_sha256 names",
        "x.h5: scenes is 3, /scenes has 2 rows",
    ]


def test_a_file_without_a_column_is_one_finding(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    shutil.copy(out / "shard-00000.h5", path)
    with h5py.File(path, "r+") as file:
        del file["bodies/X_WB"]
    assert len(found(path)) == 1
    assert "x.h5: cannot be read" in found(path)[0]


def test_nothing_to_validate_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: does not exist; name a dataset's folder or"):
        validate(tmp_path / "gone")
    with pytest.raises(InputError, match="holds no shard; name the folder that simenv generate"):
        validate(tmp_path)
