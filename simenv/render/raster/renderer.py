"""How snapshots become pictures in one OpenGL pass, begun now and fetched later."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from simenv import pose
from simenv.errors import EngineError, InputError
from simenv.pose import Matrix
from simenv.render import backdrop, camera
from simenv.render.camera import Tile
from simenv.render.raster.context import Current, open_context
from simenv.render.raster.frame import clip_from_stage, frame_block, seen_corners
from simenv.render.raster.lighting import Lamp, ambient, lamps
from simenv.render.raster.programs import FIRST_MAP, Kind, Programs
from simenv.render.raster.shaders import Variant
from simenv.render.raster.shadow import BIAS, Fit, Maps, fit, shape
from simenv.render.raster.stage import Stage
from simenv.render.raster.target import Parcel, Parcels, Pictures, Targets
from simenv.render.renderer import Channel, Frame, Frames
from simenv.scene import Snapshot, View
from simenv.spec.look import Look

__all__ = ["RasterRenderer"]


@dataclass(frozen=True, eq=False)
class Begun:
    """A picture on its way: one parcel a tile."""

    snapshot: Snapshot
    view: View
    near_far_m: tuple[float, float]
    tiles: tuple[Tile, ...]
    parcels: tuple[Parcel, ...]


class RasterRenderer:
    """Draws colour, depth, instance, normals and coordinates at once, on any OpenGL 4.3.

    Any number may be open in a process, beside the EGL renderer too. ``supersample`` n draws the
    colour with n x n samples a pixel; everything else stays as it is without.

    Raises:
        RendererUnavailable: if moderngl is missing, or there is no OpenGL context to be had.

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
            raise InputError(f"supersample {supersample}: samples a side of a pixel; 1 or more")
        self._pid, self._supersample, self._shadows = os.getpid(), supersample, shadows
        self._context = open_context(device_index)
        self._current = Current(self._context)
        self._open = True
        with self._current:
            info = self._context.info
            self.device = f"{info['GL_RENDERER']} ({info['GL_VERSION']})"
            self._context.gc_mode = "context_gc"
            widest, highest = info["GL_MAX_VIEWPORT_DIMS"]
            side = info["GL_MAX_TEXTURE_SIZE"]
            self._largest_tile = (
                min(widest, side) // supersample,
                min(highest, side) // supersample,
            )
            self._stage = Stage(self._context)
            self._programs = Programs(self._context)
            self._targets, self._parcels = Targets(self._context), Parcels(self._context)
            self._maps = Maps(self._context)
            self._block = self._context.buffer(reserve=64)
        self._look: Look | None = None
        self._lamps: tuple[Lamp, ...] = ()

    def __enter__(self) -> RasterRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the context back; a second call does nothing."""
        if self._open and os.getpid() == self._pid:
            self._open = False
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
        self._check()
        with self._current:
            self._context.gc()
            self._show(snapshot)
            wanted = self.channels & set(channels)
            begun = [self._draw(snapshot, view, wanted) for view in views]
        frames: list[Frame] = []

        def fetch() -> list[Frame]:
            if begun:
                self._check()
                with self._current:
                    frames.extend(self._fetch(one) for one in begun)
                begun.clear()
            return frames

        return fetch

    def _check(self) -> None:
        if not self._open:
            raise EngineError("the raster renderer is closed; open another one")
        if os.getpid() != self._pid:
            raise EngineError(
                "the raster renderer was opened before a fork; start workers with spawn"
            )

    def _show(self, snapshot: Snapshot) -> None:
        new = self._stage.show(snapshot)
        if snapshot.scene.look is not self._look:
            self._look, new = snapshot.scene.look, True
            self._lamps = lamps(self._look, shadows=self._shadows)
            self._check_lamps()
        if new:
            self._maps.forget()

    def _check_lamps(self) -> None:
        wanted = sum(lamp.kind != "bare" for lamp in self._lamps)
        units = self._context.info["GL_MAX_TEXTURE_IMAGE_UNITS"] - FIRST_MAP
        if len(self._lamps) > units and wanted:
            self._look = None
            raise InputError(
                f"look.lights: {len(self._lamps)} lamps are lit, this device draws {units} with "
                "shadows; remove some, or give each of them shadow: 0"
            )

    def _draw(self, snapshot: Snapshot, view: View, channels: frozenset[Channel]) -> Begun:
        near_far_m = self._stage.hulls.near_far(view)
        X_CS = pose.inverse(view.X_WC) @ pose.pose(None, self._stage.centre)
        fits = self._shade(view, near_far_m, X_CS)
        layout = camera.tiles(view.width, view.height, self._largest_tile)
        parcels = [self._draw_tile(view, t, near_far_m, X_CS, fits, channels) for t in layout]
        return Begun(snapshot, view, near_far_m, layout, tuple(parcels))

    def _shade(
        self, view: View, near_far_m: tuple[float, float], X_CS: Matrix
    ) -> tuple[Fit | None, ...]:
        """Have the shadow maps of all lamps that have one for this view."""
        casting = [lamp.kind != "bare" and len(self._stage.casters) > 0 for lamp in self._lamps]
        if not any(casting):
            return (None,) * len(casting)
        seen = seen_corners(view, near_far_m, pose.inverse(X_CS))
        side = shape(view)
        fits = tuple(
            fit(self._stage.casters, seen, lamp, side) if casts else None
            for lamp, casts in zip(self._lamps, casting, strict=True)
        )
        for k, (lamp, fitted) in enumerate(zip(self._lamps, fits, strict=True)):
            if fitted is not None:
                self._throw(k, lamp, fitted)
        return fits

    def _throw(self, number: int, lamp: Lamp, fitted: Fit) -> None:
        """Have lamp ``number``'s map at its texture unit."""
        gl = self._context
        texture, framebuffer, new = self._maps.get(number, fitted)
        if new:
            program = self._programs.get("depth")
            program["map_from_stage"].write(fitted.clip(lamp).T.astype(np.float32))
            framebuffer.use()
            framebuffer.clear(depth=1.0)
            gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
            gl.front_face = "ccw"
            gl.polygon_offset = BIAS
            assert self._stage.cast is not None
            self._array("depth").render_indirect(
                self._stage.commands, count=self._stage.cast.casters
            )
            gl.polygon_offset = (0.0, 0.0)
        hard = lamp.kind == "hard"
        texture.compare_func = "<=" if hard else ""
        texture.filter = (gl.LINEAR, gl.LINEAR) if hard else (gl.NEAREST, gl.NEAREST)
        texture.use(FIRST_MAP + number)

    def _array(self, kind: Kind) -> object:
        return self._programs.array(kind, self._stage.buffers)
