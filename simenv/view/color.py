"""Which colour stands for what: one a body, a scale for depth, and the numbers beside the scale."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["AXIS_COLORS", "NOTHING", "Color", "DepthScale", "body_color", "mask_picture", "pale"]

Color = tuple[int, int, int]  # red, green, blue, 0..255

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0  # of a turn: the hues of any run of ids are far from each other
LIGHTNESS = (0.74, 0.62, 0.84)  # of OKLCH, in turn, so that two close hues still differ
CHROMA = 0.15
FIXED_LIGHTNESS = (0.42, 0.50, 0.36)  # furniture: greys
NOTHING: Color = (17, 20, 24)  # instance 0, depth 0
AXIS_COLORS: tuple[Color, Color, Color] = ((255, 82, 82), (74, 222, 128), (96, 165, 250))  # x, y, z

SHADES = 256  # of the depth scale
NARROWEST_M = 2e-3  # so that a flat wall still gets a scale with a length
SPANNED = (0.0, 99.0)  # percentiles of the bodies' depths: parts are near, long belts reach far
MARGIN = 0.1  # of the span is added at either end, so that a part stands out from the floor
TICKS = 8  # at most about this many numbers beside the scale

# OKLab to the cone responses' cube roots, and cone responses to linear sRGB (Ottosson 2020).
_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def body_color(index: int, *, fixed: bool = False) -> Color:
    """The colour of instance ``index``: grey where ``fixed`` (furniture), nearly black for 0."""
    if index == 0:
        return NOTHING
    if fixed:
        return _rgb(FIXED_LIGHTNESS[index % 3], 0.0, 0.0)
    return _rgb(LIGHTNESS[index % 3], CHROMA, 2 * np.pi * ((index * GOLDEN) % 1.0))


def pale(color: Color) -> Color:
    """Half way to white: names and keypoints must be seen on any picture."""
    red, green, blue = ((255 + c) // 2 for c in color)
    return red, green, blue


@cache
def _rgb(lightness: float, chroma: float, hue: float) -> Color:
    """OKLCH to 8-bit sRGB, clipped to what a screen can show."""
    lab = np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    linear = np.clip(_LINEAR @ (_LMS @ lab) ** 3, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(c) for c in np.rint(255 * encoded))
    return red, green, blue


def mask_picture(instance: NDArray[np.uint16], fixed: Set[int] = frozenset()) -> NDArray[np.uint8]:
    """The mask (H, W) in colours (H, W, 3); the ids in ``fixed`` are furniture."""
    ids, rows = np.unique(instance, return_inverse=True)
    colors = [body_color(int(i), fixed=int(i) in fixed) for i in ids]
    table = np.array(colors, dtype=np.uint8).reshape(-1, 3)
    return np.asarray(table[rows.reshape(instance.shape)])


@dataclass(frozen=True)
class DepthScale:
    """From metres to colours: near is bright; beyond the ends the end colours stay."""

    near_m: float
    far_m: float

    @classmethod
    def of(cls, depth_m: NDArray[np.float32], instance: NDArray[np.uint16]) -> DepthScale:
        """A scale that spans the labelled bodies, or all surfaces where no body is seen.

        A floor that reaches the horizon would else leave one shade for all the parts.
        """
        surface = depth_m > 0
        seen = depth_m[surface & (instance > 0)]
        seen = seen if len(seen) else depth_m[surface]
        near, far = np.percentile(seen, SPANNED) if len(seen) else (0.0, 1.0)
        span = float(far - near)
        widen = max(MARGIN * span, (NARROWEST_M - span) / 2)
        return cls(float(near) - widen, float(far) + widen)

    def fraction(self, depth_m: float) -> float:
        """Where on the scale a depth lies: 0 at its near end, 1 at its far end."""
        return (depth_m - self.near_m) / (self.far_m - self.near_m)

    def picture(self, depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Depth (H, W) in colours (H, W, 3)."""
        share = (depth_m.astype(np.float64) - self.near_m) / (self.far_m - self.near_m)
        shade = np.rint(np.clip(share, 0.0, 1.0) * (SHADES - 1)).astype(np.intp)
        nothing = np.array(NOTHING, dtype=np.uint8)
        return np.where((depth_m > 0)[..., None], shades()[shade], nothing)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Round depths inside the scale and their texts in metres, nearest first."""
        step = _round_step((self.far_m - self.near_m) / TICKS)
        decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
        first, last = np.ceil(self.near_m / step - 1e-9), np.floor(self.far_m / step + 1e-9)
        depths = [float(n * step) for n in np.arange(first, last + 1)]
        return tuple((depth, f"{depth:.{decimals}f}") for depth in depths)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9)))


@cache
def shades() -> NDArray[np.uint8]:
    """The colours of the depth scale from near to far, (SHADES, 3): viridis, bright is near."""
    import cv2  # slow to import

    ramp = np.arange(SHADES, dtype=np.uint8)[::-1, None].copy()
    bgr = np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS), dtype=np.uint8)
    return np.ascontiguousarray(bgr.reshape(SHADES, 3)[:, ::-1])
