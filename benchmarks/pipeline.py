"""How fast is the pipeline beside the loop that a PyBullet user would write, and beside MuJoCo?

    uv run python benchmarks/pipeline.py --scenes 16 --renderer egl
    uv run --group bench python benchmarks/pipeline.py --scene tote --renderer raster --mujoco

The same scenes (scenes.py; ``belt``: 12 parts on a belt, 3 cameras x 4 frames; ``tote``: 12 parts
in a tote, 3 cameras x 1 frame; 640x480 RGB + depth + instance mask) go through a process each in
turn, scene by scene, so that whatever else the machine does hits all:

- ``simenv``: compose, drop, render, label, compress, build the shard, write it to disk;
- ``naive``: one client with the EGL plugin (for ``--renderer tiny``: without); resetSimulation,
  loadURDF, step until the same settle rule holds, getCameraImage with segmentation, h5py with gzip;
- ``bare``: getCameraImage of the same scenes and nothing else;
- ``mujoco``, if asked for: the tuned pipeline of mujoco_pipeline.py.

CPU time counts all threads of a process. All run in the environment of simenv's workers (no
threads of numpy or llvmpipe), so that the figures compare work and not parallelism; ``--threads``
gives llvmpipe some.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.naive import Bare, NaiveLoop
from benchmarks.scenes import FRAMES, task_of
from benchmarks.turns import Make, contestants
from simenv.clock import Clock
from simenv.render.choose import WORKER_ENVIRONMENT

SHARD = {
    "belt": 8,
    "tote": 16,
}  # scenes: the warm-up is one, so that multiples count writing in full
BARS = {"naive": 2.0, "mujoco": None}  # how many times simenv's CPU they are asked to take


class Line:
    """What a process answers: a scene's clock, or what became of the scenes so far."""

    def __init__(self, make: Callable[[str, Path], Any], name: str) -> None:
        self.folder = TemporaryDirectory()
        self.work = make(name, Path(self.folder.name))

    def __call__(self, question: str, index: int = 0) -> Any:
        """``scene``: the clock of scene ``index``; ``outcomes``: a line of text."""
        return self.work(index) if question == "scene" else getattr(self.work, "outcome", "")


class SimenvLine:
    """The pipeline as `simenv generate` runs it, one shard after another."""

    def __init__(self, renderer: str, name: str, folder: Path) -> None:
        from simenv.dataset.shard import ShardBuilder
        from simenv.generate import Plan

        self.folder, self.build = folder, ShardBuilder
        self.plan = Plan.of(task_of(name), scenes=1_000_000, renderer=renderer)
        assert self.plan.shard_scenes == SHARD[name], "SHARD is not what a shard is"
        self.studio = self.plan.studio()
        self.header = self.plan.header(self.studio.task, gl=self.studio.renderer.device)
        self.builder = ShardBuilder(self.header)
        self.attempts, self.accepted, self.scenes = 0, 0, 0

    @property
    def outcome(self) -> str:
        """How many scenes were accepted, after how many attempts."""
        return f"{self.accepted} of {self.scenes} scenes accepted, {self.attempts} attempts"

    def __call__(self, index: int) -> Clock:
        """One scene."""
        from simenv.dataset.store import commit_shard

        clock = Clock()
        self.studio.clock.reset()
        with clock("total"):
            record = self.studio.record(index)
            with clock("pack"):
                self.builder.add(record)
            if (index + 1) % self.plan.shard_scenes == 0:
                with clock("write"):
                    commit_shard(self.folder, index, self.builder)
                self.builder = self.build(self.header)
        clock.add(self.studio.clock)
        self.scenes += 1
        self.attempts += len(record.attempts)
        self.accepted += record.outcome == "accepted"
        return clock


def mujoco_line(name: str, folder: Path) -> Callable[[int], Clock]:
    """The tuned MuJoCo pipeline."""
    from benchmarks.mujoco_pipeline import MujocoLine

    return MujocoLine(name, folder)


