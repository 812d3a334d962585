"""How a lens maps directions to pixels and back: K and Brown-Conrady distortion, as OpenCV does.

``distortion`` (8,) is k1, k2, p1, p2, k3, k4, k5, k6 of OpenCV's calib3d (its pinhole equations
with rational radial and tangential terms), None for a pinhole. Pixel centres are at integers.

A direction is x/z, y/z. The radial map r -> r'' rises from the axis up to `monotonic_radius`, where
it may fold: directions beyond land on pixels that others have already. A lens is used only up to
there.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Pinhole",
    "blind_pixels",
    "monotonic_radius",
    "pinhole",
    "project",
    "rays",
    "unproject",
]

Array = NDArray[np.float64]

NEWTON_STEPS = 40  # a sane lens needs 3; at a fold convergence is linear, each step halves
SETTLED = 1e-7  # of x/z, y/z; quadratic: the step after such a one would be below 1e-13
BLOCK = 8192  # directions solved at a time: what fits the cache is three times as fast
ANGLES = 2048  # in the table of the radial map, from the axis to the fold
NODES_PX = 16  # between pixels from which Newton's start is interpolated for all others
PROBES = 33  # places along a side of the image, and along the diagonals' grid, where it is judged
MARGIN_PX = 2  # around what a covering picture must show
FAR = 1e3  # x/z: 89.94 degrees off the axis, farther than any pinhole picture reaches


def project(p_C: ArrayLike, K: Array, distortion: Array | None = None) -> Array:
    """Pixels (..., 2) of points (..., 3) in the camera's frame, z > 0."""
    p_C = np.asarray(p_C, dtype=np.float64)
    x, y = p_C[..., 0] / p_C[..., 2], p_C[..., 1] / p_C[..., 2]
    if distortion is not None:
        x, y = _bent(x, y, distortion)
    (fx, s, cx), (_, fy, cy), _ = K.tolist()
    return np.stack([fx * x + s * y + cx, fy * y + cy], axis=-1)


def unproject(uv: ArrayLike, K: Array, distortion: Array | None = None) -> Array:
    """Directions x/z, y/z (..., 2) that pixels (..., 2) look along; `project` of them gives ``uv``.

    NaN where the lens has no such direction within `monotonic_radius`.
    """
    seen = _seen(uv, K)
    return (
        seen if distortion is None else _straightened(seen, distortion, _radial(seen, distortion))
    )


def rays(width: int, height: int, K: Array, distortion: Array | None = None) -> Array:
    """Directions x/z, y/z (H, W, 2) of all pixel centres; kept, so do not write into them."""
    return _rays(width, height, _key(K), None if distortion is None else _key(distortion))


def monotonic_radius(distortion: Array | None) -> float:
    """Up to which radius of (x/z, y/z) the radial map rises; inf where it always does.

    With t = r^2 and r'' = r N(t) / D(t), the slope is ((N + 2 t N') D - 2 t N D') / D^2: its first
    positive root, or the first pole.
    """
    return np.inf if distortion is None else _monotonic_radius(_key(distortion))


def blind_pixels(width: int, height: int, K: Array, distortion: Array | None) -> Array:
    """Pixels (B, 2) that no direction leads to, because the lens folds inside the image.

    Looked for all along the border and on a grid; none for a lens that can be used.
    """
    if distortion is None:
        return np.empty((0, 2))
    xy = _probed(width, height, _key(K), _key(distortion))
    return _probes(width, height)[np.isnan(xy).any(axis=1)]


@dataclass(frozen=True, eq=False)
class Pinhole:
    """A picture without distortion."""

    width: int
    height: int
    K: Array  # (3, 3)


def pinhole(width: int, height: int, K: Array, distortion: Array, finer: float = 1.0) -> Pinhole:
    """The undistorted picture that shows all that a lens shows, nowhere with larger pixels.

    ``finer`` times as many pixels along each side. The lens has no `blind_pixels`.
    """
    xy = _probed(width, height, _key(K), _key(distortion))
    low, high = xy.min(axis=0), xy.max(axis=0)  # on the border: the map keeps neighbours together
    fx, fy = finer * _pixels_per_unit(xy, K, distortion)
    cx, cy = MARGIN_PX - (fx, fy) * low
    w, h = np.ceil((fx, fy) * (high - low)).astype(int) + 2 * MARGIN_PX + 1
    return Pinhole(int(w), int(h), np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]))


