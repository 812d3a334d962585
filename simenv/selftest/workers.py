"""Workers that crash, end, hang, eat memory or shout: the other scenes all come out."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path

from simenv.dataset.read import Dataset
from simenv.dataset.record import QUARANTINED
from simenv.dataset.validate import validate
from simenv.generate import Limits, produce
from simenv.generate.shard import LOG
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Tell, in_child
from simenv.selftest.small import Run, task

__all__ = ["campaign"]

SCENES = 6
LIMITS = Limits(scene_s=15.0, memory_gb=4.0)  # the start of the engines is within a scene's time
LIMIT_S = 300.0
CAUSES = {
    "segv": "SIGSEGV",
    "exit": "exit status 0",
    "hang": "took longer than 15 s",
    "kill": "SIGKILL",
    "abort": "SIGABRT",
    "hog": "MemoryError",
    "fail": "RuntimeError",
}
ONCE = ("flood", "segv", "kill")  # the second try goes well

Digests = dict[int, str]


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """One scene is bad, in every try or in the first alone; two workers."""
    rng, failures, named = random.Random(seed), list[str](), 0
    run = Run(SCENES, jobs=2)
    run.into(folder / "calm")
    truth = _digests(folder / "calm")
    kinds = [(action, False) for action in CAUSES] + [(action, True) for action in ONCE]
    for trial in range(trials):
        action, once = kinds[trial % len(kinds)]
        scene = rng.randrange(SCENES)
        fault = f"{action}@scene:{scene}" + ("#1" if once else "")
        out = folder / f"out{trial}"
        ended = in_child(partial(_made, run, out), fault=fault, limit_s=LIMIT_S)
        if ended.status != 0:
            failures.append(f"trial {trial}: {fault}: ended with {ended.status}: {ended.printed}")
            continue
        bad = {} if once else {scene: CAUSES[action]}
        problems = _wrong(out, truth, bad) + _unnamed(out, action, scene)
        failures += [f"trial {trial}: {fault}: {problem}" for problem in problems]
        named += 1
    figures = f"{SCENES - 1} of {SCENES} scenes or all in each, equal; {named} culprits named"
    return Outcome(trials, tuple(failures), figures)


def _made(run: Run, out: Path, tell: Tell) -> int:
    produce(run.plan, task(), out, jobs=run.jobs, limits=LIMITS)
    return 0


def _digests(out: Path) -> Digests:
    with Dataset(out) as dataset:
        scenes = dataset.table("scenes")
    return dict(zip(scenes["index"].tolist(), scenes["all_sha256"].tolist(), strict=True))


def _wrong(out: Path, truth: Digests, bad: dict[int, str]) -> list[str]:
    """What is not as it should be: all scenes but the bad ones are those of a calm run."""
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


def _unnamed(out: Path, action: str, scene: int) -> list[str]:
    """Whether the log names the scene; a worker that only shouts has done nothing else."""
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    events = [line for line in lines if line.get("event") in ("failed", QUARANTINED)]
    if action == "flood":
        return [f"a loud worker counts as failed: {events}"] if events else []
    named = [event["scene"] for event in events]
    return [] if named and set(named) == {scene} else [f"the log names scenes {named}"]
