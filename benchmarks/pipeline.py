"""How fast is the pipeline beside the loop that a PyBullet user would write, and the bare renderer?

    uv run python benchmarks/pipeline.py --scenes 16 --renderer egl

The same scenes (12 parts on a belt, 3 cameras x 4 frames, 640x480 RGB + depth + instance mask) go
through three processes in turn, scene by scene, so that whatever else the machine does hits all:

- ``simenv``: compose, drop, render, label, compress, build the shard, write it to disk;
- ``naive``: one client with the EGL plugin; resetSimulation, loadURDF, step until the same settle
  rule holds, getCameraImage with segmentation, h5py with gzip;
- ``bare``: getCameraImage of the same settled scenes and nothing else.

CPU time counts all threads of a process. All three run in the environment of simenv's workers (no
threads of numpy or llvmpipe), so that the figures compare work and not parallelism; ``--threads``
gives llvmpipe some.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from simenv.clock import Clock
from simenv.render.choose import WORKER_ENVIRONMENT
from simenv.spec.load import Task, task_from_text

PARTS, FRAMES = 12, 4
WARM_UP = 8  # scenes: one shard of this task, so that multiples of it count writing in full
TASK = f"""
format: simenv-task-1
name: benchmark
actors:
  parts:
    objects: [hex_bolt, l_bracket, bottle_cap, carton_small, can, gear]
    count: {PARTS}
    spawn: {{zone: infeed, height_m: 0.06}}
scene:
  belts: {{main: {{length_m: 3.0, width_m: 0.6, top_z_m: 0.4, speed_m_s: 0.1}}}}
  zones: {{infeed: {{center: [-0.15, 0, 0.4], size_m: [0.5, 0.45]}}}}
cameras:
  overhead:
    resolution: [640, 480]
    K: {{fx: 615, fy: 615, cx: 322.3, cy: 236.8}}
    X_WC: {{eye: [0, 0, 1.35], target: [0, 0, 0.4]}}
  left:
    resolution: [640, 480]
    K: {{fx: 615, fy: 615}}
    X_WC: {{eye: [-0.1, -0.8, 1.0], target: [0, 0, 0.4]}}
  front:
    resolution: [640, 480]
    K: {{fx: 615, fy: 615}}
    X_WC: {{eye: [0.9, 0.1, 0.9], target: [0, 0, 0.4]}}
capture: {{fps: 4, frames: {FRAMES}}}
domain:
  actors.parts.objects: {{kind: semantic, choice: all, each: actor}}
  actors.parts.spawn.orientation: {{kind: semantic, so3: uniform, each: actor}}
"""


def serve(pipe: Connection, make: Callable[..., Callable[[int], Clock]], renderer: str) -> None:
    """A process of its own: one line of work, one clock back."""
    with tempfile.TemporaryDirectory() as folder:
        work = make(renderer, Path(folder))
        pipe.send("ready")
        while (index := pipe.recv()) is not None:
            pipe.send(work(index))


def simenv_line(renderer: str, folder: Path) -> Callable[[int], Clock]:
    """The pipeline as `simenv generate` runs it, one shard a scene."""
    from simenv.dataset.shard import ShardBuilder
    from simenv.dataset.store import commit_shard
    from simenv.generate import Plan
    from simenv.studio import Studio

    plan = Plan.of(benchmark_task(), scenes=1_000_000, renderer=renderer)
    studio: Studio = plan.studio()
    header = plan.header(studio.task, gl=studio.renderer.device)
    builder = ShardBuilder(header)

    def work(index: int) -> Clock:
        nonlocal builder
        clock = Clock()
        studio.clock.reset()
        with clock("total"):
            record = studio.record(index)
            with clock("pack"):
                builder.add(record)
            if (index + 1) % plan.shard_scenes == 0:
                with clock("write"):
                    commit_shard(folder, index, builder)
                builder = ShardBuilder(header)
        clock.add(studio.clock)
        return clock

    return work


@lru_cache
def benchmark_task() -> Task:
    """The benchmark's task."""
    return task_from_text(TASK)


def scene_of(index: int) -> Any:
    """The scene that all three see."""
    from simenv.compose import compose
    from simenv.domain.sample import sample

    task = benchmark_task()
    return compose(task, sample(task, 0, index), seed=0)


