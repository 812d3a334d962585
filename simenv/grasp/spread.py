"""Which grasps to keep: no two that the part's symmetry makes one, and far from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.spec.object import Symmetry

__all__ = ["distances", "motions", "spread"]

Floats = NDArray[np.float64]

TURNS = 24  # of a continuous symmetry; finer than what a jaw notices


def motions(symmetry: Symmetry) -> Floats:
    """The rigid motions (S, 4, 4) of the body frame that leave the part as it is; the first: none.

    Continuous symmetries are taken in `TURNS` steps; discrete ones are combined with those.
    """
    turned = [np.eye(4)]
    for own in symmetry.continuous:
        axis, offset = np.array(own.axis, dtype=np.float64), np.array(own.offset_m)
        axis /= np.linalg.norm(axis)
        for k in range(1, TURNS):
            half = np.pi * k / TURNS
            X = pose.from_quaternion((*(np.sin(half) * axis), np.cos(half)))
            turned.append(_about(X, offset))
    discrete = [np.eye(4)]
    discrete += [pose.from_rpy_deg(own.rpy_deg, own.offset_m) for own in symmetry.discrete]
    return np.array([d @ t for d in discrete for t in turned])


def _about(X: Matrix, point: Floats) -> Matrix:
    X = X.copy()
    X[:3, 3] = point - X[:3, :3] @ point
    return X


def distances(
    X_BG: Floats, other: Matrix, same: Floats, half_turn: bool, any_turn: bool, scale_m: float
) -> Floats:
    """How far (N,) metres grasps are from ``other``, over all motions that make them one.

    Two poses differ by how far G moves plus how far a point ``scale_m`` from it does, when it
    turns. ``half_turn``: the gripper turned by 180 degrees about z is the same gripper;
    ``any_turn``: turned by any angle.
    """
    twins = same @ other  # (S, 4, 4)
    apart = np.linalg.norm(X_BG[:, None, :3, 3] - twins[None, :, :3, 3], axis=2)
    if any_turn:
        cosine = np.einsum("ni,si->ns", X_BG[:, :3, 2], twins[:, :3, 2])
    else:
        cosine = _cosine(X_BG, twins)
        if half_turn:
            turned = twins.copy()
            turned[:, :, :2] *= -1.0
            cosine = np.maximum(cosine, _cosine(X_BG, turned))
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    return np.asarray((apart + scale_m * angle).min(axis=1))


def _cosine(X_BG: Floats, twins: Floats) -> Floats:
    """Of the angle between all pairs of rotations (N, S)."""
    trace = np.einsum("nij,sij->ns", X_BG[:, :3, :3], twins[:, :3, :3])
    return np.asarray((trace - 1.0) / 2.0)


def spread(
    X_BG: Floats,
    quality: Floats,
    count: int,
    symmetry: Symmetry,
    *,
    jaw: bool,
    scale_m: float,
    least_m: float = 1e-3,
) -> NDArray[np.int64]:
    """Rows of at most ``count`` grasps: the best first, then always the one farthest from all.

    Farthest-point sampling (Gonzalez 1985) covers the part whatever the count; it stops where what
    is left is within ``least_m`` of a grasp that is chosen already.
    """
    if not len(X_BG):
        return np.zeros(0, dtype=np.int64)
    same = motions(symmetry)
    chosen = [int(np.argmax(quality))]
    nearest = np.full(len(X_BG), np.inf)
    while True:
        other = X_BG[chosen[-1]]
        far = distances(X_BG, other, same, half_turn=jaw, any_turn=not jaw, scale_m=scale_m)
        nearest = np.minimum(nearest, far)
        best = int(np.argmax(nearest))
        if len(chosen) == count or nearest[best] < least_m:
            return np.array(chosen, dtype=np.int64)
        chosen.append(best)
