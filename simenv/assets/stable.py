"""How a part may come to rest on a floor, and how likely each way is.

Goldberg and others, Part pose statistics, 1999, without inertia: a part falls in any orientation
alike, meets the floor with the side of its hull that its weight points to, and rolls from side to
side until its weight is above one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from simenv import pose
from simenv.assets.soup import Floats, Rows
from simenv.assets.symmetry import Symmetries
from simenv.pose import Matrix

__all__ = ["Rest", "rests"]

ALIKE_RAD = 0.02  # between directions that are one way to lie


@dataclass(frozen=True, eq=False)
class Rest:
    """One way to lie."""

    down: Floats  # (3,) unit, body frame: what points at the floor
    chance: float

    def X_WB(self, points: Floats) -> Matrix:
        """So that the lowest of the points (N, 3) lies at world z = 0, over the origin."""
        R, _ = Rotation.align_vectors([[0.0, 0.0, -1.0]], [self.down])
        R_WB = np.asarray(R.as_matrix())
        height = float((points @ R_WB.T)[:, 2].min())
        return pose.pose(R_WB, (0.0, 0.0, -height))


def rests(points: Floats, com: Floats, symmetries: Symmetries) -> tuple[Rest, ...]:
    """The ways that a hull of points (N, 3) lies, the most likely first; alike ones are one."""
    hull = ConvexHull(points)
    normals = hull.equations[:, :3]
    triangles = _outward(points[hull.simplices] - com, normals)
    ends = _ends(triangles, normals, np.asarray(hull.neighbors))
    chances = np.bincount(ends, _solid_angles(triangles), len(normals)) / (4 * np.pi)
    found: list[Rest] = []
    for row in np.argsort(-chances, kind="stable"):
        if chances[row] <= 0:
            break
        found.append(Rest(normals[row], float(chances[row])))
    return _merged(found, symmetries)


def _outward(triangles: Floats, normals: Floats) -> Floats:
    a, b, c = np.swapaxes(triangles, 0, 1)
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals) < 0
    return np.where(inward[:, None, None], triangles[:, ::-1], triangles)


def _solid_angles(triangles: Floats) -> Floats:
    """Of triangles (T, 3, 3) as seen from the origin, (T,)."""
    a, b, c = np.swapaxes(triangles, 0, 1)
    la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
    triple = np.abs(np.einsum("ij,ij->i", a, np.cross(b, c)))
    dots = [np.einsum("ij,ij->i", x, y) for x, y in ((a, b), (b, c), (c, a))]
    return np.asarray(
        2 * np.arctan2(triple, la * lb * lc + dots[0] * lc + dots[1] * la + dots[2] * lb)
    )


def _ends(triangles: Floats, normals: Floats, neighbors: Rows) -> Rows:
    """Where each side (T,) rolls to in the end; itself if the weight is above it."""
    height = np.einsum("ij,ij->i", triangles[:, 0], normals)
    following = np.arange(len(normals))
    for row, (corners, normal) in enumerate(zip(triangles, normals, strict=True)):
        foot = normal * height[row]
        ahead = np.roll(corners, -1, axis=0)
        across = np.cross(ahead - corners, normal)  # out of the side, over each edge
        beyond = np.einsum("ij,ij->i", foot - corners, across)
        beyond = beyond / np.maximum(np.linalg.norm(across, axis=1), 1e-15)
        edge = int(beyond.argmax())
        if beyond[edge] > 1e-12:
            following[row] = _over(row, corners, edge, triangles, neighbors)
    return _followed(following, height)


def _followed(following: Rows, height: Floats) -> Rows:
    """To the end of each chain; the weight sinks on the way, so that a chain has an end.

    Parts of one flat side are equally high and, by rounding, may point at each other.
    """
    ends = np.arange(len(following))
    for row in range(len(following)):
        here, seen = row, {row}
        while (there := int(following[here])) not in seen and height[there] <= height[here] + 1e-9:
            here = there
            seen.add(here)
        ends[row] = here
    return ends


def _over(row: int, corners: Floats, edge: int, triangles: Floats, neighbors: Rows) -> int:
    """The neighbour of a side over one of its edges."""
    ends = corners[[edge, (edge + 1) % 3]]
    for other in neighbors[row]:
        gaps = np.linalg.norm(triangles[other][:, None] - ends[None], axis=2).min(axis=0)
        if gaps.max() < 1e-12:
            return int(other)
    return row


def _merged(found: list[Rest], symmetries: Symmetries) -> tuple[Rest, ...]:
    """Directions that are one flat side, or that a symmetry turns into each other, as one."""
    merged: list[Rest] = []
    for rest in found:
        for k, known in enumerate(merged):
            if _alike(rest.down, known.down, symmetries):
                merged[k] = Rest(known.down, known.chance + rest.chance)
                break
        else:
            merged.append(rest)
    return tuple(sorted(merged, key=lambda rest: -rest.chance))


def _alike(one: Floats, other: Floats, symmetries: Symmetries) -> bool:
    turned = [one, *(R @ one for R in symmetries.discrete)]
    if len(symmetries.continuous) > 1:
        return True
    for axis in symmetries.continuous:
        if any(abs(axis @ a - axis @ other) < ALIKE_RAD for a in turned):
            return True
    return any(a @ other > np.cos(ALIKE_RAD) for a in turned)
