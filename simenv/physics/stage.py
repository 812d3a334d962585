"""What stands in Bullet for one scene: parts, furniture, belts, floor, and where they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.errors import EngineError
from simenv.physics.belt import Belt
from simenv.physics.robot import RobotBody
from simenv.physics.settle import Block
from simenv.physics.shape import Solid
from simenv.physics.workshop import Workshop
from simenv.pose import Matrix
from simenv.scene import BeltMotion, Body, Contacts, Scene
from simenv.spec.object import Box, Friction, ObjectModel
from simenv.spec.task import ROBOT

__all__ = ["Stage", "Where"]


SLAB_M = (20.0, 20.0, 1.0)  # half of the sides of a floor that is not endless


class Where(NamedTuple):
    """Where the parts are now, in the world."""

    com: NDArray[np.float64]  # (N, 3) centres of mass, metres
    turn: NDArray[np.float64]  # (N, 4) unit quaternions of the inertial frames, xyzw


@dataclass(frozen=True, eq=False)
class Part:
    """A body that moves: its row in Scene.bodies, its Bullet body, its inertial frame."""

    row: int
    bullet: int
    solid: Solid


class Stage:
    """One scene, built in an empty Bullet client in the order of Scene.bodies."""

    def __init__(
        self,
        scene: Scene,
        workshop: Workshop,
        *,
        client: int,
        endless: bool = True,
        robot: RobotBody | None = None,
    ) -> None:
        """Build it.

        Args:
            scene: what stands where.
            workshop: where shapes come from.
            client: the Bullet client; empty but for ``robot``.
            endless: the floor is a plane; else a slab, which costs nothing far from its top.
            robot: the scene's robot, if it stands already.
        """
        self.scene = scene
        self.client = client
        self.parts: list[Part] = []
        self.belts: list[Belt] = []
        self.blocks: tuple[Block, ...] = ()
        self.floor: int | None = None
        self.robot = robot
        self._owner: dict[tuple[int, int], int] = {}  # Bullet body, link -> Body.id
        self._workshop = workshop
        motions = {motion.body: motion for motion in scene.belts}
        if scene.robot is not None:  # first: it may outlive the others
            self.robot = robot or RobotBody(scene.robot, workshop, client=client)
            self._own_links(self.robot)
        rows = list(range(len(scene.bodies)))
        if not endless:  # belts have the same numbers in each scene: see Belt.leave
            rows.sort(key=lambda row: row not in motions)
        for row in rows:
            body = scene.bodies[row]
            self._own(body.id, self._place(row, body, motions.get(row)))
        if scene.floor_z_m is not None:
            X_WF = pose.pose(p_AB=(0, 0, scene.floor_z_m))
            self.floor = self._plane(X_WF, moves=False) if endless else self._slab(X_WF)
            self._own(0, [self.floor])
            self._touch(self.floor, scene.floor_friction, restitution=0.0)
        self.bullets = [part.bullet for part in self.parts]
        frames = np.array([part.solid.X_BI for part in self.parts]).reshape(-1, 4, 4)
        self.R_IB = np.swapaxes(frames[:, :3, :3], 1, 2)  # (N, 3, 3)
        self.p_BI = frames[:, :3, 3]  # (N, 3)

    def _own(self, identity: int, bullets: Sequence[int]) -> None:
        self._owner.update(dict.fromkeys([(bullet, -1) for bullet in bullets], identity))

    def _own_links(self, robot: RobotBody) -> None:
        """A piece of the robot is the first of its links that can be seen, else its parent's."""
        for row, piece in enumerate(robot.pieces):
            seen = [name for name, _ in piece.links if name in robot.robot.rows]
            above = self._owner.get((robot.bullet, piece.parent - 1), 0)
            own = self.scene.bodies[robot.robot.rows[seen[0]]].id if seen else above
            self._owner[robot.bullet, row - 1] = own

    def _place(self, row: int, body: Body, motion: BeltMotion | None) -> list[int]:
        """The Bullet bodies that a body of the scene becomes."""
        model = self.scene.objects[body.object]
        if body.id == 0 or body.role == ROBOT:  # the floor, an endless plane, and the robot: below
            return []
        if not body.fixed and model.spec.mass_kg > 0:
            self.parts.append(self._part(row, body, model))
            return [self.parts[-1].bullet]
        if motion is not None:
            self.belts.append(self._belt(body, model, motion))
            return [self.belts[-1].plane, self.belts[-1].box]
        return [self._block(body, model, solid) for solid in self._still(model)]

    def _still(self, model: ObjectModel) -> tuple[Solid, ...]:
        return self._workshop.solids(model, moves=False)

    def _block(self, body: Body, model: ObjectModel, solid: Solid) -> int:
        X_WI = body.X_WB @ solid.X_BI
        bullet = self._body(0.0, self._workshop.shape(solid), X_WI, rigid=True)
        self._touch(bullet, body.friction, restitution=model.spec.restitution)
        self._remember(solid, X_WI)
        return bullet

    def _part(self, row: int, body: Body, model: ObjectModel) -> Part:
        (solid,) = self._workshop.solids(model, moves=True)
        mass = model.spec.mass_kg if body.mass_kg is None else body.mass_kg
        bullet = self._body(mass, self._workshop.shape(solid), body.X_WB @ solid.X_BI, rigid=True)
        self._touch(
            bullet,
            body.friction,
            restitution=model.spec.restitution,
            # Bullet drops the inertia when the mass is not given again.
            mass=mass,
            localInertiaDiagonal=(solid.inertia * (mass / model.spec.mass_kg)).tolist(),
            linearDamping=0.0,  # air; the default takes 4 % of the speed each second
            angularDamping=0.0,
        )
        if body.velocity is not None:
            self._push(bullet, body, solid)
        return Part(row, bullet, solid)

    def _push(self, bullet: int, body: Body, solid: Solid) -> None:
        """Give a part the velocity that it starts with."""
        assert body.velocity is not None
        linear, angular = body.velocity[:3], body.velocity[3:]
        arm = body.X_WB[:3, :3] @ solid.X_BI[:3, 3]
        speed = (linear + np.cross(angular, arm)).tolist()
        pybullet.resetBaseVelocity(bullet, speed, angular.tolist(), physicsClientId=self.client)

    def _belt(self, body: Body, model: ObjectModel, motion: BeltMotion) -> Belt:
        (solid,) = self._still(model)
        shape, _ = solid.primitives[0]
        if not isinstance(shape, Box):
            raise EngineError(f"{body.name}: a belt is one box, not a {shape.shape}")
        X_WP, half = body.X_WB @ solid.X_BI, np.array(shape.size_m) / 2
        plane = self._plane(X_WP @ pose.pose(p_AB=(0, 0, half[2])), moves=True)
        box = self._body(0.0, self._workshop.shape(solid), X_WP, rigid=False)
        for bullet in (plane, box):
            self._touch(bullet, body.friction, restitution=model.spec.restitution)
        self._remember(solid, X_WP)
        return Belt(motion, X_WP, half, plane, box, self.client)

    def _remember(self, solid: Solid, X_WI: Matrix) -> None:
        for shape, X_IP in solid.primitives:
            if isinstance(shape, Box):
                self.blocks += (Block(X_WI @ X_IP, np.array(shape.size_m) / 2),)

    def _plane(self, X_WP: Matrix, *, moves: bool) -> int:
        """An endless plane through the origin of P, facing its +z."""
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_PLANE, planeNormal=[0, 0, 1], physicsClientId=self.client
        )
        return self._body(0.0, shape, X_WP, rigid=not moves)

    def _slab(self, X_WF: Matrix) -> int:
        """A thick box whose top is the plane z = 0 of F.

        Bullet pairs a plane with every link in every time step: 15 % of an environment's step.
        """
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_BOX, halfExtents=SLAB_M, physicsClientId=self.client
        )
        return self._body(0.0, shape, X_WF @ pose.pose(p_AB=(0, 0, -SLAB_M[2])), rigid=True)

    def _body(self, mass: float, shape: int, X_WI: Matrix, *, rigid: bool) -> int:
        """A Bullet body. ``rigid`` (btRigidBody) costs half or less, but cannot carry."""
        return int(
            pybullet.createMultiBody(
                mass,
                shape,
                basePosition=X_WI[:3, 3].tolist(),
                baseOrientation=pose.quaternion(X_WI).tolist(),
                useMaximalCoordinates=int(rigid),
                physicsClientId=self.client,
            )
        )

    def _touch(
        self, bullet: int, friction: Friction, *, restitution: float, **dynamics: Any
    ) -> None:
        pybullet.changeDynamics(
            bullet,
            -1,
            lateralFriction=friction.lateral,
            rollingFriction=friction.rolling,
            spinningFriction=friction.spinning,
            restitution=restitution,
            physicsClientId=self.client,
            **dynamics,
        )

    def where(self) -> Where:
        """Where the parts are now."""
        rows = [pybullet.getBasePositionAndOrientation(b, self.client) for b in self.bullets]
        com, turn = [row[0] for row in rows], [row[1] for row in rows]
        return Where(np.array(com).reshape(-1, 3), np.array(turn).reshape(-1, 4))

    def meet_belts(self, com: NDArray[np.float64]) -> None:
        """Let each part see the plane or the box of each belt, by where its centre is."""
        for belt in self.belts:
            belt.meet(self.bullets, com)

    def leave(self) -> None:
        """Take back what would outlive the bodies of this scene in its client."""
        for belt in self.belts:
            belt.leave(self.bullets)

    def step(self, middle_s: float, capture_start_s: float | None) -> None:
        """Advance by one time step, whose middle is at ``middle_s`` since the drop."""
        for belt in self.belts:
            belt.advance(middle_s, capture_start_s)
        pybullet.stepSimulation(self.client)

    def support_velocity(self) -> NDArray[np.float64]:
        """(N, 3) m/s of the surface under each part: the belt's, or zero."""
        velocity = np.zeros((len(self.parts), 3))
        for belt in self.belts:
            velocity[belt.over] = belt.velocity
        return velocity

    def poses(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X_WB (B, 4, 4) and velocities (B, 6) of all bodies of the scene, at the body origins."""
        X_WB = np.stack([body.X_WB for body in self.scene.bodies])
        velocity = np.zeros((len(X_WB), 6))
        for part, com, turn in zip(self.parts, *self.where(), strict=True):
            X_WB[part.row] = pose.from_quaternion(turn, com) @ pose.inverse(part.solid.X_BI)
            linear, angular = pybullet.getBaseVelocity(part.bullet, self.client)
            arm = X_WB[part.row, :3, 3] - com
            velocity[part.row] = [*(linear + np.cross(angular, arm)), *angular]
        if self.robot is not None:
            rows = list(self.robot.robot.rows.values())
            X_WB[rows], velocity[rows] = self.robot.link_poses(list(self.robot.robot.rows))
        return X_WB, velocity

    def touching(self, bullet: int) -> NDArray[np.bool_]:
        """Which parts (N,) have a contact point with the body ``bullet``."""
        rows = pybullet.getContactPoints(bodyA=bullet, physicsClientId=self.client)
        others = {row[1] for row in rows} | {row[2] for row in rows}
        return np.array([part.bullet in others for part in self.parts], dtype=np.bool_)

    def contacts(self) -> list[tuple[int, int, float]]:
        """(Bullet body, Bullet body, distance; negative: penetration) of every contact point."""
        rows = pybullet.getContactPoints(physicsClientId=self.client)
        return [(row[1], row[2], row[8]) for row in rows]

    def touches(self, substeps: int = 1) -> Contacts:
        """Where parts touch: the contact points that the last of ``substeps`` in a call solved."""
        rows = pybullet.getContactPoints(physicsClientId=self.client)
        points = sorted(filter(None, (self._point(row) for row in rows)))
        a, b, p_W, normal_W, force = zip(*points, strict=True) if points else ((),) * 5
        return Contacts(
            id_a=np.array(a, dtype=np.uint16),
            id_b=np.array(b, dtype=np.uint16),
            p_W=np.array(p_W, dtype=np.float64).reshape(-1, 3),
            normal_W=np.array(normal_W, dtype=np.float64).reshape(-1, 3),
            # Bullet divides the impulse of one time step by the time of the whole call.
            force_n=np.array(force, dtype=np.float64) * substeps,
        )

    def _point(self, row: Any) -> tuple[int, int, Any, Any, float] | None:
        """(id_a, id_b, p_W, normal_W, force_n) of a row of Bullet's; None where nothing presses.

        Bullet keeps points of bodies that are only close; its normal is out of B towards A.
        """
        (_, one, two, link_one, link_two, on_one, on_two, normal, _, force, *_) = row
        if force <= 0.0:
            return None
        a, b = self._owner[one, link_one], self._owner[two, link_two]
        parts = {self._owner[part.bullet, -1] for part in self.parts}
        if a not in parts and b not in parts:  # a robot leans on something
            return None
        if b in parts and (a not in parts or b < a):
            return b, a, on_one, tuple(-x for x in normal), force
        return a, b, on_two, normal, force

    def overlap_m(self) -> float:
        """How deep the deepest contact is where the bodies stand now, before any step."""
        pybullet.performCollisionDetection(physicsClientId=self.client)
        return max((-distance for _, _, distance in self.contacts()), default=0.0)
