"""How an object lies still: the flat sides of its hull that its weight is above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.compose.spawn import extreme_points
from simenv.spec.object import ObjectModel

__all__ = ["Rest", "rests"]

FLAT_M = 2e-4  # corners so near to a plane lie on it
ALIKE = 0.9998  # cosine between two sides that count as one: about one degree
STEADY_M = 1.5e-3  # how far inside its footprint the centre of mass is, at least


@dataclass(frozen=True, eq=False)
class Rest:
    """One way to lie, on the plane z = 0."""

    R_WB: NDArray[np.float64]  # (3, 3)
    com_W: NDArray[np.float64]  # (3,) centre of mass, with the body's origin over the world's
    bottom_m: float  # z of the body's origin above the plane
    margin_m: float  # from the centre of mass to the nearest edge of the footprint; < 0: it falls
    top_m: float  # radius of the circle that fits on the flat top; 0: it has none
    top_W: NDArray[np.float64]  # (2,) centre of that top

    @property
    def tip_deg(self) -> float:
        """How far it can be tipped before it falls."""
        return float(np.degrees(np.arctan2(self.margin_m, self.com_W[2])))

    @property
    def up(self) -> float:
        """Cosine of the angle between the body's z axis and up."""
        return float(self.R_WB[2, 2])


@lru_cache(maxsize=256)
def rests(model: ObjectModel) -> tuple[Rest, ...]:
    """All ways that ``model`` lies steadily, the steadiest first; at least the best there is."""
    from scipy.spatial import ConvexHull

    points = extreme_points(model)
    found = [_rest(model, points, down) for down in _apart(ConvexHull(points).equations[:, :3])]
    found.sort(key=lambda rest: -rest.tip_deg)
    return tuple(rest for rest in found if rest.margin_m >= STEADY_M) or tuple(found[:1])


def _apart(normals: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """One of each bundle of normals that point the same way."""
    kept: list[NDArray[np.float64]] = []
    for normal in normals:
        if all(normal @ other < ALIKE for other in kept):
            kept.append(normal)
    return kept


def _rest(model: ObjectModel, points: NDArray[np.float64], down: NDArray[np.float64]) -> Rest:
    R_WB = _upright(down)
    points_W = points @ R_WB.T
    bottom = -float(points_W[:, 2].min())
    com_W = R_WB @ model.mass_properties[0] + (0.0, 0.0, bottom)
    margin = _inside(points_W[points_W[:, 2] < FLAT_M - bottom, :2], com_W[:2])
    top = points_W[points_W[:, 2] > points_W[:, 2].max() - FLAT_M, :2]
    center = (top.min(axis=0) + top.max(axis=0)) / 2
    radius = _inside(top, center)
    return Rest(R_WB, com_W, bottom, margin, max(0.0, radius), center)


def _upright(down: NDArray[np.float64]) -> NDArray[np.float64]:
    """A rotation that turns the unit vector ``down`` to -z."""
    aside = np.eye(3)[np.argmin(np.abs(down))]
    x = np.cross(aside, down)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(-down, x), -down])


def _inside(corners: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """How far ``point`` (2,) is inside the hull of the corners (N, 2); metres."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        lines = ConvexHull(corners).equations
    except (QhullError, ValueError):  # fewer than three, or all in a row
        return -np.inf
    return -float((lines[:, :2] @ point + lines[:, 2]).max())
