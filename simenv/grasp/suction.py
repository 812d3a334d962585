"""Where a cup can hold a part: surface that its lip follows, near the centre of mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.grasp.candidate import Candidates
from simenv.grasp.surface import Surface, perpendicular
from simenv.spec.robot import Vacuum

__all__ = ["seal_quality", "suction"]

Floats = NDArray[np.float64]

LIP_POINTS = 16
ABOVE_M = 0.004  # rays of the lip start this far over the surface
GRAVITY_M_S2 = 9.81


def suction(
    surface: Surface, cup: Vacuum, *, com: Floats, mass_kg: float, count: int, seed: int
) -> Candidates:
    """Places on ``count`` sampled points, the cup square to the surface.

    The quality is how well the lip seals times what the vacuum has to spare when the part's weight
    pulls sideways at its lever arm: the moment that tips a ring about its edge (Mahler et al. 2018,
    Dex-Net 3.0). ``com`` (3,) metres is the centre of mass.
    """
    rng = np.random.default_rng([seed, 2])
    points, normals = surface.sample(count, rng)
    seal = seal_quality(surface, points, normals, cup.radius_m, cup.gap_m)
    arm = points - com
    sideways = np.linalg.norm(np.cross(arm, normals), axis=1)
    moment = mass_kg * GRAVITY_M_S2 * sideways
    holds = cup.radius_m * np.maximum(cup.force_n * seal - mass_kg * GRAVITY_M_S2, 1e-9)
    quality = seal * np.clip(1.0 - moment / holds, 0.0, 1.0)
    kept = seal > 0.0
    z = -normals[kept]
    x = perpendicular(z)
    turn = rng.random(len(z))[:, None] * 2 * np.pi
    x = np.cos(turn) * x + np.sin(turn) * np.cross(z, x)
    X = np.tile(np.eye(4), (len(z), 1, 1))
    X[:, :3, 0], X[:, :3, 1], X[:, :3, 2] = x, np.cross(z, x), z
    X[:, :3, 3] = points[kept]
    none = np.zeros(len(z))
    return Candidates(X, none, none, points[kept][:, None], normals[kept][:, None], quality[kept])


def seal_quality(
    surface: Surface, points: Floats, normals: Floats, radius_m: float, gap_m: float
) -> Floats:
    """How well a lip seals at each point (N,), 0..1.

    1 where all of the lip and its middle are level, 0 where they rise and fall by ``gap_m``, and
    where part of the lip is over an edge or a hole.
    """
    one = perpendicular(normals)
    other = np.cross(normals, one)
    angle = 2 * np.pi * np.arange(LIP_POINTS) / LIP_POINTS
    ring = (
        points[:, None]
        + radius_m * np.cos(angle)[:, None] * one[:, None]
        + radius_m * np.sin(angle)[:, None] * other[:, None]
    )
    starts = (ring + ABOVE_M * normals[:, None]).reshape(-1, 3)
    along = np.repeat(-normals, LIP_POINTS, axis=0)
    depth, _ = surface.first(starts, along)
    depth = depth.reshape(-1, LIP_POINTS) - ABOVE_M
    whole = np.isfinite(depth).all(axis=1)
    depth = np.where(np.isfinite(depth), depth, 0.0)
    high, low = np.maximum(depth.max(axis=1), 0.0), np.minimum(depth.min(axis=1), 0.0)
    return np.asarray(np.where(whole, np.clip(1.0 - (high - low) / gap_m, 0.0, 1.0), 0.0))
