"""What a reader leans on is looked at: a file that does not hold it is one line, for whoever asks.

The harm is done through h5py, so that the file is sound HDF5 and says something that is not so.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from simenv.dataset.read import open as open_dataset
from simenv.dataset.validate import validate
from simenv.errors import InputError
from simenv.view import write_page

SHARD = "shard-00000.h5"
CAMERAS = ("side", "top")
Harm = Callable[[h5py.File], None]


def _set(name: str, row: int, value: object) -> Harm:
    def harm(file: h5py.File) -> None:
        file[name][row] = value

    return harm


def _without(name: str) -> Harm:
    def harm(file: h5py.File) -> None:
        del file[name]

    return harm


def _cut(name: str) -> Harm:
    def harm(file: h5py.File) -> None:
        values = file[name][:-1]
        del file[name]
        file[name] = values

    return harm


def _as(name: str, dtype: type, shape: tuple[int, ...] | None = None) -> Harm:
    def harm(file: h5py.File) -> None:
        values = file[name][()].astype(dtype)
        del file[name]
        file[name] = values if shape is None else (values.ravel() if shape else values.ravel()[0])

    return harm


def _attribute(name: str, value: object) -> Harm:
    def harm(file: h5py.File) -> None:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value

    return harm


HARMS: list[tuple[Harm, str]] = [
    (_without("task"), "has no task; "),
    (_without("objects/mass_kg"), "has no objects/mass_kg; "),
    (_without("cameras/top/seen/px_visible"), "has no cameras/top/seen/px_visible; "),
    (_without("objects/mesh/cap"), "has no objects/mesh/cap/vertices; "),
    (_without("frames/body_offset"), "has no frames/body_offset; "),
    (_cut("parts/id"), "/parts has columns of"),
    (_cut("frames/body_offset"), "/frames/body_offset does not lead through"),
    (_set("frames/body_offset", 1, 99), "/frames/body_offset does not increase"),
    (_set("bodies/object", 0, 99), "/bodies/object points outside the 3 rows of /objects"),
    (_set("bodies/object", 0, -1), "/bodies/object points outside the 3 rows of /objects"),
    (_set("frames/scene", -1, 99), "/frames/scene has scene 99, which is not in /scenes"),
    (_set("scenes/index", 0, 99), "/scenes/index does not increase"),
    (_set("objects/mesh/cap/faces", 0, 99), "the mesh of cap has vertices that are not there"),
    (
        _set("objects/mesh/cap/vertices", 0, np.nan),
        "the mesh of cap has vertices that are not there",
    ),
    (_set("bodies/X_WB", 0, 1e300), "/bodies/X_WB is not finite"),
    (_set("objects/symmetry", 0, "{"), "/objects/symmetry holds '{'"),
    (_set("objects/keypoints", 0, '{"a": 1}'), "/objects/keypoints holds '{\"a\": 1}'"),
    (_as("bodies/id", np.float64), "/bodies/id is of the type float64, not uint16"),
    (_as("bodies/velocity", np.float64, (-1,)), "/bodies/velocity has the shape"),
    (_as("parts/id", np.uint16, ()), "/parts/id has the shape (), not"),
    (_attribute("labels", None), "attribute labels is None, no str"),
    (_attribute("look_seed", "no"), "attribute look_seed is 'no', no int"),
]


def _read(path: Path) -> None:
    """Everything, in the way of a user."""
    with open_dataset(path) as dataset:
        for _ in dataset:
            pass
        for name in dataset.layout.tables:
            dataset.table(name)
        _ = dataset.task, dataset.objects, dataset.attrs
    write_page(path)


@pytest.mark.parametrize(("harm", "text"), HARMS, ids=[text for _, text in HARMS])
def test_what_is_not_there_is_one_line(out: Path, harm: Harm, text: str) -> None:
    path = out / SHARD
    _read(path)
    with h5py.File(path, "r+") as file:
        harm(file)
    with pytest.raises(InputError) as error:
        _read(path)
    assert text in str(error.value)
    assert "simenv validate" in str(error.value)
    assert "\n" not in str(error.value)
    assert validate(path).findings


def test_a_page_of_numbers_that_are_none_has_no_warning(out: Path) -> None:
    """What is not finite is not drawn: a pose out of this world, a wild lens."""
    path = out / SHARD
    with h5py.File(path, "r+") as file:
        for camera in ("top", "side"):
            file[f"cameras/{camera}/seen/X_CB"][:, :3, :] = 1e300
            file[f"cameras/{camera}/distortion"][:] = 1e17
            file[f"cameras/{camera}/K"][:] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = write_page(path).read_text(encoding="utf-8")
    assert "nan" not in page
    assert "inf," not in page


def test_a_column_that_no_dataset_has_is_a_mistake_of_the_caller(clean: Path) -> None:
    with open_dataset(clean) as dataset:
        assert np.array_equal(dataset.column("bodies/id"), dataset.table("bodies")["id"])
        with pytest.raises(KeyError, match=r"no column 'bodies/idd'.*bodies/id"):
            dataset.column("bodies/idd")


def test_an_index_is_compared_with_its_seal_before_it_is_opened(out: Path) -> None:
    """libhdf5 crashes or hangs on some changed bytes, and reads most others without a word."""
    data = bytearray((out / "dataset.h5").read_bytes())
    for place in (200, len(data) // 2, len(data) - 200):
        broken = data.copy()
        broken[place] ^= 1
        (out / "dataset.h5").write_bytes(broken)
        with pytest.raises(InputError, match=r"dataset\.h5: differs from its seal.*simenv repair"):
            open_dataset(out)
    (out / "dataset.h5").unlink()
    os.mkfifo(out / "dataset.h5")
    with pytest.raises(InputError, match=r"dataset\.h5: is no regular file"):
        open_dataset(out)
    (out / "dataset.h5").unlink()  # what is left is a dataset
    with open_dataset(out) as dataset:
        assert dataset[0].rgb.any()


def test_a_frame_without_bodies_of_a_dataset_without_objects_is_read(out: Path) -> None:
    path = out / SHARD
    with h5py.File(path, "r+") as file:
        rows = [file["objects"], file["bodies"], *(file[f"cameras/{c}/seen"] for c in CAMERAS)]
        for table in rows:
            for name, column in [*table.items()]:
                if isinstance(column, h5py.Dataset):
                    dtype, none = column.dtype, np.zeros((0, *column.shape[1:]))
                    del table[name]
                    table.create_dataset(name, none.shape, dtype)
        file["frames/body_offset"][:] = 0
    with open_dataset(path) as dataset:
        assert [len(item.objects) for item in dataset] == [0] * len(dataset)
