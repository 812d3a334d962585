"""Which surfaces a far lamp reaches: one depth map a lamp, fitted to what can throw a shadow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.pose import Vector

__all__ = ["Fit", "fit"]


@dataclass(frozen=True, eq=False)
class Fit:
    """Where a lamp's map lies. Stage coordinates are p_S = p_W - centre."""

    clip: NDArray[np.float64]  # (4, 4) stage -> clip space of the map
    lookup: NDArray[np.float64]  # (3, 4) stage -> u, v, depth in 0..1
    size_m: tuple[float, float]  # what the map covers
    depth_m: float


def fit(points_S: NDArray[np.float64], direction: Vector) -> Fit:
    """An orthographic view along ``-direction`` (3,) that just holds points (P, 3)."""
    helper = np.eye(3)[2]
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x)
    R_LS = np.array([x, np.cross(direction, x), direction])
    p_L = points_S @ R_LS.T
    low, high = p_L.min(axis=0), p_L.max(axis=0)
    margin = 0.01 * (high - low) + 1e-4
    low, high = low - margin, high + margin
    size = high - low
    clip = np.eye(4)
    clip[:3, :3] = R_LS * (2 / size)[:, None] * [[1], [1], [-1]]
    clip[:3, 3] = -(high + low) / size * [1, 1, -1]
    lookup = 0.5 * clip[:3]
    lookup[:, 3] += 0.5
    return Fit(clip, lookup, (float(size[0]), float(size[1])), float(size[2]))
