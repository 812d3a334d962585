"""Where a robot could stand in a scene: it is put somewhere and asked what it would be in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

    def arm_links(self) -> list[int]:
        """The links between the base, which stands on something, and the piece with the gripper."""
        inner = set(self.robot.robot.model.arm_joints[:-1])
        rows = [
            row
            for row, piece in enumerate(self.robot.pieces)
            if piece.joint is not None and piece.joint.name in inner
        ]
        return [row - 1 for row in rows if row - 1 in self._links]

    def gap(
        self,
        within_m: float,
        *,
        part: int | None = None,
        parts: bool = True,
        links: Sequence[int] | None = None,
    ) -> float:
        """How far the robot is from the nearest thing, metres; negative: in it.

        Args:
            within_m: what is farther is not looked at: inf.
            part: row of the part that it may be in.
            parts: whether other parts count.
            links: of the robot; default: all that touch.
        """
        links = self._links if links is None else links
        client, robot = self._client, self.robot.bullet
        boxes = [pybullet.getAABB(robot, link, client) for link in links]
        own = np.array(boxes).reshape(-1, 2, 3)  # (L, 2, 3); an arm may have no shape at all
        apart = (own[:, None, 0] - within_m > self._boxes[None, :, 1]) | (
            own[:, None, 1] + within_m < self._boxes[None, :, 0]
        )
        nearest = np.inf
        for k, n in zip(*np.nonzero(~apart.any(axis=2)), strict=True):
            other = int(self._others[n])
            row = self._part.get(other)
            if row is not None and (not parts or row == part):
                continue
            points = pybullet.getClosestPoints(
                robot, other, within_m, linkIndexA=links[k], physicsClientId=client
            )
            nearest = min([nearest, *(float(point[8]) for point in points)])
            if nearest < -TOUCH_M:
                break
        return nearest

    def stand(self, q: Mapping[str, float], X_WR: Matrix | None = None) -> None:
        """Put the joints named in ``q`` there, and the base, where one is given."""
        self.robot.stand(q, X_WR)
