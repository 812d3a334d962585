"""What is drawn into, and how it comes back: framebuffers, and pixel buffers read later."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Parcel", "Parcels", "Targets"]

KEPT_TARGETS = 6  # of other sizes or pictures; one more replaces the one used longest ago
ALIGNMENT = 4  # bytes: of the largest number that a picture holds
KEPT_BUFFERS = 16

# name -> components, components read back, moderngl's type, numpy's type
PICTURES: dict[str, tuple[int, int, str, type[Any]]] = {
    "rgba": (4, 4, "f1", np.uint8),
    "depth": (1, 1, "f4", np.float32),
    "instance": (1, 1, "u2", np.uint16),
    "normals": (4, 3, "f4", np.float32),
    "coordinates": (4, 3, "f4", np.float32),
}

Pictures = dict[str, NDArray[Any]]


class Target:
    """A framebuffer with one attachment a picture, and depth."""

    def __init__(self, context: Any, size: tuple[int, int], pictures: tuple[str, ...]) -> None:
        self.pictures = pictures
        self.attachments = [
            context.texture(size, PICTURES[name][0], dtype=PICTURES[name][2]) for name in pictures
        ]
        self._depth = context.depth_renderbuffer(size)
        self.framebuffer = context.framebuffer(self.attachments, self._depth)

    def release(self) -> None:
        """Give the memory back."""
        for held in (self.framebuffer, self._depth, *self.attachments):
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
            if len(self._targets) >= KEPT_TARGETS:
                self._targets.popitem(last=False)[1].release()
            self._targets[key] = Target(self._context, size, pictures)
        self._targets.move_to_end(key)
        return self._targets[key]


class Parcel:
    """Pictures of one size on their way from the device, in one pixel buffer."""

    def __init__(self, buffer: Any, size: tuple[int, int]) -> None:
        self.buffer = buffer
        self._size = size
        self._held: list[tuple[str, int]] = []  # name, byte offset
        self._end = 0

    def put(self, target: Target) -> None:
        """Have the device copy the pictures of ``target``."""
        for k, name in enumerate(target.pictures):
            _, components, kind, _ = PICTURES[name]
            target.framebuffer.read_into(
                self.buffer,
                components=components,
                attachment=k,
                alignment=1,
                dtype=kind,
                write_offset=self._end,
            )
            self._held.append((name, self._end))
            self._end += room_bytes(name, self._size)

    def fetch(self, scratch: Pictures) -> Pictures:
        """Wait for the pictures; (H, W) or (H, W, components).

        Colour is in an array of ``scratch``, until the next call: new memory costs more than to
        fill it, and nobody keeps colour as it comes.
        """
        width, height = self._size
        found: Pictures = {}
        for name, offset in self._held:
            _, components, _, kind = PICTURES[name]
            shape = (height, width) if components == 1 else (height, width, components)
            kept = scratch.get(name)
            if name != "rgba":
                kept = np.empty(shape, kind)
            elif kept is None or kept.shape != shape:
                kept = scratch[name] = np.empty(shape, kind)
            found[name] = kept
            self.buffer.read_into(found[name], size=found[name].nbytes, offset=offset)
        return found


class Parcels:
    """Pixel buffers; one is used again when its parcel is gone, fetched or not."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._free: list[Any] = []

    def new(self, size: tuple[int, int], pictures: tuple[str, ...]) -> Parcel:
        """An empty parcel with room for some pictures."""
        parcel = Parcel(self._buffer(sum(room_bytes(name, size) for name in pictures)), size)
        weakref.finalize(parcel, self._free.append, parcel.buffer)
        return parcel

    def _buffer(self, room: int) -> Any:
        for k, buffer in enumerate(self._free):
            if buffer.size == room:
                return self._free.pop(k)
        while len(self._free) >= KEPT_BUFFERS:
            self._free.pop(0).release()
        return self._context.buffer(reserve=room)


def room_bytes(name: str, size: tuple[int, int]) -> int:
    """Bytes that one picture takes in a pixel buffer: OpenGL puts none at an odd offset."""
    _, components, _, kind = PICTURES[name]
    needed = int(size[0] * size[1] * components * np.dtype(kind).itemsize)
    return -(-needed // ALIGNMENT) * ALIGNMENT
