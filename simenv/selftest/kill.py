"""SIGKILL of a run and all its workers, at random moments and at each step of the protocol."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from simenv.dataset.store import Draft, Manifest, commit_draft, committed
from simenv.fault import STEPS
from simenv.generate import workers
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Child, Ended, Tell, in_child
from simenv.selftest.small import Run, command, files, unsound

__all__ = ["campaign"]

SCENES = 8
COMMAND_SCENES = 24  # in two shards, as the command cuts them
WITH_WORKERS = 24  # every so many trials the run has worker processes, which cost seconds
WITH_COMMAND = 30  # and every so many it is the command, in a Python of its own
WORKERS_SPAN = 8  # a run with workers takes so many times as long as one without
NUMBERED = ("shard", "after_draft", "after_manifest_aside", "after_index_removed",
            "after_data_rename", "after_manifest_rename")  # fmt: skip
OFTEN = ("write", "sync", "rename", "log")  # a run comes by more than OFTEN_TIMES times, or SCENES
OFTEN_TIMES = 12


@dataclass
class _Tally:
    struck: int = 0
    late: int = 0
    kept: int = 0
    finished: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class _Line:
    """Datasets of one run, one after the other; each is killed until it is whole."""

    folder: Path
    run: Run
    truth: dict[str, bytes]
    span: float  # seconds of a run that is not disturbed
    work: Callable[[Path, Tell], int | None]
    begun: int = 0

    @property
    def out(self) -> Path:
        """The dataset at work."""
        return self.folder / f"killed{self.begun}"


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Kill, look, run again, ``trials`` times; a dataset that is whole is compared and put away."""
    rng, tally, turn = random.Random(seed), _Tally(), 0
    plain = _plain(folder / "plain")
    typed: _Line | None = None
    while tally.struck < trials and not tally.failures:
        if turn % WITH_COMMAND == WITH_COMMAND - 1:
            typed = typed or _typed(folder / "typed")
            _trial(typed, typed.work, typed.span, "", f"trial {turn}", rng, tally)
        else:
            jobs = rng.choice((1, 2)) if turn % WITH_WORKERS == WITH_WORKERS - 1 else 0
            span = plain.span * (WORKERS_SPAN if jobs else 1)
            work = partial(_told, Run(SCENES, jobs))
            _trial(plain, work, span, _fault(rng, turn), f"trial {turn}", rng, tally)
        turn += 1
    for line in (plain, typed):
        if line is not None and not tally.failures:
            _finish(line, "the last dataset", tally)
    figures = (
        f"{tally.late} came too late; {tally.kept} of {tally.kept} acknowledged shards stood; "
        f"{tally.finished} datasets finished, each bit-identical"
    )
    return Outcome(tally.struck, tuple(tally.failures), figures)


def _plain(folder: Path) -> _Line:
    """Runs in children that find everything imported."""
    folder.mkdir()
    run = Run(SCENES)
    run.into(folder / "calm")
    span = in_child(lambda tell: run.into(folder / "span")).seconds
    return _Line(folder, run, files(folder / "calm"), span, partial(_told, run))


def _typed(folder: Path) -> _Line:
    """The command, as it is typed into a shell."""
    folder.mkdir()
    run = Run(COMMAND_SCENES, shard=None)
    run.into(folder / "calm")
    work = partial(_executed, run, folder / "selftest.yaml")
    span = in_child(partial(work, folder / "span")).seconds
    return _Line(folder, run, files(folder / "calm"), span, work)


def _fault(rng: random.Random, turn: int) -> str:
    """Every other trial at a step, all steps in turn; otherwise none: the parent strikes."""
    if turn % 2:
        return ""
    step = STEPS[(turn // 2) % len(STEPS)]
    if step in OFTEN:
        return f"killgroup@{step}:{rng.randint(1, OFTEN_TIMES)}"
    if step == "scene":
        return f"killgroup@{step}:{rng.randrange(SCENES)}"
    where = f":{rng.randrange(Run(SCENES).shards)}" if step in NUMBERED else ""
    return f"killgroup@{step}{where}"


def _trial(
    line: _Line,
    work: Callable[[Path, Tell], int | None],
    span: float,
    fault: str,
    trial: str,
    rng: random.Random,
    tally: _Tally,
) -> None:
    """One run that is killed, or comes to its end before that, and what it has left."""
    known = set(committed(line.out))
    child = Child.start(partial(work, line.out), fault=fault)
    if not fault:
        time.sleep(rng.uniform(0.0, span))
        known |= set(committed(line.out))
        child.kill()
    ended = child.wait()
    _look(line, known | {int(word) for word in ended.told}, trial, tally)
    _count(ended, trial, tally)
    if len(committed(line.out)) == line.run.shards:
        _finish(line, trial, tally)


def _count(ended: Ended, trial: str, tally: _Tally) -> None:
    tally.struck += ended.signal is not None
    tally.late += ended.signal is None
    if ended.signal is None and ended.status != 0:
        tally.failures.append(f"{trial}: ended with {ended.status}: {ended.printed.strip()[-300:]}")


def _told(run: Run, out: Path, tell: Tell) -> None:
    """Each shard is told when its commit has returned: from then on it must never be lost."""

    def acknowledged(folder: Path, draft: Draft) -> Manifest:
        manifest = commit_draft(folder, draft)
        tell(str(draft.number))
        return manifest

    vars(workers)["commit_draft"] = acknowledged
    run.into(out)


def _executed(run: Run, task: Path, out: Path, tell: Tell) -> int:
    """Never returns."""
    os.execv(sys.executable, command(run, task, out))


def _look(line: _Line, known: set[int], trial: str, tally: _Tally) -> None:
    """All that was acknowledged stands, and what stands is what an undisturbed run makes."""
    if lost := sorted(known - set(committed(line.out))):
        tally.failures.append(f"{trial}: shards {lost} are lost")
    tally.failures += [f"{trial}: {problem}" for problem in unsound(line.out, line.truth)]
    tally.kept += len(known)


def _finish(line: _Line, trial: str, tally: _Tally) -> None:
    """The same again, undisturbed, gives the undisturbed dataset; the next one is begun."""
    ended = in_child(partial(line.work, line.out))
    if ended.status != 0:
        tally.failures.append(f"{trial}: cannot be resumed: {ended.printed.strip()[-300:]}")
    elif files(line.out) != line.truth:
        tally.failures.append(f"{trial}: the resumed dataset differs")
    tally.finished += 1
    line.begun += 1
