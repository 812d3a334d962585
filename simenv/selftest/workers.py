"""Workers that crash, end, hang, eat memory or shout: the other scenes all come out."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from simenv.dataset.read import Dataset
from simenv.dataset.record import QUARANTINED
from simenv.dataset.validate import validate
from simenv.generate import Limits, produce
from simenv.generate.shard import LOG
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Tell, in_child
from simenv.selftest.small import SHARD, Run, task

__all__ = ["campaign"]

TOGETHER = 6  # faults of one run, each in a shard of its own
SCENES = TOGETHER * SHARD
LIMITS = Limits(scene_s=15.0, memory_gb=4.0)  # the start of the engines is within a scene's time
LIMIT_S = 300.0
CAUSES = {
    "segv": "SIGSEGV",
    "abort": "SIGABRT",
    "exit": "exit status 0",
    "hang": "took longer than 15 s",
    "hog": "MemoryError",
    "flood": "",  # shouting alone is no failure
    "kill": "SIGKILL",
    "fail": "RuntimeError",
}
ALWAYS, ONCE = tuple(CAUSES), ("segv", "hog", "kill", "exit")  # the second try goes well

Digests = dict[int, str]


@dataclass(frozen=True)
class _Fault:
    """What is done to the worker of a scene, in every try or in the first alone."""

    action: str
    once: bool
    scene: int

    def __str__(self) -> str:
        return f"{self.action}@scene:{self.scene}" + ("#1" if self.once else "")

    @property
    def is_fatal(self) -> bool:
        """Whether the scene is given up for it."""
        return bool(CAUSES[self.action]) and not self.once


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Two workers; in each run several scenes are bad, each in its own way."""
    rng, failures, named = random.Random(seed), list[str](), 0
    run = Run(SCENES, jobs=2)
    run.into(folder / "calm")
    truth = _digests(folder / "calm")
    kinds = [(action, False) for action in ALWAYS] + [(action, True) for action in ONCE]
    for first in range(0, trials, TOGETHER):
        chosen = [kinds[k % len(kinds)] for k in range(first, min(first + TOGETHER, trials))]
        faults = [
            _Fault(*kind, SHARD * shard + rng.randrange(SHARD))
            for kind, shard in zip(chosen, rng.sample(range(TOGETHER), len(chosen)), strict=True)
        ]
        said, out = ",".join(map(str, faults)), folder / f"out{first}"
        ended = in_child(partial(_made, run, out), fault=said, limit_s=LIMIT_S)
        if ended.status != 0:
            failures.append(f"{said}: ended with {ended.status}: {ended.printed}")
            continue
        problems = _wrong(out, truth, [fault for fault in faults if fault.is_fatal])
        problems += _unnamed(out, faults)
        failures += [f"{said}: {problem}" for problem in problems]
        named += len(faults)
    figures = f"{named} in runs of {SCENES} scenes, each named; all other scenes equal"
    return Outcome(trials, tuple(failures), figures)


def _made(run: Run, out: Path, tell: Tell) -> int:
    produce(run.plan, task(), out, jobs=run.jobs, limits=LIMITS)
    return 0


def _digests(out: Path) -> Digests:
    with Dataset(out) as dataset:
        scenes = dataset.table("scenes")
    return dict(zip(scenes["index"].tolist(), scenes["all_sha256"].tolist(), strict=True))


def _wrong(out: Path, truth: Digests, fatal: list[_Fault]) -> list[str]:
    """What is not as it should be: all scenes but the bad ones are those of a calm run."""
    bad = {fault.scene: CAUSES[fault.action] for fault in fatal}
    problems = [str(finding) for finding in validate(out).findings]
    found = _digests(out)
    problems += [
        f"scene {k} differs" for k, d in truth.items() if k not in bad and found.get(k) != d
    ]
    with Dataset(out) as dataset:
        scenes, attempts = dataset.table("scenes"), dataset.table("attempts")
    left = [int(k) for k in scenes["index"][scenes["outcome"] == QUARANTINED]]
    if left != sorted(bad):
        problems.append(f"quarantined are {left}, not {sorted(bad)}")
    for scene, cause in bad.items():
        said = [str(why) for why in attempts["reason"][attempts["scene"] == scene]]
        if not said or not said[-1].startswith(cause):
            problems.append(f"scene {scene} is said to have {said}, not {cause}")
    return problems


def _unnamed(out: Path, faults: list[_Fault]) -> list[str]:
    """Whether the log names each culprit and what it did, and nobody else."""
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    events = [line for line in lines if line.get("event") in ("failed", QUARANTINED)]
    wanted = {fault.scene: CAUSES[fault.action] for fault in faults if CAUSES[fault.action]}
    problems = [
        f"scene {scene} has no line that says {cause}"
        for scene, cause in wanted.items()
        if not any(event["scene"] == scene and _says(event, cause) for event in events)
    ]
    strangers = {event["scene"] for event in events} - set(wanted)
    return problems + [f"the log blames scene {scene}" for scene in sorted(strangers)]


def _says(event: Mapping[str, Any], cause: str) -> bool:
    return str(event["cause"]).startswith(cause)
