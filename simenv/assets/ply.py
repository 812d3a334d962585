"""What a PLY file says: text, or binary of either byte order (Turk, The PLY polygon format)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.assets.soup import Floats, Rows, Soup
from simenv.errors import InputError

__all__ = ["read_ply"]

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
LIST_NAMES = ("vertex_indices", "vertex_index")
MAX_HEADER = 65536  # bytes
MAX_CORNERS = 256  # of one polygon


@dataclass
class _Element:
    name: str
    count: int
    scalars: list[tuple[str, str]] = field(default_factory=list)  # name, type
    lists: list[tuple[str, str, str]] = field(default_factory=list)  # name, type of count, of item

    def least_bytes(self) -> int:
        """That one row has at the very least."""
        types = [kind for _, kind in self.scalars] + [kind for _, kind, _ in self.lists]
        return sum(np.dtype(kind).itemsize for kind in types)


def read_ply(path: Path) -> Soup:
    """Vertices and polygons; polygons become fans.

    Raises:
        InputError: it is not what its header says.
    """
    data = path.read_bytes()
    order, elements, start = _header(data)
    found: dict[str, tuple[NDArray[Any], list[Rows]]] = {}
    body = _Text(data[start:]) if not order else _Binary(data, start, order)
    for element in elements:
        found[element.name] = body.rows(element)
    if "vertex" not in found or "face" not in found:
        raise InputError("has no vertices, or no faces; export the surface as triangles")
    names = [name for name, _ in _named(elements, "vertex").scalars]
    columns = dict(zip(names, found["vertex"][0].T, strict=False))
    if not {"x", "y", "z"} <= set(columns):
        raise InputError("has vertices without x, y, z; export it again")
    vertices = np.column_stack([columns[axis] for axis in "xyz"]).astype(np.float64)
    faces = _fans(found["face"][1])
    uvs = _uvs(columns, faces, len(vertices))
    return Soup(vertices, faces, uvs)


def _named(elements: list[_Element], name: str) -> _Element:
    return next(element for element in elements if element.name == name)


def _uvs(columns: dict[str, Any], faces: Rows, count: int) -> Floats | None:
    for u, v in UV_NAMES:
        if u in columns and v in columns and len(faces) and 0 <= faces.min() <= faces.max() < count:
            pairs = np.column_stack([columns[u], columns[v]]).astype(np.float64)
            return np.asarray(pairs[faces]) if np.isfinite(pairs).all() else None
    return None


def _header(data: bytes) -> tuple[str, list[_Element], int]:
    """Byte order ("" for text), what there is, and where the body starts."""
    head = data[:MAX_HEADER]
    end = head.find(b"end_header")
    line_end = head.find(b"\n", end)
    if not head.startswith(b"ply") or end < 0 or line_end < 0:
        raise InputError("has no PLY header; export it again")
    order, elements = None, list[_Element]()
    for line in head[:end].decode("ascii", errors="replace").splitlines()[1:]:
        try:
            order = _header_line(line.split(), elements) or order
        except (ValueError, KeyError, IndexError):
            raise InputError(
                f"has a bad line in its header, {line[:60]!r}; export it again"
            ) from None
    if order is None:
        raise InputError("does not say its format in the header; export it again")
    return ORDERS[order], elements, line_end + 1


def _header_line(words: list[str], elements: list[_Element]) -> str | None:
    """Take in one line; the format where it says it."""
    if not words or words[0] in ("comment", "obj_info"):
        return None
    if words[0] == "format":
        if words[1] not in ORDERS:
            raise ValueError
        return words[1]
    if words[0] == "element":
        if int(words[2]) < 0:
            raise ValueError
        elements.append(_Element(words[1], int(words[2])))
    elif words[:2] == ["property", "list"]:
        elements[-1].lists.append((words[4], TYPES[words[2]], TYPES[words[3]]))
    elif words[0] == "property":
        if elements[-1].lists:  # a scalar after a list: rows of no one layout
            raise ValueError
        elements[-1].scalars.append((words[2], TYPES[words[1]]))
    else:
        raise ValueError
    return None


class _Text:
    """The body of a text file."""

    def __init__(self, data: bytes) -> None:
        self.words = data.split()
        self.position = 0

    def rows(self, element: _Element) -> tuple[NDArray[Any], list[Rows]]:
        """Scalars (N, S), and the polygons of a face, one array (N, corners) a size."""
        width = len(element.scalars)
        if element.count * max(1, width + len(element.lists)) > len(self.words) - self.position:
            raise _short(element)
        try:
            if not element.lists:
                words = self.take(element.count * width)
                return np.array(words, dtype=object).astype(np.float64).reshape(-1, width), []
            polygons = []
            for _ in range(element.count):
                self.take(width)
                for name, _, _ in element.lists:
                    items = self.take(_size(int(self.take(1)[0]), name))
                    if name in LIST_NAMES:
                        polygons.append([int(word) for word in items])
        except (ValueError, IndexError, OverflowError):
            raise _short(element) from None
        return np.zeros((element.count, 0)), _by_size(polygons)

    def take(self, count: int) -> list[bytes]:
        found = self.words[self.position : self.position + count]
        if len(found) < count:
            raise IndexError
        self.position += count
        return found


class _Binary:
    """The body of a binary file."""

    def __init__(self, data: bytes, start: int, order: str) -> None:
        self.data, self.position, self.order = data, start, order

    def rows(self, element: _Element) -> tuple[NDArray[Any], list[Rows]]:
        """As `_Text.rows`."""
        left = len(self.data) - self.position
        if element.count * max(1, element.least_bytes()) > left:
            raise _short(element)
        if not element.lists:
            kind = np.dtype([(f"p{i}", self.order + t) for i, (_, t) in enumerate(element.scalars)])
            table = np.frombuffer(self.data, kind, element.count, self.position)
            self.position += kind.itemsize * element.count
            names = kind.names or ()
            return np.column_stack([table[name].astype(np.float64) for name in names]), []
        polygons = self._triangles(element)
        if polygons is None:
            polygons = self._polygons(element)
        return np.zeros((element.count, 0)), polygons

    def _triangles(self, element: _Element) -> list[Rows] | None:
        """All faces at once where each is a triangle and nothing else."""
        if len(element.lists) > 1 or element.lists[0][0] not in LIST_NAMES:
            return None
        scalars = [(f"p{i}", self.order + t) for i, (_, t) in enumerate(element.scalars)]
        _, counter, item = element.lists[0]
        kind = np.dtype([*scalars, ("n", self.order + counter), ("rows", self.order + item, (3,))])
        if kind.itemsize * element.count > len(self.data) - self.position:
            return None
        table = np.frombuffer(self.data, kind, element.count, self.position)
        if not (table["n"] == 3).all():
            return None
        self.position += kind.itemsize * element.count
        return [table["rows"].astype(np.int64)]

    def _polygons(self, element: _Element) -> list[Rows]:
        skipped = sum(np.dtype(kind).itemsize for _, kind in element.scalars)
        polygons = []
        try:
            for _ in range(element.count):
                self.position += skipped
                for name, counter, item in element.lists:
                    count = _size(int(self.take(counter, 1)[0]), name)
                    items = self.take(item, count)
                    if name in LIST_NAMES:
                        polygons.append([int(row) for row in items])
        except (ValueError, OverflowError):
            raise _short(element) from None
        return _by_size(polygons)

    def take(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, self.order + kind, count, self.position)
        self.position += found.nbytes
        return found


def _size(count: int, name: str) -> int:
    if not 0 <= count <= MAX_CORNERS or (name in LIST_NAMES and count < 3):
        raise ValueError
    return count


def _short(element: _Element) -> InputError:
    text = f"its header says {element.count} rows of {element.name}, its body holds others"
    return InputError(f"is cut off or damaged: {text}; export it again")


def _by_size(polygons: list[list[int]]) -> list[Rows]:
    sizes = sorted({len(polygon) for polygon in polygons})
    return [np.array([p for p in polygons if len(p) == size], np.int64) for size in sizes]


def _fans(polygons: list[Rows]) -> Rows:
    """Triangles (T, 3) around the first corner of each polygon."""
    fans = [rows[:, [0, i, i + 1]] for rows in polygons for i in range(1, rows.shape[1] - 1)]
    return np.concatenate(fans) if fans else np.zeros((0, 3), np.int64)
