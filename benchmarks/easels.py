"""Who draws and who writes in benchmarks/renderers.py: each contestant as its process sees it."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.scenes import SIZES, posed, scaled, snapshot_of, view_of
from simenv import pose
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import commit_shard
from simenv.generate import Plan
from simenv.quiet import quiet
from simenv.render import camera, light
from simenv.render.bullet_egl import load_plugin
from simenv.render.choose import open_renderer
from simenv.render.meshfile import MeshFiles, texture_source
from simenv.render.probe import probe_egl
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View

__all__ = ["DRAWERS", "SHADOW_MAP", "Easel", "Writer", "egl", "raster"]

POSE_SETS = 20
NEAR_FAR_M = (0.1, 4.0)  # of those who do not fit them; egl and raster fit theirs
SHARD_SCENES = 8  # in one file; of 12 pictures each
SHADOW_MAP = "BENCHMARK_MUJOCO_SHADOW_MAP"  # texels a side of mujoco lean's; in the environment
Size = tuple[int, int]  # width, height


class Ours:
    """A renderer of simenv."""

    def __init__(self, open_: Callable[[], Renderer]) -> None:
        self.renderer = open_()
        self.device = self.renderer.device

    def __call__(self, snapshot: Snapshot, view: View) -> Frame:
        """One picture, begun and fetched."""
        return self.renderer.render(snapshot, view)


def tiny() -> Ours:
    """TinyRenderer."""
    return Ours(partial(open_renderer, "tiny"))


def egl(device: int | None = None) -> Ours:
    """The EGL plugin as simenv uses it."""
    return Ours(partial(open_renderer, "egl", device))


def raster(device: int | None = None, shadows: bool = True) -> Ours:
    """One OpenGL pass."""
    from simenv.render.raster import RasterRenderer

    return Ours(partial(RasterRenderer, device_index=device, shadows=shadows))


class Plugin:
    """getCameraImage with the EGL plugin, as a PyBullet user calls it."""

    def __init__(self) -> None:
        from simenv.engine import pybullet as p

        self.p, self.device = p, probe_egl().device
        with quiet():
            load_plugin(p.connect(p.DIRECT))
            for _ in range(2):  # it goes on printing with the second
                p.getCameraImage(8, 8)
        atexit.register(self.close)
        self.files = MeshFiles()
        self.bodies: list[int] = []
        self.ids = np.zeros(0, np.uint16)

    def close(self) -> None:
        """Without its last words."""
        with quiet():
            self.p.disconnect()

    def load(self, snapshot: Snapshot) -> None:
        """Every body, once, with its texture in its MTL file."""
        scene = snapshot.scene
        for body in scene.bodies:
            model = scene.objects[body.object]
            source = texture_source(model, body.texture)
            path = self.files.write(model.mesh, source, key=body.object)
            color = (*body.color, 1.0)
            shape = self.p.createVisualShape(self.p.GEOM_MESH, fileName=str(path), rgbaColor=color)
            self.bodies.append(self.p.createMultiBody(0.0, -1, shape))
        self.ids = np.zeros(max(self.bodies) + 2, np.uint16)
        self.ids[self.bodies] = [body.id for body in scene.bodies]
        self.place(snapshot, moving=False)

    def place(self, snapshot: Snapshot, *, moving: bool) -> None:
        """Poses in."""
        for uid, body, X_WB in zip(self.bodies, snapshot.scene.bodies, snapshot.X_WB, strict=True):
            if moving != body.fixed:
                turn = pose.quaternion(X_WB)
                self.p.resetBasePositionAndOrientation(uid, X_WB[:3, 3], turn)

    def __call__(self, snapshot: Snapshot, view: View) -> Frame:
        """Poses in, picture out."""
        if not self.bodies:
            self.load(snapshot)
        self.place(snapshot, moving=True)
        tile = camera.Tile(0, 0, view.width, view.height)
        _, _, rgba, depth, segmentation = self.p.getCameraImage(
            view.width,
            view.height,
            viewMatrix=camera.view_matrix(view.X_WC),
            projectionMatrix=camera.projection(view.K, tile, NEAR_FAR_M),
            lightDirection=10 * light.direction(snapshot.scene.look.light),
            renderer=self.p.ER_BULLET_HARDWARE_OPENGL,
        )
        near, far = NEAR_FAR_M
        metres = far * near / (far - (far - near) * depth)
        instance = self.ids[segmentation]  # -1, nothing, is the last: 0
        return Frame(np.ascontiguousarray(rgba[..., :3]), metres, instance, NEAR_FAR_M)


class Mujoco:
    """MuJoCo's renderer in one of the ways of mujoco_draw.py."""

    def __init__(self, way: str) -> None:
        self.way, self.shadow_map = way, int(os.environ[SHADOW_MAP])
        self.made: dict[Size, Any] = {}

    @property
    def device(self) -> str:
        """What its driver says it is."""
        from benchmarks.mujoco_draw import device

        self(snapshot_of(posed(), 0), view_of(snapshot_of(posed(), 0), SIZES[0]))
        return device()

    def __call__(self, snapshot: Snapshot, view: View) -> Frame:
        """Poses in, picture out; a context for each size, made once."""
        from benchmarks.mujoco_draw import Posed

        size = (view.width, view.height)
        if size not in self.made:
            self.made[size] = Posed(snapshot, view, NEAR_FAR_M, self.way, self.shadow_map)
        frame: Frame = self.made[size].render(snapshot, view)
        return frame


