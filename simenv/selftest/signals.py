"""Signals to a run: each ends it soon and cleanly, leaves nobody behind, and it can be resumed."""

from __future__ import annotations

import itertools
import os
import random
import runpy
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from simenv.errors import Interrupted
from simenv.generate.notes import read_places
from simenv.generate.status import run_status
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Child, Ended, in_child
from simenv.selftest.small import TASK, Run, files

__all__ = ["campaign"]

SCENES = 20  # in two shards
SOON_S = 3.0  # within which a run that is to end has ended
LEFT_S = 1.0  # after which nobody of it is left
BEGIN_S = 30.0  # in which a run must have begun
TWICE_S = 0.05  # between the two signals of an impatient user
STILL_S = 0.5  # for so long a worker stands still
POLL_S = 0.005
OLD_S = 3600.0  # folders of so long ago are swept by the next run

CLOSED = 128 + signal.SIGPIPE  # what a shell says of a command whose reader has gone


@dataclass(frozen=True)
class _Kind:
    """What is done to a run."""

    name: str
    jobs: int
    signals: tuple[int, ...]
    group: bool = False  # to all processes, as the terminal's Ctrl-C goes
    still: bool = False  # a worker is stopped before
    closed: bool = False  # nobody reads the output
    ends: tuple[int, ...] = (Interrupted.exit_status,)  # the exit status; of a signal: negative


_KINDS = (
    _Kind("SIGTERM", 0, (signal.SIGTERM,)),
    _Kind("SIGTERM, a worker stands still", 1, (signal.SIGTERM,), still=True),
    _Kind("SIGINT", 0, (signal.SIGINT,)),
    _Kind("SIGINT to all, twice", 2, (signal.SIGINT, signal.SIGINT), group=True),
    _Kind("SIGPIPE", 0, (), closed=True, ends=(CLOSED,)),
    _Kind("SIGKILL", 1, (signal.SIGKILL,), ends=(-signal.SIGKILL,)),
    _Kind("SIGHUP", 0, (signal.SIGHUP,)),
    _Kind("SIGTERM to all", 1, (signal.SIGTERM,), group=True),
    _Kind("SIGINT twice", 0, (signal.SIGINT, signal.SIGINT)),
    _Kind("a worker stands still for a while", 2, (), still=True, ends=(0,)),
)


@dataclass(frozen=True)
class _Trial:
    """One run that is disturbed."""

    kind: _Kind
    folder: Path
    task: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def command(self, jobs: int, closed: bool = False) -> int:
        """`simenv generate`, in this process, with temporary files of its own; its exit status."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.temporary)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if closed:
            ear, mouth = os.pipe()
            os.close(ear)
            os.dup2(mouth, 1)
        words = f"generate {self.task} --scenes {SCENES} --out {self.out} --renderer tiny"
        sys.argv = ["simenv", *words.split(), "--jobs", str(jobs)]
        try:
            runpy.run_module("simenv", run_name="__main__")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        return 0


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """A run, a signal at a random moment, a look at what is left, the same command again."""
    rng, failures, seen = random.Random(seed), list[str](), Counter[str]()
    task = folder / "selftest.yaml"
    task.write_text(TASK)
    Run(1).into(folder / "first")  # here, so that children find everything imported
    calm = _Trial(_KINDS[0], folder / "calm", task)
    span = in_child(lambda tell: calm.command(0)).seconds
    truth = files(calm.out)
    slowest = 0.0
    for number in itertools.count():
        if seen["struck"] == trials or failures:
            break
        trial = _Trial(_KINDS[number % len(_KINDS)], folder / f"trial{number}", task)
        ended, seconds, problems = _disturb(trial, span, rng)
        late = ended.status == 0 and bool(trial.kind.signals)
        seen["late" if late else "struck"] += 1
        slowest = max(slowest, seconds)
        problems += [] if late else _ended_badly(trial.kind, ended)
        problems += _resumed_badly(trial, truth)
        failures += [f"trial {number}: {trial.kind.name}: {problem}" for problem in problems]
    figures = (
        f"{seen['struck']} struck, {seen['late']} came too late; the slowest end took "
        f"{slowest:.2f} s; each resumed bit-identical"
    )
    return Outcome(seen["struck"], tuple(failures), figures)


def _disturb(trial: _Trial, span: float, rng: random.Random) -> tuple[Ended, float, list[str]]:
    """The run that is disturbed: how it ended, how long after the signal, what was wrong then."""
    kind = trial.kind
    child = Child.start(lambda tell: trial.command(kind.jobs, kind.closed))
    _until_begun(trial)
    time.sleep(rng.uniform(0.0, span))
    stopped = _stop_one(trial) if kind.still else None
    if kind.still and not kind.signals:
        time.sleep(STILL_S)
        _signal(stopped, signal.SIGCONT)
    struck = time.monotonic()
    _strike(child, kind)
    _until_ended(child)
    seconds = time.monotonic() - struck if kind.signals else 0.0
    problems = [] if seconds < SOON_S else [f"it took {seconds:.1f} s to end"]
    problems += _left_behind(child.pid)
    _signal(stopped, signal.SIGCONT)  # one that was given up must change nothing when it wakes
    return child.wait(), seconds, problems


def _strike(child: Child, kind: _Kind) -> None:
    for k, number in enumerate(kind.signals):
        if k:
            time.sleep(TWICE_S)
        if kind.group:
            child.kill(number)
        else:
            _signal(child.pid, number)


def _until_begun(trial: _Trial) -> None:
    """Until the folder is this run's; a little later where it has workers."""
    limit = time.monotonic() + BEGIN_S
    ready = (lambda: _workers(trial)) if trial.kind.jobs else (trial.out / "run.json").exists
    while not ready() and time.monotonic() < limit:
        time.sleep(POLL_S)