def _pixels_per_unit(xy: Array, K: Array, distortion: Array) -> Array:
    """How far a pixel moves at most with x/z and with y/z, (2,)."""
    _, jacobian = _bent_and_slopes(xy[:, 0], xy[:, 1], distortion)
    dx_x, dx_y, dy_x, dy_y = jacobian
    moved = K[:2, :2] @ np.array([[dx_x, dx_y], [dy_x, dy_y]]).transpose(2, 0, 1)
    return np.asarray(np.linalg.norm(moved, axis=1).max(axis=0))


@lru_cache(maxsize=64)
def _probed(width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...]) -> Array:
    """Directions (P, 2) of `_probes`."""
    return unproject(_probes(width, height), np.array(K).reshape(3, 3), np.array(distortion))


def _probes(width: int, height: int) -> Array:
    """Pixels (P, 2) all along the border, and a grid over the whole image."""
    u, v = np.arange(width), np.arange(height)
    border = [np.column_stack(np.broadcast_arrays(u, y)) for y in (0, height - 1)]
    border += [np.column_stack(np.broadcast_arrays(x, v)) for x in (0, width - 1)]
    grid = np.meshgrid(np.linspace(0, width - 1, PROBES), np.linspace(0, height - 1, PROBES))
    return np.concatenate([*border, np.stack(grid, axis=-1).reshape(-1, 2)]).astype(np.float64)


def _key(values: Array) -> tuple[float, ...]:
    return tuple(values.ravel().tolist())


@lru_cache(maxsize=8)
def _rays(
    width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...] | None
) -> Array:
    matrix = np.array(K).reshape(3, 3)
    v, u = np.mgrid[:height, :width]
    found = _seen(np.stack([u, v], axis=-1), matrix)
    if distortion is not None:
        bent = np.array(distortion)
        found = _straightened(found, bent, _start(width, height, matrix, bent, found))
    found.setflags(write=False)
    return found


def _start(width: int, height: int, K: Array, distortion: Array, seen: Array) -> Array:
    """Directions (H, W, 2) good to a tenth of a pixel: interpolated between some exact ones."""
    columns, left, across = _between_nodes(width)
    rows, top, down = _between_nodes(height)
    nodes = unproject(np.stack(np.meshgrid(columns, rows), axis=-1), K, distortion)
    if np.isnan(nodes).any():
        return _radial(seen, distortion)
    lines = nodes[:, left] + (nodes[:, left + 1] - nodes[:, left]) * across[:, None]
    return np.asarray(lines[top] + (lines[top + 1] - lines[top]) * down[:, None, None])


