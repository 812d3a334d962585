"""What a dataset's tables are in memory, and how they are joined and taken apart again.

A scene, a shard and a whole dataset are the same thing at three sizes: columns by full name, and
the meshes of the objects. `concatenate` re-bases every row number; `scene` undoes it for one scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.layout import Layout
from simenv.dataset.schema import TEXT, Field

__all__ = [
    "Surface",
    "Tables",
    "body_offset",
    "concatenate",
    "empty",
    "frames_of",
    "scene",
]

Column = NDArray[Any]
Surface = tuple[NDArray[np.float32], NDArray[np.int32]]  # vertices (V, 3) metres, faces (T, 3)


@dataclass(frozen=True, eq=False)
class Tables:
    """Columns by full name (see schema.py), strings as arrays of ``str``."""

    columns: dict[str, Column]
    meshes: tuple[Surface, ...]  # one an object, body frame

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    @property
    def object_keys(self) -> list[tuple[str, str]]:
        """(name, mesh_sha256) of each object; no two are equal."""
        return list(zip(self["objects/name"], self["objects/mesh_sha256"], strict=True))

    def count(self, table: str) -> int:
        """Number of rows."""
        return next(len(v) for name, v in self.columns.items() if name.startswith(f"{table}/"))


def empty(field: Field) -> Column:
    """A column without rows."""
    return np.zeros((0, *field.shape), dtype=object if field.dtype == TEXT else field.dtype)


def _mesh_keys(objects: Sequence[tuple[str, str]]) -> list[str]:
    """The group in /objects/mesh of each (name, mesh_sha256): its own name where that is free.

    Two objects of one name (a belt whose length varies) have different meshes; the second one
    carries the first digits of its mesh's digest.
    """
    keys: dict[str, None] = {}  # in order
    for name, digest in objects:
        plain = name.replace("/", ".")
        keys[f"{plain}~{digest[:12]}" if plain in keys else plain] = None
    return list(keys)


def body_offset(tables: Tables) -> NDArray[np.int64]:
    """(F + 1,): the bodies of frame f are rows [f] to [f + 1] of the bodies table."""
    frames = np.arange(tables.count("frames") + 1)
    return np.searchsorted(tables["bodies/frame"], frames).astype("<i8")


def concatenate(parts: Sequence[Tables], layout: Layout) -> Tables:
    """All ``parts`` in one, in order; objects that are equal in name and mesh become one row."""
    firsts = {
        key: (part, row) for part in reversed(parts) for row, key in enumerate(part.object_keys)
    }
    keys = sorted(firsts)
    number = {key: row for row, key in enumerate(keys)}
    maps = [np.array([number[key] for key in p.object_keys], dtype="<i8") for p in parts]
    columns = {}
    for name, field in layout.fields.items():
        if name.startswith("objects/"):
            columns[name] = _stack([firsts[key][0][name][[firsts[key][1]]] for key in keys], field)
        elif field.refers == "objects":
            columns[name] = _stack(
                [rows[p[name]] for p, rows in zip(parts, maps, strict=True)], field
            )
        else:
            columns[name] = _stack(_rebased(parts, name, field), field)
    columns["objects/key"] = np.array(_mesh_keys(keys), dtype=object)
    return Tables(columns, tuple(firsts[key][0].meshes[firsts[key][1]] for key in keys))


def _rebased(parts: Sequence[Tables], name: str, field: Field) -> list[Column]:
    if not field.refers:
        return [part[name] for part in parts]
    starts = np.cumsum([0] + [part.count(field.refers) for part in parts])
    return [part[name] + start for part, start in zip(parts, starts, strict=False)]


def _stack(columns: Sequence[Column], field: Field) -> Column:
    return np.concatenate([empty(field), *columns])


def frames_of(tables: Tables, index: int) -> tuple[int, int]:
    """First and one past the last row of /frames of scene ``index``."""
    first, last = np.searchsorted(tables["frames/scene"], [index, index + 1])
    return int(first), int(last)


def scene(tables: Tables, index: int, layout: Layout) -> Tables:
    """The tables of scene ``index`` alone, as they were before it was put with the others."""
    frames = frames_of(tables, index)
    bodies = tuple(np.searchsorted(tables["bodies/frame"], frames))
    ranges = {"frames": frames, "bodies": bodies, "scenes": _range(tables["scenes/index"], index)}
    ranges |= {t: _range(tables[f"{t}/scene"], index) for t in ("attempts", "parts")}
    if "contacts" in layout.tables:
        first, last = np.searchsorted(tables["contacts/frame"], frames)
        ranges["contacts"] = int(first), int(last)
    if layout.gripper:
        table = f"grasps/{layout.gripper}"
        first, last = np.searchsorted(tables[f"{table}/frame"], frames)
        ranges[table] = int(first), int(last)
    used = _used(tables, ranges)
    number = np.full(tables.count("objects"), -1, dtype="<i8")
    number[used] = np.arange(len(used))
    columns = {}
    for table in layout.tables:
        first, last = _rows(tables, table, ranges)
        for name, field in layout.columns(table).items():
            rows = tables[name][used] if table == "objects" else tables[name][first:last]
            if field.refers == "objects":
                rows = number[rows]
            elif field.refers:
                rows = rows - ranges[field.refers][0]
            columns[name] = rows
    return Tables(columns, tuple(tables.meshes[row] for row in used))


def _used(tables: Tables, ranges: dict[str, tuple[int, int]]) -> NDArray[np.int64]:
    """The objects that a scene's bodies and parts are, in order."""
    rows = [tables[f"{t}/object"][slice(*ranges[t])] for t in ("bodies", "parts")]
    return np.unique(np.concatenate(rows))


def _range(scenes: Column, index: int) -> tuple[int, int]:
    first, last = np.searchsorted(scenes, [index, index + 1])
    return int(first), int(last)


def _rows(tables: Tables, table: str, ranges: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Of one table, those of the scene; all for objects, which are picked by `_used`."""
    if table.endswith(("/seen", "/grasps")):
        first, last = np.searchsorted(tables[f"{table}/frame"], ranges["frames"])
        return int(first), int(last)
    if table.startswith("cameras/"):
        return ranges["frames"]
    return ranges.get(table, (0, tables.count(table)))
