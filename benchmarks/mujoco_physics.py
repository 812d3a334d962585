"""How a simenv scene falls and rests in MuJoCo: the same solids, masses and frictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from benchmarks.mujoco_scene import HIDDEN, quaternion_wxyz
from simenv import pose
from simenv.physics.settle import RestRule, turned
from simenv.physics.shape import Solid, movable_solid, solids
from simenv.pose import Matrix
from simenv.scene import Body, Scene
from simenv.spec.object import Box, Cylinder, ObjectModel, Primitive

__all__ = ["Physics", "Tuning"]

POLL_HZ = 60.0


@dataclass(frozen=True)
class Tuning:
    """What a MuJoCo user can turn; the defaults are those that won in mujoco_pipeline.py."""

    rate_hz: float = 120.0
    cone: str = "PYRAMIDAL"
    condim: int = 6  # 3: sliding friction alone, 4: spinning, 6: rolling, too
    iterations: int = 100  # at most, of the Newton solver; MuJoCo's default
    tolerance: float = 1e-8  # where it stops; MuJoCo's default
    time_constant_s: float = 0.017  # of a contact, at least two steps; MuJoCo's default is 0.02


def physics_spec(scene: Scene, tuning: Tuning) -> Any:
    """What moves and what it hits; body k + 1 is body k of the scene."""
    spec = mujoco.MjSpec()
    option = spec.option
    option.timestep, option.gravity = 1 / tuning.rate_hz, [0, 0, -scene.gravity_m_s2]
    option.cone = getattr(mujoco.mjtCone, f"mjCONE_{tuning.cone}")
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.iterations, option.tolerance = tuning.iterations, tuning.tolerance
    belts = {belt.body: belt.speed_m_s for belt in scene.belts}
    for row, body in enumerate(scene.bodies):
        model, touch = scene.objects[body.object], touching(body, tuning)
        if not body.fixed:
            add_part(spec, body, model, touch)
        elif body.id == 0:
            place = [0.0, 0.0, scene.floor_z_m]
            plane = mujoco.mjtGeom.mjGEOM_PLANE
            spec.worldbody.add_body(pos=place).add_geom(type=plane, size=[0, 0, 1], **touch)
        else:
            touch["surfacevel"] = [belts.get(row, 0.0), 0, 0, 0, 0, 0]  # along the belt's x
            add_furniture(spec, body, model, touch)
    return spec


def touching(body: Body, tuning: Tuning) -> dict[str, Any]:
    """Friction as MuJoCo orders it; of two geoms the larger one counts, in Bullet the product."""
    friction = body.friction
    return {
        "friction": [friction.lateral, friction.spinning, friction.rolling],
        "condim": tuning.condim,
        "solref": [tuning.time_constant_s, 1.0],
        "group": HIDDEN,
    }


def add_part(spec: Any, body: Body, model: ObjectModel, touch: dict[str, Any]) -> None:
    """A free body whose frame is the principal one."""
    solid = movable_solid(model)
    X_WI = body.X_WB @ solid.X_BI
    member = spec.worldbody.add_body(
        name=body.name,
        pos=X_WI[:3, 3],
        quat=quaternion_wxyz(X_WI),
        mass=model.spec.mass_kg,
        inertia=solid.inertia,
        ipos=[0, 0, 0],
        iquat=[1, 0, 0, 0],
        explicitinertial=True,
    )
    member.add_freejoint()
    add_solid(spec, member, body.object, solid, touch)


def add_furniture(spec: Any, body: Body, model: ObjectModel, touch: dict[str, Any]) -> None:
    """A body that stands still."""
    member = spec.worldbody.add_body(
        name=body.name, pos=body.X_WB[:3, 3], quat=quaternion_wxyz(body.X_WB)
    )
    for solid in solids(model):
        add_solid(spec, member, body.object, solid, touch, X_BI=solid.X_BI)


def add_solid(
    spec: Any,
    member: Any,
    name: str,
    solid: Solid,
    touch: dict[str, Any],
    X_BI: Matrix | None = None,
) -> None:
    """Its geoms; ``X_BI`` is the solid's frame in that of the member, default the same."""
    X_BI = np.eye(4) if X_BI is None else X_BI
    for k, hull in enumerate(solid.hulls):
        if spec.mesh(f"{name}/{k}") is None:
            spec.add_mesh(name=f"{name}/{k}", uservert=hull.ravel().tolist())
        mesh = mujoco.mjtGeom.mjGEOM_MESH
        member.add_geom(type=mesh, meshname=f"{name}/{k}", mass=0, **touch)
    for shape, X_IP in solid.primitives:
        X = X_BI @ X_IP
        kind, size = primitive(shape)
        quat = quaternion_wxyz(X)
        member.add_geom(type=kind, size=size, pos=X[:3, 3], quat=quat, mass=0, **touch)


