"""What a thin lens does to what is not in focus: every point becomes a disc.

Surfaces are cut into layers of equal blur, and each is blurred by itself. From near to far, each
layer gives a pixel what its discs cover there, until the pixel is full: sharp things do not bleed
into what is behind them, a slanted surface stays whole, and what is behind shows through the
blurred edges of near things, continued from beside where the camera did not see it. The clean
picture ends at white, so glints do not bloom.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.scene import View
from simenv.spec.sensor import Defocus

__all__ = ["circle_px", "defocused"]

Linear = NDArray[np.float32]  # (H, W, 3)
Pixels = NDArray[np.float32]  # (H, W, 4) colour times cover, and cover
FINEST_PX = 0.25  # by how much the discs of two layers differ at least
MOST_LAYERS = 24
SHARP_PX = 1.0  # a smaller disc is one pixel
BEHIND_PX = 2.0  # of disc: what differs by less belongs to the same surface
PARTS = 16  # of a pixel, along each axis, by which its share of a disc is found
FULL = 0.95  # cover of a pixel that nothing shows through


def defocused(picture: Linear, depth_m: NDArray[np.float32], view: View, lens: Defocus) -> Linear:
    """``picture`` (H, W, 3) through ``lens``; where there is no surface the light is from afar."""
    circles = circle_px(depth_m, view, lens)
    low, high = float(circles.min()), float(circles.max())
    if max(-low, high) <= SHARP_PX:
        return picture
    step = max(FINEST_PX, (high - low) / MOST_LAYERS)
    layers = np.rint(circles * np.float32(1 / step)).astype(np.int32)
    light = np.zeros((*picture.shape[:2], 4), dtype=np.float32)  # color times cover, and cover
    found = [int(layer) for layer in np.unique(layers)]  # the larger, the farther
    for layer in found:
        _add(light, picture, layers == layer, abs(layer) * step)
    behind = int(np.ceil(BEHIND_PX / step))
    for layer in (layer for layer in found if layer * step < -SHARP_PX):
        far = layers > layer + behind
        _show_through(light, picture, layers == layer, far, abs(layer) * step)
    cover = np.maximum(light[..., 3:], np.float32(1e-6))
    return np.asarray(light[..., :3] / cover)


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


def _add(light: Pixels, picture: Linear, here: NDArray[np.bool_], diameter_px: float) -> None:
    """Add what the discs of the pixels ``here`` cover, where there is room; in place."""
    radius = int(np.ceil(diameter_px / 2)) if diameter_px > SHARP_PX else 0
    window = _window(here, radius)
    layer = _covered(picture, here, window)
    if radius:
        spread = cv2.filter2D(layer, -1, disc(diameter_px), borderType=cv2.BORDER_REPLICATE)
        # Large discs go through a Fourier transform, which leaves tiny negative values.
        layer = np.asarray(np.clip(spread, 0, 1), dtype=np.float32)
    room = np.maximum(1 - light[window][..., 3:], 0)
    light[window] += layer * np.minimum(1, room / np.maximum(layer[..., 3:], np.float32(1e-6)))


def _show_through(
    light: Pixels,
    picture: Linear,
    here: NDArray[np.bool_],
    far: NDArray[np.bool_],
    diameter_px: float,
) -> None:
    """Fill the pixels ``here`` with the mean of the ``far`` ones under their discs; in place."""
    open_ = here & (light[..., 3] < FULL)
    if not open_.any():
        return
    side = 2 * int(np.ceil(diameter_px / 2)) + 1
    window = _window(open_, side)
    beside = cv2.blur(_covered(picture, far, window), (side, side))
    room = np.where(
        open_[window][..., None] & (beside[..., 3:] > 1e-4), 1 - light[window][..., 3:], 0
    )
    light[window] += beside * (room / np.maximum(beside[..., 3:], np.float32(1e-4)))


def _covered(picture: Linear, here: NDArray[np.bool_], window: tuple[slice, slice]) -> Pixels:
    """The pixels ``here`` of ``window``: colour and cover 1, elsewhere 0; (h, w, 4)."""
    cover = here[window][..., None].astype(np.float32)
    return np.concatenate([picture[window] * cover, cover], axis=2)


def _window(here: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns around the True pixels of ``here``, as far as the picture goes."""
    x, y, width, height = cv2.boundingRect(here.view(np.uint8))
    rows = slice(max(y - margin, 0), y + height + margin)
    return rows, slice(max(x - margin, 0), x + width + margin)


@lru_cache(maxsize=128)
def disc(diameter_px: float) -> NDArray[np.float32]:
    """A kernel of sum 1: the share of each pixel that is inside the circle."""
    side = 2 * int(np.ceil(diameter_px / 2)) + 1
    x = (np.arange(side * PARTS) + 0.5) / PARTS - side / 2
    inside = np.hypot(x[:, None], x) < diameter_px / 2
    share = inside.reshape(side, PARTS, side, PARTS).sum(axis=(1, 3))
    return np.asarray(share / share.sum(), dtype=np.float32)
