"""How scene i becomes a record: sample, compose, drop, render, label, until one is accepted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.clock import Clock
from simenv.compose import compose
from simenv.dataset.record import Attempt, CameraRecord, Record
from simenv.domain.sample import sample
from simenv.label.label import label, labelled_rows
from simenv.label.seen import Seen
from simenv.physics.world import Outcome, World
from simenv.render.choose import open_renderer
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Camera, Scene, Snapshot, View
from simenv.spec.load import Task

__all__ = ["Studio"]


class Studio:
    """A world and a renderer that turn scene numbers of one task into records.

    The record of scene i depends on (task, seed, tier, look_seed, renderer) and i alone.
    """

    def __init__(
        self,
        task: Task,
        *,
        seed: int = 0,
        renderer: str = "auto",
        tier: str = "core",
        look_seed: int | None = None,
    ) -> None:
        self.task, self.seed, self.tier, self.look_seed = task, seed, tier, look_seed
        self.renderer: Renderer = open_renderer(renderer)
        self.clock = Clock()  # by stage: compose, load, simulate, render, label
        self.world = World(self.clock)

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give both engines back."""
        self.renderer.close()
        self.world.close()

    def record(self, index: int) -> Record:
        """Scene ``index``: the first accepted attempt, or the last rejected one without frames."""
        attempts: list[Attempt] = []
        for attempt in range(self.task.spec.physics.max_attempts):
            with self.clock("compose"):
                scene = self._compose(index, attempt)
            outcome = self.world.run(scene)
            accepted = not outcome.reason
            word = "accepted" if accepted else "rejected"
            attempts.append(Attempt(word, outcome.reason, outcome.duration_s))
            if accepted:
                break
        return self._record(scene, outcome, tuple(attempts))

    def _compose(self, index: int, attempt: int) -> Scene:
        drawn = sample(
            self.task, self.seed, index, attempt=attempt, tier=self.tier, look_seed=self.look_seed
        )
        return compose(self.task, drawn, seed=self.seed)

    def _record(self, scene: Scene, outcome: Outcome, attempts: tuple[Attempt, ...]) -> Record:
        rows = labelled_rows(scene)
        bodies = [scene.bodies[row] for row in rows]
        snapshots = outcome.snapshots
        stack = np.zeros((len(snapshots), len(scene.bodies), 4, 4))
        velocity = np.zeros((len(snapshots), len(scene.bodies), 6))
        for k, snapshot in enumerate(snapshots):
            stack[k], velocity[k] = snapshot.X_WB, snapshot.velocity
        return Record(
            scene=scene.index,
            tier=scene.tier,
            outcome=attempts[-1].outcome,
            attempts=attempts,
            scene_values=scene.scene_values,
            part_values=scene.part_values,
            body_id=np.array([body.id for body in bodies], dtype=np.uint16),
            body_group=tuple(body.group for body in bodies),
            body_object=tuple(body.object for body in bodies),
            body_texture=tuple(body.texture or "" for body in bodies),
            objects=scene.objects,
            time_s=np.array([snapshot.time_s for snapshot in snapshots]),
            X_WB=stack[:, rows],
            velocity=velocity[:, rows],
            cameras=self._film(scene, snapshots),
        )

    def _film(self, scene: Scene, snapshots: tuple[Snapshot, ...]) -> dict[str, CameraRecord]:
        """What every camera sees, snapshot by snapshot: poses go to the renderer once for each."""
        taken: dict[str, list[tuple[View, Frame, Seen]]] = {c.name: [] for c in scene.cameras}
        for snapshot in snapshots:
            for camera in scene.cameras:
                view = snapshot.view(camera)
                with self.clock("render"):
                    frame = self.renderer.render(snapshot, view)
                with self.clock("label"):
                    taken[camera.name].append((view, frame, label(snapshot, view, frame)))
        return {camera.name: _camera_record(camera, taken[camera.name]) for camera in scene.cameras}


def _camera_record(camera: Camera, taken: list[tuple[View, Frame, Seen]]) -> CameraRecord:
    views, frames, seen = zip(*taken, strict=True) if taken else ((), (), ())
    return CameraRecord(
        rgb=[frame.rgb for frame in frames],
        depth=[depth_units(frame.depth_m, camera.depth_scale_m) for frame in frames],
        depth_scale_m=camera.depth_scale_m,
        instance=[frame.instance for frame in frames],
        K=np.array([view.K for view in views]).reshape(-1, 3, 3),
        X_WC=np.array([view.X_WC for view in views]).reshape(-1, 4, 4),
        near_far=np.array([frame.near_far_m for frame in frames]).reshape(-1, 2),
        seen=seen,
    )


def depth_units(depth_m: NDArray[np.float32], scale_m: float) -> NDArray[np.uint16]:
    """Depth in metres as 16-bit multiples of ``scale_m``, rounded; 0 where it does not fit."""
    units = depth_m * np.float32(1.0 / scale_m) + np.float32(0.5)
    units[units >= 65536.0] = 0.0
    return units.astype(np.uint16)
