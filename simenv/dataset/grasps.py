"""How the grasps of an object with a gripper, one `GraspSet`, stand on the disk.

One closed file for each pair, made in memory, that takes its name whole, as shards do (store.py).
On the disk: docs/format.md, `simenv-grasps-1`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import simenv
from simenv.dataset.disk import make_folder, replace_file, storage
from simenv.dataset.guard import format_of, safe_open
from simenv.dataset.hdf5 import in_memory, read_attributes
from simenv.errors import InputError
from simenv.grasp.model import OUTCOMES, GraspSet

__all__ = ["FORMAT", "GraspFile", "grasp_paths", "is_grasps", "read_grasps", "write_grasps"]

FORMAT = "simenv-grasps-1"
KINDS = {"jaw": 2, "vacuum": 1}  # of a gripper -> contacts of a grasp
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")  # of the catalog; exports make file names of it
RIGID = 1e-6  # how far R R' may be from the identity
AGAIN = "remove it, and run the command that made it again"
# What a file that is not as it was written sets off in h5py, json and the checks below.
_DAMAGE = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class _Column:
    """A dataset of one row a grasp."""

    dtype: str
    axes: tuple[str, ...] = ()  # after the first one
    unit: str = ""


_COLUMNS = {  # the fields of a GraspSet
    "X_BG": _Column("<f8", ("row", "column"), "m"),
    "width_m": _Column("<f8", unit="m"),
    "opening_m": _Column("<f8", unit="m"),
    "contacts_B": _Column("<f8", ("contact", "xyz"), "m"),
    "normals_B": _Column("<f8", ("contact", "xyz")),
    "quality": _Column("<f8"),
    "outcome": _Column("|i1", ("trial",)),
    "motion_m": _Column("<f4", unit="m"),
    "slip_m": _Column("<f4", unit="m"),
    "turn_rad": _Column("<f4", unit="rad"),
}
_COUNTED = {  # what follows from the outcomes; stored for those who read the file without simenv
    "trials": _Column("<i8"),
    "successes": _Column("<i8"),
    "success_probability": _Column("<f8"),
    "interval": _Column("<f8", ("end",)),
}
_MESH = {
    "mesh/vertices": ("<f4", "vertex xyz", "m"),
    "mesh/faces": ("<i4", "face corner", ""),
}
_FINITE = ("X_BG", "width_m", "opening_m", "contacts_B", "normals_B", "quality")


@dataclass(frozen=True, eq=False)
class GraspFile:
    """What a file holds: the grasps, and the surface that they are of.

    Raises:
        ValueError: a value is none that such a file may hold.
    """

    grasps: GraspSet
    vertices: NDArray[np.float32]  # (V, 3) metres, body frame
    faces: NDArray[np.int32]  # (T, 3) rows of vertices, counter-clockwise seen from outside

    def __post_init__(self) -> None:
        _check_grasps(self.grasps)
        _check_shape("mesh/vertices", self.vertices, (len(self.vertices), 3))
        _check_shape("mesh/faces", self.faces, (len(self.faces), 3))
        _check(len(self.faces) > 0, "mesh/faces", "is empty")
        _check(bool(np.isfinite(self.vertices).all()), "mesh/vertices", "is not finite")
        inside = 0 <= self.faces.min() and self.faces.max() < len(self.vertices)
        _check(bool(inside), "mesh/faces", "names rows that mesh/vertices does not have")


def write_grasps(
    path: str | Path,
    grasps: GraspSet,
    mesh_vertices: NDArray[Any],
    mesh_faces: NDArray[Any],
) -> Path:
    """Write the grasps, with the object's surface, as ``path``, whole or not at all; where it is.

    Equal values give equal bytes.

    Args:
        path: the file; its folder is made.
        grasps: of one object with one gripper.
        mesh_vertices: (V, 3) metres, body frame; stored as float32.
        mesh_faces: (T, 3) rows of the vertices; stored as int32.

    Raises:
        ValueError: a value is none that such a file may hold.
        StorageError: the disk refuses.
    """
    content = GraspFile(
        grasps, np.asarray(mesh_vertices, dtype="<f4"), np.asarray(mesh_faces, dtype="<i4")
    )
    path = Path(path)
    with storage(path, 0):
        make_folder(path.parent)
    replace_file(path, _image(content))
    return path


def _image(content: GraspFile) -> memoryview:
    image, grasps = BytesIO(), content.grasps
    with in_memory(image) as file:
        for name, value in _attributes(grasps).items():
            file.attrs[name] = value
        for name, column in {**_COLUMNS, **_COUNTED}.items():
            axes = " ".join(("grasp", *column.axes))
            _write(file, name, getattr(grasps, name), column.dtype, axes, column.unit)
        codes = {str(code): word for code, word in enumerate(OUTCOMES)}
        file["outcome"].attrs["codes"] = json.dumps({"-1": "not tried", **codes})
        for name, (dtype, axes, unit) in _MESH.items():
            _write(file, name, getattr(content, name.removeprefix("mesh/")), dtype, axes, unit)
    return image.getbuffer()


def _attributes(grasps: GraspSet) -> dict[str, str]:
    return {
        "format": FORMAT,
        "object": grasps.object,
        "gripper": grasps.gripper,
        "kind": grasps.kind,
        "settings": json.dumps(dict(grasps.settings), sort_keys=True, allow_nan=False),
        "simenv_version": simenv.__version__,
    }


def _write(
    file: h5py.File, name: str, values: NDArray[Any], dtype: str, axes: str, unit: str
) -> None:
    dataset = file.create_dataset(name, data=np.asarray(values, dtype=dtype))
    dataset.attrs["axes"] = axes
    if unit:
        dataset.attrs["unit"] = unit


def read_grasps(path: str | Path) -> GraspFile:
    """The grasps of a file and its mesh, all in memory.

    Raises:
        InputError: the file is broken, not safe to read, or holds no grasps.

    Example:
        >>> found = read_grasps("hex_bolt.h5")
        >>> best = found.grasps.X_BG[found.grasps.success_probability.argmax()]
    """
    with safe_open(path, form=FORMAT) as file:
        try:
            return _content(file)
        except _DAMAGE as error:
            raise InputError(f"{path}: is damaged ({_line(error)}); {AGAIN}") from None


def _line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())


def _content(file: h5py.File) -> GraspFile:
    attributes = read_attributes(file)
    settings = json.loads(attributes["settings"])
    _check(isinstance(settings, dict), "settings", "is no JSON object")
    values: dict[str, Any] = {"settings": settings}
    values |= {name: str(attributes[name]) for name in ("object", "gripper", "kind")}
    values |= {name: _read(file, name, column.dtype) for name, column in _COLUMNS.items()}
    vertices, faces = (_read(file, name, dtype) for name, (dtype, _, _) in _MESH.items())
    found = GraspFile(GraspSet(**values), vertices, faces)
    for name, column in _COUNTED.items():
        stored, counted = _read(file, name, column.dtype), getattr(found.grasps, name)
        same = stored.shape == counted.shape and np.allclose(stored, counted, equal_nan=True)
        _check(bool(same), name, "does not agree with outcome")
    return found


def _read(file: h5py.File, name: str, dtype: str) -> NDArray[Any]:
    dataset = file[name]
    _check(dataset.dtype == np.dtype(dtype), name, f"is {dataset.dtype}, not {np.dtype(dtype)}")
    return np.asarray(dataset[()])


def _check_grasps(grasps: GraspSet) -> None:
    for what in ("object", "gripper"):
        name = getattr(grasps, what)
        _check(bool(NAME.fullmatch(name)), what, f"is {name!r}, no name of the catalog")
    _check(grasps.kind in KINDS, "kind", f"is {grasps.kind!r}; there is {', '.join(KINDS)}")
    n, contacts = len(grasps.X_BG), KINDS[grasps.kind]
    _check(grasps.outcome.ndim == 2, "outcome", f"has the shape {grasps.outcome.shape}")
    shapes: Mapping[str, tuple[int, ...]] = {
        "X_BG": (n, 4, 4),
        "contacts_B": (n, contacts, 3),
        "normals_B": (n, contacts, 3),
        "outcome": (n, grasps.outcome.shape[1]),
    }
    for name in _COLUMNS:
        _check_shape(name, getattr(grasps, name), shapes.get(name, (n,)))
    for name in _FINITE:
        _check(bool(np.isfinite(getattr(grasps, name)).all()), name, "is not finite")
    R = grasps.X_BG[:, :3, :3]
    rigid = np.abs(R @ R.swapaxes(1, 2) - np.eye(3)).max(initial=0.0) < RIGID
    rigid &= bool((np.linalg.det(R) > 0).all() and (grasps.X_BG[:, 3] == (0, 0, 0, 1)).all())
    _check(bool(rigid), "X_BG", "holds a matrix that is no pose")
    known = (grasps.outcome >= -1) & (grasps.outcome < len(OUTCOMES))
    _check(bool(known.all()), "outcome", "holds a code that has no meaning")
    for name in ("width_m", "opening_m"):
        _check(bool((getattr(grasps, name) >= 0).all()), name, "is negative")


def _check_shape(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    _check(values.shape == shape, name, f"has the shape {values.shape}, not {shape}")


def _check(holds: bool, name: str, problem: str) -> None:
    if not holds:
        raise ValueError(f"{name} {problem}")


def grasp_paths(path: str | Path) -> tuple[Path, ...]:
    """The files of grasps that are meant by ``path``: itself, or those of a folder, by name."""
    path = Path(path)
    found = sorted(path.glob("*.h5")) if path.is_dir() else [path]
    return tuple(file for file in found if _says_grasps(file))


def is_grasps(path: str | Path) -> bool:
    """Whether ``path`` is a file of grasps, or a folder that holds some."""
    return bool(grasp_paths(path))


def _says_grasps(path: Path) -> bool:
    """By its attribute alone: whether it is sound is seen when it is read."""
    return format_of(path) == FORMAT
