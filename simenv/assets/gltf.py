"""What a glTF 2.0 file says (.glb or .gltf): the triangles of its scene, in metres.

Khronos glTF 2.0, sections 3.5 (scenes), 3.6 (buffers and accessors), 3.7 (meshes), 4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.assets.near import inside
from simenv.assets.soup import Floats, Soup
from simenv.errors import InputError

__all__ = ["read_gltf"]

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}
TRIANGLES = 4  # mode of a primitive
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
FARTHEST = 1e9  # of a node, and of its scale
MAX_NODES = 10_000
MAX_CORNERS = 20_000_000  # that all nodes draw together


def read_gltf(path: Path) -> Soup:
    """All meshes of the scene, each where its node puts it.

    Raises:
        InputError: it breaks the format, or uses a part of it that is not read here.
    """
    try:
        return _Reader(path).soup()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        text = f"{type(error).__name__}: {error}"
        raise InputError(f"is no valid glTF file ({text[:80]}); export it again") from None


class _Reader:
    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        data = path.read_bytes()
        is_binary = data.startswith(b"glTF")
        text, self.binary = _chunks(data) if is_binary else (data, b"")
        self.root: dict[str, Any] = json.loads(text)
        if needed := self.root.get("extensionsRequired", ()):
            raise InputError(f"needs {', '.join(map(str, needed))}; export it without compression")
        self.buffers: dict[int, bytes] = {}
        self.corners = 0

    def soup(self) -> Soup:
        pieces = [piece for X, mesh in self.placed() for piece in self.pieces(X, mesh)]
        if not pieces:
            raise InputError("has no triangles; export the surface as triangles")
        first = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
        textured = all(piece.uvs is not None for piece in pieces)
        return Soup(
            np.concatenate([piece.vertices for piece in pieces]),
            np.concatenate([p.faces + row for p, row in zip(pieces, first[:-1], strict=True)]),
            np.concatenate([p.uvs for p in pieces if p.uvs is not None]) if textured else None,
            self.image() if textured else b"",
        )

    def placed(self) -> Iterator[tuple[Floats, dict[str, Any]]]:
        """Each mesh of the scene with its pose, which may scale."""
        nodes = self.root.get("nodes", [])
        scenes = self.root.get("scenes")
        if not nodes or not scenes:
            yield from ((np.eye(4), mesh) for mesh in self.root.get("meshes", ()))
            return
        waiting = [(np.eye(4), row) for row in scenes[self.root.get("scene", 0)].get("nodes", ())]
        for _ in range(MAX_NODES):
            if not waiting:
                return
            X_WN, row = waiting.pop()
            node = nodes[row]
            X_WM = X_WN @ _transform(node)
            if not (np.abs(X_WM) <= FARTHEST).all():  # NaN is not, either
                raise InputError(f"places node {row} nowhere; export it again")
            if "mesh" in node:
                yield X_WM, self.root["meshes"][node["mesh"]]
            waiting += [(X_WM, child) for child in reversed(node.get("children", ()))]
        raise InputError(f"has more than {MAX_NODES} nodes, or a loop of them; join its meshes")

    def pieces(self, X_WM: Floats, mesh: dict[str, Any]) -> Iterator[Soup]:
        for primitive in mesh["primitives"]:
            mode = primitive.get("mode", TRIANGLES)
            if mode < TRIANGLES:
                continue  # points and lines
            if mode != TRIANGLES:
                raise InputError("has strips or fans; export the surface as triangles")
            yield self.piece(X_WM, primitive)

    def piece(self, X_WM: Floats, primitive: dict[str, Any]) -> Soup:
        attributes = primitive["attributes"]
        vertices = self.accessor(attributes["POSITION"], 3).astype(np.float64)
        rows = (
            self.accessor(primitive["indices"], 1).astype(np.int64).ravel()
            if "indices" in primitive
            else np.arange(len(vertices))
        )
        faces = rows[: len(rows) // 3 * 3].reshape(-1, 3)
        if len(faces) and faces.max() >= len(vertices):
            raise InputError(f"names a vertex out of range (there are {len(vertices)})")
        uvs = None
        if "TEXCOORD_0" in attributes:
            pairs = self.accessor(attributes["TEXCOORD_0"], 2)
            scale = 1.0 if pairs.dtype.kind == "f" else float(np.iinfo(pairs.dtype).max)
            uvs = (pairs.astype(np.float64) / scale)[faces] * (1.0, -1.0) + (0.0, 1.0)
        soup = Soup(vertices @ X_WM[:3, :3].T + X_WM[:3, 3], faces, uvs)
        mirrored = np.linalg.det(X_WM[:3, :3]) < 0  # 3.5.3: the winding order is reversed
        return soup.turn(np.full(len(faces), mirrored))

    def accessor(self, row: int, width: int) -> NDArray[Any]:
        """Values (N, width) as they are stored."""
        accessor = self.root["accessors"][row]
        if "sparse" in accessor or WIDTHS[accessor["type"]] != width:
            raise InputError("has an accessor of a kind that is not read; export it again")
        kind, count = np.dtype(COMPONENTS[accessor["componentType"]]), accessor["count"]
        self.corners += count
        if not 0 <= count <= MAX_CORNERS or self.corners > MAX_CORNERS:
            raise InputError(f"draws more than {MAX_CORNERS} corners; simplify it")
        view = self.root["bufferViews"][accessor["bufferView"]]
        data = self.view(view)[accessor.get("byteOffset", 0) :]
        stride = view.get("byteStride") or kind.itemsize * width
        if count and len(data) < stride * (count - 1) + kind.itemsize * width:
            raise InputError("is cut off: an accessor ends beyond its buffer; export it again")
        shape, strides = (count, width), (stride, kind.itemsize)
        return np.ndarray(shape, kind, data, 0, strides).copy()

    def view(self, view: dict[str, Any]) -> bytes:
        start = view.get("byteOffset", 0)
        data = self.buffer(view["buffer"])[start : start + view["byteLength"]]
        if start < 0 or len(data) < view["byteLength"]:
            raise InputError("is cut off: a view ends beyond its buffer; export it again")
        return data

    def buffer(self, row: int) -> bytes:
        if row not in self.buffers:
            uri = self.root["buffers"][row].get("uri")
            self.buffers[row] = self.binary if uri is None else self.fetch(uri)
        return self.buffers[row]

    def fetch(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.split(",", 1)[1], validate=True)
            except binascii.Error:
                raise InputError("has a data URI that is not base64; export it again") from None
        return inside(self.folder, unquote(uri)).read_bytes()

    def image(self) -> bytes:
        """The base colour image of the materials, if they have just one."""
        textures = [
            material.get("pbrMetallicRoughness", {}).get("baseColorTexture", {}).get("index")
            for material in self.root.get("materials", ())
        ]
        rows = {self.root["textures"][row]["source"] for row in textures if row is not None}
        if len(rows) != 1:
            return b""
        image = self.root["images"][rows.pop()]
        if "uri" in image:
            return self.fetch(image["uri"])
        return self.view(self.root["bufferViews"][image["bufferView"]])


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """JSON and binary chunk of a GLB."""
    if len(data) < 20 or int.from_bytes(data[8:12], "little") != len(data):
        said = int.from_bytes(data[8:12], "little")
        raise InputError(f"is cut off: its header says {said} bytes, it has {len(data)}")
    found: dict[int, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "little")
        kind = int.from_bytes(data[position + 4 : position + 8], "little")
        found.setdefault(kind, data[position + 8 : position + 8 + length])
        position += 8 + length
    return found[JSON_CHUNK], found.get(BINARY_CHUNK, b"")


def _transform(node: dict[str, Any]) -> Floats:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    X = np.asarray(pose.from_quaternion(node.get("rotation", (0, 0, 0, 1))))
    X[:3, :3] = X[:3, :3] * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    X[:3, 3] = node.get("translation", (0, 0, 0))
    return X
