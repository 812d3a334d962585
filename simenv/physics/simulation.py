"""How a scene goes on under control: so many time steps for each command, then a look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.physics.gripper import Grip, grip
from simenv.physics.robot import RobotBody
from simenv.physics.stage import Stage
from simenv.pose import Matrix
from simenv.scene import Contacts, Snapshot

__all__ = ["Motion", "Simulation"]

BELT_LOOK_S = 1 / 60  # how often it is asked which parts a belt carries

RAYS = 8192  # in one call; Bullet takes up to 16384

Rows = NDArray[np.float64]


class Motion:
    """Where the N parts are and how they move, in the order of Scene.parts; world axes."""

    def __init__(self, stage: Stage) -> None:
        client = stage.client
        rows = [pybullet.getBasePositionAndOrientation(b, client) for b in stage.bullets]
        turns = [pybullet.getMatrixFromQuaternion(row[1]) for row in rows]
        speeds = [pybullet.getBaseVelocity(b, client) for b in stage.bullets]
        self.com: Rows = np.array([row[0] for row in rows]).reshape(-1, 3)  # centres of mass, m
        self.R_WB: Rows = np.array(turns).reshape(-1, 3, 3) @ stage.R_IB  # (N, 3, 3)
        self.p_WB: Rows = self.com - (self.R_WB @ stage.p_BI[:, :, None])[:, :, 0]  # (N, 3)
        both = np.array(speeds).reshape(-1, 2, 3)
        self.linear, self.angular = both[:, 0], both[:, 1]  # (N, 3) m/s of the com, rad/s


class Simulation:
    """A scene in Bullet that waits for commands; made by `World.begin`."""

    def __init__(self, stage: Stage, dt: float, substeps: int) -> None:
        self.stage, self.scene = stage, stage.scene
        self.dt, self.substeps = dt, substeps
        self.count = 0  # time steps so far
        self.robot: RobotBody | None = stage.robot
        self.grip: Grip | None = None if stage.robot is None else grip(stage)
        self._look_steps = max(1, round(BELT_LOOK_S / dt))
        self._whole = not stage.belts  # nothing to do between the time steps of a command
        stage.meet_belts(stage.where().com)
        if self._whole:  # Bullet takes them in one call
            pybullet.setPhysicsEngineParameter(
                fixedTimeStep=dt * substeps, numSubSteps=substeps, physicsClientId=stage.client
            )
            if stage.robot is not None:
                stage.robot.share(substeps)

    @property
    def time_s(self) -> float:
        """Since the drop; computed, so that no rounding adds up."""
        return self.scene.start_s + self.count * self.dt

    def step(self) -> None:
        """One command's time: ``substeps`` time steps."""
        if self.grip is not None:
            self.grip.update()
        if self._whole:
            pybullet.stepSimulation(self.stage.client)
            self.count += self.substeps
            return
        start_s = self.scene.start_s
        for _ in range(self.substeps):
            self.stage.step(start_s + (self.count + 0.5) * self.dt, start_s)
            self.count += 1
            if self.count % self._look_steps == 0:
                self.stage.meet_belts(self.stage.where().com)

    def _touches(self) -> Contacts:
        return self.stage.touches(self.substeps if self._whole else 1)

    def end(self) -> None:
        """Leave nothing behind: the client is wanted for the next scene."""
        self.stage.leave()
        if self.grip is not None:
            self.grip.drop()

    def motion(self) -> Motion:
        """Where the parts are now."""
        return Motion(self.stage)

    def accelerate(self, a_W: Sequence[float] | Rows) -> None:
        """What all that is loose feels from now on (3,), m/s^2: gravity, or a frame that moves."""
        x, y, z = a_W
        pybullet.setGravity(x, y, z, physicsClientId=self.stage.client)

    def place(self, row: int, X_WB: Matrix) -> None:
        """Put a part somewhere else, at rest."""
        part, client = self.stage.parts[row], self.stage.client
        X_WI = X_WB @ part.solid.X_BI
        pybullet.resetBasePositionAndOrientation(
            part.bullet, X_WI[:3, 3].tolist(), pose.quaternion(X_WI).tolist(), client
        )

    def gap(self, row: int, within_m: float) -> float:
        """Between a part and the robot, metres; negative: one is in the other; inf: farther."""
        assert self.robot is not None
        rows = pybullet.getClosestPoints(
            self.stage.bullets[row], self.robot.bullet, within_m, physicsClientId=self.stage.client
        )
        return min((float(row[8]) for row in rows), default=np.inf)

    def cast(self, starts: Rows, ends: Rows) -> tuple[NDArray[np.int64], Rows, Rows]:
        """What rays from (N, 3) to (N, 3) meet first, world.

        Returns:
            Row of the part (N,), -1 for anything else and -2 for nothing; where (N, 3); the normal
            there (N, 3).
        """
        client, rows = self.stage.client, {b: k for k, b in enumerate(self.stage.bullets)}
        hits: list[Any] = []
        for k in range(0, len(starts), RAYS):
            some = slice(k, k + RAYS)
            hits += pybullet.rayTestBatch(
                starts[some].tolist(), ends[some].tolist(), physicsClientId=client
            )
        met = [-2 if hit[0] < 0 else rows.get(hit[0], -1) for hit in hits]
        points, normals = (np.array([hit[k] for hit in hits]).reshape(-1, 3) for k in (3, 4))
        return np.array(met, dtype=np.int64), points, normals

    def snapshot(self) -> Snapshot:
        """All that a renderer or a label needs of this moment."""
        X_WB, velocity = self.stage.poses()
        return Snapshot(
            scene=self.scene,
            time_s=self.time_s,
            frame=self.count,
            capture_time_s=self.count * self.dt,
            X_WB=X_WB,
            velocity=velocity,
            contacts=self._touches() if "contacts" in self.scene.labels else None,
        )
