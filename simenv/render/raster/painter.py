"""What is asked of OpenGL for a picture: shadow maps, one pass, the copy to a pixel buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.errors import InputError
from simenv.pose import Matrix
from simenv.render import camera
from simenv.render.camera import Tile
from simenv.render.raster.frame import clip_from_stage, frame_block, seen_corners
from simenv.render.raster.lighting import Lamp, ambient, lamps
from simenv.render.raster.programs import FIRST_MAP, Kind, Programs
from simenv.render.raster.shaders import LampKind, Variant
from simenv.render.raster.shadow import BIAS, Fit, Maps, fit, side_texels
from simenv.render.raster.stage import Stage
from simenv.render.raster.target import Parcel, Parcels, Target, Targets
from simenv.render.renderer import Channel
from simenv.scene import Snapshot, View
from simenv.spec.look import Look

__all__ = ["Begun", "Painter"]

MOST_SAMPLES = 4  # along a pixel's side, that a look can ask for


@dataclass(frozen=True, eq=False)
class Begun:
    """A picture on its way: one parcel a tile."""

    snapshot: Snapshot
    view: View
    near_far_m: tuple[float, float]
    smooth: bool  # whether pixels may be covered in part
    tiles: tuple[Tile, ...]
    parcels: tuple[Parcel, ...]


class Painter:
    """Draws in one context, which is current whenever a method is called."""

    def __init__(self, context: Any, *, supersample: int, shadows: bool) -> None:
        self._gl = context
        self._least, self._supersample, self._shadows = supersample, supersample, shadows
        self._largest_tile = _largest_tile(context, max(supersample, MOST_SAMPLES))
        self._stage = Stage(context)
        self._programs = Programs(context)
        self._targets, self._maps = Targets(context), Maps(context)
        self._parcels = Parcels(context)
        self._block = context.buffer(reserve=16)
        self._look: Look | None = None
        self._lamps: tuple[Lamp, ...] = ()
        self._ambient = np.zeros(3)

    def show(self, snapshot: Snapshot) -> None:
        """What the next pictures show."""
        new = self._stage.show(snapshot)
        look = snapshot.scene.look
        if look is not self._look:
            self._look, new = None, True
            self._lamps, self._ambient = lamps(look, shadows=self._shadows), ambient(look)
            self._check_lamps()
            self._supersample = max(self._least, look.supersample)
            self._look = look
        if new:
            self._maps.forget()

    def draw(self, snapshot: Snapshot, view: View, channels: frozenset[Channel]) -> Begun:
        """Start the picture of what is shown from ``view``."""
        near_far_m = self._stage.hulls.near_far(view)
        X_CS = pose.inverse(view.X_WC) @ pose.pose(None, self._stage.centre)
        fits = self._fits(view, near_far_m, X_CS)
        kinds = self._throw(fits)
        layout = camera.tiles(view.width, view.height, self._largest_tile)
        parcels = []
        for tile in layout:
            clip = clip_from_stage(view, tile, near_far_m, X_CS)
            self._tell(frame_block(clip, X_CS, self._ambient, self._lamps, fits))
            parcels.append(self._draw_tile((tile.width, tile.height), channels, kinds))
        smooth = self._supersample > 1
        return Begun(snapshot, view, near_far_m, smooth, layout, tuple(parcels))

    def _check_lamps(self) -> None:
        units = self._gl.info["GL_MAX_TEXTURE_IMAGE_UNITS"] - FIRST_MAP
        last = max((k for k, lamp in enumerate(self._lamps) if lamp.kind != "bare"), default=0)
        if last >= units:
            raise InputError(
                f"look.lights: lamp {last + 1} casts a shadow, and this device has room for "
                f"{units}; remove some, or give some shadow: 0 and name them last"
            )

    def _fits(
        self, view: View, near_far_m: tuple[float, float], X_CS: Matrix
    ) -> tuple[Fit | None, ...]:
        """Where the lamps' shadow maps lie for this view."""
        casters = self._stage.casters
        casting = [lamp.kind != "bare" and len(casters) > 0 for lamp in self._lamps]
        if not any(casting):
            return (None,) * len(casting)
        seen = seen_corners(view, near_far_m, pose.inverse(X_CS))
        side = side_texels(view)
        return tuple(
            fit(casters, seen, lamp, side) if casts else None
            for lamp, casts in zip(self._lamps, casting, strict=True)
        )

    def _throw(self, fits: tuple[Fit | None, ...]) -> tuple[LampKind, ...]:
        """Have the maps at their texture units; the kinds of shadow that the picture gets."""
        kinds: list[LampKind] = []
        for k, (lamp, fitted) in enumerate(zip(self._lamps, fits, strict=True)):
            kinds.append("bare" if fitted is None else lamp.kind)
            if fitted is None:
                continue
            texture, framebuffer, new = self._maps.get(k, fitted)
            if new:
                self._draw_map(framebuffer, fitted.clip(lamp))
            hard, gl = kinds[-1] == "hard", self._gl
            texture.compare_func = "<=" if hard else ""
            texture.filter = (gl.LINEAR, gl.LINEAR) if hard else (gl.NEAREST, gl.NEAREST)
            texture.use(FIRST_MAP + k)
        return tuple(kinds)

    def _draw_map(self, framebuffer: Any, clip: NDArray[np.float64]) -> None:
        program = self._programs.get("depth")
        program["clip_from_stage"].write(np.ascontiguousarray(clip.T, np.float32))
        framebuffer.use()
        framebuffer.clear(depth=1.0)
        self._gl.enable_only(self._gl.DEPTH_TEST | self._gl.CULL_FACE)
        self._gl.front_face = "ccw"
        self._gl.polygon_offset = BIAS
        array = self._programs.array("depth", self._stage.buffers)
        array.render_indirect(self._stage.commands, count=self._stage.cast.casters)
        self._gl.polygon_offset = (0.0, 0.0)

    def _tell(self, block: NDArray[np.float32]) -> None:
        """Have the shaders read ``block``."""
        if block.nbytes > self._block.size:
            self._block.release()
            self._block = self._gl.buffer(reserve=block.nbytes)
        self._block.write(block)
        self._block.bind_to_uniform_block(0)

    def _draw_tile(
        self, size: tuple[int, int], channels: frozenset[Channel], kinds: tuple[LampKind, ...]
    ) -> Parcel:
        if self._supersample == 1:
            drawn = [self._pass(Variant(True, channels, lamps=kinds), size)]
        else:
            drawn = [self._pass(Variant(True, channels, color=False), size)]
            drawn.append(self._smooth(size, kinds))
        parcel = self._parcels.new(size, tuple(name for d in drawn for name in d.pictures))
        for target in drawn:
            parcel.put(target)
        return parcel

    def _pass(self, variant: Variant, size: tuple[int, int]) -> Target:
        """Draw all bodies once."""
        target = self._targets.get(size, variant.pictures)
        target.framebuffer.use()
        target.framebuffer.clear(depth=1.0)
        self._gl.enable_only(self._gl.DEPTH_TEST | self._gl.CULL_FACE)
        self._gl.front_face = "cw"  # y is upside down
        self._draw_bodies(variant)
        return target

    def _draw_bodies(self, kind: Kind) -> None:
        array = self._programs.array(kind, self._stage.buffers)
        for batch in self._stage.cast.batches:
            self._stage.library.texture(batch.source).use(0)
            array.render_indirect(self._stage.commands, count=batch.count, first=batch.first)

    def _smooth(self, size: tuple[int, int], kinds: tuple[LampKind, ...]) -> Target:
        """Draw colour with several samples a pixel, and their mean."""
        n = self._supersample
        color = Variant(False, lamps=kinds)
        fine = self._pass(color, (size[0] * n, size[1] * n))
        target = self._targets.get(size, color.pictures)
        target.framebuffer.use()
        self._gl.enable_only(self._gl.NOTHING)
        fine.attachments[0].use(0)
        self._programs.resolve(n).render(vertices=3)
        return target


def _largest_tile(context: Any, supersample: int) -> tuple[int, int]:
    """Pixels that one framebuffer can have."""
    info = context.info
    side, (width, height) = info["GL_MAX_TEXTURE_SIZE"], info["GL_MAX_VIEWPORT_DIMS"]
    return min(side, width) // supersample, min(side, height) // supersample
