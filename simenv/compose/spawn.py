"""Where a part may start: inside its zone, clear of the others, as low as it can."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.pose import Matrix
from simenv.spec.object import ObjectModel
from simenv.spec.task import Spawn, Zone

__all__ = ["GAP_M", "Placed", "extreme_points", "place", "positions"]

GAP_M = 0.002  # kept between the bounding boxes of two parts


@dataclass(frozen=True, eq=False)
class Placed:
    """A part's start."""

    X_WB: Matrix  # (4, 4)
    box: NDArray[np.float64]  # (2, 3) lowest and highest corner of its bounding box, world
    stacked_m: float  # how much higher it starts than asked, because the place was taken


def place(
    model: ObjectModel,
    spawn: Spawn,
    zone: Zone,
    fractions: NDArray[np.float64],
    taken: NDArray[np.float64],
) -> Placed:
    """The lowest free one of the candidate places; among equals the first.

    The bounding box along the zone's own axes stays inside the zone; a part larger than the zone is
    centred in that direction.

    Args:
        model: the part.
        spawn: its orientation, and the height of its lowest point if nothing is in the way.
        zone: where it may start.
        fractions: (N, 2) candidates, 0..1 of the way that the part can go along each zone axis.
        taken: (M, 2, 3) bounding boxes of the parts that already have a place, world.
    """
    R_WB = spawn.orientation.X_AB()[:3, :3]
    points_W = extreme_points(model) @ R_WB.T
    low, high = points_W.min(axis=0), points_W.max(axis=0)
    p_WB = positions(points_W[:, :2], zone, fractions)
    ground = zone.center[2] + spawn.height_m
    bottoms = _lowest_free(p_WB + low[:2], p_WB + high[:2], float(high[2] - low[2]), ground, taken)
    best = int(np.argmin(bottoms))
    p = np.array([*p_WB[best], bottoms[best] - low[2]])
    return Placed(pose.pose(R_WB, p), np.stack([low, high]) + p, float(bottoms[best] - ground))


def positions(
    points_W: NDArray[np.float64], zone: Zone, fractions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """World x, y (N, 2) of the part's origin at each of the fractions."""
    R_WZ = pose.from_rpy_deg((0.0, 0.0, zone.yaw_deg))[:2, :2]
    points_Z = points_W @ R_WZ
    low, high = points_Z.min(axis=0), points_Z.max(axis=0)
    room = np.maximum(0.0, zone.size_m - (high - low))
    p_ZB = (fractions - 0.5) * room - (low + high) / 2
    return np.asarray(zone.center[:2] + p_ZB @ R_WZ.T)


def _lowest_free(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    tall: float,
    ground: float,
    taken: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The lowest z >= ground at which a box fits over each footprint ``low``..``high`` (N, 2).

    A box that fits and cannot sink stands on the ground or on one of the M taken ones, so M + 1
    levels are enough to try.
    """
    bottom, top = taken[:, 0] - GAP_M, taken[:, 1] + GAP_M
    over = ((low[:, None] < top[:, :2]) & (high[:, None] > bottom[:, :2])).all(axis=2)  # (N, M)
    levels = np.maximum(ground, np.append(top[:, 2], ground))  # (M + 1,)
    beside = (levels[:, None] < top[:, 2]) & (levels[:, None] + tall > bottom[:, 2])  # (M + 1, M)
    clashes = over.astype(np.float32) @ beside.astype(np.float32).T  # (N, M + 1), a count
    return np.asarray(np.where(clashes == 0, levels, np.inf).min(axis=1))


@lru_cache(maxsize=256)
def extreme_points(model: ObjectModel) -> NDArray[np.float64]:
    """Corners (V, 3) of the convex hull of all that is seen or touched of a part, body frame."""
    surfaces = [model.mesh.vertices, *model.hulls]
    if not isinstance(model.spec.collision, str):
        surfaces += [mesh.join(*(shape.mesh() for shape in model.spec.collision)).vertices]
    points = mesh.hull(np.concatenate(surfaces))
    points.setflags(write=False)
    return points