def primitive(shape: Primitive) -> tuple[Any, list[float]]:
    """MuJoCo's type and half sizes."""
    if isinstance(shape, Box):
        return mujoco.mjtGeom.mjGEOM_BOX, [side / 2 for side in shape.size_m]
    if isinstance(shape, Cylinder):
        return mujoco.mjtGeom.mjGEOM_CYLINDER, [shape.radius_m, shape.length_m / 2, 0]
    return mujoco.mjtGeom.mjGEOM_SPHERE, [shape.radius_m, 0, 0]


class Physics:
    """One scene, from drop to rest and on."""

    def __init__(self, scene: Scene, tuning: Tuning) -> None:
        self.scene = scene
        self.model = physics_spec(scene, tuning).compile()
        self.data = mujoco.MjData(self.model)
        self.rows = [row for row, body in enumerate(scene.bodies) if not body.fixed]
        self.bodies = np.array(self.rows) + 1
        self.X_IB = [
            pose.inverse(movable_solid(scene.objects[scene.bodies[row].object]).X_BI)
            for row in self.rows
        ]
        self.carried = np.zeros(3)  # m/s, of what carries the parts
        for belt in scene.belts:
            self.carried = belt.direction * belt.speed_m_s

    def settle(self) -> bool:
        """Step until the rule holds, or its time is up."""
        rule, limit_s = RestRule(self.scene.physics.settle), self.scene.physics.settle.limit_s
        steps = max(1, round(1 / POLL_HZ / self.model.opt.timestep))
        elapsed_s = steps * self.model.opt.timestep
        before = self.where()
        while self.data.time < limit_s:
            mujoco.mj_step(self.model, self.data, nstep=steps)
            now = self.where()
            moved = np.linalg.norm(now[0] - before[0] - self.carried * elapsed_s, axis=1)
            spin = turned(before[1], now[1]) / elapsed_s
            if rule.holds(self.data.time, moved / elapsed_s, spin):
                return True
            before = now
        return False

    def where(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of mass (N, 3) and quaternions (N, 4)."""
        places = self.data.qpos.reshape(-1, 7)
        return places[:, :3].copy(), places[:, 3:].copy()

    def ride(self, seconds: float) -> None:
        """Go on."""
        mujoco.mj_step(self.model, self.data, nstep=round(seconds / self.model.opt.timestep))

    def poses(self) -> NDArray[np.float64]:
        """X_WB (B, 4, 4) of all bodies of the scene."""
        X_WB = np.stack([body.X_WB for body in self.scene.bodies])
        for row, X_IB, place in zip(
            self.rows, self.X_IB, self.data.qpos.reshape(-1, 7), strict=True
        ):
            X_WB[row] = pose.from_quaternion(np.roll(place[3:], -1), place[:3]) @ X_IB
        return X_WB

    def depth_mm(self) -> float:
        """How deep the deepest contact is."""
        return float(max(0.0, -1e3 * self.data.contact.dist.min(initial=0.0)))