def _until_ended(child: Child) -> None:
    limit = time.monotonic() + BEGIN_S
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, child.pid, options) is None and time.monotonic() < limit:
        time.sleep(POLL_S)


def _workers(trial: _Trial) -> list[int]:
    folders = trial.temporary.glob("simenv-*")
    return sorted(pid for folder in folders for pid in read_places(folder))


def _stop_one(trial: _Trial) -> int | None:
    pid = next(iter(_workers(trial)), None)
    _signal(pid, signal.SIGSTOP)
    return pid


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _left_behind(session: int) -> list[str]:
    """Processes of the run that outlive it."""
    limit = time.monotonic() + LEFT_S
    while (left := _members(session)) and time.monotonic() < limit:
        time.sleep(POLL_S)
    return [f"processes {left} are left"] if left else []


def _members(session: int) -> list[int]:
    """Living processes of a session but its first (proc(5), stat)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, own = path.read_text().rpartition(") ")[2].split()[:4]
            if int(own) == session and state not in "ZX" and path.parent.name != str(session):
                found.append(int(path.parent.name))
    return found


def _ended_badly(kind: _Kind, ended: Ended) -> list[str]:
    code = ended.status if ended.signal is None else -ended.signal
    printed = ended.printed.strip()
    problems = [] if code in kind.ends else [f"it ended with {code}: {printed[-300:]}"]
    if "Traceback" in printed:
        problems.append(f"it ended with a traceback: {printed[-600:]}")
    if code == Interrupted.exit_status and "the same command resumes" not in printed:
        problems.append(f"it does not say how to go on: {printed[-300:]}")
    return problems


def _resumed_badly(trial: _Trial, truth: dict[str, bytes]) -> list[str]:
    """The same command again gives the undisturbed dataset, and sweeps what was left."""
    problems = []
    state = run_status(trial.out).state
    if state not in ("interrupted", "finished"):
        problems.append(f"its status is {state}")
    for path in trial.temporary.iterdir():
        os.utime(path, (time.time() - OLD_S,) * 2)
    again = in_child(lambda tell: trial.command(0))
    if again.status != 0:
        problems.append(f"it cannot be resumed: {again.printed.strip()[-300:]}")
    elif files(trial.out) != truth:
        problems.append("the resumed dataset differs")
    if left := _names(trial.temporary):
        problems.append(f"temporary folders are left: {left}")
    return problems


def _names(folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.iterdir())
