"""What a lens makes of points and straight edges, and how far from its axis it can be believed.

Brown-Conrady polynomials are fitted inside the image. Farther out they fold back: a point far off
the axis would land in the middle of the picture. `reach` is the radius up to which the lens maps
one to one, and what lies beyond it is in no picture: points there have no pixel, and outlines are
drawn in to that circle.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.scene import View

__all__ = ["image_edges", "image_points", "reach"]

Array = NDArray[np.float64]

FLATNESS_PX = 0.01  # largest distance between a bent edge and the polyline drawn for it
SAMPLES = 9  # along an edge, to see how much it bends
BEND_MARGIN = 2.0  # the samples may miss the sharpest place
ARC_STEP = np.radians(2.0)  # of the polyline along the circle of reach
WIDEST = 20.0  # tan(87 degrees): no such lens sees farther
RADII, ANGLES = 1000, 64  # where one to one is tried


def reach(distortion: Array | None) -> float:
    """The radius (of x/z, y/z) up to which the lens maps one to one; infinite for a pinhole."""
    return np.inf if distortion is None else _reach(tuple(distortion.tolist()))


@lru_cache(maxsize=64)
def _reach(distortion: tuple[float, ...]) -> float:
    """Where the radial part turns back, or before that the determinant of the whole derivative."""
    bent = np.array(distortion)
    limit = min(lens.monotonic_radius(bent), WIDEST)
    xy, step = _circles(limit), 1e-6
    across, down = (_bend(xy + step * e, bent) - _bend(xy - step * e, bent) for e in np.eye(2))
    turned = across[..., 0] * down[..., 1] <= across[..., 1] * down[..., 0]
    bad = turned.any(axis=1)
    return limit * int(np.argmax(bad)) / RADII if bad.any() else limit


@lru_cache(maxsize=64)
def _canvas_reach(
    width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...]
) -> float:
    """The radius of a circle around all directions that the canvas of three by three images needs.

    Or `reach`, if that is less. Farther out the polynomials are huge, and nobody looks.
    """
    limit = _reach(distortion)
    xy = _bend(_circles(limit), np.array(distortion))
    uv = xy @ np.array(K).reshape(3, 3)[:2, :2].T + np.array(K)[[2, 5]]
    size = np.array([width, height])
    beyond = ((uv < -1.1 * size) | (uv > 2.1 * size)).any(axis=2)
    around = beyond.all(axis=1)
    return limit * (int(np.argmax(around)) + 1) / RADII if around.any() else limit


def _circles(limit: float) -> Array:
    """Directions (RADII - 1, ANGLES, 2) on circles up to just below ``limit``."""
    radius = limit * (np.arange(1, RADII) / RADII)[:, None, None]
    angle = np.linspace(0.0, 2 * np.pi, ANGLES, endpoint=False)[:, None]
    return np.asarray(radius * np.concatenate([np.cos(angle), np.sin(angle)], axis=1))


def _bend(xy: Array, distortion: Array) -> Array:
    """x'', y'' of directions x/z, y/z (..., 2)."""
    return lens.project(np.insert(xy, 2, 1.0, axis=-1), np.eye(3), distortion)


def image_points(p_C: Array, view: View) -> Array:
    """Pixels (..., 2) of points (..., 3) in the camera's frame.

    NaN where a point is not before the camera, or beyond the lens's reach.
    """
    z = p_C[..., 2:]
    xy = p_C[..., :2] / np.where(z > 0, z, np.nan)
    within = np.hypot(xy[..., :1], xy[..., 1:]) <= reach(view.distortion)
    return _pixels(np.where(within, xy, np.nan), view)


def image_edges(
    edges: Array, body: NDArray[np.int64], view: View
) -> tuple[Array, NDArray[np.int64]]:
    """Edges (E, 2, 2) of directions x/z, y/z as edges in pixels, with the bodies (E,) they are of.

    Through a lens an edge becomes several, no farther than FLATNESS_PX from the true curve. What
    was a closed outline stays one, bit for bit.
    """
    if view.distortion is None:
        return _pixels(edges, view), body
    edges, owner = _drawn_in(edges, _canvas_reach(*_key(view)))
    bent, piece = _bent(edges, view)
    return bent, body[owner[piece]]


def _key(view: View) -> tuple[int, int, tuple[float, ...], tuple[float, ...]]:
    assert view.distortion is not None
    return view.width, view.height, tuple(view.K.ravel()), tuple(view.distortion)


def _bent(edges: Array, view: View) -> tuple[Array, NDArray[np.int64]]:
    """Polylines in pixels, and of which edge each piece is."""
    fraction = np.linspace(0.0, 1.0, SAMPLES)
    seen = _pixels(_between(edges[:, None], fraction), view)
    # A chord is off by an eighth of the second derivative, times its length squared.
    turn = np.abs(np.diff(seen, n=2, axis=1)).max(axis=1).max(axis=1, initial=0.0)
    off = BEND_MARGIN * turn * (SAMPLES - 1) ** 2 / 8
    first, last, edge = _cut(np.sqrt(off / FLATNESS_PX))
    ends = np.stack([first, last], axis=1)
    return _pixels(_between(edges[edge, None], ends), view), edge


def _pixels(xy: Array, view: View) -> Array:
    """Pixels (..., 2) of directions x/z, y/z; equal directions have equal pixels, bit for bit.

    A matrix product does not promise that, and an outline with a gap of the last bit can leak.
    """
    if view.distortion is not None:
        xy = _bend(xy, view.distortion)
    x, y = xy[..., 0], xy[..., 1]
    (fx, s, cx), (_, fy, cy), _ = view.K.tolist()
    return np.stack([fx * x + s * y + cx, fy * y + cy], axis=-1)


def _between(edges: Array, fraction: Array) -> Array:
    """Points along edges (..., 2, 2); exactly the ends at 0 and at 1."""
    fraction = fraction[..., None]
    return np.asarray((1 - fraction) * edges[..., 0, :] + fraction * edges[..., 1, :])


def _cut(pieces: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """Fractions where each piece begins and ends, and the edge it is of; at least one an edge."""
    count = np.maximum(np.ceil(pieces), 1).astype(np.int64)
    edge = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    return step / count[edge], (step + 1) / count[edge], edge


def _drawn_in(edges: Array, limit: float) -> tuple[Array, NDArray[np.int64]]:
    """Edges with all that is outside the circle of radius ``limit`` moved onto it, radially.

    That map is continuous, so outlines wind around every point inside the circle as before.
    Also which edge (E',) each piece is of.
    """
    outside = (np.hypot(edges[..., 0], edges[..., 1]) > limit).any(axis=1)
    kept, moved = np.flatnonzero(~outside), np.flatnonzero(outside)
    if not len(moved):
        return edges, kept
    parts, beyond = _split(edges[moved], limit)
    owner = np.repeat(moved, 3)
    arcs, piece = _arcs(parts[beyond], limit)
    return (
        np.concatenate([edges[kept], parts[~beyond], arcs]),
        np.concatenate([kept, owner[~beyond], owner[beyond][piece]]),
    )


def _split(edges: Array, limit: float) -> tuple[Array, NDArray[np.bool_]]:
    """Each edge (M, 2, 2) in three (3 M, 2, 2), cut at the circle, and which (3 M,) are outside.

    Ends that are outside are moved onto the circle.
    """
    start, along = edges[:, 0], edges[:, 1] - edges[:, 0]
    a, b, c = (along**2).sum(axis=1), (start * along).sum(axis=1), (start**2).sum(axis=1) - limit**2
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    cuts = np.stack([-b - root, -b + root], axis=1) / np.where(a > 0, a, 1.0)[:, None]
    fractions = np.pad(np.clip(cuts, 0.0, 1.0), ((0, 0), (1, 1)), constant_values=(0.0, 1.0))
    middles = _between(edges[:, None], (fractions[:, :-1] + fractions[:, 1:]) / 2)
    points = _between(edges[:, None], fractions)
    far = np.hypot(points[..., :1], points[..., 1:])
    points = np.where(far > limit, points * (limit / np.maximum(far, limit)), points)
    parts = np.stack([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 2, 2)
    return parts, np.ravel(np.hypot(middles[..., 0], middles[..., 1]) > limit)


def _arcs(chords: Array, limit: float) -> tuple[Array, NDArray[np.int64]]:
    """Arcs of the circle between the ends of chords (A, 2, 2), and the chord of each piece."""
    angle = np.arctan2(chords[..., 1], chords[..., 0])
    sweep = (angle[:, 1] - angle[:, 0] + np.pi) % (2 * np.pi) - np.pi
    first, last, chord = _cut(np.abs(sweep) / ARC_STEP)
    at = np.stack([first, last], axis=1)
    turned = angle[chord, :1] + at * sweep[chord, None]
    points = limit * np.stack([np.cos(turned), np.sin(turned)], axis=-1)
    exact = np.where(at[..., None] < 0.5, chords[chord, :1], chords[chord, 1:])
    ends = (at == 0) | (at == 1)
    return np.where(ends[..., None], exact, points), chord
