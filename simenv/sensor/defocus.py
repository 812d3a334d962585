"""What a thin lens does to what is not in focus: every point becomes a disc.

Surfaces are cut into layers of equal blur, each is blurred by itself, and they are laid on each
other from far to near: sharp things do not bleed into what is behind them, and what is behind shows
through the blurred edges of near things. Where nothing is known of what is behind, it is continued
from beside. The clean picture ends at white, so glints do not bloom.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.scene import View
from simenv.spec.sensor import Defocus

__all__ = ["circle_px", "defocused"]

Linear = NDArray[np.float32]  # (H, W, 3)
FINEST_PX = 0.25  # by how much the discs of two layers differ at least
MOST_LAYERS = 24
SHARP_PX = 1.0  # a smaller disc is one pixel


def defocused(picture: Linear, depth_m: NDArray[np.float32], view: View, lens: Defocus) -> Linear:
    """``picture`` (H, W, 3) through ``lens``; where there is no surface the light is from afar."""
    circles = circle_px(depth_m, view, lens)
    low, high = float(circles.min()), float(circles.max())
    if max(-low, high) <= SHARP_PX:
        return picture
    step = max(FINEST_PX, (high - low) / MOST_LAYERS)
    layers = np.rint(circles * np.float32(1 / step)).astype(np.int32)
    behind = np.zeros((*picture.shape[:2], 4), dtype=np.float32)  # colour times cover, and cover
    for layer in np.unique(layers)[::-1]:  # the larger, the farther
        _lay(behind, picture, layers == layer, abs(float(layer)) * step)
    cover = np.maximum(behind[..., 3:], np.float32(1e-6))
    return np.asarray(behind[..., :3] / cover)


def circle_px(depth_m: NDArray[np.float32], view: View, lens: Defocus) -> NDArray[np.float32]:
    """Diameter (H, W) of the circle of confusion: above 0 beyond the focus, below 0 before it.

    A point at z is sharp at v(z) = f z / (z - f) behind the lens, the picture is at v(s), and by
    similar triangles the cone of diameter D = f / N is |v(s) - v(z)| D / v(z) wide there. With
    v(s) = fx pixels, which is what K says, that is D fx |1/s - 1/z| (Potmesil and Chakravarty,
    "A Lens and Aperture Camera Model for Synthetic Image Generation", SIGGRAPH 1981).
    """
    size = np.float32(lens.aperture_m * view.K[0, 0])
    nearness = np.divide(1, depth_m, out=np.zeros_like(depth_m), where=depth_m > 0)
    return np.asarray(size * (np.float32(1 / lens.focus_m) - nearness))


def _lay(
    behind: NDArray[np.float32], picture: Linear, here: NDArray[np.bool_], diameter_px: float
) -> None:
    """Lay the pixels ``here`` of ``picture`` over what is ``behind``, blurred; in place."""
    radius = int(np.ceil(diameter_px / 2)) if diameter_px > SHARP_PX else 0
    rows, columns = _window(here, 2 * radius)
    cover = here[rows, columns, None].astype(np.float32)
    layer = np.concatenate([picture[rows, columns] * cover, cover], axis=2)
    under = behind[rows, columns]
    if radius:
        layer = cv2.filter2D(layer, -1, disc(diameter_px), borderType=cv2.BORDER_REPLICATE)
        np.clip(layer, 0, 1, out=layer)  # large discs go through a Fourier transform
        _continue(under, radius)
    under *= 1 - layer[..., 3:]
    under += layer


def _window(here: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns around the True pixels of ``here``, as far as the picture goes."""
    x, y, width, height = cv2.boundingRect(here.view(np.uint8))
    rows = slice(max(y - margin, 0), y + height + margin)
    return rows, slice(max(x - margin, 0), x + width + margin)


def _continue(under: NDArray[np.float32], radius: int) -> None:
    """Fill what is not covered within ``radius`` of what is, with its mean; in place."""
    beside = cv2.blur(under, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REPLICATE)
    known = beside[..., 3:] > 1e-4
    missing = np.where(known, 1 - under[..., 3:], 0)
    under += beside * (missing / np.maximum(beside[..., 3:], 1e-4))


@lru_cache(maxsize=128)
def disc(diameter_px: float) -> NDArray[np.float32]:
    """A kernel of sum 1, constant inside the circle; pixels on its rim count in part."""
    radius = int(np.ceil(diameter_px / 2))
    v, u = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    inside = np.clip(diameter_px / 2 + 0.5 - np.hypot(u, v), 0, 1)
    return np.asarray(inside / inside.sum(), dtype=np.float32)
