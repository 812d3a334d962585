"""How good an imported surface and its collision shape are, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from simenv import mesh
from simenv.assets.decompose import support
from simenv.assets.orient import winding
from simenv.assets.soup import Floats, Soup

__all__ = ["Fit", "counted_twice", "diameter", "fit", "thin_share"]

THIN_M = 1e-3  # walls thinner than this are passed through in a fall
POINTS = 40_000  # in the bounding box, by which volumes of hulls are compared
RAYS = 400  # that measure thickness, fewer where there are many triangles
TESTS = 20_000_000  # of a ray with a triangle, together
WAYS = 2000  # directions that the farthest of many points are looked for in
SAMPLES = 200  # points that are asked how often the surface goes round them
OVERLAP = 1.5  # turns of the surface round a point, from which it is inside twice


@dataclass(frozen=True)
class Fit:
    """How the hulls compare with the surface."""

    union_m3: float  # volume that any hull takes
    volume_error: float  # relative to the mesh's
    count: int


def diameter(points: Floats) -> float:
    """Largest distance between two of the points (N, 3), metres; of many, within 0.1 %.

    The exact one takes minutes where a hundred thousand points are all corners of their hull.
    """
    corners = mesh.hull(points)
    return mesh.diameter(support(corners, WAYS) if len(corners) > WAYS else corners)


def fit(surface: Soup, hulls: tuple[Floats, ...]) -> Fit:
    """Of one hull exactly; of several by points in their bounding box (about 1 %)."""
    volume = surface.volume
    if len(hulls) == 1:
        union = float(ConvexHull(hulls[0]).volume)
    else:
        union = _union(hulls)
    return Fit(union, union / volume - 1.0, len(hulls))


def _union(hulls: tuple[Floats, ...]) -> float:
    """Volume of a union: each hull's share that no hull before it has, by even points in it."""
    shapes = [ConvexHull(hull) for hull in hulls]
    total, rng = 0.0, np.random.default_rng(0)
    for row, (hull, shape) in enumerate(zip(hulls, shapes, strict=True)):
        low, size = hull.min(axis=0), np.ptp(hull, axis=0)
        points = low + rng.random((max(500, POINTS // len(hulls)), 3)) * size
        points = points[_within(shape, points)]
        new = np.ones(len(points), dtype=np.bool_)
        for before in shapes[:row]:
            new &= ~_within(before, points)
        total += float(shape.volume) * float(new.mean() if len(new) else 1.0)
    return total


def _within(shape: ConvexHull, points: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    planes = shape.equations
    return np.asarray((points @ planes[:, :3].T + planes[:, 3] <= 0).all(axis=1))


def counted_twice(surface: Soup) -> float:
    """Share of the inside that two or more solids of the file take: their volumes are added."""
    rng = np.random.default_rng(0)
    points = surface.vertices.min(axis=0) + rng.random((SAMPLES, 3)) * surface.extents
    turns = winding(surface, points)
    inside = turns > 0.5
    return float((turns[inside] > OVERLAP).mean()) if inside.any() else 0.0


def thin_share(surface: Soup) -> float:
    """Share of the surface behind which the part is less than `THIN_M` thick.

    Rays inwards from points spread evenly over the surface (Moeller and Trumbore, 1997).
    """
    rng = np.random.default_rng(0)
    rays = max(20, min(RAYS, TESTS // len(surface.faces)))
    areas, triangles = surface.areas, surface.triangles
    face = rng.choice(len(areas), rays, p=areas / areas.sum())
    weights = rng.dirichlet((1.0, 1.0, 1.0), rays)
    origins = np.einsum("nk,nkj->nj", weights, triangles[face])
    a, b, c = np.swapaxes(triangles[face], 0, 1)
    inward = np.cross(c - a, b - a)
    inward = inward / np.linalg.norm(inward, axis=1, keepdims=True)
    depth = [
        _first_hit(triangles, origin, way, own)
        for origin, way, own in zip(origins, inward, face, strict=True)
    ]
    return float((np.array(depth) < THIN_M).mean())


def _first_hit(triangles: Floats, origin: Floats, way: Floats, own: int) -> float:
    """Distance from ``origin`` along ``way`` to the nearest other triangle; inf: none."""
    a, b, c = np.swapaxes(triangles, 0, 1)
    ab, ac = b - a, c - a
    across = np.cross(way, ac)
    det = np.einsum("ij,ij->i", ab, across)
    scale = np.where(np.abs(det) > 1e-18, det, np.inf)
    ahead = origin - a
    u = np.einsum("ij,ij->i", ahead, across) / scale
    over = np.cross(ahead, ab)
    v = over @ way / scale
    t = np.einsum("ij,ij->i", ac, over) / scale
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-9) & np.isfinite(scale)
    hit[own] = False
    return float(t[hit].min()) if hit.any() else np.inf
