"""A robot in one Bullet client: its pieces, its motors, where its joints and links are.

Bullet is told the pieces that `RobotModel` made of the URDF, from memory: in half the time of its
own loader, no file touched, links that are welded together are one. Every joint has a velocity
motor with the URDF's effort as its limit: it holds against gravity, and it carries a joint by an
exact distance in a given time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.errors import EngineError
from simenv.physics.workshop import Workshop
from simenv.pose import Matrix
from simenv.scene import Robot
from simenv.spec.object import Friction
from simenv.spec.robot import Jaw, Piece

__all__ = ["Joints", "Reading", "RobotBody"]

LAST_ROW = (0.0, 0.0, 0.0, 1.0)  # of a pose
AWAY = 1.0  # rad or m, of every joint
NO_LIMIT = 1e3  # N or N m; of a joint whose URDF gives no effort
GEAR_ERP = 1.0  # of the spindle that couples two fingers
GEAR_STRENGTH = 100.0  # times the closing force


class Joints(NamedTuple):
    """Where the driven joints are, and how fast; the arm's first, then the fingers'."""

    q: NDArray[np.float64]  # (n,) rad or m
    speed: NDArray[np.float64]  # (n,)


class Reading(NamedTuple):
    """The arm at one moment; world axes."""

    joints: Joints
    X_WG: Matrix  # (4, 4)
    jacobian: NDArray[np.float64]  # (6, n) of the arm's n joints: m/s then rad/s of G


class RobotBody:
    """One robot; see the module. ``joints`` are the driven ones: the arm's, then the fingers'."""

    def __init__(self, robot: Robot, workshop: Workshop, *, client: int) -> None:
        self.robot, self.client = robot, client
        model = robot.model
        self.pieces = model.pieces
        self.bullet = self._create(workshop)
        self._row = {  # link -> its piece, and X_PL
            name: (row, X_PL) for row, p in enumerate(self.pieces) for name, X_PL in p.links
        }
        fingers = tuple(model.gripper.joints) if isinstance(model.gripper, Jaw) else ()
        self.joints = (*model.arm_joints, *fingers)
        index = {p.joint.name: row - 1 for row, p in enumerate(self.pieces) if p.joint is not None}
        self._indices = [index[name] for name in self.joints]
        tool, X_PL = self.piece_of(model.grasp.link)
        self._X_PG = X_PL @ model.grasp.X_AB
        self._arm_links = [*(index[name] for name in model.arm_joints), tool]
        arm = [model.urdf.joint(name) for name in model.arm_joints]
        self._axes = np.array([joint.axis for joint in arm]).reshape(-1, 3, 1)
        self._slides = np.array([joint.kind == "prismatic" for joint in arm], dtype=np.bool_)
        self.effort = [model.urdf.joint(name).effort or NO_LIMIT for name in self.joints]
        if isinstance(model.gripper, Jaw):
            self.effort[len(model.arm_joints) :] = [model.gripper.force_n] * len(fingers)
            self._couple(model.gripper, index)
        self._index = index
        self.share(1)
        self._place(robot.q)

    def restart(self, robot: Robot) -> None:
        """Stand as ``robot`` says, as if just made: nothing is left of what was before.

        Bullet widens the bounds of what moves, by how it moved; a jump far away makes them new.
        """
        self.robot = robot
        self.squeeze(1.0)
        self._place({name: value + AWAY for name, value in robot.q.items()})
        pybullet.stepSimulation(self.client)
        self._place(robot.q)

    def stand(self, q: Mapping[str, float], X_WR: Matrix | None = None) -> None:
        """Be elsewhere at once: the base, where one is given, and the joints named in ``q``."""
        if X_WR is not None:
            pybullet.resetBasePositionAndOrientation(
                self.bullet, X_WR[:3, 3].tolist(), pose.quaternion(X_WR).tolist(), self.client
            )
        for name, value in q.items():
            pybullet.resetJointState(
                self.bullet, self._index[name], value, 0.0, physicsClientId=self.client
            )

    def fits(self, robot: Robot | None) -> bool:
        """Whether this body can stand for ``robot``: the same one in the same place."""
        return (
            robot is not None
            and robot.model is self.robot.model
            and np.array_equal(robot.X_WR, self.robot.X_WR)
        )

    def _place(self, q: Mapping[str, float]) -> None:
        self.stand(q, self.robot.X_WR)
        self.drive(np.zeros(len(self.joints)))

    def _create(self, workshop: Workshop) -> int:
        pieces, client = self.pieces, self.client
        touching = self._touching()
        shapes = [
            workshop.link_shape(p, thin=not touching.isdisjoint(dict(p.links))) for p in pieces
        ]
        X_WR = self.robot.X_WR
        moving = pieces[1:]
        frames = [piece.inertial.X_LI for piece in moving]
        kinds = {"revolute": pybullet.JOINT_REVOLUTE, "prismatic": pybullet.JOINT_PRISMATIC}
        joints = [piece.joint for piece in moving if piece.joint is not None]
        body = pybullet.createMultiBody(
            0.0,
            shapes[0],
            basePosition=X_WR[:3, 3].tolist(),
            baseOrientation=pose.quaternion(X_WR).tolist(),
            linkMasses=[piece.inertial.mass_kg for piece in moving],
            linkCollisionShapeIndices=shapes[1:],
            linkVisualShapeIndices=[-1] * len(moving),
            linkPositions=[piece.X_PJ[:3, 3].tolist() for piece in moving],
            linkOrientations=[pose.quaternion(piece.X_PJ).tolist() for piece in moving],
            linkInertialFramePositions=[X[:3, 3].tolist() for X in frames],
            linkInertialFrameOrientations=[pose.quaternion(X).tolist() for X in frames],
            linkParentIndices=[piece.parent for piece in moving],  # 0 is the base
            linkJointTypes=[kinds[joint.kind] for joint in joints],
            linkJointAxis=[joint.axis.tolist() for joint in joints],
            physicsClientId=client,
        )
        for row, piece in enumerate(pieces):
            self._tune(int(body), row - 1, piece)
        # Damping is one for the whole tree. Asked of a link together with a mass, it would write
        # that mass into the base and set the robot free (PyBullet 3.2.7); so would a margin.
        pybullet.changeDynamics(
            body, -1, linearDamping=0.0, angularDamping=0.0, physicsClientId=client
        )
        return int(body)

    def _touching(self) -> set[str]:
        """The links that are made to touch parts: only their skin needs to be thin."""
        gripper = self.robot.model.gripper
        pads = gripper.pads if isinstance(gripper, Jaw) else ()
        return {*pads, self.robot.model.grasp.link}

    def _tune(self, body: int, link: int, piece: Piece) -> None:
        touching = [f for name, _ in piece.links if (f := self._friction(name)) is not None]
        friction = max(touching, key=lambda own: own.lateral, default=Friction())
        more: dict[str, Any] = {}
        if piece.joint is not None:
            # Bullet derives the inertia from the shape unless it is given, mass with it.
            diagonal = np.diag(piece.inertial.inertia).tolist()
            more = {
                "mass": piece.inertial.mass_kg,
                "localInertiaDiagonal": diagonal,
                # The motors carry a joint's friction, too; Bullet would take it from the speed at
                # the start of a call of many time steps.
                "jointDamping": 0.0,
            }
            if np.isfinite([piece.joint.lower, piece.joint.upper]).all():
                more["jointLowerLimit"] = piece.joint.lower
                more["jointUpperLimit"] = piece.joint.upper
        pybullet.changeDynamics(
            body,
            link,
            lateralFriction=friction.lateral,
            rollingFriction=friction.rolling,
            spinningFriction=friction.spinning,
            restitution=0.0,
            physicsClientId=self.client,
            **more,
        )

    def _friction(self, link: str) -> Friction | None:
        return self.robot.model.friction.get(link)

    def _couple(self, jaw: Jaw, index: Mapping[str, int]) -> None:
        """Gear every finger to the first: they move by their own travel, together."""
        (first, (closed, opened)), *others = jaw.joints.items()
        for name, (other_closed, other_opened) in others:
            gear = pybullet.createConstraint(
                self.bullet,
                index[first],
                self.bullet,
                index[name],
                pybullet.JOINT_GEAR,
                [1, 0, 0],
                [0, 0, 0],
                [0, 0, 0],
                physicsClientId=self.client,
            )
            ratio = -(opened - closed) / (other_opened - other_closed)
            pybullet.changeConstraint(
                gear,
                gearRatio=ratio,
                erp=GEAR_ERP,
                maxForce=GEAR_STRENGTH * jaw.force_n,
                physicsClientId=self.client,
            )

    def share(self, substeps: int) -> None:
        """Bullet takes ``substeps`` time steps in one call from now on.

        It then turns a motor's largest force into the impulse of the whole call, and grants that to
        each of the time steps: so it is told the share of one. Constraints are not concerned.
        """
        self._substeps = substeps
        self._set_forces()

    def squeeze(self, share: float) -> None:
        """From now on the fingers close with this share of the gripper's force."""
        n = len(self.robot.model.arm_joints)
        gripper = self.robot.model.gripper
        force = gripper.force_n if isinstance(gripper, Jaw) else 0.0
        self.effort[n:] = [share * force] * (len(self.joints) - n)
        self._set_forces()

    def _set_forces(self) -> None:
        self._forces = [effort / self._substeps for effort in self.effort]

    def drive(self, speed: Sequence[float] | NDArray[np.float64]) -> None:
        """Let the driven joints move at these speeds (n,), rad/s or m/s, within their effort."""
        if not self._indices:
            return
        pybullet.setJointMotorControlArray(
            self.bullet,
            self._indices,
            pybullet.VELOCITY_CONTROL,
            targetVelocities=speed if isinstance(speed, list) else np.asarray(speed).tolist(),
            forces=self._forces,
            physicsClientId=self.client,
        )

    def acceleration(self) -> NDArray[np.float64]:
        """(n,) rad/s^2 or m/s^2 that the arm's motors give each joint alone, as it stands."""
        n = len(self.robot.model.arm_joints)
        moving = [piece.joint.name for piece in self.pieces if piece.joint is not None]
        q = [self.robot.q.get(name, 0.0) for name in moving]
        matrix = pybullet.calculateMassMatrix(self.bullet, q, physicsClientId=self.client)
        own = {name: matrix[k][k] for k, name in enumerate(moving)}
        return np.array([self.effort[k] / own[name] for k, name in enumerate(self.joints[:n])])

    def read(self) -> Joints:
        """Where the driven joints are now."""
        if not self._indices:
            return Joints(np.zeros(0), np.zeros(0))
        rows = pybullet.getJointStates(self.bullet, self._indices, self.client)
        both = np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2)
        return Joints(both[:, 0], both[:, 1])

    def reading(self) -> Reading:
        """Joints, gripper and Jacobian now, from where Bullet has the links: what a step needs.

        Raises:
            EngineError: if the robot has no arm; Bullet would end the process.
        """
        if not self.robot.model.arm_joints:
            raise EngineError(f"{self.robot.model.name} has no arm to drive; mount it on one")
        joints = self.read()
        states = pybullet.getLinkStates(self.bullet, self._arm_links, 0, 1, self.client)
        places = np.array([state[4] for state in states])  # (n + 1, 3)
        turns = [pybullet.getMatrixFromQuaternion(state[5]) for state in states]
        R_WP = np.array(turns).reshape(-1, 3, 3)
        X_WG = np.empty((4, 4))
        X_WG[3] = LAST_ROW
        X_WG[:3, :3] = R_WP[-1] @ self._X_PG[:3, :3]
        X_WG[:3, 3] = R_WP[-1] @ self._X_PG[:3, 3] + places[-1]
        axes = (R_WP[:-1] @ self._axes)[:, :, 0].T  # (3, n)
        arms = X_WG[:3, 3, None] - places[:-1].T
        J = np.empty((6, len(places) - 1))
        J[0] = axes[1] * arms[2] - axes[2] * arms[1]
        J[1] = axes[2] * arms[0] - axes[0] * arms[2]
        J[2] = axes[0] * arms[1] - axes[1] * arms[0]
        J[3:] = axes
        if self._slides.any():
            J[:3, self._slides], J[3:, self._slides] = axes[:, self._slides], 0.0
        return Reading(joints, X_WG, J)

    def link_poses(self, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X_WL (L, 4, 4) and velocities (L, 6) of links: m/s at the link's origin, rad/s; world."""
        X_WL, velocity = np.zeros((len(names), 4, 4)), np.zeros((len(names), 6))
        pieces = self._piece_poses()
        for k, name in enumerate(names):
            row, X_PL = self._row[name]
            X_WP, linear, angular = pieces[row]
            X_WL[k] = X_WP @ X_PL
            arm = X_WL[k, :3, 3] - X_WP[:3, 3]
            velocity[k] = [*(linear + np.cross(angular, arm)), *angular]
        return X_WL, velocity

    def _piece_poses(self) -> list[tuple[Matrix, NDArray[np.float64], NDArray[np.float64]]]:
        """X_WP of every piece, and its velocity at P's origin."""
        still = np.zeros(3)
        found = [(self.robot.X_WR, still, still)]
        states = pybullet.getLinkStates(
            self.bullet,
            range(len(self.pieces) - 1),
            computeLinkVelocity=1,
            computeForwardKinematics=1,
            physicsClientId=self.client,
        )
        for state in states:
            com, _, _, _, p_WP, turn, linear, angular = state
            X_WP = pose.from_quaternion(turn, p_WP)
            arm = X_WP[:3, 3] - np.array(com)
            found.append((X_WP, np.array(linear) + np.cross(angular, arm), np.array(angular)))
        return found

    def piece_of(self, link: str) -> tuple[int, Matrix]:
        """Bullet's number of the piece that ``link`` is part of (-1: the base), and X_PL."""
        row, X_PL = self._row[link]
        return row - 1, X_PL
