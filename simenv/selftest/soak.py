"""A long run: does it keep its memory, and its pace?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from simenv.generate import Plan, produce
from simenv.generate.shard import LOG
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Tell, in_child
from simenv.spec.load import task_from_text

__all__ = ["campaign"]

TASK = """
format: simenv-task-1
name: soak
actors:
  parts:
    objects: [carton_small, l_bracket, washer, bottle_cap]
    count: 2
    spawn: {zone: table, height_m: 0.01}
scene:
  tables: {main: {size_m: [0.6, 0.5], top_z_m: 0.4}}
  zones: {table: {center: [0, 0, 0.4], size_m: [0.3, 0.3]}}
cameras:
  top: {resolution: [24, 18], K: {fx: 22, fy: 22}, X_WC: {eye: [0, 0, 1.2], target: [0, 0, 0.4]}}
domain:
  actors.parts.count: {kind: semantic, integers: [1, 2]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.texture: {kind: visual, choice: all, each: actor}
  scene.tables.main.texture: {kind: visual, choice: [wood, steel, plastic, concrete]}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
"""
WARM_UP = 700  # scenes until caches of bounded size are full; the last grows near 600
GROWTH_MB = 1.0  # of resident memory in 1,000 scenes, at most
SLOWER = 1.5  # the last tenth by the first: more is no noise of the machine
LIMIT_S = 24 * 3600.0


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """``trials`` scenes in one process; its log says what it held and how long each scene took."""
    task, out = task_from_text(TASK), folder / "out"
    scenes = trials + WARM_UP
    plan = replace(Plan.of(task, scenes=scenes, seed=seed, renderer="tiny"), shard_scenes=100)

    def work(tell: Tell) -> None:
        produce(plan, task, out, jobs=0)

    ended = in_child(work, limit_s=LIMIT_S)
    if ended.status != 0:
        return Outcome(trials, (f"the run ended with {ended}",))
    said = map(json.loads, (out / LOG).read_text().splitlines())
    lines = [line for line in said if "rss_mb" in line]  # those of scenes
    memory = np.array([line["rss_mb"] for line in lines])[WARM_UP:]
    seconds = np.array([sum(line["seconds"].values()) for line in lines])[WARM_UP:]
    growth = 1000 * float(np.polyfit(np.arange(len(memory)), memory, 1)[0])
    tenth = max(1, len(seconds) // 10)
    ratio = float(np.median(seconds[-tenth:]) / np.median(seconds[:tenth]))
    failures = []
    if growth >= GROWTH_MB:
        failures.append(f"memory grew by {growth:.2f} MB in 1,000 scenes")
    if ratio > SLOWER:
        failures.append(f"the last tenth took {ratio:.2f} times as long as the first")
    figures = (
        f"{growth:+.2f} MB in 1,000 scenes, {memory[-1]:.0f} MB at the end; the last tenth took "
        f"{ratio:.2f} of the first's time"
    )
    return Outcome(trials, tuple(failures), figures)
