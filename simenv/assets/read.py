"""What a mesh file says, by its format: STL, OBJ, PLY, glTF, STEP. Nothing is believed unread."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from simenv import mesh
from simenv.assets.gltf import read_gltf
from simenv.assets.near import MAX_BYTES, inside
from simenv.assets.ply import read_ply
from simenv.assets.soup import Soup
from simenv.assets.step import read_step
from simenv.errors import InputError

__all__ = ["FORMATS", "MAX_TRIANGLES", "read"]

MAX_TRIANGLES = 2_000_000  # of a file; what the catalog takes is spec/files.py's

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_HEADER = 84  # bytes of a binary STL before its triangles: text, and how many
_VERTEX = re.compile(rb"^\s*vertex\s+(\S+)\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)


def read(path: Path) -> Soup:
    """The triangles of a file, checked to be finite and to name vertices that exist.

    Raises:
        InputError: what is wrong with it, without its name.
    """
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(FORMATS))
        raise InputError(f"is of no known format; export it as one of {known}")
    if not path.is_file():
        raise InputError("is no regular file; name a mesh file")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise InputError(f"has {size} bytes, at most {MAX_BYTES} are read; simplify it")
    if size == 0:
        raise InputError("is empty; export it again")
    soup = reader(path)
    _check(soup)
    return soup


def _check(soup: Soup) -> None:
    """What holds of every format."""
    if not len(soup.faces):
        raise InputError("has no faces; export the surface as triangles")
    if (count := len(soup.faces)) > MAX_TRIANGLES:
        raise InputError(f"has {count} triangles, at most {MAX_TRIANGLES} are read; simplify it")
    if soup.faces.min() < 0 or soup.faces.max() >= len(soup.vertices):
        row = int(np.flatnonzero((soup.faces < 0) | (soup.faces >= len(soup.vertices)))[0]) // 3
        text = f"names a vertex out of range (there are {len(soup.vertices)})"
        raise InputError(f"face {row + 1} {text}; export it again")
    used = soup.vertices[np.unique(soup.faces)]
    if not np.isfinite(used).all() or np.abs(used).max() > 1e9:
        raise InputError("has coordinates that are not finite, or beyond 1e9; export it again")


def _read_stl(path: Path) -> Soup:
    data = path.read_bytes()
    said = int.from_bytes(data[80:_HEADER], "little") if len(data) >= _HEADER else -1
    is_text = data[:1024].lstrip().lower().startswith(b"solid") and b"\0" not in data[:1024]
    if is_text and len(data) != _HEADER + 50 * said:
        return _text_stl(data)
    if len(data) < _HEADER:
        raise InputError(f"is cut off: {len(data)} bytes are no STL file; export it again")
    held = (len(data) - _HEADER) / 50
    if held != said:
        text = f"its header says {said} triangles, its length {held:.6g}"
        raise InputError(f"is cut off or damaged: {text}; export it again")
    corners = np.frombuffer(data, _TRIANGLE, offset=_HEADER)["corners"].astype(np.float64)
    return _separate(corners)


def _text_stl(data: bytes) -> Soup:
    facets, ends = data.count(b"facet normal"), data.count(b"endfacet")
    rows = _VERTEX.findall(data)
    if facets != ends or len(rows) != 3 * facets or b"endsolid" not in data[-1024:]:
        text = f"{facets} facets begin, {ends} end, with {len(rows)} corners"
        raise InputError(f"is cut off or damaged: {text}; export it again")
    try:
        return _separate(np.array(rows, dtype=object).reshape(-1, 3, 3).astype(np.float64))
    except ValueError as error:
        raise InputError(f"has a corner that is no number ({error}); export it again") from None


def _separate(corners: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Soup:
    """Triangles that share no vertex, from corners (T, 3, 3)."""
    return Soup(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3))


def _read_obj(path: Path) -> Soup:
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
        surface = mesh.load_obj(path, most=MAX_TRIANGLES)
    except ValueError as error:
        raise InputError(f"{error}; export it again") from None
    faces = surface.faces.astype(np.int64)
    uvs = surface.uvs[faces] if surface.uvs.any() else None
    return Soup(
        surface.vertices, faces, uvs, _obj_image(text, path.parent) if uvs is not None else b""
    )


def _obj_image(text: str, folder: Path) -> bytes:
    """The image of the materials, if they have just one."""
    libraries = re.findall(r"^mtllib[ \t]+(.+?)[ \t]*\r?$", text, re.MULTILINE)
    names = set()
    for library in dict.fromkeys(libraries):
        if (folder / library).exists() or ".." in library or library.startswith("/"):
            material = inside(folder, library).read_text(errors="replace")
            names |= set(re.findall(r"^\s*map_Kd[ \t]+(.+?)[ \t]*\r?$", material, re.MULTILINE))
    return inside(folder, names.pop()).read_bytes() if len(names) == 1 else b""


FORMATS = {
    ".stl": _read_stl,
    ".obj": _read_obj,
    ".ply": read_ply,
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".step": read_step,
    ".stp": read_step,
}
