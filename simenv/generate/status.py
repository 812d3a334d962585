"""How is a run doing? Read from its folder alone, without a lock, while it works and afterwards."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from simenv.dataset.lock import read_run
from simenv.dataset.record import QUARANTINED
from simenv.dataset.store import INDEX, committed
from simenv.errors import InputError
from simenv.generate.journal import Journal, Line, WorkerStatus, journals

__all__ = ["Status", "run_status"]


@dataclass(frozen=True)
class Status:
    """What a folder says of its run."""

    path: str
    state: str  # "running", "interrupted", "finished", "elsewhere"
    holders: tuple[str, ...]  # processes and machines that hold a lock, or may hold one elsewhere
    scenes: int | None  # of the finished dataset; None: no log says
    made: int  # scenes, committed or in a shard that is in work
    committed: int
    scenes_per_s: float | None  # None: too early to say
    seconds_left: float | None
    silent_s: float | None  # since the last line of a log
    workers: tuple[WorkerStatus, ...]
    memory_mb: float  # of the run and its workers
    outcomes: Mapping[str, int]  # scenes
    rejected: Mapping[str, int]  # attempts, by reason
    failures: int  # workers that ended before their shard did, since the run began
    quarantined: Mapping[int, str]  # scene -> why
    commands: tuple[str, ...]  # that resume it

    @property
    def json(self) -> str:
        """All of it, for a program."""
        return json.dumps(asdict(self), indent=1)

    @property
    def text(self) -> str:
        """All of it, for a person."""
        rows = [*self._pace, *self._people, *self._results]
        rows += [("resume with", command) for command in self.commands]
        wide = max((len(word) for word, _ in rows), default=0)
        return "\n".join([self._head, *(f"{word:{wide}}  {said}" for word, said in rows)])

    @property
    def _head(self) -> str:
        whole = "?" if self.scenes is None else str(self.scenes)
        who = f" ({', '.join(self.holders)})" if self.holders else ""
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
        crew = f", {len(self.workers)} workers included" if self.workers else ""
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
            rows.append(("workers that failed", f"{self.failures}, see run.log*.jsonl"))
        why = self.quarantined.items()
        return rows + [("quarantined", f"scene {scene}: {cause}") for scene, cause in why]


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
    found = journals(folder)
    rows = [row for manifest in committed(folder).values() for row in manifest.rows]
    stored = {int(row["scene"]): str(row["outcome"]) for row in rows}
    scenes = _whole(found)
    state = _state(folder, found, len(stored), scenes)
    made = {**_in_work(found), **stored}
    rates = [rate for one in _telling(found, state) if (rate := one.rate(now_s))]
    left = None if scenes is None else max(0, scenes - len(made))
    last = [one.lines[-1]["unix_s"] for one in found if one.lines]
    return Status(
        path=str(path),
        state=state,
        holders=tuple(one.holder for one in found if one.held or one.elsewhere),
        scenes=scenes,
        made=len(made),
        committed=len(stored),
        scenes_per_s=sum(rates) if rates else None,
        seconds_left=left / sum(rates) if rates and left and state == "running" else None,
        silent_s=max(0.0, now_s - max(last)) if last else None,
        workers=tuple(worker for one in found for worker in one.workers),
        memory_mb=round(sum(one.memory_mb for one in found), 1),
        outcomes=_counted(made.values()),
        rejected=_rejected(found, made),
        failures=sum(one.failures for one in found),
        quarantined=_quarantined(found, stored),
        commands=_commands(found) if state == "interrupted" else (),
    )


def _folder(path: Path) -> Path:
    """Where the shards and the logs of a run are."""
    parts = path.with_name(f"{path.name}.parts")
    if path.suffix == ".h5" and parts.is_dir():
        return parts
    if path.is_file():
        raise InputError(f"{path}: is finished, and a single file keeps no log; try simenv view")
    if not path.is_dir():
        raise InputError(f"{path}: does not exist; name the --out of a simenv generate")
    return path


def _whole(found: Sequence[Journal]) -> int | None:
    """Scenes of the finished dataset: what the run said that began last."""
    begins = [one.begin for one in found if one.begin]
    last = max(begins, key=lambda begin: float(begin["unix_s"]), default=None)
    return None if last is None else last.get("whole", last.get("scenes"))


def _state(folder: Path, found: Sequence[Journal], stored: int, scenes: int | None) -> str:
    if any(one.held for one in found):
        return "running"
    if (folder / INDEX).exists() and stored >= (scenes or 0):
        return "finished"
    return "elsewhere" if any(one.elsewhere for one in found) else "interrupted"


def _telling(found: Sequence[Journal], state: str) -> list[Journal]:
    """Those whose rate counts: of a run at work, only what is at work."""
    return [one for one in found if one.held or state != "running"]


def _in_work(found: Sequence[Journal]) -> dict[int, str]:
    """Scenes that are made, though their shard may not be committed yet."""
    alive = [one for one in found if one.held or one.elsewhere]
    return {k: str(line["outcome"]) for one in alive for k, line in one.fresh.items()}


def _rejected(found: Sequence[Journal], made: Mapping[int, str]) -> dict[str, int]:
    """Attempts by reason, of the scenes that count; a quarantined one was not tried in full."""
    seen: dict[int, Line] = {}
    for one in found:
        seen.update(one.seen)
    whole = [line for scene, line in seen.items() if made.get(scene, QUARANTINED) != QUARANTINED]
    return _counted(str(why) for line in whole for why in line["reasons"])


def _quarantined(found: Sequence[Journal], stored: Mapping[int, str]) -> dict[int, str]:
    """Scenes that were left out, or will be when their shard is committed."""
    why = {scene: cause for one in found for scene, cause in one.quarantined.items() if scene >= 0}
    gone = {scene for scene, outcome in stored.items() if outcome == QUARANTINED}
    return {scene: why.get(scene, "") for scene in sorted(gone | (why.keys() - stored.keys()))}


def _commands(found: Sequence[Journal]) -> tuple[str, ...]:
    """What resumes each part that has not come to its end."""
    left = [one for one in found if not one.ended] or list(found)
    said = [str(one.begin.get("command", "")) for one in left]
    return tuple(dict.fromkeys(word or "the same simenv generate command" for word in said))


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _at(worker: WorkerStatus) -> str:
    where = f"scene {worker.scene} of shard {worker.shard}" if worker.scene >= 0 else "between two"
    return f"{worker.pid}: {where} for {_duration(worker.seconds)}, {worker.memory_mb:.0f} MB"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _duration(seconds: float) -> str:
    """In words that are precise enough."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
