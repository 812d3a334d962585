"""How is a run doing? Read from its folder alone, without a lock, while it works and afterwards."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.lock import read_run
from simenv.dataset.record import QUARANTINED
from simenv.dataset.store import INDEX, committed
from simenv.errors import InputError
from simenv.generate.notes import Place, read_places
from simenv.generate.shard import LOG

__all__ = ["Status", "WorkerStatus", "run_status"]

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
class Status:
    """What a folder says of its run."""

    path: str
    state: str  # "running", "interrupted", "finished", "elsewhere"
    holder: str  # process and machine that hold the lock, or held it last
    scenes: int | None  # of the finished dataset; None: its log does not say
    made: int  # scenes, committed or in a shard that is in work
    committed: int
    scenes_per_s: float | None  # None: too early to say
    seconds_left: float | None
    silent_s: float | None  # since the last line of the log
    workers: tuple[WorkerStatus, ...]
    memory_mb: float  # of the run and its workers
    outcomes: Mapping[str, int]  # scenes
    rejected: Mapping[str, int]  # attempts, by reason
    failures: int  # workers that ended before their shard did, since the run began
    quarantined: Mapping[int, str]  # scene -> why
    command: str  # that began the run, and resumes it

    @property
    def json(self) -> str:
        """All of it, for a program."""
        return json.dumps(asdict(self), indent=1)

    @property
    def text(self) -> str:
        """All of it, for a person."""
        rows = [("", self._head), *self._pace, *self._people, *self._results, *self._way_out]
        wide = max(len(word) for word, _ in rows)
        return "\n".join(f"{word:{wide}}  {said}" if word else said for word, said in rows)

    @property
    def _head(self) -> str:
        whole = "?" if self.scenes is None else str(self.scenes)
        who = f" ({self.holder})" if self.state in ("running", "elsewhere") and self.holder else ""
        return (
            f"{self.path}: {_STATES[self.state]}{who}: {self.made} of {whole} scenes, "
            f"{self.committed} of them committed"
        )

    @property
    def _pace(self) -> list[tuple[str, str]]:
        if self.scenes_per_s is None:
            return []
        left = "" if self.seconds_left is None else f", {_duration(self.seconds_left)} left"
        return [("rate", f"{self.scenes_per_s:.2f} scenes/s{left}")]

    @property
    def _people(self) -> list[tuple[str, str]]:
        if self.state != "running":
            return []
        count = len(self.workers)
        crew = f" in {count} workers and their parent" if count else ""
        rows = [("memory", f"{self.memory_mb:.0f} MB{crew}")]
        if self.silent_s is not None:
            rows.append(("last sign", f"{_duration(self.silent_s)} ago"))
        return rows + [("worker", _at(worker)) for worker in self.workers]

    @property
    def _results(self) -> list[tuple[str, str]]:
        rows = []
        if self.outcomes:
            rows.append(("outcomes", _listed(self.outcomes)))
        if self.rejected:
            rows.append(("rejected attempts", _listed(self.rejected)))
        if self.failures:
            rows.append(("workers that failed", f"{self.failures}, see {LOG}"))
        why = self.quarantined.items()
        return rows + [("quarantined", f"scene {scene}: {cause}") for scene, cause in why]

    @property
    def _way_out(self) -> list[tuple[str, str]]:
        if self.state == "interrupted":
            return [("resume with", self.command or "the same simenv generate command")]
        return []


_STATES = {
    "running": "running",
    "interrupted": "interrupted",
    "finished": "finished",
    "elsewhere": "begun on a machine that cannot be seen from here",
}


def run_status(path: str | Path, *, now_s: float | None = None) -> Status:
    """How the run in ``path`` is doing; nothing is written or locked.

    Args:
        path: the folder, or the ``.h5`` file that is to be, of `simenv generate`.
        now_s: the time, as `time.time` has it.

    Raises:
        InputError: there is no run.
    """
    now_s = time.time() if now_s is None else now_s
    folder = _folder(Path(path))
    read_run(folder)
    lines = read_log(folder / LOG)
    begin = next((line for line in reversed(lines) if line.get("event") == "begin"), {})
    lines_now = lines[lines.index(begin) :] if begin else []
    manifests = committed(folder)
    rows = [row for manifest in manifests.values() for row in manifest.rows]
    stored = {int(row["scene"]): str(row["outcome"]) for row in rows}
    state, holder = _state(folder, len(stored), begin, lines_now)
    seen = _last_of_each(lines)
    in_work = _in_work(lines_now, stored) if state in ("running", "elsewhere") else {}
    scenes = begin.get("scenes")
    rate = _rate(lines_now, now_s if state == "running" else None)
    workers = _workers(begin, lines_now, now_s) if state == "running" else ()
    made = {**{scene: str(line["outcome"]) for scene, line in in_work.items()}, **stored}
    return Status(
        path=str(path),
        state=state,
        holder=holder,
        scenes=scenes,
        made=len(made),
        committed=len(stored),
        scenes_per_s=rate,
        seconds_left=(scenes - len(made)) / rate
        if scenes and rate and state == "running"
        else None,
        silent_s=max(0.0, now_s - lines[-1]["unix_s"]) if lines else None,
        workers=workers,
        memory_mb=round(_memory_mb(holder, workers), 1) if state == "running" else 0.0,
        outcomes=dict(sorted(Counter(made.values()).items())),
        rejected=_rejected(seen, made),
        failures=sum(line.get("event") in ("failed", QUARANTINED) for line in lines_now),
        quarantined=_quarantined(lines, stored),
        command=str(begin.get("command", "")),
    )


def _folder(path: Path) -> Path:
    """Where the shards and the log of a run are."""
    parts = path.with_name(f"{path.name}.parts")
    if path.suffix == ".h5" and parts.is_dir():
        return parts
    if path.is_file():
        raise InputError(f"{path}: is finished, and a single file keeps no log; see simenv view")
    if not path.is_dir():
        raise InputError(f"{path}: does not exist; name the --out of a simenv generate")
    return path


def read_log(path: Path) -> list[Line]:
    """The whole lines of a log; one that was torn when the power went is passed over."""
    found: list[Line] = []
    with suppress(FileNotFoundError), path.open("rb") as file:
        for text in file:
            with suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict) and "unix_s" in line:
                    found.append(line)
    return found


def _state(folder: Path, stored: int, begin: Line, lines: Sequence[Line]) -> tuple[str, str]:
    holder = ""
    with suppress(OSError):
        holder = (folder / ".lock").read_text(errors="replace").strip()
    if _held(folder / ".lock", holder):
        return "running", holder
    whole = (folder / INDEX).exists() and stored >= begin.get("scenes", 0)
    if whole:
        return "finished", holder
    here = not holder or holder.endswith(f" on {socket.gethostname()}")
    ended = any(line.get("event") == "end" for line in lines)
    return ("interrupted" if here or ended else "elsewhere"), holder


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


def _last_of_each(lines: Sequence[Line]) -> dict[int, Line]:
    """The last line of each scene: those of a run that was interrupted are made again."""
    return {int(line["scene"]): line for line in lines if "event" not in line and "scene" in line}


def _in_work(lines: Sequence[Line], stored: Mapping[int, str]) -> dict[int, Line]:
    return {scene: line for scene, line in _last_of_each(lines).items() if scene not in stored}


def _rate(lines: Sequence[Line], now_s: float | None) -> float | None:
    """Scenes a second: of the last minutes of a run at work, else of all of it."""
    if not lines:
        return None
    end_s = lines[-1]["unix_s"] if now_s is None else now_s
    since = lines[0]["unix_s"] if now_s is None else max(lines[0]["unix_s"], now_s - RECENT_S)
    count = sum("event" not in line and line["unix_s"] >= since for line in lines)
    return count / (end_s - since) if count and end_s > since else None


def _rejected(seen: Mapping[int, Line], made: Mapping[int, str]) -> dict[str, int]:
    """Attempts by reason, of the scenes that count; a quarantined one was not tried in full."""
    whole = [line for scene, line in seen.items() if made.get(scene, QUARANTINED) != QUARANTINED]
    return dict(sorted(Counter(why for line in whole for why in line["reasons"]).items()))


def _quarantined(lines: Sequence[Line], stored: Mapping[int, str]) -> dict[int, str]:
    """Scenes that were left out, or will be when their shard is committed."""
    why = {
        int(line["scene"]): str(line.get("cause", ""))
        for line in lines
        if line.get("event") == QUARANTINED and line.get("scene", -1) >= 0
    }
    gone = {scene for scene, outcome in stored.items() if outcome == QUARANTINED}
    waiting = {scene for scene in why if scene not in stored}
    return {scene: why.get(scene, "") for scene in sorted(gone | waiting)}


def _workers(begin: Line, lines: Sequence[Line], now_s: float) -> tuple[WorkerStatus, ...]:
    """Those that live, by their own notes."""
    notes = next((line["notes"] for line in reversed(lines) if "notes" in line), None)
    if notes is None:
        return ()
    at = time.monotonic()
    places = sorted(read_places(Path(notes)).items())
    found = [_worker(pid, place, at) for pid, place in places]
    return tuple(worker for worker in found if worker.memory_mb)


def _worker(pid: int, place: Place, at: float) -> WorkerStatus:
    seconds = round(max(0.0, at - place.since_s), 3)
    return WorkerStatus(pid, place.shard, place.scene, seconds, round(_resident_mb(pid), 1))


def _memory_mb(holder: str, workers: Sequence[WorkerStatus]) -> float:
    words = holder.split()
    parent = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return _resident_mb(parent) + sum(worker.memory_mb for worker in workers)


def _resident_mb(pid: int) -> float:
    """Memory in RAM of a process; 0 where there is none (proc(5), statm)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def _at(worker: WorkerStatus) -> str:
    where = (
        f"scene {worker.scene} of shard {worker.shard}" if worker.scene >= 0 else "between scenes"
    )
    return f"{worker.pid}: {where}, for {_duration(worker.seconds)}, {worker.memory_mb:.0f} MB"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _duration(seconds: float) -> str:
    """Of seconds, in words that are precise enough."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
