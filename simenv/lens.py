"""How a lens maps directions to pixels and back: K and Brown-Conrady distortion, as OpenCV has them.

``distortion`` (8,) is k1, k2, p1, p2, k3, k4, k5, k6 of OpenCV's calib3d (the pinhole equations with
rational radial and tangential terms), None for a pinhole. Pixel centres are at integers.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["project", "rays", "unproject"]

Array = NDArray[np.float64]

NEWTON_STEPS = 20  # quadratic: a sane lens needs 5
SETTLED = 1e-12  # of x/z, y/z


def project(p_C: ArrayLike, K: Array, distortion: Array | None = None) -> Array:
    """Pixels (..., 2) of points (..., 3) in the camera's frame, z > 0."""
    p_C = np.asarray(p_C, dtype=np.float64)
    xy = p_C[..., :2] / p_C[..., 2:]
    if distortion is not None:
        xy = _distort(xy, distortion)
    return np.asarray(xy @ K[:2, :2].T + K[:2, 2])


def unproject(uv: ArrayLike, K: Array, distortion: Array | None = None) -> Array:
    """Directions x/z, y/z (..., 2) that pixels (..., 2) look along; `project` of them gives ``uv``.

    NaN where the lens has no such direction.
    """
    seen = (np.asarray(uv, dtype=np.float64) - K[:2, 2]) @ np.linalg.inv(K[:2, :2]).T
    if distortion is None:
        return np.asarray(seen)
    xy = seen.copy()
    for _ in range(NEWTON_STEPS):
        error = _distort(xy, distortion) - seen
        step = np.linalg.solve(_jacobian(xy, distortion), error[..., None])[..., 0]
        xy -= step
        if np.abs(step).max(initial=0.0) < SETTLED:
            break
    off = np.abs(_distort(xy, distortion) - seen).max(axis=-1, keepdims=True)
    return np.where(off < 1e-9, xy, np.nan)


def rays(width: int, height: int, K: Array, distortion: Array | None = None) -> Array:
    """Directions x/z, y/z (H, W, 2) of all pixel centres; kept, so do not write into them."""
    bent = None if distortion is None else tuple(distortion.tolist())
    return _rays(width, height, tuple(K.ravel().tolist()), bent)


@lru_cache(maxsize=8)
def _rays(
    width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...] | None
) -> Array:
    v, u = np.mgrid[:height, :width]
    bent = None if distortion is None else np.array(distortion)
    found = unproject(np.stack([u, v], axis=-1), np.array(K).reshape(3, 3), bent)
    found.setflags(write=False)
    return found


def _distort(xy: Array, distortion: Array) -> Array:
    """x'', y'' of OpenCV's calib3d from x', y'."""
    k1, k2, p1, p2, k3, k4, k5, k6 = distortion
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def _jacobian(xy: Array, distortion: Array) -> Array:
    """Derivative (..., 2, 2) of `_distort`."""
    k1, k2, p1, p2, k3, k4, k5, k6 = distortion
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    over = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    under = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = over / under
    slope = (k1 + r2 * (2 * k2 + 3 * r2 * k3)) - radial * (k4 + r2 * (2 * k5 + 3 * r2 * k6))
    slope = slope / under  # d radial / d r2
    cross = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
    return np.stack(
        [
            np.stack([radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x, cross], axis=-1),
            np.stack([cross, radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x], axis=-1),
        ],
        axis=-2,
    )
