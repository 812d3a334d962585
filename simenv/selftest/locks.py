"""Two runs on one folder, and a reader while a run writes."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset
from simenv.dataset.store import committed
from simenv.errors import Locked
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Child, in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

SCENES = 8
SECONDS = 30.0  # in which a run must have committed something
POLL_S = 0.005

Pictures = dict[int, NDArray[np.uint8]]  # by scene


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """In turn: a second run while the first is stopped, and a reader while it works."""
    run, failures, read = Run(SCENES), list[str](), 0
    run.into(folder / "calm")
    truth, pictures = files(folder / "calm"), _pictures(folder / "calm")
    for trial in range(trials):
        out = folder / f"shared{trial}"
        if trial % 2:
            looks, problems = _read_meanwhile(run, out, pictures)
            read += looks
        else:
            problems = _second_run(run, out)
        if files(out) != truth:
            problems.append("the dataset differs")
        failures += [f"trial {trial}: {problem}" for problem in problems]
    return Outcome(trials, tuple(failures), f"{read} looks of readers, without an error")


def _second_run(run: Run, out: Path) -> list[str]:
    """Another run comes while the first one stands still; nothing in the folder may change."""
    first = Child.start(lambda tell: run.status(out))
    _until_begun(out)
    first.kill(signal.SIGSTOP)
    before = _listing(out)
    second = in_child(lambda tell: run.status(out))
    after = _listing(out)
    first.kill(signal.SIGCONT)
    ended = first.wait()
    problems = []
    if second.status != Locked.exit_status or "another run is writing here" not in second.printed:
        problems.append(f"the second run ended with {second.status}: {second.printed.strip()}")
    if before != after:
        problems.append(f"the second run changed {sorted(before.items() ^ after.items())[:3]}")
    if ended.status != 0:
        problems.append(f"the first run ended with {ended.status}: {ended.printed.strip()}")
    return problems


def _read_meanwhile(run: Run, out: Path, truth: Pictures) -> tuple[int, list[str]]:
    """Open, read all pictures, close, again and again, while scenes are added."""
    child, looks = Child.start(lambda tell: run.status(out)), 0
    problems: list[str] = []
    _until_begun(out)
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        problems += _look(out, truth)
        looks += 1
    problems += _look(out, truth)
    ended = child.wait()
    if ended.status != 0:
        problems.append(f"the run ended with {ended.status}: {ended.printed.strip()}")
    return looks + 1, problems


def _look(out: Path, truth: Pictures) -> list[str]:
    try:
        found = _pictures(out)
    except Exception as error:  # whatever a reader can meet is a failure here
        return [f"a reader met {type(error).__name__}: {error}"]
    odd = [scene for scene, rgb in found.items() if not np.array_equal(rgb, truth[scene])]
    return [f"a reader saw another picture of scenes {odd}"] if odd else []


def _pictures(path: Path) -> Pictures:
    with Dataset(path) as dataset:
        return {item.scene: item.rgb for item in dataset}


def _until_begun(out: Path) -> None:
    """Until a shard is committed."""
    limit = time.monotonic() + SECONDS
    while not committed(out) and time.monotonic() < limit:
        time.sleep(POLL_S)


def _listing(out: Path) -> dict[str, tuple[int | str, ...]]:
    """What everything in the folder is: its number, its times of change, its bytes."""
    return {str(path): _known_by(path) for path in (out, *out.rglob("*"))}


def _known_by(path: Path) -> tuple[int | str, ...]:
    stat = path.stat()
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, digest
