"""How scene i becomes a record: sample, compose, drop, render, label, until one is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.clock import Clock
from simenv.compose import compose
from simenv.dataset.record import QUARANTINED, Attempt, CameraRecord, Record
from simenv.domain.sample import Sample, sample
from simenv.domain.stream import stream
from simenv.grasp.scene import GraspFinder
from simenv.guarantee import met, needed_labels
from simenv.label.flow import flow, velocity
from simenv.label.label import label, labelled_rows
from simenv.label.pictures import pictures
from simenv.label.reach import grasps_seen
from simenv.label.seen import Seen
from simenv.library import task_stock
from simenv.physics.world import Outcome, World
from simenv.render import lens
from simenv.render.choose import open_renderer
from simenv.render.renderer import Channel, Frame, Frames, Renderer
from simenv.replay import Replay
from simenv.scene import Camera, Scene, SceneGrasps, Snapshot, View
from simenv.sensor import depth_picture, rgb_picture
from simenv.spec.edge import Guarantee
from simenv.spec.load import Task

__all__ = ["Studio"]

PICTURES = {"semantic", "normals", "nocs"}  # labels that are one picture a frame
CHANNELS: dict[str, Channel] = {"normals": "normals", "nocs": "coordinates"}  # label -> channel


@dataclass(frozen=True, eq=False)
class Begun:
    """A scene whose physics is done and whose pictures are on their way."""

    scene: Scene
    outcome: Outcome
    attempts: tuple[Attempt, ...]
    frames: tuple[Frames, ...]  # one a snapshot; each gives a frame a camera


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera's picture of one snapshot."""

    snapshot: Snapshot
    view: View
    frame: Frame