class NaiveLoop:
    """What one writes after reading the PyBullet quick-start guide."""

    def __init__(self, renderer: str, folder: Path) -> None:
        import pybullet as p

        self.p, self.folder, self.files = p, folder, dict[str, Path]()
        self.client = p.connect(p.DIRECT)
        self.flag = p.ER_TINY_RENDERER
        if renderer == "egl":
            import importlib.util

            spec = importlib.util.find_spec("eglRenderer")
            assert spec is not None
            p.loadPlugin(spec.origin, "_eglRendererPlugin")
            self.flag = p.ER_BULLET_HARDWARE_OPENGL

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
        scene, clock = scene_of(index), Clock()
        urdfs = [self.urdf(scene, body) for body in scene.bodies]
        with clock("total"):
            with clock("load"):
                bodies = self.load(scene, urdfs)
            with clock("settle"):
                self.settle(scene, bodies)
            images = []
            for k in range(FRAMES):
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

    def settle(self, scene: Any, bodies: list[int]) -> None:
        """Step until all parts have moved with the belt, and only so, for 0.3 s."""
        rule, calm = scene.physics.settle, 0
        carried = scene.belts[0].direction * scene.belts[0].speed_m_s
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
                return

    def look(self, camera: Any) -> tuple[Any, Any, Any]:
        """RGB, metric depth, segmentation."""
        from simenv.pose import inverse

        p, X_CW = self.p, inverse(camera.X_WC[0])
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

    def __init__(self, renderer: str, folder: Path) -> None:
        self.naive = NaiveLoop(renderer, folder)

    def __call__(self, index: int) -> Clock:
        """The 12 images of one scene."""
        scene, clock = scene_of(index), Clock()
        self.naive.load(scene, [self.naive.urdf(scene, body) for body in scene.bodies])
        with clock("total"):
            for _ in range(FRAMES):
                for camera in scene.cameras:
                    self.naive.look(camera)
        return clock


LINES: dict[str, Callable[..., Callable[[int], Clock]]] = {
    "simenv": simenv_line,
    "naive": NaiveLoop,
    "bare": Bare,
}


def measure(scenes: int, renderer: str, threads: str) -> dict[str, Clock]:
    """Every scene through every line, in turn."""
    os.environ |= {**WORKER_ENVIRONMENT, "LP_NUM_THREADS": threads}
    context, lines = get_context("spawn"), {}
    for name, make in LINES.items():
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, make, renderer), daemon=True)
        process.start()
        assert ours.recv() == "ready"
        lines[name] = ours
    clocks = {name: Clock() for name in LINES}
    for index in range(WARM_UP + scenes):
        for name, pipe in lines.items():
            pipe.send(index)
            clock = pipe.recv()
            if index >= WARM_UP:
                clocks[name].add(clock)
    for pipe in lines.values():
        pipe.send(None)
    return clocks


def main() -> None:
    """Print CPU and wall milliseconds a scene, by stage, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenes", type=int, default=16, help="a multiple of 8")
    parser.add_argument("--renderer", choices=["egl", "tiny"], default="egl")
    parser.add_argument(
        "--threads", default="0", help="LP_NUM_THREADS of all; 2: llvmpipe's default here"
    )
    arguments = parser.parse_args()
    clocks = measure(arguments.scenes, arguments.renderer, arguments.threads)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments}")
    for name, clock in clocks.items():
        stages = ", ".join(
            f"{stage} {1e3 * seconds / arguments.scenes:.1f}"
            for stage, seconds in sorted(clock.cpu.items())
        )
        wall = 1e3 * clock.wall["total"] / arguments.scenes
        print(f"{name:7s} CPU ms a scene: {stages}; wall {wall:.1f}")
    ours, naive, bare = (clocks[name].cpu for name in ("simenv", "naive", "bare"))
    rest = ours["total"] - ours["simulate"] - ours["render"]
    print(f"naive / simenv, CPU: {naive['total'] / ours['total']:.2f}")
    print(f"simenv / bare renderer, CPU: {ours['total'] / bare['total']:.2f}")
    print(f"outside simulation and rendering: {100 * rest / ours['total']:.1f} %")


if __name__ == "__main__":
    main()
