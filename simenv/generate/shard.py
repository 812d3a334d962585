"""How one shard is made: its scenes in turn, a line of the log for each, then its draft.

The holder of the lock commits the draft.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from itertools import groupby
from pathlib import Path
from typing import IO

from simenv.clock import Clock
from simenv.dataset.disk import storage
from simenv.dataset.record import Record
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import Draft, draft_shard
from simenv.errors import EngineError, SimenvError
from simenv.fault import point
from simenv.generate.plan import LOG, Plan
from simenv.line import plain
from simenv.reading import follow_no_link
from simenv.studio import Studio

__all__ = ["LOG", "cause_of", "ends_the_run", "log_line", "make_shard"]

MOST_SAID = 500  # characters of an exception


def make_shard(
    studio: Studio,
    plan: Plan,
    number: int,
    scenes: Sequence[int],
    folder: Path,
    *,
    absent: Mapping[int, str] | None = None,
    log: IO[bytes] | None = None,
) -> Draft:
    """Make, pack and write aside one shard; each scene leaves a line in the log.

    ``absent``: scenes that are quarantined, and why; they are not touched. ``log``: where the lines
    go; by default to the run's own file in ``folder``.
    """
    point("shard", number)
    builder = ShardBuilder(plan.header(studio.task, gl=studio.renderer.device))
    path = folder / plan.log
    with _appended(path) if log is None else nullcontext(log) as lines:
        for record in _records(studio, scenes, absent or {}):
            with studio.clock("pack"):
                builder.add(record)
            with storage(path, 0):
                point("log")
                lines.write(_log_line(record, studio.clock))
            studio.clock.reset()
    return draft_shard(folder, number, builder)


def ends_the_run(error: BaseException) -> bool:
    """Whether a shard that failed with it will not get better: a full disk, a wrong value."""
    return isinstance(error, SimenvError) and not isinstance(error, EngineError)


def cause_of(error: BaseException) -> str:
    """An exception in a line."""
    words = " ".join(str(error).split())
    return plain(f"{type(error).__name__}{words and ': '}{words}")[:MOST_SAID]


def _appended(path: Path) -> IO[bytes]:
    return open(path, "ab", buffering=0, opener=follow_no_link)


def log_line(path: Path, **words: object) -> None:
    """A line of the log ``path`` that is of no scene; what cannot be written ends no run."""
    line = json.dumps({"unix_s": round(time.time(), 3), **words}) + "\n"
    with suppress(OSError), _appended(path) as log:
        log.write(line.encode())


def _records(studio: Studio, scenes: Sequence[int], absent: Mapping[int, str]) -> Iterator[Record]:
    for gone, group in groupby(scenes, absent.__contains__):
        if gone:
            yield from (studio.absent(scene, absent[scene]) for scene in group)
        else:
            yield from studio.records(group)


def _log_line(record: Record, clock: Clock) -> bytes:
    """One scene for run.log.jsonl, the only file that holds clocks."""
    rejected = [attempt.reason for attempt in record.attempts if attempt.reason]
    line = {
        "unix_s": round(time.time(), 3),
        "pid": os.getpid(),
        "scene": record.scene,
        "tier": record.tier,
        "scenes": 1,
        "outcome": record.outcome,
        "reasons": rejected,
        "images": len(record.time_s) * len(record.cameras),
        "seconds": {stage: round(spent, 5) for stage, spent in clock.wall.items()},
        "rss_mb": round(_resident_bytes() / 2**20, 1),
    }
    return (json.dumps(line) + "\n").encode()


def _resident_bytes() -> int:
    """Memory of this process that is in RAM now (Linux: proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