def _between_nodes(size: int) -> tuple[Array, NDArray[np.int64], Array]:
    """Places (N,) of nodes; for each of (size,) pixels the node before it, and how far past."""
    nodes = np.linspace(0, size - 1, -(-size // NODES_PX) + 1)
    before = np.minimum(np.searchsorted(nodes, np.arange(size), side="right") - 1, len(nodes) - 2)
    return nodes, before, (np.arange(size) - nodes[before]) / (nodes[1] - nodes[0])


def _seen(uv: ArrayLike, K: Array) -> Array:
    """What pixels (..., 2) are without K: x'', y'' of OpenCV's equations.

    By hand: a matrix product may give other last bits with another number of threads.
    """
    uv = np.asarray(uv, np.float64)
    (fx, s, cx), (_, fy, cy), _ = K.tolist()
    y = (uv[..., 1] - cy) / fy
    return np.stack([(uv[..., 0] - cx - s * y) / fx, y], axis=-1)


def _radial(seen: Array, distortion: Array) -> Array:
    """Directions (..., 2) for ``seen`` by the radial terms alone, good to a thousandth."""
    radii, bent = _radial_map(_key(distortion))
    radius = np.hypot(seen[..., 0], seen[..., 1])
    found = np.interp(radius, bent, radii)
    return np.asarray(seen * (found / np.maximum(radius, 1e-300))[..., None])


@lru_cache(maxsize=64)
def _radial_map(distortion: tuple[float, ...]) -> tuple[Array, Array]:
    """Radii (N,) from 0 to where the lens folds, and what it makes of them, both rising."""
    limit = min(_monotonic_radius(distortion), FAR)
    radii = np.tan(np.linspace(0.0, np.arctan(limit * (1 - 1e-9)), ANGLES))
    bent, _ = _bent(radii, np.zeros(ANGLES), np.array(distortion) * (1, 1, 0, 0, 1, 1, 1, 1))
    return radii, np.maximum.accumulate(bent)


def _straightened(seen: Array, distortion: Array, start: Array) -> Array:
    """Directions (..., 2) whose x'', y'' are ``seen``; NaN where there is none."""
    limit = monotonic_radius(distortion)
    xy = start.reshape(-1, 2).copy()
    target = seen.reshape(-1, 2)
    for first in range(0, len(xy), BLOCK):
        block = slice(first, first + BLOCK)
        xy[block] = _solved(target[block], xy[block], distortion, limit)
    return xy.reshape(seen.shape)


def _solved(seen: Array, start: Array, distortion: Array, limit: float) -> Array:
    """Newton's method from ``start`` (N, 2), never beyond the fold."""
    (x, y), (u, v) = start.T.copy(), seen.T.copy()
    with np.errstate(all="ignore"):  # what does not converge is told by NaN
        for _ in range(NEWTON_STEPS):
            (bent_x, bent_y), (dx_x, dx_y, dy_x, dy_y) = _bent_and_slopes(x, y, distortion)
            off_x, off_y = bent_x - u, bent_y - v
            area = dx_x * dy_y - dx_y * dy_x
            step_x = (dy_y * off_x - dx_y * off_y) / area
            step_y = (dx_x * off_y - dy_x * off_x) / area
            x -= step_x
            y -= step_y
            _hold_within(x, y, limit)
            settled = np.maximum(np.abs(step_x), np.abs(step_y)) < SETTLED
            if settled.all():
                break
        good = settled & (area > 0) & (x * x + y * y < limit * limit)
    return np.where(good[:, None], np.column_stack([x, y]), np.nan)


def _hold_within(x: Array, y: Array, limit: float) -> None:
    """Bring what a step has carried beyond the fold back to it, in place."""
    if np.isfinite(limit):
        shrink = np.minimum(1.0, limit / np.maximum(np.hypot(x, y), 1e-12))
        x *= shrink
        y *= shrink


def _bent(x: Array, y: Array, distortion: Array) -> tuple[Array, Array]:
    """x'', y'' of OpenCV's calib3d from x', y'."""
    k1, k2, p1, p2, k3, k4, k5, k6 = distortion
    r2, xy2 = x * x + y * y, 2.0 * x * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    bent_x = x * radial + p1 * xy2 + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + p2 * xy2
    return bent_x, bent_y


def _bent_and_slopes(
    x: Array, y: Array, distortion: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array, Array, Array]]:
    """x'', y'', and their derivatives: x'' by x', x'' by y', y'' by x', y'' by y'."""
    k1, k2, p1, p2, k3, k4, k5, k6 = distortion
    xx, yy, xy2 = x * x, y * y, 2.0 * x * y
    r2 = xx + yy
    under = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / under
    slope = (k1 + r2 * (2 * k2 + 3 * r2 * k3)) - radial * (k4 + r2 * (2 * k5 + 3 * r2 * k6))
    slope = 2.0 * slope / under  # twice d radial / d r^2
    shared = xy2 * (0.5 * slope) + 2 * (p1 * x + p2 * y)
    bent = x * radial + p1 * xy2 + p2 * (r2 + 2 * xx), y * radial + p1 * (r2 + 2 * yy) + p2 * xy2
    dx_x = radial + xx * slope + 2 * p1 * y + 6 * p2 * x
    dy_y = radial + yy * slope + 6 * p1 * y + 2 * p2 * x
    return bent, (dx_x, shared, shared, dy_y)


@lru_cache(maxsize=64)
def _monotonic_radius(distortion: tuple[float, ...]) -> float:
    k1, k2, _, _, k3, k4, k5, k6 = distortion
    over, under = np.array([1.0, k1, k2, k3]), np.array([1.0, k4, k5, k6])  # in rising powers of t
    power = np.arange(4)
    rising = np.convolve(over * (1 + 2 * power), under) - np.convolve(over, 2 * power * under)
    folds = [_first_root(rising), _first_root(under)]
    return float(np.sqrt(min(folds)))


def _first_root(coefficients: Array) -> float:
    """The smallest positive real root of a polynomial in rising powers, inf if there is none."""
    size = np.abs(coefficients)
    coefficients = np.where(size < 1e-15 * size.max(), 0.0, coefficients)
    roots = np.roots(coefficients[::-1])
    real = roots.real[(np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0)]
    first = float(real.min(initial=np.inf))
    return first if first < FAR * FAR else np.inf
