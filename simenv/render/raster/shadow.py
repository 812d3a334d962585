"""Which surfaces a far lamp reaches: one depth map a lamp, fitted to casters and view.

A map covers what can throw a shadow, cut to what the camera sees of it; its depth always reaches
from the highest caster to the lowest. What lies outside is lit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.pose import Vector
from simenv.render.raster.lighting import Lamp
from simenv.scene import View

__all__ = ["Fit", "Maps", "fit", "side_texels"]

TEXELS_PER_PIXEL = 1.1  # of the picture, along a side
STEP, SMALLEST, LARGEST = 64, 128, 2048  # texels: sides are multiples of the step
MARGIN_TEXELS = 2  # at the border, where nothing throws a shadow
WORTH = 0.6  # a map cut to a view is used if it is at most this share of the whole one
BIAS = (1.5, 4.0)  # slope factor and units of glPolygonOffset
KEPT = 8  # maps of the same size that wait to be used again


@dataclass(frozen=True)
class Fit:
    """Where a lamp's map lies: its lowest and highest corner in the lamp's axes, metres."""

    low: tuple[float, float, float]  # relative to the centre of the stage
    high: tuple[float, float, float]
    texels: tuple[int, int]

    @property
    def size(self) -> NDArray[np.float64]:
        """Metres along x, y, z."""
        return np.subtract(self.high, self.low)

    @property
    def texel_m(self) -> float:
        """The longer side of a texel."""
        return float((self.size[:2] / self.texels).max())

    def clip(self, lamp: Lamp) -> NDArray[np.float64]:
        """Stage to clip space of the map, (4, 4)."""
        scale = 2 / self.size * (1, 1, -1)
        clip = np.eye(4)
        clip[:3, :3] = lamp.R_LW * scale[:, None]
        clip[:3, 3] = -np.add(self.high, self.low) / 2 * scale
        return clip

    def lookup(self, eye: Vector) -> tuple[Vector, Vector]:
        """Scale and offset (3,) from the lamp's axes, origin at ``eye``, to u, v, depth in 0..1."""
        scale = 1 / self.size * (1, 1, -1)
        zero = np.array([self.low[0], self.low[1], self.high[2]])
        return scale, (eye - zero) * scale


def side_texels(view: View) -> int:
    """Texels along the side of a square map that suits a picture."""
    side = TEXELS_PER_PIXEL * math.sqrt(view.width * view.height)
    return min(max(round(side / STEP) * STEP, SMALLEST), LARGEST)


def fit(
    casters: NDArray[np.float64], seen: NDArray[np.float64], lamp: Lamp, side: int
) -> Fit | None:
    """The map for casters (P, 3) and the corners of what is seen (S, 3), stage coordinates.

    It has about ``side`` ** 2 texels that are nearly square. None if nothing throws a shadow there.
    """
    p, q = casters @ lamp.R_LW.T, seen @ lamp.R_LW.T
    low, high = p.min(axis=0), p.max(axis=0)
    deepest = min(low[2], q[:, 2].min())
    blur = lamp.tangent * (high[2] - deepest)  # how far a penumbra looks aside
    cut_low = np.maximum(low, q.min(axis=0) - blur)[:2]
    cut_high = np.minimum(high, q.max(axis=0) + blur)[:2]
    if (cut_low >= cut_high).any():
        return None
    if np.prod(cut_high - cut_low) < WORTH * np.prod((high - low)[:2]):
        low[:2], high[:2] = cut_low, cut_high
    texels = _texels(high[:2] - low[:2], side)
    margin = np.append(MARGIN_TEXELS * (high - low)[:2] / texels, 1e-4 + 1e-3 * (high - low)[2])
    low, high = low - margin - 1e-6, high + margin + 1e-6
    return Fit(_triple(low), _triple(high), texels)


def _triple(values: Vector) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z


def _texels(size: Vector, side: int) -> tuple[int, int]:
    """Width and height of about ``side`` ** 2 texels in one of three proportions: few sizes."""
    width, height = size.tolist()
    turns = min(max(round(math.log2(max(width, 1e-9) / max(height, 1e-9)) / 2), -1), 1)
    return round(side * 2.0**turns), round(side * 2.0**-turns)


class Maps:
    """Depth maps of one context; those of a snapshot are made once and shared by its views."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._drawn: dict[tuple[int, Fit], tuple[Any, Any]] = {}  # by lamp
        self._free: dict[tuple[int, int], list[tuple[Any, Any]]] = {}

    def forget(self) -> None:
        """Bodies or lamps are others now."""
        for (_, fitted), made in self._drawn.items():
            self._free.setdefault(fitted.texels, []).append(made)
        self._drawn.clear()
        if sum(len(free) for free in self._free.values()) > KEPT:
            for texture, framebuffer in (m for free in self._free.values() for m in free):
                framebuffer.release()
                texture.release()
            self._free.clear()

    def get(self, number: int, fitted: Fit) -> tuple[Any, Any, bool]:
        """Texture, framebuffer, and whether they are new: then they want to be drawn into."""
        key = (number, fitted)
        if key in self._drawn:
            return *self._drawn[key], False
        free = self._free.get(fitted.texels, [])
        self._drawn[key] = free.pop() if free else self._make(fitted.texels)
        return *self._drawn[key], True

    def _make(self, texels: tuple[int, int]) -> tuple[Any, Any]:
        texture = self._context.depth_texture(texels)
        texture.repeat_x = texture.repeat_y = False
        return texture, self._context.framebuffer([], texture)
