"""What outlines are: counter-clockwise polygons (N, 2) in metres, and how they become triangles."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["circle", "hexagon", "inset", "rectangle", "rounded", "slot", "triangulate"]

Polygon = NDArray[np.float64]  # (N, 2), counter-clockwise
CROSSED = "the outline crosses itself or a hole"


def circle(radius: float, count: int, center: ArrayLike = (0.0, 0.0)) -> Polygon:
    """``count`` points on a circle, the first at angle 0 (as `simenv.mesh.revolve` has them)."""
    angle = np.linspace(0.0, 2 * np.pi, count + 1)[:-1]
    return np.asarray(radius * np.column_stack([np.cos(angle), np.sin(angle)]) + np.asarray(center))


def hexagon(across_flats: float) -> Polygon:
    """A regular hexagon with corners on the x axis."""
    return circle(across_flats / np.sqrt(3.0), 6)


def rectangle(size_x: float, size_y: float, center: ArrayLike = (0.0, 0.0)) -> Polygon:
    """An axis-aligned rectangle."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    return np.asarray(signs * (size_x / 2, size_y / 2) + np.asarray(center))


def slot(length: float, width: float, center: ArrayLike = (0.0, 0.0), steps: int = 6) -> Polygon:
    """A slot along x with round ends; ``length`` is the whole length."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, steps + 1)
    end = width / 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    right = end + np.array(((length - width) / 2, 0.0))
    return np.asarray(np.concatenate([right, -right]) + np.asarray(center))


def rounded(corners: Polygon, radii: ArrayLike, steps: int = 4) -> Polygon:
    """The polygon with its corners filleted; a corner with radius 0 stays."""
    points = []
    radii = np.broadcast_to(np.asarray(radii, dtype=np.float64), len(corners))
    for before, corner, after, radius in zip(
        np.roll(corners, 1, axis=0), corners, np.roll(corners, -1, axis=0), radii, strict=True
    ):
        points += _fillet(before, corner, after, float(radius), steps)
    return np.array(points)


def _fillet(
    before: Polygon, corner: Polygon, after: Polygon, radius: float, steps: int
) -> list[Polygon]:
    if radius == 0.0:
        return [corner]
    a, b = (p - corner for p in (before, after))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    half = np.arccos(np.clip(a @ b, -1, 1)) / 2
    center = corner + (a + b) / np.linalg.norm(a + b) * radius / np.sin(half)
    start, end = (corner + side * radius / np.tan(half) - center for side in (a, b))
    turn = np.arctan2(start[0] * end[1] - start[1] * end[0], start @ end)
    angles = np.linspace(0.0, turn, steps + 1)
    rotations = [np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]) for t in angles]
    return [center + R @ start for R in rotations]


def inset(outline: Polygon, distance: float) -> Polygon:
    """Every edge moved inwards by ``distance``, corners mitred; point k stays point k."""
    before = outline - np.roll(outline, 1, axis=0)
    after = np.roll(outline, -1, axis=0) - outline
    n0, n1 = (
        np.column_stack([-e[:, 1], e[:, 0]]) / np.linalg.norm(e, axis=1, keepdims=True)
        for e in (before, after)
    )
    return np.asarray(outline + distance * (n0 + n1) / (1 + np.sum(n0 * n1, axis=1))[:, None])


def triangulate(
    outline: Polygon, holes: Sequence[Polygon] = ()
) -> tuple[Polygon, NDArray[np.int32]]:
    """Points (N, 2) and counter-clockwise triangles (T, 3) that fill ``outline`` but not ``holes``.

    Ear clipping, best-shaped ear first; holes are tied to the outline by bridges first
    (Eberly, "Triangulation by Ear Clipping"). All loops are given counter-clockwise.

    Raises:
        ValueError: if a loop crosses itself or another one.
    """
    points = np.concatenate([outline, *holes])
    loop = list(range(len(outline)))
    starts = len(outline) + np.cumsum([0, *(len(hole) for hole in holes)])
    rims = [list(range(a, b))[::-1] for a, b in itertools.pairwise(starts)]
    rims.sort(key=lambda rim: -points[rim, 0].max())
    while rims:
        rim = rims.pop(0)
        loop = _bridge(points, loop, rim, rims)
    faces = []
    while len(loop) > 3:
        ear = _best_ear(points, loop)
        faces.append((loop[ear - 1], loop[ear], loop[(ear + 1) % len(loop)]))
        del loop[ear]
    if _area(*points[loop]) <= 0:
        raise ValueError(CROSSED)
    return points, np.array([*faces, tuple(loop)], dtype=np.int32)


def _bridge(points: Polygon, loop: list[int], rim: list[int], others: list[list[int]]) -> list[int]:
    """The loop that goes on to a hole's rim along the shortest free line, around it, and back."""
    edges = [
        edge
        for ring in (loop, rim, *others)
        for edge in zip(ring, ring[1:] + ring[:1], strict=True)
    ]
    gaps = np.linalg.norm(points[loop][:, None] - points[rim][None], axis=2)
    for flat in np.argsort(gaps, axis=None, kind="stable"):
        i, j = np.unravel_index(int(flat), gaps.shape)
        corner = [points[loop[k % len(loop)]] for k in (i - 1, i, i + 1)]
        if _opens_to(corner[0], corner[1], corner[2], points[rim[j]]) and not _crosses(
            points, (loop[i], rim[j]), edges
        ):
            return loop[: i + 1] + rim[j:] + rim[: j + 1] + loop[i:]
    raise ValueError("a hole is not inside the outline")


def _opens_to(before: Polygon, corner: Polygon, after: Polygon, point: Polygon) -> bool:
    """Whether ``point`` lies in the inner angle of a corner (a bridged corner has several)."""
    left, right = _area(before, corner, point) > 0, _area(corner, after, point) > 0
    return bool(left and right if _area(before, corner, after) > 0 else left or right)


def _crosses(points: Polygon, line: tuple[int, int], edges: list[tuple[int, int]]) -> bool:
    p, q = points[line[0]], points[line[1]]
    ends = points[np.array(edges)]
    shared = np.array([bool({*edge} & {*line}) for edge in edges])
    a, b = ends[:, 0], ends[:, 1]
    sides = _area(p, q, a) * _area(p, q, b), _area(a, b, p) * _area(a, b, q)
    return bool(np.any((sides[0] <= 0) & (sides[1] <= 0) & ~shared))


def _area(a: Polygon, b: Polygon, c: Polygon) -> NDArray[np.float64]:
    """Twice the signed area of triangles."""
    u, v = b - a, c - a
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])


def _best_ear(points: Polygon, loop: list[int]) -> int:
    ring = points[loop]
    a, c = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    areas = _area(a, ring, c)
    sides = [np.linalg.norm(u - v, axis=1) for u, v in ((a, ring), (ring, c), (c, a))]
    quality = np.where(areas > 1e-13, areas / np.maximum.reduce(sides) ** 2, -1.0)
    for ear in np.argsort(-quality, kind="stable"):
        if quality[ear] < 0:
            break
        if not _occupied(ring, a[ear], ring[ear], c[ear]):
            return int(ear)
    raise ValueError(CROSSED)


def _occupied(ring: Polygon, a: Polygon, b: Polygon, c: Polygon) -> bool:
    corner = (ring == a).all(axis=1) | (ring == b).all(axis=1) | (ring == c).all(axis=1)
    others = ring[~corner]
    inside = (_area(a, b, others) >= 0) & (_area(b, c, others) >= 0) & (_area(c, a, others) >= 0)
    return bool(inside.any())
