"""At what angle a camera looks at the surface in each pixel."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.render.renderer import Frame
from simenv.scene import View

__all__ = ["cosine"]

Pixels = NDArray[np.float32]  # (H, W)


def cosine(frame: Frame, view: View) -> Pixels:
    """Cosine (H, W) of the angle between each pixel's ray and the normal; 1 without a surface."""
    rays, lengths = _rays(
        view.width,
        view.height,
        tuple(view.K.ravel().tolist()),
        None if view.distortion is None else tuple(view.distortion.tolist()),
    )
    if frame.normals is None:
        return _from_depth(frame.depth_m, view, rays, lengths)
    n = frame.normals
    cosines = np.abs(n[..., 0] * rays[..., 0] + n[..., 1] * rays[..., 1] + n[..., 2]) / lengths
    return np.asarray(np.where(frame.depth_m > 0, np.minimum(cosines, 1), np.float32(1)))


def _from_depth(depth_m: Pixels, view: View, rays: Pixels, lengths: Pixels) -> Pixels:
    """The same, where the renderer gives no normals.

    On a plane n . p = h the inverse depth w = n . (x, y, 1) / h is linear in the pixel, so its
    slopes give n / h: fx dw/du, fy dw/dv, and what is left of w. At edges the flatter side counts.
    """
    surface = depth_m > 0
    w = np.divide(1, depth_m, out=np.zeros_like(depth_m), where=surface)
    n_x = np.float32(view.K[0, 0]) * _slope(w, axis=1)
    n_y = np.float32(view.K[1, 1]) * _slope(w, axis=0)
    n_z = w - n_x * rays[..., 0] - n_y * rays[..., 1]
    length = np.sqrt(n_x * n_x + n_y * n_y + n_z * n_z) * lengths
    return np.asarray(np.divide(w, length, out=np.ones_like(w), where=surface))


def _slope(w: Pixels, *, axis: int) -> Pixels:
    """Change of ``w`` from pixel to pixel, to the side where it is smaller."""
    steps = np.diff(w, axis=axis)
    first, last = (np.take(steps, [i], axis=axis) for i in (0, -1))
    before = np.concatenate([first, steps], axis=axis)
    after = np.concatenate([steps, last], axis=axis)
    return np.where(np.abs(before) < np.abs(after), before, after)


@lru_cache(maxsize=8)
def _rays(
    width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...] | None
) -> tuple[Pixels, Pixels]:
    """Directions x/z, y/z (H, W, 2) of all pixels, and the lengths (H, W) of (x/z, y/z, 1)."""
    bent = None if distortion is None else np.array(distortion)
    xy = np.nan_to_num(lens.rays(width, height, np.array(K).reshape(3, 3), bent))
    lengths = np.sqrt(1 + (xy**2).sum(axis=2)).astype(np.float32)
    kept = xy.astype(np.float32)
    for array in (kept, lengths):
        array.setflags(write=False)
    return kept, lengths
