"""The raster renderer: pictures begun now and fetched later, put together on the processor."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.errors import EngineError, InputError
from simenv.render import backdrop
from simenv.render.raster.context import Current, open_context
from simenv.render.raster.painter import Begun, Painter
from simenv.render.raster.target import Pictures
from simenv.render.renderer import Channel, Frame, Frames
from simenv.scene import Snapshot, View

__all__ = ["RasterRenderer"]


class RasterRenderer:
    """Draws colour, depth, instance, normals and coordinates in one pass of OpenGL 4.3.

    Any number may be open in a process, beside the EGL renderer too. ``supersample`` n draws colour
    with n x n samples a pixel; all else is as without. ``shadows=False`` leaves every shadow out.

    Raises:
        RendererUnavailable: if moderngl is missing, or no device gives an OpenGL context.

    Example:
        >>> with RasterRenderer() as renderer:
        ...     frame = renderer.render(snapshot, view, {"normals"})
    """

    name = "raster"
    channels: frozenset[Channel] = frozenset({"normals", "coordinates"})

    def __init__(
        self, device_index: int | None = None, supersample: int = 1, *, shadows: bool = True
    ) -> None:
        if supersample < 1:
            raise InputError(f"supersample {supersample}: samples along a pixel's side; 1 or more")
        self._pid = os.getpid()
        self._context = open_context(device_index)
        self._current = Current(self._context)
        self._scratch: Pictures = {}
        with self._current:
            info = self._context.info
            self.device = f"{info['GL_RENDERER']} ({info['GL_VERSION']})"
            self._painter: Painter | None = Painter(
                self._context, supersample=supersample, shadows=shadows
            )

    def __enter__(self) -> RasterRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; a second call does nothing."""
        if self._painter is not None and os.getpid() == self._pid:
            self._painter = None
            with self._current:
                self._context.release()

    def render(self, snapshot: Snapshot, view: View, channels: Collection[Channel] = ()) -> Frame:
        """The picture of ``snapshot`` from ``view``, at once."""
        return self.begin(snapshot, [view], channels)()[0]

    def begin(
        self, snapshot: Snapshot, views: Sequence[View], channels: Collection[Channel] = ()
    ) -> Frames:
        """Start the pictures of ``snapshot`` from ``views``; call the result for them.

        A snapshot is taken as a value: drawn twice in a row it is not looked at again.

        Raises:
            EngineError: after `close`, or in a process forked from the one that opened it.
            InputError: if a texture cannot be read.
        """
        painter, wanted = self._ready(), self.channels & set(channels)
        with self._current:
            painter.show(snapshot)
            begun = [painter.draw(snapshot, view, wanted) for view in views]
        frames: list[Frame] = []

        def fetch() -> list[Frame]:
            if begun:
                self._ready()
                with self._current:
                    frames.extend([_frame(one, _fetch(one, self._scratch)) for one in begun])
                begun.clear()
            return frames

        return fetch

    def _ready(self) -> Painter:
        if self._painter is None:
            raise EngineError("the raster renderer is closed; open another one")
        if os.getpid() != self._pid:
            raise EngineError(
                "the raster renderer was opened before a fork; start workers with spawn"
            )
        return self._painter


def _fetch(begun: Begun, scratch: Pictures) -> Pictures:
    """Wait for the pictures of all tiles and join them; colour may be in ``scratch``."""
    if len(begun.parcels) == 1:
        return begun.parcels[0].fetch(scratch)
    whole: Pictures = {}
    for tile, parcel in zip(begun.tiles, begun.parcels, strict=True):
        rows, columns = slice(tile.y, tile.y + tile.height), slice(tile.x, tile.x + tile.width)
        for name, part in parcel.fetch(scratch).items():
            if name not in whole:
                shape = (begun.view.height, begun.view.width, *part.shape[2:])
                whole[name] = np.empty(shape, part.dtype)
            whole[name][rows, columns] = part
    return whole


def _frame(begun: Begun, pictures: Pictures) -> Frame:
    return Frame(
        rgb=_rgb(begun, pictures["rgba"], pictures["depth"]),
        depth_m=pictures["depth"],
        instance=pictures["instance"],
        near_far_m=begun.near_far_m,
        normals=pictures.get("normals"),
        coordinates=pictures.get("coordinates"),
    )


def _rgb(begun: Begun, rgba: NDArray[np.uint8], depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour (H, W, 3) before its backdrop. Alpha is how much of a pixel has a surface."""
    rgb = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)
    if not begun.smooth and depth_m.min() > 0:
        return rgb  # no pixel is open
    coverage = rgba[..., 3]
    scene = begun.snapshot.scene
    behind: NDArray[Any] | None = backdrop.picture(scene, begun.view)
    if behind is None:
        behind = np.round(255 * np.array(scene.look.backdrop.color)).astype(np.uint8)
    np.copyto(rgb, behind, where=(coverage == 0)[..., None])
    if begun.smooth:
        edges = np.nonzero((coverage > 0) & (coverage < 255))
        share = coverage[edges][:, None] / 255
        behind = np.broadcast_to(behind, rgb.shape)[edges]
        rgb[edges] = np.round(share * rgb[edges] + (1 - share) * behind).astype(np.uint8)
    return rgb
