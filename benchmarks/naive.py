"""The loop that one writes after reading the PyBullet quick-start guide."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scenes import FRAMES, scene_of
from simenv.clock import Clock
from simenv.quiet import quiet
from simenv.render.bullet_egl import load_plugin

__all__ = ["Bare", "NaiveLoop"]


class NaiveLoop:
    """What one writes after reading the PyBullet quick-start guide."""

    def __init__(self, renderer: str, name: str, folder: Path) -> None:
        from simenv.engine import pybullet as p

        self.p, self.name, self.folder, self.files = p, name, folder, dict[str, Path]()
        self.settled: list[bool] = []
        self.client = p.connect(p.DIRECT)
        self.flag = p.ER_TINY_RENDERER
        if renderer != "tiny":
            with quiet():
                load_plugin(self.client)
                for _ in range(2):  # it goes on printing with the second
                    p.getCameraImage(8, 8)
            self.flag = p.ER_BULLET_HARDWARE_OPENGL
            atexit.register(self.close)

    def close(self) -> None:
        """Without the plugin's last words."""
        with quiet():
            self.p.disconnect(self.client)

    @property
    def outcome(self) -> str:
        """How many scenes settled."""
        return f"{sum(self.settled)} of {len(self.settled)} scenes settled"

    def urdf(self, scene: Any, body: Any) -> Path:
        """A URDF of an object, written once: same meshes, hulls, mass and friction."""
        from simenv import mesh

        if body.object not in self.files:
            model = scene.objects[body.object]
            com, inertia = model.mass_properties
            stem = self.folder / body.object
            mesh.save_obj(stem.with_suffix(".obj"), model.mesh)
            if isinstance(model.spec.collision, str):
                shapes = [f'<mesh filename="{model.file(model.spec.collision)}"/>']
                places = [((0, 0, 0), (0, 0, 0))]
            else:
                shapes = [urdf_primitive(shape) for shape in model.spec.collision]
                places = [(s.p, np.radians(s.rpy_deg)) for s in model.spec.collision]
            collisions = "".join(
                f'<collision><origin xyz="{words(p)}" rpy="{words(rpy)}"/>'
                f"<geometry>{shape}</geometry></collision>"
                for shape, (p, rpy) in zip(shapes, places, strict=True)
            )
            xx, yy, zz = np.diag(inertia)
            friction = model.spec.friction
            stem.with_suffix(".urdf").write_text(
                f'<robot name="{body.object}"><link name="base">'
                f'<contact><lateral_friction value="{friction.lateral}"/>'
                f'<rolling_friction value="{friction.rolling}"/>'
                f'<spinning_friction value="{friction.spinning}"/></contact>'
                f'<inertial><origin xyz="{words(com)}"/><mass value="{model.spec.mass_kg}"/>'
                f'<inertia ixx="{xx}" iyy="{yy}" izz="{zz}" ixy="0" ixz="0" iyz="0"/></inertial>'
                f'<visual><geometry><mesh filename="{stem}.obj"/></geometry></visual>'
                f"{collisions}</link></robot>"
            )
            self.files[body.object] = stem.with_suffix(".urdf")
        return self.files[body.object]

    def __call__(self, index: int) -> Clock:
        """One scene, from reset to file."""
        scene, clock = scene_of(self.name, index), Clock()
        urdfs = [self.urdf(scene, body) for body in scene.bodies]
        with clock("total"):
            with clock("load"):
                bodies = self.load(scene, urdfs)
            with clock("settle"):
                self.settled.append(self.settle(scene, bodies))
            images = []
            for k in range(FRAMES[self.name]):
                with clock("ride"):
                    for _ in range(round(240 / scene.capture.fps) if k else 0):
                        self.step(scene, bodies)
                with clock("render"):
                    images += [self.look(camera) for camera in scene.cameras]
            with clock("write"):
                self.write(index, images)
        return clock

    def load(self, scene: Any, urdfs: list[Path]) -> list[int]:
        """A fresh world."""
        from simenv import pose

        p = self.p
        p.resetSimulation()
        p.setGravity(0, 0, -scene.gravity_m_s2)
        p.setTimeStep(1 / 240)
        bodies = []
        for body, urdf in zip(scene.bodies, urdfs, strict=True):
            com, _ = scene.objects[body.object].mass_properties
            origin = pose.apply(body.X_WB, com[None])[0]
            bodies.append(
                p.loadURDF(str(urdf), origin, pose.quaternion(body.X_WB), useFixedBase=body.fixed)
            )
        return bodies

    def step(self, scene: Any, bodies: list[int]) -> None:
        """The belt trick, then one step."""
        for belt in scene.belts:
            X_WB = scene.bodies[belt.body].X_WB
            self.p.resetBasePositionAndOrientation(bodies[belt.body], X_WB[:3, 3], [0, 0, 0, 1])
            self.p.resetBaseVelocity(bodies[belt.body], belt.direction * belt.speed_m_s)
        self.p.stepSimulation()

    def settle(self, scene: Any, bodies: list[int]) -> bool:
        """Step until all parts have moved with the belt, and only so, for 0.3 s."""
        rule, calm = scene.physics.settle, 0
        carried = sum((b.direction * b.speed_m_s for b in scene.belts), np.zeros(3))
        free = [b for b, body in zip(bodies, scene.bodies, strict=True) if not body.fixed]
        for _ in range(round(rule.limit_s * 240)):
            self.step(scene, bodies)
            moving = False
            for body in free:
                linear, angular = self.p.getBaseVelocity(body)
                moving |= bool(np.linalg.norm(np.array(linear) - carried) > rule.speed_m_s)
                moving |= bool(np.linalg.norm(angular) > rule.angular_rad_s)
            calm = 0 if moving else calm + 1
            if calm >= round(rule.hold_s * 240):
                return True
        return False

    def look(self, camera: Any) -> tuple[Any, Any, Any]:
        """RGB, metric depth, segmentation."""
        from simenv.pose import inverse

        p, X_CW = self.p, inverse(camera.view(0.0).X_WC)
        near, far = 0.1, 4.0
        view = (np.diag([1.0, -1.0, -1.0, 1.0]) @ X_CW).T.ravel().tolist()
        (fx, _, cx), (_, fy, cy) = camera.K[:2]
        w, h = camera.width, camera.height
        projection = np.array(
            [
                [2 * fx / w, 0, (w - 1 - 2 * cx) / w, 0],
                [0, 2 * fy / h, (2 * cy - (h - 1)) / h, 0],
                [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
                [0, 0, -1, 0],
            ]
        )
        _, _, rgba, buffer, segmentation = p.getCameraImage(
            w, h, view, projection.T.ravel().tolist(), renderer=self.flag
        )
        depth = far * near / (far - (far - near) * buffer)
        return rgba[:, :, :3], depth, segmentation

    def write(self, index: int, images: list[tuple[Any, Any, Any]]) -> None:
        """One file a scene, gzip as h5py does it by default."""
        import h5py

        with h5py.File(self.folder / f"scene_{index}.h5", "w") as file:
            for name, arrays in zip(
                ("rgb", "depth", "seg"), zip(*images, strict=True), strict=True
            ):
                stack = np.stack(arrays)
                file.create_dataset(
                    name, data=stack, compression="gzip", chunks=(1, *stack.shape[1:])
                )


def urdf_primitive(shape: Any) -> str:
    """The URDF words of a primitive."""
    if shape.shape == "box":
        return f'<box size="{words(shape.size_m)}"/>'
    if shape.shape == "cylinder":
        return f'<cylinder radius="{shape.radius_m}" length="{shape.length_m}"/>'
    return f'<sphere radius="{shape.radius_m}"/>'


def words(numbers: Any) -> str:
    """Numbers as XML has them."""
    return " ".join(f"{number:.9g}" for number in numbers)


class Bare:
    """getCameraImage of a scene as it stands, nothing else."""

    def __init__(self, renderer: str, name: str, folder: Path) -> None:
        self.naive = NaiveLoop(renderer, name, folder)

    def __call__(self, index: int) -> Clock:
        """The images of one scene."""
        naive, clock = self.naive, Clock()
        scene = scene_of(naive.name, index)
        naive.load(scene, [naive.urdf(scene, body) for body in scene.bodies])
        with clock("total"):
            for _ in range(FRAMES[naive.name]):
                for camera in scene.cameras:
                    naive.look(camera)
        return clock
