"""What has a run written of itself? Its log, its lock, its workers' notes; nothing is locked."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.record import QUARANTINED
from simenv.generate.notes import Place, read_places
from simenv.generate.shard import LOG

__all__ = ["Journal", "Line", "WorkerStatus", "journals", "read_log"]

RECENT_S = 300.0  # the rate is that of the last minutes: scenes differ, machines get busy

Line = Mapping[str, Any]  # of run.log.jsonl


@dataclass(frozen=True)
class WorkerStatus:
    """A worker of a run that is at work."""

    pid: int
    shard: int  # -1: it has not begun one
    scene: int  # -1: it is between two
    seconds: float  # for so long
    memory_mb: float  # in RAM


@dataclass(frozen=True)
class Journal:
    """One log and its lock: those of a whole run, or of one slice of it."""

    lines: tuple[Line, ...]  # of all times
    now: tuple[Line, ...]  # since the run began last
    held: bool  # a process of this machine holds the lock
    holder: str  # who holds it, or held it last

    @property
    def begin(self) -> Line:
        """How it began; empty where the log does not say."""
        return self.now[0] if self.now else {}

    @property
    def elsewhere(self) -> bool:
        """It may be at work on a machine whose locks cannot be seen from here."""
        here = not self.holder or f" on {socket.gethostname()}" in self.holder
        return not (self.held or here or self.ended)

    @property
    def ended(self) -> bool:
        """It came to its end."""
        return any(line.get("event") == "end" for line in self.now)

    @property
    def seen(self) -> dict[int, Line]:
        """The last line of each scene: those of a run that was interrupted are made again."""
        return _scenes(self.lines)

    @property
    def fresh(self) -> dict[int, Line]:
        """The last line of each scene that was made since the run began last."""
        return _scenes(self.now)

    @property
    def failures(self) -> int:
        """Workers that ended before their shard did."""
        return sum(line.get("event") in ("failed", QUARANTINED) for line in self.now)

    @property
    def quarantined(self) -> dict[int, str]:
        """Scenes that were given up at any time, and why."""
        given_up = [line for line in self.lines if line.get("event") == QUARANTINED]
        return {int(line["scene"]): str(line.get("cause", "")) for line in given_up}

    def rate(self, now_s: float) -> float | None:
        """Scenes a second: of the last minutes of a run at work, else of all of it."""
        if not self.now:
            return None
        first, last = self.now[0]["unix_s"], self.now[-1]["unix_s"]
        since, end = (max(first, now_s - RECENT_S), now_s) if self.held else (first, last)
        count = sum("event" not in line and line["unix_s"] >= since for line in self.now)
        return count / (end - since) if count and end > since else None

    @property
    def workers(self) -> tuple[WorkerStatus, ...]:
        """Those that live, by their own notes."""
        notes = next((line["notes"] for line in reversed(self.now) if "notes" in line), None)
        if notes is None or not self.held:
            return ()
        at = time.monotonic()
        found = [_worker(*own, at) for own in sorted(read_places(Path(notes)).items())]
        return tuple(worker for worker in found if worker.memory_mb)

    @property
    def memory_mb(self) -> float:
        """In RAM, of the run and its workers; 0 where none is at work here."""
        words = self.holder.split() if self.held else []
        parent = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        return _resident_mb(parent) + sum(worker.memory_mb for worker in self.workers)


def journals(folder: Path) -> list[Journal]:
    """That of the whole run, and those of slices."""
    logs = [folder / LOG, *sorted(folder.glob("run.log.*-of-*.jsonl"))]
    return [_journal(path, _lock_of(path)) for path in logs if path.exists()]


def _lock_of(log: Path) -> Path:
    slice_name = log.name.removeprefix("run.log.").removesuffix(".jsonl")
    return log.with_name(".lock" if log.name == LOG else f".slice-{slice_name}.lock")


def _journal(log: Path, lock: Path) -> Journal:
    lines, holder = read_log(log), ""
    begins = [k for k, line in enumerate(lines) if line.get("event") == "begin"]
    with suppress(OSError):
        holder = lock.read_text(errors="replace").strip()
    now = lines[begins[-1] :] if begins else []
    return Journal(tuple(lines), tuple(now), _held(lock, holder), holder)


def read_log(path: Path) -> list[Line]:
    """The whole lines of a log; one that was torn when the power went is passed over."""
    found: list[Line] = []
    with path.open("rb") as file:
        for text in file:
            with suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict) and isinstance(line.get("unix_s"), (int, float)):
                    found.append(line)
    return found


def _held(lock: Path, holder: str) -> bool:
    """Whether a process of this machine holds the lock: the kernel's list says so (proc(5))."""
    try:
        inode = lock.stat().st_ino
        listed = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    own = [line.split() for line in listed if f":{inode} " in line and " FLOCK " in line]
    # Two file systems may have a file of that number each; the holder wrote its own into the lock.
    return any(f"pid {words[words.index('FLOCK') + 3]} on " in holder for words in own)


def _scenes(lines: Sequence[Line]) -> dict[int, Line]:
    return {int(line["scene"]): line for line in lines if "event" not in line and "scene" in line}


def _worker(pid: int, place: Place, at: float) -> WorkerStatus:
    seconds = round(max(0.0, at - place.since_s), 3)
    return WorkerStatus(pid, place.shard, place.scene, seconds, round(_resident_mb(pid), 1))


def _resident_mb(pid: int) -> float:
    """Memory in RAM of a process; 0 where there is none (proc(5), statm)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 2**20
