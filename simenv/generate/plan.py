"""What is generated: a task's scenes, cut into shards, the same way whoever makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.fills import FillRound
from simenv.dataset.schema import Header
from simenv.dataset.slice import WHOLE, Slice
from simenv.domain.edge import EDGE_TIERS, edge_named
from simenv.domain.timeline import check_day
from simenv.library import sets_digest, task_stock
from simenv.render.choose import resolve
from simenv.replay import Replay
from simenv.spec.load import Task, task_from_text
from simenv.studio import Studio

__all__ = ["LOG", "Plan", "Shard"]

SHARD_PIXELS = 32_000_000  # a shard's images: about 100 of 640x480, 50 MB, lost at most once
LOG = "run.log.jsonl"
SHARD_SCENES = 16  # at most, so that small scenes are committed often and spread over the workers

Shard = tuple[int, tuple[int, ...]]  # number, scenes


@dataclass(frozen=True)
class Plan:
    """What is generated: the task by its text, so that every worker reads the same words."""

    task_text: str
    task_folder: Path | None  # where its own objects are looked for first
    scenes: int
    seed: int
    renderer: str
    tier: str
    look_seed: int | None
    shard_scenes: int
    at_day: float = 0.0
    poses: Path | None = None  # a dataset whose physics is drawn again, instead of simulating
    poses_sha256: str = ""  # of what it holds
    fills: tuple[FillRound, ...] = ()  # rounds that add scenes to the first ones
    own: Slice = WHOLE  # which of the shards are made here; it changes no byte of them

    @classmethod
    def of(
        cls,
        task: Task,
        *,
        scenes: int,
        seed: int = 0,
        renderer: str = "auto",
        tier: str = "core",
        look_seed: int | None = None,
        at_day: float = 0.0,
        poses: Path | None = None,
        poses_sha256: str = "",
        fills: tuple[FillRound, ...] = (),
    ) -> Plan:
        """The plan for ``task``; its shards are cut by the task alone, the same way in any run.

        Raises:
            InputError: grasps are asked for, and there are none of a part; there is no such day or
                edge.
        """
        check_day(at_day)
        tier = tier if tier in EDGE_TIERS else edge_named(task, tier)
        if "grasps" in task.spec.labels:
            task_stock(task)
        sizes = (camera.resolution for camera in task.spec.cameras.values())
        pixels = task.spec.capture.frames * sum(width * height for width, height in sizes)
        return cls(
            task_text=task.text,
            task_folder=task.folder,
            scenes=scenes,
            seed=seed,
            renderer=resolve(renderer),
            tier=tier,
            look_seed=look_seed,
            at_day=float(at_day),
            shard_scenes=max(1, min(SHARD_SCENES, SHARD_PIXELS // pixels)),
            poses=poses,
            poses_sha256=poses_sha256,
            fills=fills,
        )

    def shards(self) -> Iterator[Shard]:
        """(shard number, its scenes)."""
        rounds: list[Sequence[int]] = [range(self.scenes), *(fill.scenes for fill in self.fills)]
        size = self.shard_scenes
        parts = (own[k : k + size] for own in rounds for k in range(0, len(own), size))
        yield from enumerate(map(tuple, parts))

    def own_shards(self) -> list[Shard]:
        """Those that are made here."""
        return [shard for shard in self.shards() if self.own.owns(shard[0])]

    @property
    def log(self) -> str:
        """The name of the log; each slice has its own, as two machines cannot append to one."""
        return LOG if self.own.whole else f"run.log.{self.own.name}.jsonl"

    @property
    def count(self) -> int:
        """Scenes of the finished dataset."""
        return self.scenes + sum(len(fill.scenes) for fill in self.fills)

    def task(self) -> Task:
        """The task, read again from its text."""
        return task_from_text(self.task_text, near=self.task_folder)

    def studio(
        self, device: int | None = None, *, watch: Callable[[int], None] = lambda scene: None
    ) -> Studio:
        """The engines that make this plan's scenes; ``device``: number of the GPU that draws.

        ``watch`` is called with a scene's number whenever they come to it.
        """
        return Studio(
            self.task(),
            seed=self.seed,
            renderer=self.renderer,
            tier=self.tier,
            look_seed=self.look_seed,
            at_day=self.at_day,
            device=device,
            replay=None if self.poses is None else Replay(self.poses),
            watch=watch,
        )

    def header(self, task: Task, *, gl: str = "") -> Header:
        """What every shard of this plan says of itself; ``gl`` is the driver that drew it."""
        named: dict[str, Any] = {}
        if "grasps" in task.spec.labels:
            assert task.robot is not None
            sets = task_stock(task)
            contacts = next(iter(sets.values())).contacts_B.shape[1]
            named = {
                "gripper": task.robot.gripper_name,
                "touches": contacts,
                "grasps_sha256": sets_digest(sets),
            }
        return Header(
            task=task.spec,
            task_text=self.task_text,
            catalog_sha256=task.catalog_sha256,
            seed=self.seed,
            renderer=self.renderer,
            tier=self.tier,
            shard_scenes=self.shard_scenes,
            keypoints=task.keypoint_count,
            classes=task.classes,
            gl=gl,
            look_seed=self.look_seed,
            at_day=self.at_day,
            poses_sha256=self.poses_sha256,
            **named,
        )