class Studio:
    """A world and a renderer that turn scene numbers of one task into records.

    The record of scene i depends on (task, seed, tier, look_seed, at_day, renderer) and i alone.
    With ``replay`` nothing falls: the poses of a logged dataset are drawn again.
    """

    def __init__(
        self,
        task: Task,
        *,
        seed: int = 0,
        renderer: str = "auto",
        tier: str = "core",
        look_seed: int | None = None,
        at_day: float = 0.0,
        device: int | None = None,
        replay: Replay | None = None,
        watch: Callable[[int], None] = lambda scene: None,
    ) -> None:
        self.watch = watch  # is called with a scene's number when its physics or pictures begin
        self.task, self.seed, self.tier, self.look_seed = task, seed, tier, look_seed
        self.at_day = at_day
        self.renderer: Renderer = open_renderer(renderer, device)
        self.clock = Clock()  # by stage: compose, load, simulate, render, label
        self.world: World | Replay = replay or World(self.clock)
        self.finder: GraspFinder | None = None
        if "grasps" in task.spec.labels:
            assert task.robot is not None
            self.finder = GraspFinder(task.robot, task_stock(task))

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give both engines back."""
        self.renderer.close()
        self.world.close()
        if self.finder is not None:
            self.finder.close()

    def record(self, index: int) -> Record:
        """Scene ``index``: the first accepted attempt, or the last rejected one without frames."""
        return self._whole(self._begin(index))

    def record_of(self, drawn: Sample) -> Record:
        """The one attempt whose values are ``drawn``, accepted or not."""
        scene = compose(self.task, drawn, seed=self.seed)
        outcome = self.world.run(scene)
        word = "rejected" if outcome.reason else "accepted"
        tried = [Attempt(word, outcome.reason, outcome.duration_s)]
        return self._finish(self._drawn(scene, outcome, tried))

    def absent(self, index: int, why: str) -> Record:
        """The row of a scene that is not made, because it ends whoever makes it."""
        scene = self._compose(index, 0)
        attempts = (Attempt(QUARANTINED, why, 0.0),)
        return self._finish(Begun(scene, Outcome((), why, 0.0), attempts, ()))

    def records(self, indices: Iterable[int]) -> Iterator[Record]:
        """Many scenes: each falls while the pictures of the one before are being drawn."""
        begun: Begun | Record | None = None
        for index in indices:
            before, begun = begun, self._begin(index)
            if before is not None:
                yield self._whole(before)
        if begun is not None:
            yield self._whole(begun)

    def _whole(self, begun: Begun | Record) -> Record:
        if isinstance(begun, Record):
            return begun
        self.watch(begun.scene.index)
        return self._finish(begun)

    def _begin(self, index: int) -> Begun | Record:
        """The last attempt; a record where its labels had to be made to judge it."""
        self.watch(index)
        attempts: list[Attempt] = []
        for attempt in range(self.task.spec.physics.max_attempts):
            with self.clock("compose"):
                scene = self._compose(index, attempt)
            outcome = self.world.run(scene)
            word = "rejected" if outcome.reason else "accepted"
            attempts.append(Attempt(word, outcome.reason, outcome.duration_s))
            if outcome.reason:
                continue
            begun = self._drawn(scene, outcome, attempts)
            promised = self._promised(scene)
            if promised is None:
                return begun
            record = self._finish(begun)
            if met(promised, record, self.task.spec.actors):
                return record
            attempts[-1] = Attempt("rejected", "guarantee", outcome.duration_s)
        return self._drawn(scene, replace(outcome, snapshots=()), attempts)

    def _drawn(self, scene: Scene, outcome: Outcome, attempts: list[Attempt]) -> Begun:
        with self.clock("render"):
            frames = tuple(self._draw(snapshot) for snapshot in outcome.snapshots)
        return Begun(scene, outcome, tuple(attempts), frames)

    def _promised(self, scene: Scene) -> Guarantee | None:
        """What the labels must show; nothing when logged poses are drawn again: they did."""
        case = self.task.spec.edge_cases.get(scene.tier)
        return None if case is None or isinstance(self.world, Replay) else case.guarantee

    def _compose(self, index: int, attempt: int) -> Scene:
        drawn = sample(
            self.task,
            self.seed,
            index,
            attempt=attempt,
            tier=self.tier,
            look_seed=self.look_seed,
            at_day=self.at_day,
        )
        scene = compose(self.task, drawn, seed=self.seed)
        promised = self._promised(scene)
        if promised is None:
            return scene
        return replace(scene, labels=scene.labels | needed_labels(promised))

    def _draw(self, snapshot: Snapshot) -> Frames:
        """All cameras of one snapshot: its poses go to the renderer once."""
        scene = snapshot.scene
        views = [snapshot.view(camera) for camera in scene.cameras]
        channels = {CHANNELS[name] for name in scene.labels & CHANNELS.keys()}
        return lens.begin(self.renderer, snapshot, views, channels)

    def _finish(self, begun: Begun) -> Record:
        scene, snapshots = begun.scene, begun.outcome.snapshots
        with self.clock("label"):
            grasps = () if self.finder is None else tuple(map(self.finder, snapshots))
        rows = labelled_rows(scene)
        bodies = [scene.bodies[row] for row in rows]
        stack = np.zeros((len(snapshots), len(scene.bodies), 4, 4))
        speeds = np.zeros((len(snapshots), len(scene.bodies), 6))
        for k, snapshot in enumerate(snapshots):
            stack[k], speeds[k] = snapshot.X_WB, snapshot.velocity
        return Record(
            scene=scene.index,
            tier=scene.tier,
            outcome=begun.attempts[-1].outcome,
            attempts=begun.attempts,
            scene_values=scene.scene_values,
            part_values=scene.part_values,
            body_id=np.array([body.id for body in bodies], dtype=np.uint16),
            body_group=tuple(body.group for body in bodies),
            body_role=tuple(body.role for body in bodies),
            body_object=tuple(body.object for body in bodies),
            body_texture=tuple(body.texture or "" for body in bodies),
            objects=scene.objects,
            time_s=np.array([snapshot.time_s for snapshot in snapshots]),
            X_WB=stack[:, rows],
            velocity=speeds[:, rows],
            cameras=self._film(begun, grasps),
            contacts=tuple(s.contacts for s in snapshots if s.contacts is not None),
            grasps=grasps,
            time_days=scene.time_days,
        )

    def _film(self, begun: Begun, grasps: tuple[SceneGrasps, ...]) -> dict[str, CameraRecord]:
        """What every camera saw in all snapshots."""
        taken: dict[str, list[Shot]] = {camera.name: [] for camera in begun.scene.cameras}
        for snapshot, frames in zip(begun.outcome.snapshots, begun.frames, strict=True):
            with self.clock("render"):
                drawn = frames()
            for camera, frame in zip(begun.scene.cameras, drawn, strict=True):
                taken[camera.name].append(Shot(snapshot, snapshot.view(camera), frame))
        cameras, labels = begun.scene.cameras, begun.scene.labels
        with self.clock("label"):
            return {c.name: _record(c, taken[c.name], labels, grasps) for c in cameras}


def _record(
    camera: Camera,
    shots: list[Shot],
    labels: frozenset[str],
    grasps: tuple[SceneGrasps, ...],
) -> CameraRecord:
    views, frames = [shot.view for shot in shots], [shot.frame for shot in shots]
    lenses = [np.zeros(8) if view.distortion is None else view.distortion for view in views]
    return CameraRecord(
        images=_images(camera, shots, labels),
        depth_scale_m=camera.depth_scale_m,
        K=np.array([view.K for view in views]).reshape(-1, 3, 3),
        distortion=np.array(lenses).reshape(-1, 8),
        X_WC=np.array([view.X_WC for view in views]).reshape(-1, 4, 4),
        near_far=np.array([frame.near_far_m for frame in frames]).reshape(-1, 2),
        seen=tuple(_seen(shot) for shot in shots),
        grasps=tuple(
            grasps_seen(own, shot.view, shot.frame)
            for own, shot in zip(grasps, shots, strict=False)  # none: none are asked for
        ),
    )


def _seen(shot: Shot) -> Seen:
    return label(shot.snapshot, shot.view, shot.frame)


def _images(
    camera: Camera, shots: list[Shot], labels: frozenset[str]
) -> dict[str, list[NDArray[Any]]]:
    """Every picture by name: clean ones, labels by pixel, what the devices make of them."""
    scale_m = camera.depth_scale_m
    images: dict[str, list[NDArray[Any]]] = {
        "rgb": [shot.frame.rgb for shot in shots],
        "depth": [depth_units(shot.frame.depth_m, scale_m) for shot in shots],
        "instance": [shot.frame.instance for shot in shots],
    }
    by_shot = [pictures(shot.snapshot, shot.view, shot.frame) for shot in shots]
    images |= {name: [own[name] for own in by_shot] for name in labels & PICTURES}
    if "flow" in labels:
        images["flow"] = _flows(shots)
    if camera.sensor.rgb is not None:
        images["rgb_sensor"] = [_rgb(camera, shot) for shot in shots]
    if camera.sensor.depth is not None:
        images["depth_sensor"] = [depth_units(_depth_m(camera, shot), scale_m) for shot in shots]
    return images


def _flows(shots: list[Shot]) -> list[NDArray[Any]]:
    """From each frame to the next; the last has none, so zeros."""
    pairs = pairwise(shots)
    flows = [flow(a.snapshot, a.view, a.frame, b.snapshot, b.view) for a, b in pairs]
    return [*flows, *(np.zeros((*s.frame.instance.shape, 2), np.float32) for s in shots[-1:])]


def _rgb(camera: Camera, shot: Shot) -> NDArray[np.uint8]:
    spec = camera.sensor.rgb
    assert spec is not None
    moving = None
    if spec.needs_velocity:
        own = shot.snapshot.velocity_of(camera)
        moving = velocity(shot.snapshot, shot.view, shot.frame, camera_velocity=own)
    return rgb_picture(shot.frame, shot.view, spec, _noise(camera, shot, "rgb"), moving)


def _depth_m(camera: Camera, shot: Shot) -> NDArray[np.float32]:
    spec = camera.sensor.depth
    assert spec is not None
    return depth_picture(shot.frame, shot.view, spec, _noise(camera, shot, "depth"))


def _noise(camera: Camera, shot: Shot, device: str) -> np.random.Generator:
    """The random numbers of one device in one frame."""
    scene, path = shot.snapshot.scene, f"cameras.{camera.name}.sensor.{device}"
    return stream(scene.visual_seed, scene.index, path, shot.snapshot.frame)


def depth_units(depth_m: NDArray[np.float32], scale_m: float) -> NDArray[np.uint16]:
    """Depth in metres as 16-bit multiples of ``scale_m``, rounded; 0 where it does not fit."""
    units = depth_m * np.float32(1.0 / scale_m) + np.float32(0.5)
    units[units >= 65536.0] = 0.0
    return units.astype(np.uint16)
