"""SIGKILL of a run and all its workers, at random moments and at each step of the protocol."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simenv.dataset.store import Manifest, commit_draft, committed, shard_name
from simenv.fault import STEPS
from simenv.generate import workers
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Child, Ended, Tell, in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

SCENES = 8
WITH_WORKERS = 12  # every so many trials the run has two worker processes, which cost seconds
NUMBERED = ("shard", "scene", "after_draft", "after_manifest_aside", "after_index_removed",
            "after_data_rename", "after_manifest_rename")  # fmt: skip


@dataclass
class _Tally:
    struck: int = 0
    late: int = 0
    kept: int = 0
    finished: int = 0
    failures: list[str] = field(default_factory=list)


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Kill, look, run again, ``trials`` times; a dataset that is whole is compared and put away."""
    rng, tally = random.Random(seed), _Tally()
    calm = Run(SCENES)
    calm.into(folder / "calm")  # here, so that children find everything imported
    truth = files(folder / "calm")
    span = in_child(lambda tell: calm.into(folder / "span")).seconds
    turn = 0
    while tally.struck < trials and not tally.failures:
        out = folder / f"killed{tally.finished}"
        jobs = 2 if turn % WITH_WORKERS == WITH_WORKERS - 1 else 0
        known = set(committed(out))
        ended = _strike(out, jobs, span, _fault(rng, turn), rng)
        _look(out, known | {int(word) for word in ended.told}, truth, f"trial {turn}", tally)
        tally.struck += ended.signal is not None
        tally.late += ended.signal is None
        if len(committed(out)) == calm.shards:
            _finish(out, calm, truth, f"trial {turn}", tally)
        turn += 1
    if not tally.failures:
        _finish(folder / f"killed{tally.finished}", calm, truth, "the last dataset", tally)
    figures = (
        f"{tally.late} came too late; {tally.kept} of {tally.kept} acknowledged shards stood; "
        f"{tally.finished} datasets finished, each bit-identical"
    )
    return Outcome(tally.struck, tuple(tally.failures), figures)


def _fault(rng: random.Random, turn: int) -> str:
    """Every other trial at a step, all steps in turn; otherwise none: the parent strikes."""
    if turn % 2:
        return ""
    step = STEPS[(turn // 2) % len(STEPS)]
    number = rng.randrange(SCENES // 2 if step != "scene" else SCENES)
    if step in ("write", "sync"):
        number = rng.randrange(1, 12)
    where = f":{number}" if step in NUMBERED or step in ("write", "sync") else ""
    return f"killgroup@{step}{where}"


def _strike(out: Path, jobs: int, span: float, fault: str, rng: random.Random) -> Ended:
    """One run that is killed, or comes to its end before that."""
    child = Child.start(lambda tell: _told(Run(SCENES, jobs), out, tell), fault=fault)
    if not fault:
        time.sleep(rng.uniform(0.0, span if jobs == 0 else 8 * span))
        child.kill()
    return child.wait()


def _told(run: Run, out: Path, tell: Tell) -> None:
    """Each shard is told when its commit has returned: from then on it must never be lost."""

    def acknowledged(folder: Path, draft: workers.Draft) -> Manifest:
        manifest = commit_draft(folder, draft)
        tell(str(draft.number))
        return manifest

    workers.commit_draft = acknowledged
    run.into(out)


def _look(out: Path, known: set[int], truth: dict[str, bytes], trial: str, tally: _Tally) -> None:
    """All that was acknowledged stands, and what stands is what an undisturbed run makes."""
    standing = committed(out, check_sha256=True)
    if lost := sorted(known - set(standing)):
        tally.failures.append(f"{trial}: shards {lost} are lost")
    if odd := sorted(set(committed(out)) ^ set(standing)):
        tally.failures.append(f"{trial}: shards {odd} do not read back")
    tally.failures += _differing(out, list(standing), truth, trial)
    tally.kept += len(known)


def _differing(out: Path, numbers: Sequence[int], truth: dict[str, bytes], trial: str) -> list[str]:
    names = map(shard_name, numbers)
    return [
        f"{trial}: {name} differs" for name in names if (out / name).read_bytes() != truth[name]
    ]


def _finish(out: Path, run: Run, truth: dict[str, bytes], trial: str, tally: _Tally) -> None:
    """The same command again, undisturbed, gives the undisturbed dataset."""
    ended = in_child(lambda tell: run.into(out))
    if ended.status != 0:
        tally.failures.append(f"{trial}: cannot be resumed: {ended.printed.strip()[-300:]}")
    elif files(out) != truth:
        tally.failures.append(f"{trial}: the resumed dataset differs")
    tally.finished += 1
