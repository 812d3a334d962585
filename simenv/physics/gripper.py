"""How a gripper holds: what two pads press on, or what a cup has sealed and not yet lost."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.physics.robot import RobotBody
from simenv.physics.stage import Stage
from simenv.spec.object import Friction
from simenv.spec.robot import Jaw, Vacuum

__all__ = ["Grip", "grip"]

CUP_GROUP = 1 << 8  # of Bullet's collision filter
LIP_POINTS = 8  # around the lip; all, and the middle, must be close to the part
BEHIND_M = 0.004  # rays of the lip start this far inside the cup
PRESSED = 0.1  # of its force: a cup that is pressed harder on a part gives, and tears nothing
STRONG = 1.5  # times the vacuum bears the weld: the seal is what breaks, by more than rounding
GIVE_M, GIVE_RAD = 0.005, 0.15  # how far a bellows stretches and bends; then the seal is lost


class Grip(Protocol):
    """What a gripper does to parts."""

    def width_at(self, q: NDArray[np.float64]) -> float:
        """0 closed or sucking, 1 open or released, for the positions of its joints."""
        ...

    def close(self, width: float, q: NDArray[np.float64], step_s: float) -> list[float]:
        """Drive the gripper to ``width`` within ``step_s``: speeds of its joints, now at ``q``."""
        ...

    def update(self) -> None:
        """Look at what is held before the next time steps."""
        ...

    def held(self) -> int:
        """Row among the parts of what is held; -1: nothing."""
        ...

    def drop(self) -> None:
        """Undo whatever joins a part to the gripper."""
        ...


class JawGrip:
    """Two fingers."""

    def __init__(self, stage: Stage, robot: RobotBody, jaw: Jaw) -> None:
        self._stage, self._robot, self._jaw = stage, robot, jaw
        self._pads = [robot.piece_of(link)[0] for link in jaw.pads]
        self._rows = {bullet: row for row, bullet in enumerate(stage.bullets)}
        ends = np.array(list(jaw.joints.values()))
        self._closed, self._travel = ends[:, 0], ends[:, 1] - ends[:, 0]

    def width_at(self, q: NDArray[np.float64]) -> float:
        """How far the fingers are open, 0..1."""
        return float((q[0] - self._closed[0]) / self._travel[0])  # the fingers are coupled

    def close(self, width: float, q: NDArray[np.float64], step_s: float) -> list[float]:
        """Towards the opening ``width`` (0..1), no faster than the fingers are."""
        speed = (self._closed + width * self._travel - q) / step_s
        limit = self._jaw.speed_m_s
        return np.clip(speed, -limit, limit).tolist()  # type: ignore[no-any-return]

    def update(self) -> None:
        """Nothing to do: friction holds."""

    def drop(self) -> None:
        """Nothing to do: friction lets go."""

    def held(self) -> int:
        """The part that every pad touches."""
        touching: set[int] | None = None
        for pad in self._pads:
            points = pybullet.getContactPoints(
                bodyA=self._robot.bullet, linkIndexA=pad, physicsClientId=self._stage.client
            )
            own = {row[2] for row in points if row[8] < 1e-3}
            touching = own if touching is None else touching & own
        rows = [self._rows[bullet] for bullet in touching or () if bullet in self._rows]
        return min(rows, default=-1)


class CupGrip:
    """A suction cup: seals where its whole lip is close to one part, lets go of too much load."""

    def __init__(self, stage: Stage, robot: RobotBody, cup: Vacuum) -> None:
        self._stage, self._robot, self._cup = stage, robot, cup
        self._rows = {bullet: row for row, bullet in enumerate(stage.bullets)}
        self._link, X_PL = robot.piece_of(cup.grasp.link)
        self._X_PG = X_PL @ cup.grasp.X_AB
        angle = 2 * np.pi * np.arange(LIP_POINTS) / LIP_POINTS
        ring = cup.radius_m * np.column_stack([np.cos(angle), np.sin(angle), np.zeros(LIP_POINTS)])
        ring = np.concatenate([ring, np.zeros((1, 3))])  # a hole in the middle leaks, too
        self._starts = ring - (0, 0, BEHIND_M)  # (9, 3) in G
        # Rays see all groups but this one, so that none stops at the cup itself.
        pybullet.setCollisionFilterGroupMask(
            robot.bullet, self._link, CUP_GROUP, -1, physicsClientId=stage.client
        )
        self._lateral = robot.robot.model.friction.get(cup.grasp.link, Friction()).lateral
        self.share = 1.0  # of the vacuum that there should be
        self.vacuum_n = 0.0  # of what is sealed
        self._sucks = False
        self._seal: int | None = None
        self._part = -1

    def width_at(self, q: NDArray[np.float64]) -> float:
        """0 while it sucks, 1 when released."""
        return 0.0 if self._sucks else 1.0

    def close(self, width: float, q: NDArray[np.float64], step_s: float) -> list[float]:
        """Suck below one half, release above."""
        self._sucks = width < 0.5
        if not self._sucks:
            self.drop()
        return []

    def update(self) -> None:
        """Seal what the lip has come to; lose what has been torn off."""
        if self._seal is not None:
            if self._pressed():
                self._reseat()
            elif self._torn():
                self.drop()
        elif self._sucks:
            part, tight = self._under_lip()
            if part >= 0 and tight > 0.0:
                self._attach(part, tight)

    def held(self) -> int:
        """The part that is sealed."""
        return self._part

    def _torn(self) -> bool:
        """Whether the seal bears no more: a part that pulls, slides, or tips over the lip's edge.

        The vacuum presses the lip on the part with what the pull leaves of its force. Against that
        stand the friction of a ring, and the moment that tips a ring about its edge (the contact
        model of Mahler et al. 2018, Dex-Net 3.0, with a rigid ring).
        """
        moved = pose.inverse(self._X_IB) @ self._part_in_cup(self._part)
        turn = float(np.linalg.norm(pose.rotation_vector(moved[:3, :3])))
        if float(np.linalg.norm(moved[:3, 3])) > GIVE_M or turn > GIVE_RAD:
            return True
        force, moment = self._load()
        presses = self.vacuum_n - force[2]
        radius = self._cup.radius_m
        grip = self._friction * presses
        slides = float(np.hypot(np.hypot(force[0], force[1]), moment[2] / radius)) > grip
        tips = float(np.hypot(moment[0], moment[1])) > radius * presses
        return bool(presses < 0.0 or slides or tips)

    def _pressed(self) -> bool:
        """Whether the cup is pressed on a part that cannot give way."""
        force, _ = self._load()
        return bool(-force[2] > PRESSED * self._cup.force_n)

    def _reseat(self) -> None:
        """The bellows give: the part is held as it is now."""
        part, vacuum = self._part, self.vacuum_n
        self.drop()
        self._attach(part, 1.0)
        self.vacuum_n = vacuum

    def _load(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Force (3,) N and moment (3,) N m about the lip's centre by which the part pulls; in G."""
        assert self._seal is not None
        wrench = np.array(
            pybullet.getConstraintState(self._seal, physicsClientId=self._stage.client)
        )
        X_WG, p_W = self._X_WG(), self._com()
        force, moment = X_WG[:3, :3].T @ wrench[:3], X_WG[:3, :3].T @ wrench[3:6]
        return force, moment + np.cross(pose.apply(pose.inverse(X_WG), p_W), force)

    def _com(self) -> NDArray[np.float64]:
        """Where the part's centre of mass is (3,), world: the weld bears it there."""
        part = self._stage.bullets[self._part]
        return np.array(pybullet.getBasePositionAndOrientation(part, self._stage.client)[0])

    def _X_WG(self) -> pose.Matrix:
        return self._where()[1] @ self._X_PG

    def _where(self) -> tuple[pose.Matrix, pose.Matrix]:
        """X_WI and X_WP of the cup's piece, now."""
        if self._link < 0:  # a cup without an arm: the base, whose two frames are one
            return self._robot.robot.X_WR, self._robot.robot.X_WR
        state = pybullet.getLinkState(
            self._robot.bullet,
            self._link,
            computeForwardKinematics=1,
            physicsClientId=self._stage.client,
        )
        X_WI = pose.from_quaternion(state[1], state[0])
        return X_WI, pose.from_quaternion(state[5], state[4])

    def ahead_m(self, within_m: float) -> float:
        """How far the nearest thing is in front of the lip; ``within_m`` where there is none."""
        hits = self._rays(within_m)
        return min(float(hit[2]) for hit in hits) * (BEHIND_M + within_m) - BEHIND_M

    def _rays(self, ahead_m: float) -> Any:
        """What Bullet meets from inside the cup to ``ahead_m`` before the lip, in 9 places."""
        X_WG = self._X_WG()
        ends = self._starts + np.array([0.0, 0.0, BEHIND_M + ahead_m])
        return pybullet.rayTestBatch(
            pose.apply(X_WG, self._starts).tolist(),
            pose.apply(X_WG, ends).tolist(),
            collisionFilterMask=~CUP_GROUP,
            physicsClientId=self._stage.client,
        )

    def _under_lip(self) -> tuple[int, float]:
        """The part that all rays from the lip meet within the gap, and how tight it would be.

        Tight (0..1) is a surface that the lip follows: 1 where it is flat and square to the cup, 0
        where it rises and falls by as much as the gap under the lip. The row is -1 for no part.
        """
        hits = self._rays(self._cup.gap_m)
        bodies = {hit[0] for hit in hits}
        (first, *others) = bodies
        row = -1 if others else self._rows.get(first, -1)
        depth = np.array([hit[2] for hit in hits]) * (BEHIND_M + self._cup.gap_m)
        return row, 1.0 - float(np.ptp(depth)) / self._cup.gap_m

    def _attach(self, part: int, tight: float) -> None:
        """Weld the part to the cup where it is; `update` looks whether the vacuum bears that."""
        X_IB = self._part_in_cup(part)
        self._seal = pybullet.createConstraint(
            self._robot.bullet,
            self._link,
            self._stage.bullets[part],
            -1,
            pybullet.JOINT_FIXED,
            [0, 0, 0],
            X_IB[:3, 3].tolist(),
            [0, 0, 0],
            pose.quaternion(X_IB).tolist(),
            physicsClientId=self._stage.client,
        )
        self.vacuum_n = self._cup.force_n * tight * self.share
        pybullet.changeConstraint(
            self._seal,
            maxForce=STRONG * max(self._cup.force_n, self.vacuum_n),
            physicsClientId=self._stage.client,
        )
        self._part, self._X_IB = part, X_IB
        self._friction = self._lateral * self._stage.scene.parts[part].friction.lateral

    def _part_in_cup(self, part: int) -> pose.Matrix:
        """The part's inertial frame in that of the cup's piece, (4, 4)."""
        p, turn = pybullet.getBasePositionAndOrientation(
            self._stage.bullets[part], self._stage.client
        )
        X_WI, _ = self._where()
        return np.asarray(pose.inverse(X_WI) @ pose.from_quaternion(turn, p))

    def drop(self) -> None:
        """Break the seal."""
        if self._seal is not None:
            pybullet.removeConstraint(self._seal, physicsClientId=self._stage.client)
        self._seal, self._part = None, -1


def grip(stage: Stage) -> Grip | None:
    """The gripper of the scene's robot, if it has one."""
    robot = stage.robot
    assert robot is not None
    gripper = robot.robot.model.gripper
    if isinstance(gripper, Jaw):
        return JawGrip(stage, robot, gripper)
    return None if gripper is None else CupGrip(stage, robot, gripper)
