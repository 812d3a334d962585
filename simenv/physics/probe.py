"""Where a robot could stand in a scene: it is put somewhere and asked what it would be in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simenv.engine import pybullet
from simenv.physics.simulation import Simulation
from simenv.pose import Matrix

__all__ = ["TOUCH_M", "Probe"]

TOUCH_M = 5e-4  # deeper than this two things are in each other; contact alone is none


class Probe:
    """The robot of a scene that does not move on: the ghost of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        stage = simulation.stage
        assert stage.robot is not None
        self.robot, self._client = stage.robot, stage.client
        count = pybullet.getNumBodies(physicsClientId=self._client)
        bodies = [pybullet.getBodyUniqueId(k, self._client) for k in range(count)]
        self._others = np.array([b for b in bodies if b != self.robot.bullet], dtype=np.int64)
        boxes = [pybullet.getAABB(int(b), physicsClientId=self._client) for b in self._others]
        self._boxes = np.array(boxes).reshape(-1, 2, 3)
        self._part = {bullet: row for row, bullet in enumerate(stage.bullets)}
        self._links = [row - 1 for row, piece in enumerate(self.robot.pieces) if piece.hulls]

    def meets(self, *, part: int | None = None, parts: bool = True, base: bool = True) -> bool:
        """Whether the robot, as it stands, is in anything.

        Args:
            part: row of the part that it may be in.
            parts: whether other parts count.
            base: whether what does not move of the robot counts; an arm's base stands on something.
        """
        links = self._links if base else [link for link in self._links if link >= 0]
        client, robot = self._client, self.robot.bullet
        own = np.array([pybullet.getAABB(robot, link, client) for link in links])  # (L, 2, 3)
        apart = (own[:, None, 0] > self._boxes[None, :, 1]) | (
            own[:, None, 1] < self._boxes[None, :, 0]
        )
        for k, n in zip(*np.nonzero(~apart.any(axis=2)), strict=True):
            other = int(self._others[n])
            row = self._part.get(other)
            if row is not None and (not parts or row == part):
                continue
            points = pybullet.getClosestPoints(
                robot, other, 0.0, linkIndexA=links[k], physicsClientId=client
            )
            if any(point[8] < -TOUCH_M for point in points):
                return True
        return False

    def stand(self, q: Mapping[str, float], X_WR: Matrix | None = None) -> None:
        """Put the joints named in ``q`` there, and the base, where one is given."""
        self.robot.stand(q, X_WR)
