"""What may differ between a plan and what happens: trial k of each grasp meets the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix

__all__ = ["Deviation", "Spread", "deviations"]


@dataclass(frozen=True)
class Spread:
    """How far reality may be from what was planned; the defaults suit a calibrated cell."""

    position_m: float = 0.002  # standard deviation of each coordinate of the gripper
    rotation_deg: float = 2.0  # of each component of its rotation vector
    friction: tuple[float, float] = (0.7, 1.3)  # evenly between these factors
    mass: tuple[float, float] = (0.8, 1.2)
    force: tuple[float, float] = (0.8, 1.2)  # of the fingers, or of the vacuum


SPREAD = Spread()


@dataclass(frozen=True, eq=False)
class Deviation:
    """One way in which reality differs from the plan."""

    X_GH: Matrix = field(default_factory=lambda: np.eye(4))  # H: where the gripper really is
    friction: float = 1.0  # factors
    mass: float = 1.0
    force: float = 1.0


def deviations(count: int, seed: int, spread: Spread = SPREAD) -> list[Deviation]:
    """``count`` deviations, even over nine dimensions (scrambled Sobol), the same each time."""
    from scipy.special import ndtri  # slow to import
    from scipy.stats import qmc

    engine = qmc.Sobol(9, scramble=True, rng=np.random.default_rng(seed))
    points = engine.random_base2(max(0, int(np.ceil(np.log2(max(count, 1))))))[:count]
    normal = ndtri(np.clip(points[:, :6], 1e-6, 1 - 1e-6))
    return [
        _deviation(six, three, spread) for six, three in zip(normal, points[:, 6:], strict=True)
    ]


def _deviation(six: NDArray[np.float64], three: NDArray[np.float64], spread: Spread) -> Deviation:
    turn = np.radians(spread.rotation_deg) * six[3:]
    angle = float(np.linalg.norm(turn))
    axis = np.sin(angle / 2) * turn / max(angle, 1e-12)
    X_GH = pose.from_quaternion((*axis, np.cos(angle / 2)), spread.position_m * six[:3])
    ranges = (spread.friction, spread.mass, spread.force)
    friction, mass, force = (
        low + u * (high - low) for u, (low, high) in zip(three, ranges, strict=True)
    )
    return Deviation(X_GH, float(friction), float(mass), float(force))
