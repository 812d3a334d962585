"""How a belt carries: an endless plane that truly moves under the parts above it, and a box beside.

The usual trick (a box that is given a velocity and put back each step) tears contacts apart at each
step: parts rock, sink by millimetres and drift. A plane looks the same wherever it has moved to, so
it need not be put back; contacts live on, and parts ride exactly at the belt's speed. The plane is
endless, so each part sees it only while its centre of mass is above the belt. Before and after that
it sees the box, which has the belt's true edges: parts tip over its end and bridge small gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.pose import Matrix
from simenv.scene import BeltMotion

__all__ = ["Belt"]


@dataclass(eq=False)
class Belt:
    """A belt in one Bullet client. ``over`` says which parts ride on its plane now."""

    motion: BeltMotion
    X_WP: Matrix  # (4, 4) centre of the belt's box
    half_m: NDArray[np.float64]  # (3,) half of its sides
    plane: int  # Bullet body
    box: int  # Bullet body
    client: int
    speed_m_s: float = 0.0
    over: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))  # (N,)

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Of the surface, world, (3,) m/s."""
        return self.motion.direction * self.speed_m_s

    def above(self, p_W: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the points (N, 3) are over the belt's footprint and not beneath its middle."""
        p_P = pose.apply(pose.inverse(self.X_WP), p_W)
        inside = np.abs(p_P[:, :2]) <= self.half_m[:2]
        return np.asarray(inside.all(axis=1) & (p_P[:, 2] > 0.0))

    def meet(self, parts: Sequence[int], com_W: NDArray[np.float64]) -> None:
        """Decide for each part (N Bullet bodies, centres of mass (N, 3)): plane or box."""
        over = self.above(com_W)
        first = len(self.over) == 0
        changed = np.arange(len(parts)) if first else np.flatnonzero(over != self.over)
        for row in changed.tolist():
            self._filter(parts[row], self.plane, bool(over[row]))
            self._filter(parts[row], self.box, not over[row])
        self.over = over

    def leave(self, parts: Sequence[int]) -> None:
        """Let nothing with the numbers of these parts meet the belt.

        Bullet keeps such rules by number, for whoever has it next, and none can be taken back. A
        part that has it next gets rules of its own; furniture is not to meet a belt anyway.
        """
        for part in parts:
            self._filter(part, self.plane, False)
            self._filter(part, self.box, False)

    def _filter(self, part: int, body: int, collide: bool) -> None:
        pybullet.setCollisionFilterPair(
            part, body, -1, -1, int(collide), physicsClientId=self.client
        )

    def advance(self, middle_s: float, capture_start_s: float | None) -> None:
        """Set the surface speed for the step whose middle is at ``middle_s``.

        The midpoint makes the distance exact where the profile is linear over the step.
        """
        if len(self.motion.profile) == 1:  # steady: spare the interpolation
            self.speed_m_s = self.motion.speed_m_s * self.motion.profile[0][1]
        else:
            self.speed_m_s = self.motion.speed(middle_s, capture_start_s)
        x, y, z = self.motion.direction
        velocity = (x * self.speed_m_s, y * self.speed_m_s, z * self.speed_m_s)
        still = (0.0, 0.0, 0.0)
        pybullet.resetBaseVelocity(self.plane, velocity, still, physicsClientId=self.client)
        if not self.over.all():  # only then does a part see the box
            pybullet.resetBasePositionAndOrientation(
                self.box,
                self.X_WP[:3, 3].tolist(),
                pose.quaternion(self.X_WP).tolist(),
                physicsClientId=self.client,
            )
            pybullet.resetBaseVelocity(self.box, velocity, still, physicsClientId=self.client)
