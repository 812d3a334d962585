"""What touches: a part's collision shape as a few convex pieces, from the part's own construction.

Round outsides become polygons that alternate evenly around the true circle (`balanced`), so that a
part neither hovers nor sinks; insides of rings become flat and keep their area (`even_area`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import pose
from simenv.parts.build import GRID, ring
from simenv.parts.polygon import circle
from simenv.pose import Matrix

__all__ = ["Hull", "balanced", "hull", "prism_hull", "ring_sectors", "save_hulls", "turned_hull"]

Hull = NDArray[np.float64]  # (V, 3) points; the piece is their convex hull


def balanced(radius: float, count: int) -> float:
    """Corner radius of a regular polygon whose corners lie as far out as its sides lie in."""
    return float(2 * radius / (1 + np.cos(np.pi / count)))


def even_area(radius: float, count: int) -> float:
    """Corner radius of a regular polygon with the area of the circle."""
    step = 2 * np.pi / count
    return float(radius * np.sqrt(step / np.sin(step)))


def hull(*points: ArrayLike) -> Hull:
    """One piece around all the points (any number of (N, 3) arrays)."""
    return np.concatenate([np.asarray(p, dtype=np.float64).reshape(-1, 3) for p in points])


def moved(piece: Hull, X_AB: Matrix) -> Hull:
    """A piece given in frame B, expressed in frame A."""
    return pose.apply(X_AB, piece)


def prism_hull(outline: NDArray[np.float64], z0: float, z1: float) -> Hull:
    """A straight piece over a convex polygon (N, 2)."""
    return hull(ring(outline, z0), ring(outline, z1))


def turned_hull(profile: Sequence[tuple[float, float]], count: int) -> Hull:
    """A round piece about z through (radius, z) points."""
    return hull(*(ring(circle(balanced(r, count), count), z) for r, z in profile))


def ring_sectors(
    outer: Sequence[tuple[float, float]],
    inner: Sequence[tuple[float, float]],
    *,
    count: int,
    steps: int = 2,
) -> list[Hull]:
    """A ring about z in ``count`` pieces; ``outer`` and ``inner`` are (radius, z) points.

    Each piece has ``steps`` chords outside and one inside.
    """
    pieces = []
    fan = np.linspace(0.0, 2 * np.pi / count, steps + 1)
    for k in range(count):
        angles = fan + 2 * np.pi * k / count
        points = [_arc(balanced(r, count * steps), angles, z) for r, z in outer]
        points += [_arc(even_area(r, count), angles[[0, -1]], z) for r, z in inner]
        pieces.append(hull(*points))
    return pieces


def _arc(radius: float, angles: NDArray[np.float64], z: float) -> Hull:
    return ring(radius * np.column_stack([np.cos(angles), np.sin(angles)]), z)


def save_hulls(path: Path, pieces: Sequence[Hull]) -> None:
    """Write the pieces as groups ``hull_0``, ``hull_1``, ... of one OBJ file, triangles outward."""
    lines, first = [], 1
    for number, piece in enumerate(pieces):
        points, faces = _convex(np.round(piece, GRID) + 0.0)
        lines.append(f"o hull_{number}")
        lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in points]
        lines += [f"f {a} {b} {c}" for a, b, c in faces + first]
        first += len(points)
    path.write_text("\n".join(lines) + "\n")


def _convex(points: Hull) -> tuple[Hull, NDArray[np.int64]]:
    from scipy.spatial import ConvexHull  # slow to import

    shape = ConvexHull(points)
    used = np.sort(shape.vertices)
    a, b, c = (points[shape.simplices[:, i]] for i in range(3))
    outward = np.sum(np.cross(b - a, c - a) * shape.equations[:, :3], axis=1) > 0
    faces = np.where(outward[:, None], shape.simplices, shape.simplices[:, ::-1])
    return points[used], np.searchsorted(used, faces)