def measure(
    scenes: int, renderer: str, name: str, mujoco: bool
) -> tuple[dict[str, list[Clock]], dict[str, str]]:
    """Every scene through every line, in turn: the clocks of each, what became of the scenes."""
    lines: dict[str, Callable[[str, Path], Any]] = {
        "simenv": partial(SimenvLine, renderer),
        "naive": partial(NaiveLoop, renderer),
        "bare": partial(Bare, renderer),
    }
    if mujoco:
        lines["mujoco"] = mujoco_line
    makers: dict[str, Make] = {line: partial(Line, make, name) for line, make in lines.items()}
    clocks: dict[str, list[Clock]] = {line: [] for line in lines}
    with contestants(makers, {}) as running:
        for index in range(SHARD[name] + scenes):
            for line, contestant in running.items():
                clock = contestant.ask("scene", index)
                if index >= SHARD[name]:
                    clocks[line].append(clock)
        return clocks, {line: one.ask("outcomes") for line, one in running.items()}


def total(clocks: list[Clock]) -> Clock:
    """All scenes."""
    clock = Clock()
    for one in clocks:
        clock.add(one)
    return clock


def compare(clocks: dict[str, list[Clock]], line: str, *, shard: int) -> str:
    """CPU of ``line`` over that of simenv: of all scenes, and the range over the shards."""
    ours, theirs = (
        np.array([clock.cpu["total"] for clock in clocks[name]]).reshape(-1, shard).sum(axis=1)
        for name in ("simenv", line)
    )
    ratios = theirs / ours
    return f"{theirs.sum() / ours.sum():.2f} (by shard {ratios.min():.2f} to {ratios.max():.2f})"


def report(clocks: dict[str, list[Clock]], outcomes: dict[str, str], *, shard: int) -> None:
    """CPU and wall milliseconds a scene, by stage, and the ratios."""
    scenes = len(clocks["simenv"])
    for line, rows in clocks.items():
        clock = total(rows)
        stages = ", ".join(
            f"{stage} {1e3 * seconds / scenes:.1f}" for stage, seconds in sorted(clock.cpu.items())
        )
        wall = 1e3 * clock.wall["total"] / scenes
        print(f"{line:7s} CPU ms a scene: {stages}; wall {wall:.1f}  {outcomes[line]}")
    for line, bar in BARS.items():
        if line in clocks:
            asked = "" if bar is None else f"   asked: {bar} with raster"
            print(f"{line} / simenv, CPU: {compare(clocks, line, shard=shard)}{asked}")
    ours, bare = total(clocks["simenv"]).cpu, total(clocks["bare"]).cpu
    rest = ours["total"] - ours["simulate"] - ours["render"]
    print(f"simenv / bare renderer, CPU: {ours['total'] / bare['total']:.2f}")
    print(f"outside simulation and rendering: {100 * rest / ours['total']:.1f} %")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scenes", type=int, default=16, help="a multiple of 8; of 16 for tote")
    parser.add_argument("--scene", choices=list(FRAMES), default="belt")
    parser.add_argument("--renderer", choices=["egl", "tiny", "raster"], default="egl")
    parser.add_argument("--mujoco", action="store_true", help="with the group bench")
    parser.add_argument(
        "--threads", default="0", help="LP_NUM_THREADS of all; 2: llvmpipe's default here"
    )
    arguments = parser.parse_args()
    shard = SHARD[arguments.scene]
    if arguments.scenes % shard:
        parser.error(f"--scenes {arguments.scenes}: must be a multiple of {shard}")
    if arguments.mujoco and importlib.util.find_spec("mujoco") is None:
        parser.error("MuJoCo is not installed; use `uv run --group bench`")
    os.environ |= {**WORKER_ENVIRONMENT, "LP_NUM_THREADS": arguments.threads, "MUJOCO_GL": "egl"}
    clocks, outcomes = measure(
        arguments.scenes, arguments.renderer, arguments.scene, arguments.mujoco
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments}")
    report(clocks, outcomes, shard=shard)


if __name__ == "__main__":
    main()
