"""Scenes are made again and compared with the values in the files, not only with their digests."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simenv.dataset.hdf5 import read_layout, read_tables
from simenv.dataset.rows import digests
from simenv.dataset.stored import scene_of
from simenv.errors import CheckFailed, InputError
from simenv.generate import generate
from simenv.rerender import rerender
from simenv.selftest.small import Run, task
from simenv.verify import verify
from tests.dataset.factory import reseal

RGB, POSE, DEPTH = "cameras/top/rgb", "bodies/X_WB", "cameras/top/depth"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scenes in two shards."""
    out = tmp_path_factory.mktemp("verify") / "out"
    Run(4).into(out)
    return out


@pytest.fixture(scope="module")
def single(folder: Path) -> Path:
    """The same in one file."""
    Run(4).into(folder.parent / "one.h5")
    return folder.parent / "one.h5"


def numbers(path: Path, scenes: int = 9) -> list[int]:
    """Which scenes were found equal."""
    return [int(line.split(":")[0].split()[1]) for line in verify(path, scenes=scenes)]


def changed(
    single: Path, tmp_path: Path, name: str, *, row: int = -1, honest: bool = False
) -> Path:
    """A copy in which one value differs; ``honest``: with digests that name what is there."""
    path = Path(shutil.copy(single, tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        values: Any = file[name][()]
        values[row].reshape(-1)[-2] += 1  # the view of a row: of the last scene
        file[name][...] = values
        if honest:
            _say_digests(file)
    reseal(path)
    return path


def _say_digests(file: h5py.File) -> None:
    layout = read_layout(file)
    tables = read_tables(file, layout)
    for row, index in enumerate(tables["scenes/index"]):
        found = digests(*scene_of(file, tables, layout, int(index)), layout)
        file["scenes/labels_sha256"][row] = found.labels
        file["scenes/all_sha256"][row] = found.all


def test_folder_index_shard_and_single_file_are_verified(folder: Path, single: Path) -> None:
    assert numbers(folder) == numbers(folder / "dataset.h5") == numbers(single) == [0, 1, 2, 3]
    assert numbers(folder / "shard-00001.h5") == [2, 3]
    assert numbers(single, scenes=2) == [0, 3]


def test_redrawn_looks_and_scenes_drawn_again_are_verified(folder: Path, tmp_path: Path) -> None:
    generate(task(), tmp_path / "look", scenes=2, jobs=0, renderer="tiny", look_seed=5)
    rerender(folder, tmp_path / "twin", jobs=0, look_seed=6, labels=["normals"])
    assert numbers(tmp_path / "look") == [0, 1]
    assert numbers(tmp_path / "twin", scenes=2) == [0, 3]


@pytest.mark.parametrize("honest", [False, True])
def test_a_changed_picture_is_found_whatever_its_digest_says(
    single: Path, tmp_path: Path, honest: bool
) -> None:
    path = changed(single, tmp_path, RGB, honest=honest)
    with h5py.File(path) as file:
        frame = len(file[RGB]) - 1 - int(np.searchsorted(file["frames/scene"][()], 3))
    where = f"only what is visual differs, first in /{RGB}, frame {frame}, in 1 values; "
    with pytest.raises(CheckFailed, match=f"x.h5: scene 3: {where}versions and driver are the"):
        numbers(path)


@pytest.mark.parametrize(("name", "where"), [(POSE, f"/{POSE}"), (DEPTH, f"/{DEPTH}, frame 0")])
def test_a_changed_label_is_found_with_its_name(
    single: Path, tmp_path: Path, name: str, where: str
) -> None:
    path = changed(single, tmp_path, name, row=0, honest=True)
    with pytest.raises(CheckFailed, match=f"scene 0: labels differ, first in {where}"):
        numbers(path)


def test_a_changed_digest_is_found(single: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(single, tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        file["scenes/labels_sha256"][1] = "0" * 64
    reseal(path)
    with pytest.raises(CheckFailed, match="scene 1: its values are equal, but its digests are of"):
        numbers(path)


def test_a_scene_whose_shard_is_gone_is_named(folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(folder, tmp_path / "out"))
    (out / "manifest/shard-00001.json").unlink()
    with pytest.raises(InputError, match="scene 2 is in no committed shard; simenv validate"):
        numbers(out)