DRAWERS: dict[str, Callable[[], Any]] = {
    "tiny": tiny,
    "plugin": Plugin,
    "egl": egl,
    "raster": raster,
    "raster bare": partial(raster, shadows=False),
    "mujoco": partial(Mujoco, "default"),
    "mujoco lean": partial(Mujoco, "lean"),
    "mujoco bare": partial(Mujoco, "bare"),
}


class Easel:
    """What a contestant's process answers."""

    def __init__(self, open_: Callable[[], Any]) -> None:
        self.draw = open_()
        self.shots = [snapshot_of(posed(), index) for index in range(POSE_SETS)]

    def __call__(self, question: str, *rest: Any) -> Any:
        """Answer by the method of that name."""
        return getattr(self, question)(*rest)

    def device(self) -> str:
        """What it draws on."""
        return str(self.draw.device)

    def _shot(self, index: int) -> Snapshot:
        """A snapshot that nobody has seen, for nothing to be known of it."""
        shot = self.shots[index % POSE_SETS]
        return replace(shot, X_WB=shot.X_WB.copy())

    def frame(self, size: Size, index: int) -> Frame:
        """One picture, to be looked at."""
        frame: Frame = self.draw(self._shot(index), view_of(self.shots[0], size))
        return frame

    def time(self, size: Size, first: int, count: int) -> tuple[float, float]:
        """CPU and wall ms a picture, of ``count`` pictures from pose set ``first``."""
        view = view_of(self.shots[0], size)
        shots = [self._shot(first + k) for k in range(count)]
        cpu, wall = time.process_time(), time.perf_counter()
        for shot in shots:
            self.draw(shot, view)
        spent = time.process_time() - cpu, time.perf_counter() - wall
        return 1e3 * spent[0] / count, 1e3 * spent[1] / count

    def spin(self, size: Size, seconds: float) -> tuple[int, float, float]:
        """Pictures, wall and CPU seconds of drawing at full speed, one begun ahead."""
        view, renderer = view_of(self.shots[0], size), self.draw.renderer
        cpu, start, count = time.process_time(), time.perf_counter(), 0
        ahead = renderer.begin(self._shot(0), [view])
        while time.perf_counter() - start < seconds:
            count += 1
            now, ahead = ahead, renderer.begin(self._shot(count), [view])
            now()
        ahead()
        return count + 1, time.perf_counter() - start, time.process_time() - cpu


class Writer:
    """What writing costs: a shard of the belt scene's record again and again, at one size."""

    def __init__(self) -> None:
        self.made: dict[Size, tuple[Any, Any]] = {}
        for size in SIZES:
            plan = Plan.of(scaled("belt", size), scenes=1, renderer="egl")
            if not self.made:
                studio = plan.studio()
            studio.task = plan.task()
            header = plan.header(studio.task, gl=studio.renderer.device)
            self.made[size] = (header, studio.record(0))

    def __call__(self, size: Size) -> tuple[float, float, float]:
        """CPU ms a picture to compress and hash, and to lay out and commit; bytes a picture."""
        header, record = self.made[size]
        count = SHARD_SCENES * sum(len(camera.images["rgb"]) for camera in record.cameras.values())
        with TemporaryDirectory() as folder:
            start = time.process_time()
            builder = ShardBuilder(header)
            for scene in range(SHARD_SCENES):
                builder.add(replace(record, scene=scene))
            packed = time.process_time()
            commit_shard(Path(folder), 0, builder)
            done = time.process_time()
            size_bytes = sum(path.stat().st_size for path in Path(folder).glob("*.h5"))
        return 1e3 * (packed - start) / count, 1e3 * (done - packed) / count, size_bytes / count
