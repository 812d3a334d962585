"""What is drawn into, and how it comes back: framebuffers, and pixel buffers that are read later."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Target", "Targets"]

KEPT = 6  # framebuffers; a seventh size or set of pictures replaces the one used longest ago
# name -> components, moderngl's type, numpy's type
PICTURES: dict[str, tuple[int, str, type[Any]]] = {
    "rgba": (4, "f1", np.uint8),
    "depth": (1, "f4", np.float32),
    "instance": (1, "u2", np.uint16),
    "normals": (4, "f4", np.float32),
    "coordinates": (4, "f4", np.float32),
}
READ_COMPONENTS = {"normals": 3, "coordinates": 3}


class Target:
    """A framebuffer of some pictures of one size."""

    def __init__(self, context: Any, size: tuple[int, int], pictures: tuple[str, ...]) -> None:
        self.size, self.pictures = size, pictures
        self._held = [
            context.renderbuffer(size, PICTURES[name][0], dtype=PICTURES[name][1])
            for name in pictures
        ]
        self._held.append(context.depth_renderbuffer(size))
        self.framebuffer = context.framebuffer(self._held[:-1], self._held[-1])

    @property
    def bytes(self) -> int:
        """Size of what `read` writes."""
        return sum(self._bytes(name) for name in self.pictures)

    def _bytes(self, name: str) -> int:
        width, height = self.size
        components, _, kind = PICTURES[name]
        return int(width * height * READ_COMPONENTS.get(name, components) * np.dtype(kind).itemsize)

    def read(self, buffer: Any) -> None:
        """Have the device copy all pictures into a pixel buffer."""
        offset = 0
        for k, name in enumerate(self.pictures):
            components, kind, _ = PICTURES[name]
            self.framebuffer.read_into(
                buffer,
                components=READ_COMPONENTS.get(name, components),
                attachment=k,
                alignment=1,
                dtype=kind,
                write_offset=offset,
            )
            offset += self._bytes(name)

    def fetch(self, buffer: Any) -> dict[str, NDArray[Any]]:
        """The pictures that `read` has put into ``buffer``, (H, W) or (H, W, components)."""
        width, height = self.size
        found: dict[str, NDArray[Any]] = {}
        offset = 0
        for name in self.pictures:
            components, _, kind = PICTURES[name]
            components = READ_COMPONENTS.get(name, components)
            shape = (height, width) if components == 1 else (height, width, components)
            found[name] = np.empty(shape, kind)
            buffer.read_into(found[name], size=found[name].nbytes, offset=offset)
            offset += found[name].nbytes
        return found

    def release(self) -> None:
        """Give the memory back."""
        self.framebuffer.release()
        for held in self._held:
            held.release()


class Targets:
    """The framebuffers used lately."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._targets: OrderedDict[tuple[Any, ...], Target] = OrderedDict()

    def get(self, size: tuple[int, int], pictures: tuple[str, ...]) -> Target:
        """A framebuffer of this kind; what is in it is anyone's."""
        key = (size, pictures)
        if key not in self._targets:
            if len(self._targets) >= KEPT:
                self._targets.popitem(last=False)[1].release()
            self._targets[key] = Target(self._context, size, pictures)
        self._targets.move_to_end(key)
        return self._targets[key]
