"""When a scene rests, and what counts as gone wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.spec.task import Settle

__all__ = ["EXPLODED_M_S", "OVERLAP_M", "Block", "RestRule", "exploded", "inside", "turned"]

EXPLODED_M_S = 20.0  # no drop in a cell gets this fast (that takes 20 m); a solver blow-up does
OVERLAP_M = 5e-4  # parts that start deeper than this inside each other get thrown apart


class RestRule:
    """Holds once all parts were slower than both speeds, against their support, for ``hold_s``."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self._since_s: float | None = None

    def holds(self, time_s: float, speed: NDArray[np.float64], spin: NDArray[np.float64]) -> bool:
        """Whether the scene rests at ``time_s``; call with increasing times.

        Args:
            time_s: now.
            speed: (N,) m/s of the parts relative to what carries them.
            spin: (N,) rad/s.
        """
        settle = self._settle
        if (speed >= settle.speed_m_s).any() or (spin >= settle.angular_rad_s).any():
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = time_s
        # A hair of slack: times are multiples of dt, and hold_s often is one, too.
        return time_s - self._since_s >= self._settle.hold_s - 1e-9


def exploded(speed: NDArray[np.float64]) -> bool:
    """Whether a part is faster than any drop makes it, or is nowhere at all (NaN)."""
    return not bool((speed < EXPLODED_M_S).all())


def turned(before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles (N,) between unit quaternions (N, 4), in radians; exact to third order when small."""
    chord = np.minimum(
        np.linalg.norm(now - before, axis=1),
        np.linalg.norm(now + before, axis=1),  # q and -q are one rotation
    )
    return np.asarray(2.0 * chord)


@dataclass(frozen=True, eq=False)
class Block:
    """A thick box of the furniture."""

    X_WP: Matrix  # (4, 4) its centre
    half_m: NDArray[np.float64]  # (3,)

    @property
    def bottom_m(self) -> float:
        """World z of its lowest corner."""
        reach = np.abs(self.X_WP[2, :3]) @ self.half_m
        return float(self.X_WP[2, 3] - reach)

    def under(self, p_W: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the points (N, 3) are over its footprint and not beneath its bottom."""
        low, high = self._bounds()
        over = (p_W[:, :2] >= low) & (p_W[:, :2] <= high)
        return np.asarray(over.all(axis=1) & (p_W[:, 2] > self.bottom_m))

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        reach = np.abs(self.X_WP[:2, :3]) @ self.half_m
        return self.X_WP[:2, 3] - reach, self.X_WP[:2, 3] + reach


def inside(blocks: tuple[Block, ...], p_W: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the points (N, 3) are inside one of the blocks."""
    found = np.zeros(len(p_W), dtype=np.bool_)
    for block in blocks:
        p_P = pose.apply(pose.inverse(block.X_WP), p_W)
        found |= (np.abs(p_P) < block.half_m).all(axis=1)
    return found
