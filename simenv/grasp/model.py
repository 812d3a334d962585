"""What is known of the grasps of one object with one gripper: rows, in the part's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OUTCOMES", "GraspSet", "wilson"]

OUTCOMES = ("held", "collision", "missed", "lift", "shake", "rotate")
"""How a trial ended: held to the end; the gripper met the part before it closed; nothing was held
after closing; lost when it got its weight, when shaken, when turned over."""

Z_95 = 1.959963984540054  # of a standard normal: 95 % lie within


@dataclass(frozen=True, eq=False)
class GraspSet:
    """N grasps with T trials each, C contacts each (two of a jaw, one of a cup); no order."""

    object: str
    gripper: str
    kind: str  # "jaw", "vacuum"
    X_BG: NDArray[np.float64]  # (N, 4, 4) G: between the pads, z approach, x closing; or the lip
    width_m: NDArray[np.float64]  # (N,) of the part between the pads; 0 of a cup
    opening_m: NDArray[np.float64]  # (N,) between the pads on the way to the part; 0 of a cup
    contacts_B: NDArray[np.float64]  # (N, C, 3) where pads or lip meet the surface, as planned
    normals_B: NDArray[np.float64]  # (N, C, 3) of the surface there, outwards
    quality: NDArray[np.float64]  # (N,) 0..1 from geometry alone
    outcome: NDArray[np.int8]  # (N, T) rows of OUTCOMES; -1: not tried
    motion_m: NDArray[np.float32]  # (N,) of the part in the hand while it closes, mean of the held
    slip_m: NDArray[np.float32]  # (N,) in the hand after that, mean of the held; NaN: none was
    turn_rad: NDArray[np.float32]  # (N,) likewise
    settings: Mapping[str, Any] = field(default_factory=dict)  # JSON: seed, protocol, digests

    def __len__(self) -> int:
        return len(self.X_BG)

    @property
    def trials(self) -> NDArray[np.int64]:
        """(N,) how often each grasp was tried."""
        return np.asarray((self.outcome >= 0).sum(axis=1))

    @property
    def successes(self) -> NDArray[np.int64]:
        """(N,) how often it held to the end."""
        return np.asarray((self.outcome == 0).sum(axis=1))

    @property
    def success_probability(self) -> NDArray[np.float64]:
        """(N,) the share that held; NaN where it was not tried."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.successes / self.trials)

    @property
    def interval(self) -> NDArray[np.float64]:
        """(N, 2) 95 % confidence interval of the probability."""
        return wilson(self.successes, self.trials)


def wilson(successes: NDArray[Any], trials: NDArray[Any]) -> NDArray[np.float64]:
    """(N, 2) the 95 % interval of a share (Wilson 1927); 0 to 1 where there was no trial."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    z2 = Z_95 * Z_95
    middle = (k + z2 / 2) / (n + z2)
    half = Z_95 / (n + z2) * np.sqrt(np.where(n > 0, k * (n - k) / np.maximum(n, 1), 0.0) + z2 / 4)
    return np.asarray(np.stack([np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)], -1))
