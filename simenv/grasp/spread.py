"""Which grasps to keep: no two that the part's symmetry makes one, and far from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.spec.object import Symmetry

__all__ = ["Twins", "spread"]

Floats = NDArray[np.float64]

PARALLEL = 1e-6  # axes that differ less are one


class Twins:
    """Which grasps are one: by the symmetry of the part, or the gripper's own.

    A jaw turned by 180 degrees about z is the same jaw, a cup turned by any angle the same cup.
    """

    def __init__(self, symmetry: Symmetry, *, jaw: bool, scale_m: float) -> None:
        """``scale_m``: how far from G a turn of the gripper is measured."""
        self.jaw, self.scale_m = jaw, scale_m
        own = [pose.from_rpy_deg(one.rpy_deg, one.offset_m) for one in symmetry.discrete]
        self._discrete = np.array([np.eye(4), *own])
        axes = np.array([one.axis for one in symmetry.continuous], dtype=np.float64).reshape(-1, 3)
        self._axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        self._centre = np.zeros(3)
        if symmetry.continuous:
            self._centre = np.array(symmetry.continuous[0].offset_m, dtype=np.float64)

    def distances(self, X_BG: Floats, other: Matrix) -> Floats:
        """How far (N,) metres grasps are from ``other``, over all motions that make them one.

        Two poses differ by how far G moves plus how far a point ``scale_m`` from it does, when it
        turns.
        """
        twins = self._discrete @ other  # (S, 4, 4)
        if self.jaw:
            turned = twins.copy()
            turned[:, :, :2] *= -1.0
            twins = np.concatenate([twins, turned])
        p = X_BG[:, None, :3, 3] - self._centre
        q = twins[None, :, :3, 3] - self._centre
        R, Q = X_BG[:, None, :3, :3], twins[None, :, :3, :3]
        if len(self._axes):
            S = self._turns(p, R, q, Q)  # (N, S, 3, 3)
            q, Q = (S @ q[..., None])[..., 0], S @ Q
        apart = np.linalg.norm(p - q, axis=-1)
        if self.jaw:
            cosine = (np.einsum("nsij,nsij->ns", *np.broadcast_arrays(R, Q)) - 1.0) / 2.0
        else:
            cosine = (R[..., 2] * Q[..., 2]).sum(axis=-1)
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        return np.asarray((apart + self.scale_m * angle).min(axis=1))

    def _turns(self, p: Floats, R: Floats, q: Floats, Q: Floats) -> Floats:
        """The turn (N, S, 3, 3) of the part that brings ``q, Q`` nearest to ``p, R``.

        Nearest in the sum of squares of both distances: that has a closed form, about one axis as
        about a point (Kabsch 1976), and is exact where the two grasps are one.
        """
        axes = slice(None) if self.jaw else slice(2, 3)
        turn = (1.0 if self.jaw else 2.0) * self.scale_m**2  # 2 (1 - cos angle) of each
        before = np.concatenate([q[..., None], Q[..., axes]], axis=-1)  # (1, S, 3, K)
        after = np.concatenate([2.0 * p[..., None], turn * R[..., axes]], axis=-1)  # (N, 1, 3, K)
        H = after @ np.swapaxes(before, -1, -2)  # the best turn has the greatest trace(S^T H)
        axis = self._axes[0]
        if (np.abs(self._axes @ axis) < 1.0 - PARALLEL).any():  # two axes: any turn
            U, _, Vt = np.linalg.svd(H)
            sign = np.linalg.det(U @ Vt)
            U[..., 2] *= sign[..., None]
            return np.asarray(U @ Vt)
        cross = np.cross(axis, np.eye(3)).T
        flat = np.eye(3) - np.outer(axis, axis)
        cosine = np.einsum("ij,nsij->ns", flat, H)
        sine = np.einsum("ij,nsij->ns", cross, H)
        angle = np.arctan2(sine, cosine)[..., None, None]
        return np.asarray(np.outer(axis, axis) + np.cos(angle) * flat + np.sin(angle) * cross)


def spread(
    X_BG: Floats,
    quality: Floats,
    count: int,
    symmetry: Symmetry,
    *,
    jaw: bool,
    scale_m: float,
    least_m: float = 1e-3,
    since: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Rows of at most ``count`` grasps: the best first, then always the one farthest from all.

    Farthest-point sampling (Gonzalez 1985) covers the part whatever the count; it stops where what
    is left is within ``least_m`` of a grasp that is chosen already. ``since`` (N,): how many must
    be chosen before each may be; default: none.
    """
    since = np.zeros(len(X_BG), dtype=np.int64) if since is None else since
    if not (since == 0).any():
        return np.zeros(0, dtype=np.int64)
    twins = Twins(symmetry, jaw=jaw, scale_m=scale_m)
    chosen = [int(np.argmax(np.where(since == 0, quality, -np.inf)))]
    nearest = np.full(len(X_BG), np.inf)
    while True:
        nearest = np.minimum(nearest, twins.distances(X_BG, X_BG[chosen[-1]]))
        best = int(np.argmax(np.where(since <= len(chosen), nearest, -np.inf)))
        if len(chosen) == count or nearest[best] < least_m:
            return np.array(chosen, dtype=np.int64)
        chosen.append(best)
