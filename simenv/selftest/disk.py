"""A disk that refuses: full, a file too large, an I/O error, at every write and sync in turn."""

from __future__ import annotations

import random
import re
import resource
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from simenv.dataset.store import committed
from simenv.errors import StorageError
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Ended, in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

SCENES = 4
ACTIONS = ("enospc", "efbig", "eio")
STEPS = ("write", "sync", "rename", "log")  # taken in turn
SAID = re.compile(r"simenv: (/\S+): cannot write \d+ bytes: ")
SCRATCH = tempfile.gettempdir()  # where the engines' files are, and a disk can be full as well
SMALLEST = 100  # bytes: not even run.json fits
LIMITS = 8  # real limits of a file's size that are tried, up to that of the largest file


@dataclass
class _Tally:
    refused: int = 0
    finished: int = 0
    failures: list[str] = field(default_factory=list)


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """The Nth write of a run is refused, N = 1, 2, ..., each time in a folder begun anew.

    Every fourth dataset is a single file. Every third trial asks the kernel, which refuses whatever
    goes beyond a size (RLIMIT_FSIZE).
    """
    rng, tally = random.Random(seed), _Tally()
    run = Run(SCENES)
    truths = {}
    for name in ("calm", "calm.h5"):
        run.into(folder / name)
        truths[name.partition(".")[2]] = list(files(folder / name).values())
    largest = max(len(data) for data in truths["h5"])
    turns = _Turns(largest, rng)
    while tally.refused < trials and not tally.failures:
        suffix = ".h5" if turns.count % 4 == 3 else ""
        out = folder / f"refused{turns.count}{suffix}"
        trial, ended = turns.next(run, out)
        if ended.status != 0:
            tally.refused += 1
            tally.failures += _unclean(out, ended, trial)
        tally.failures += _resumed(run, out, truths[suffix[1:]], trial)
        tally.finished += 1
    figures = f"each said path and bytes; {tally.finished} datasets finished, each bit-identical"
    return Outcome(tally.refused, tuple(tally.failures), figures)


class _Turns:
    """What is refused next."""

    def __init__(self, largest: int, rng: random.Random) -> None:
        self.largest, self.rng, self.count = largest, rng, 0
        self.number = {step: 0 for step in STEPS}

    def next(self, run: Run, out: Path) -> tuple[str, Ended]:
        """Run into it: what it was, and how it ended."""
        turn, self.count = self.count, self.count + 1
        if turn % 3 == 2:
            limit = self._limit(turn)
            ended = in_child(lambda tell: _limited(run, out, limit))
            return f"trial {turn}: files of {limit} bytes at most", ended
        step = STEPS[turn // 3 % len(STEPS)]
        self.number[step] += 1
        fault = f"{self.rng.choice(ACTIONS)}@{step}:{self.number[step]}"
        ended = in_child(lambda tell: run.status(out), fault=fault)
        if ended.status == 0:
            self.number[step] = 0  # there are no more of them
        return f"trial {turn}: {fault}", ended

    def _limit(self, turn: int) -> int:
        if turn % 2:
            return self.rng.randrange(SMALLEST, self.largest)
        return SMALLEST << turn // 3 % LIMITS


def _limited(run: Run, out: Path, limit: int) -> int:
    """The kernel refuses what goes beyond ``limit`` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return run.status(out)


def _unclean(out: Path, ended: Ended, trial: str) -> list[str]:
    """What is wrong with how a refused run has ended."""
    if ended.signal is not None or ended.status != StorageError.exit_status:
        how = f"signal {ended.signal}" if ended.signal else f"status {ended.status}"
        return [f"{trial}: ended with {how}: {ended.printed.strip()[-300:]}"]
    said = SAID.search(ended.printed)
    if said is None or not said[1].startswith((str(out.parent), SCRATCH)):
        return [f"{trial}: names no path and bytes: {ended.printed.strip()[-300:]}"]
    if out.suffix == ".h5" and out.exists():
        return [f"{trial}: the refused file is there"]
    if set(committed(out)) != set(committed(out, check_sha256=True)):
        return [f"{trial}: a shard stands that does not read back"]
    return []


def _resumed(run: Run, out: Path, truth: list[bytes], trial: str) -> list[str]:
    """The same command again, once there is room."""
    ended = in_child(lambda tell: run.status(out))
    if ended.status != 0:
        return [f"{trial}: cannot be resumed: {ended.printed.strip()[-300:]}"]
    if list(files(out).values()) != truth:
        return [f"{trial}: the resumed dataset differs"]
    return []
