"""A dataset goes into worker processes: forked, spawned, pickled, and while the parent reads."""

import hashlib
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import pytest

from simenv.dataset.read import Dataset
from simenv.dataset.read import open as open_dataset

_dataset: Dataset  # what a forked worker finds in its parent's memory
_file: h5py.File  # that the parent reads from


def digest(ds: Dataset, i: int) -> str:
    """Of an image and its labels."""
    item = ds[i]
    parts = (item.rgb, item.depth_m, item.instance, item.X_CB, item.X_WB)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def inherited(i: int) -> tuple[str, bool]:
    """The digest of image i of the parent's own dataset; is it read from the parent's file?"""
    return digest(_dataset, i), _dataset._main is _file


@pytest.fixture(params=["folder", "file", "interrupted"])
def ds(request: pytest.FixtureRequest, out: Path, clean_file: Path) -> Iterator[Dataset]:
    """An open dataset of each kind."""
    if request.param == "interrupted":
        (out / "dataset.h5").unlink()
    with open_dataset(clean_file if request.param == "file" else out) as opened:
        yield opened


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_workers_read_what_the_parent_reads(ds: Dataset) -> None:
    global _dataset, _file
    expected = [digest(ds, i) for i in range(len(ds))]
    _dataset, _file = ds, ds._main
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(inherited, range(len(ds)))) == [(one, False) for one in expected]
    assert [digest(ds, i) for i in range(len(ds))] == expected


def test_spawned_workers_get_it_by_pickle(ds: Dataset) -> None:
    expected = [digest(ds, i) for i in range(4)]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(digest, [ds] * 4, range(4))) == expected


def test_it_pickles_as_its_path(ds: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(ds)
    assert len(data) < 5000
    monkeypatch.chdir("/")
    with pickle.loads(data) as copy:
        assert [digest(copy, i) for i in range(len(copy))] == [
            digest(ds, i) for i in range(len(ds))
        ]
    ds.close()


def test_a_relative_path_survives_a_change_of_folder(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clean.parent)
    with open_dataset(clean.name) as ds:
        monkeypatch.chdir("/")
        assert len(pickle.loads(pickle.dumps(ds))) == len(ds)
        assert ds[0].rgb.any()


def test_it_reads_again_after_it_was_closed(ds: Dataset) -> None:
    before = digest(ds, 0)
    ds.close()
    assert digest(ds, 0) == before
    ds.close()


def test_closing_closes_every_file(out: Path) -> None:
    with open_dataset(out) as ds:
        list(ds)
        assert open_files(out)
    assert not open_files(out)
    for path in out.glob("*.h5"):
        h5py.File(path, "r+").close()  # no lock is left


def open_files(folder: Path) -> list[str]:
    """Files below ``folder`` that this process has open."""
    links = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    return [link for link in links if link.startswith(str(folder))]
