"""The run that campaigns disturb: a few small scenes in many shards, made by the tiny renderer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from simenv.dataset.fills import FillRound
from simenv.dataset.store import INDEX, MANIFESTS, committed, shard_name
from simenv.errors import SimenvError
from simenv.generate import Plan, produce
from simenv.spec.load import Task, task_from_text

__all__ = ["SHARD", "TASK", "Run", "command", "files", "task", "unsound"]

SHARD = 2  # scenes
TASK = """
format: simenv-task-1
name: selftest
actors:
  parts: {objects: [carton_small, l_bracket], count: 2, spawn: {zone: table, height_m: 0.02}}
scene:
  tables: {main: {size_m: [0.6, 0.5], top_z_m: 0.4}}
  zones: {table: {center: [0, 0, 0.4], size_m: [0.3, 0.3]}}
cameras:
  top: {resolution: [32, 24], K: {fx: 30, fy: 30}, X_WC: {eye: [0, 0, 1.2], target: [0, 0, 0.4]}}
domain:
  actors.parts.count: {kind: semantic, integers: [1, 2]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
"""


@lru_cache(maxsize=1)
def task() -> Task:
    """The small task, read once."""
    return task_from_text(TASK)


class _Ready(Plan):
    """Takes the task from memory: reading it again is most of what so small a run costs."""

    def task(self) -> Task:
        """The small task."""
        return task()


@dataclass(frozen=True)
class Run:
    """How many scenes, and by how many workers."""

    scenes: int
    jobs: int = 0
    seed: int = 0
    shard: int | None = SHARD  # scenes; None: as the command cuts them
    fills: tuple[FillRound, ...] = ()  # of scenes that come after

    @property
    def plan(self) -> Plan:
        """In small shards, so that there is much to commit."""
        plan = _Ready.of(
            task(), scenes=self.scenes, seed=self.seed, renderer="tiny", fills=self.fills
        )
        return plan if self.shard is None else replace(plan, shard_scenes=self.shard)

    @property
    def shards(self) -> int:
        """How many there are in the end."""
        return len(list(self.plan.shards()))

    def into(self, out: Path) -> None:
        """Make them, or finish what is there."""
        produce(self.plan, task(), out, jobs=self.jobs)

    def status(self, out: Path) -> int:
        """The same, with the exit status that the command has; what it says is printed."""
        try:
            self.into(out)
        except SimenvError as error:
            print(f"simenv: {error}")
            return error.exit_status
        return 0


def command(run: Run, path: Path, out: Path) -> list[str]:
    """The same as it is typed into a shell; its task is put into the file ``path``."""
    path.write_text(TASK)
    words = {"scenes": run.scenes, "seed": run.seed, "jobs": run.jobs, "renderer": "tiny"}
    options = [f"--{name}={value}" for name, value in words.items()]
    return [sys.executable, "-m", "simenv", "generate", str(path), *options, f"--out={out}"]


def unsound(out: Path, truth: Mapping[str, bytes]) -> list[str]:
    """What stands in ``out`` must read back, and be what an undisturbed run makes."""
    standing = committed(out, check_sha256=True)
    problems = [f"shard {k} does not read back" for k in committed(out).keys() ^ standing.keys()]
    names = map(shard_name, standing)
    return problems + [
        f"{name} differs" for name in names if (out / name).read_bytes() != truth[name]
    ]


def files(out: Path) -> dict[str, bytes]:
    """What two equal datasets have in common: all but the log, which holds clocks."""
    if out.is_file():
        return {out.name: out.read_bytes()}
    found = [*out.glob("shard-*.h5"), *out.glob(f"{MANIFESTS}/*"), out / INDEX, out / "run.json"]
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(found)}
