"""What stands in Bullet for one scene: parts, furniture, belts, floor, and where they are now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.errors import EngineError
from simenv.physics.belt import Belt
from simenv.physics.settle import Block
from simenv.physics.shape import (
    MARGIN_M,
    Solid,
    create_hulls,
    create_primitives,
    movable_solid,
    solids,
)
from simenv.pose import Matrix
from simenv.scene import BeltMotion, Body, Contacts, Scene
from simenv.spec.object import Box, Friction, ObjectModel

__all__ = ["Stage", "Where", "Workshop"]


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


class Workshop:
    """Solids made from object models, kept between scenes; files of compound hulls."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._solids: WeakKeyDictionary[ObjectModel, tuple[Solid, ...]] = WeakKeyDictionary()
        self._paths: WeakKeyDictionary[Solid, Path] = WeakKeyDictionary()
        self._files = 0

    def solids(self, model: ObjectModel, *, movable: bool) -> tuple[Solid, ...]:
        """One solid for a part, one for each piece of furniture."""
        if model not in self._solids:
            self._solids[model] = (movable_solid(model),) if movable else solids(model)
        return self._solids[model]

    def path(self, solid: Solid) -> Path:
        """Where the hulls of ``solid`` are written if Bullet needs them in a file."""
        if solid not in self._paths:
            self._files += 1
            self._paths[solid] = self._folder / f"{self._files}.obj"
        return self._paths[solid]


class Stage:
    """One scene, built in an empty Bullet client in the order of Scene.bodies."""

    def __init__(self, scene: Scene, workshop: Workshop, *, client: int) -> None:
        self.scene = scene
        self.client = client
        self.parts: list[Part] = []
        self.belts: list[Belt] = []
        self.blocks: tuple[Block, ...] = ()
        self.floor: int | None = None
        self._owner: dict[int, int] = {}  # Bullet body -> Body.id
        self._workshop = workshop
        self._shapes: dict[Solid, int] = {}
        motions = {motion.body: motion for motion in scene.belts}
        for row, body in enumerate(scene.bodies):
            self._own(body.id, self._place(row, body, motions.get(row)))
        if scene.floor_z_m is not None:
            self.floor = self._plane(pose.pose(p_AB=(0, 0, scene.floor_z_m)), moves=False)
            self._own(0, [self.floor])
            self._touch(self.floor, scene.floor_friction, restitution=0.0)
        self._ids = [part.bullet for part in self.parts]

    def _own(self, identity: int, bullets: Sequence[int]) -> None:
        self._owner.update(dict.fromkeys(bullets, identity))

    def _place(self, row: int, body: Body, motion: BeltMotion | None) -> list[int]:
        """The Bullet bodies that a body of the scene becomes."""
        model = self.scene.objects[body.object]
        if body.id == 0:  # the floor: an endless plane, below
            return []
        if not body.fixed and model.spec.mass_kg > 0:
            self.parts.append(self._part(row, body, model))
            return [self.parts[-1].bullet]
        if motion is not None:
            self.belts.append(self._belt(body, model, motion))
            return [self.belts[-1].plane, self.belts[-1].box]
        return [self._block(body, model, solid) for solid in self._still(model)]

    def _still(self, model: ObjectModel) -> tuple[Solid, ...]:
        return self._workshop.solids(model, movable=False)

    def _block(self, body: Body, model: ObjectModel, solid: Solid) -> int:
        X_WI = body.X_WB @ solid.X_BI
        bullet = self._body(0.0, self._shape(solid), X_WI, rigid=True)
        self._touch(bullet, body.friction, restitution=model.spec.restitution)
        self._remember(solid, X_WI)
        return bullet

    def _part(self, row: int, body: Body, model: ObjectModel) -> Part:
        (solid,) = self._workshop.solids(model, movable=True)
        mass = model.spec.mass_kg
        bullet = self._body(mass, self._shape(solid), body.X_WB @ solid.X_BI, rigid=True)
        self._touch(
            bullet,
            body.friction,
            restitution=model.spec.restitution,
            # Bullet drops the inertia when the mass is not given again.
            mass=mass,
            localInertiaDiagonal=solid.inertia.tolist(),
            linearDamping=0.0,  # air; the default takes 4 % of the speed each second
            angularDamping=0.0,
        )
        return Part(row, bullet, solid)

    def _belt(self, body: Body, model: ObjectModel, motion: BeltMotion) -> Belt:
        (solid,) = self._still(model)
        shape, _ = solid.primitives[0]
        if not isinstance(shape, Box):
            raise EngineError(f"{body.name}: a belt is one box, not a {shape.shape}")
        X_WP, half = body.X_WB @ solid.X_BI, np.array(shape.size_m) / 2
        plane = self._plane(X_WP @ pose.pose(p_AB=(0, 0, half[2])), moves=True)
        box = self._body(0.0, self._shape(solid), X_WP, rigid=False)
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

    def _shape(self, solid: Solid) -> int:
        if solid not in self._shapes:
            if solid.hulls:
                shape = create_hulls(solid, self._workshop.path(solid), client=self.client)
                self._thin(shape)
            else:
                shape = create_primitives(solid, client=self.client)
            self._shapes[solid] = shape
        return self._shapes[solid]

    def _thin(self, shape: int) -> None:
        """Give all hulls of ``shape`` the margin: only a multi-body passes it on to a compound."""
        body = self._body(0.0, shape, np.eye(4), rigid=False)
        pybullet.changeDynamics(body, -1, collisionMargin=MARGIN_M, physicsClientId=self.client)
        pybullet.removeBody(body, physicsClientId=self.client)

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
        rows = [pybullet.getBasePositionAndOrientation(b, self.client) for b in self._ids]
        com, turn = [row[0] for row in rows], [row[1] for row in rows]
        return Where(np.array(com).reshape(-1, 3), np.array(turn).reshape(-1, 4))

    def meet_belts(self, com: NDArray[np.float64]) -> None:
        """Let each part see the plane or the box of each belt, by where its centre is."""
        for belt in self.belts:
            belt.meet(self._ids, com)

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

    def touches(self) -> Contacts:
        """Where parts touch: the contact points that the last step solved."""
        rows = pybullet.getContactPoints(physicsClientId=self.client)
        points = sorted(filter(None, (self._point(row) for row in rows)))
        a, b, p_W, normal_W, force = zip(*points, strict=True) if points else ((),) * 5
        return Contacts(
            id_a=np.array(a, dtype=np.uint16),
            id_b=np.array(b, dtype=np.uint16),
            p_W=np.array(p_W, dtype=np.float64).reshape(-1, 3),
            normal_W=np.array(normal_W, dtype=np.float64).reshape(-1, 3),
            force_n=np.array(force, dtype=np.float64),
        )

    def _point(self, row: Any) -> tuple[int, int, Any, Any, float] | None:
        """(id_a, id_b, p_W, normal_W, force_n) of a row of Bullet's; None where nothing presses.

        Bullet keeps points of bodies that are only close; its normal is out of B towards A.
        """
        (_, one, two, _, _, on_one, on_two, normal, _, force, *_) = row
        if force <= 0.0:
            return None
        a, b = self._owner[one], self._owner[two]
        parts = {self._owner[part.bullet] for part in self.parts}
        if b in parts and (a not in parts or b < a):
            return b, a, on_one, tuple(-x for x in normal), force
        return a, b, on_two, normal, force

    def overlap_m(self) -> float:
        """How deep the deepest contact is where the bodies stand now, before any step."""
        pybullet.performCollisionDetection(physicsClientId=self.client)
        return max((-distance for _, _, distance in self.contacts()), default=0.0)
