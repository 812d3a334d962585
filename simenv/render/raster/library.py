"""What stays on the device from scene to scene: meshes in one buffer, and textures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.mesh import Mesh
from simenv.render import light, texture
from simenv.render.surface import Surface

__all__ = ["VERTEX_FORMAT", "Library", "Part"]

LIMIT_BYTES = 128 << 20  # above this everything is dropped when the next scene comes
FIRST_BYTES = 1 << 20  # of a new buffer; it doubles when it is full
VERTEX_FORMAT = "3f4 3f4 2f4"  # position, normal, uv
VERTEX_BYTES, INDEX_BYTES = 32, 4

Source = str | Path | None  # a procedural texture, an image file, or plain white


@dataclass(frozen=True)
class Part:
    """Where a mesh lies in the buffers."""

    first_index: int
    indices: int
    first_vertex: int


class Library:
    """Meshes and textures of one context, each uploaded once."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._vertices = _Heap(context)
        self._indices = _Heap(context)
        self._parts: dict[str, Part] = {}  # by digest of the surface
        self._textures: dict[Source, Any] = {}
        self._texture_bytes = 0

    @property
    def buffers(self) -> tuple[Any, Any]:
        """Vertex and index buffer; other ones after they grew."""
        return self._vertices.buffer, self._indices.buffer

    @property
    def bytes(self) -> int:
        """Size of all that is held."""
        return self._vertices.used + self._indices.used + self._texture_bytes

    def forget(self) -> bool:
        """Drop everything if it is more than `LIMIT_BYTES`."""
        if self.bytes <= LIMIT_BYTES:
            return False
        self._parts.clear()
        self._vertices.used = self._indices.used = 0
        for held in self._textures.values():
            held.release()
        self._textures.clear()
        self._texture_bytes = 0
        return True

    def part(self, surface: Surface) -> Part:
        """The place of a surface, which is uploaded if it is new."""
        if surface.digest not in self._parts:
            indices = surface.mesh.faces.astype(np.uint32).ravel()
            first_vertex = self._vertices.append(_interleaved(surface.mesh)) // VERTEX_BYTES
            first_index = self._indices.append(indices) // INDEX_BYTES
            self._parts[surface.digest] = Part(first_index, len(indices), first_vertex)
        return self._parts[surface.digest]

    def texture(self, source: Source) -> Any:
        """The texture of ``source``.

        Raises:
            InputError: if it is a file that is no readable image.
        """
        if source not in self._textures:
            image = _image(source, self._context.info["GL_MAX_TEXTURE_SIZE"])
            size = (image.shape[1], image.shape[0])
            made = self._context.texture(size, 4, _texels(image))
            made.build_mipmaps()
            made.filter = (self._context.LINEAR_MIPMAP_NEAREST, self._context.LINEAR)
            self._textures[source] = made
            self._texture_bytes += 4 * size[0] * size[1] * 4 // 3  # with the smaller levels
        return self._textures[source]


class _Heap:
    """A buffer that grows by doubling and keeps what it holds."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.buffer = context.buffer(reserve=FIRST_BYTES)
        self.used = 0

    def append(self, values: NDArray[Any]) -> int:
        """Byte offset at which ``values`` lie now."""
        offset, end = self.used, self.used + values.nbytes
        if end > self.buffer.size:
            larger = self._context.buffer(reserve=max(2 * self.buffer.size, end))
            self._context.copy_buffer(larger, self.buffer, size=self.used)
            self.buffer.release()
            self.buffer = larger
        self.buffer.write(values, offset=offset)
        self.used = end
        return offset


def _interleaved(mesh: Mesh) -> NDArray[np.float32]:
    """Rows (V, 8) of position, normal and uv."""
    return np.hstack([mesh.vertices, mesh.normals, mesh.uvs]).astype(np.float32)


def _texels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA (H, W, 4), the lowest row first: the square root of linear light in 8 bits.

    A shader squares it for less than OpenGL asks for sRGB, and it is as fine in the dark.
    """
    levels = np.arange(256, dtype=np.uint8)
    table = np.round(255 * np.sqrt(light.decode(levels))).astype(np.uint8)
    opaque = np.full(image.shape[:2], 255, np.uint8)
    return np.ascontiguousarray(np.dstack([table[image], opaque])[::-1])


def _image(source: Source, largest: int) -> NDArray[np.uint8]:
    """RGB (H, W, 3), no side longer than ``largest``."""
    if source is None:
        return np.full((1, 1, 3), 255, np.uint8)
    if isinstance(source, str):
        return texture.make(source)
    image = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{source}: not a readable image; give a PNG or JPEG file")
    scale = min(1.0, largest / max(image.shape))
    if scale < 1.0:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(image[..., ::-1], np.uint8)
