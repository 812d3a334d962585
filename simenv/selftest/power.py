"""Power loss, modelled: all that a disk may hold when the power goes at any moment of a run.

A run is recorded as a list of operations: names that appear, move and go, bytes that are synced,
folders that are synced. Each disk that a cut after any of them can leave (see `cuts`) is built, and
looked at as the next run would.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simenv.dataset.fills import FillRound
from simenv.dataset.lock import Lock
from simenv.dataset.store import INDEX, Manifest, commit_draft, committed, shard_name
from simenv.generate import workers
from simenv.selftest.campaign import Outcome
from simenv.selftest.cuts import (
    Acknowledged,
    Bytes,
    Event,
    Name,
    Names,
    Promised,
    Reopened,
    State,
    states,
)
from simenv.selftest.nursery import in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

FILL = FillRound(0, 6, (7, 9), 0.5, 0.9, 20)
RUNS = (Run(3), Run(6), Run(6, fills=(FILL,)))  # each extends the one before; a shard is replaced
PATHS = {"open": 1, "os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1}  # audit events


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """All disks of a run that is begun, extended, and merged into a file; never only some."""
    truths = []
    for k, run in enumerate(RUNS):
        run.into(folder / f"calm{k}")
        truths.append(files(folder / f"calm{k}"))
    RUNS[0].into(folder / "calm.h5")
    events = _record(folder, RUNS, "out")
    merged = _record(folder, RUNS[:1], "one.h5")
    checks = _Checks(folder, truths, (folder / "calm.h5").read_bytes())
    for state, promised in states(events):
        checks.folder_is_sound(state, promised)
    for state, promised in states(merged):
        checks.file_is_sound(state, promised)
    figures = (
        f"{len(events) + len(merged)} operations; {checks.resumed} of the disks finished, each "
        "bit-identical"
    )
    return Outcome(len(checks.seen), tuple(checks.failures[:20]), figures)


def _record(folder: Path, runs: tuple[Run, ...], name: str) -> list[Event]:
    """What a child that makes the runs in a new folder does to the disk."""
    home, log = folder / f"recorded-{name}", folder / f"recorded-{name}.log"
    home.mkdir()

    def work(tell: object) -> None:
        recorder = _Recorder(home)
        recorder.begin()
        for run in runs:
            run.into(home / name)
        recorder.on = False
        log.write_bytes(pickle.dumps(recorder.events))

    ended = in_child(work)
    assert ended.status == 0, ended.printed
    events: list[Event] = pickle.loads(log.read_bytes())
    return events


class _Recorder:
    """Listens to this process for as long as it lives: only for children."""

    def __init__(self, home: Path) -> None:
        self.home, self.events, self.on = str(home), list[Event](), True
        self.files: dict[str, int] = {}  # path -> number of the file it names
        self.count = 0  # of files, ever

    def begin(self) -> None:
        """Put itself between the process and the disk."""
        fsync, commit = os.fsync, commit_draft

        def synced(fd: int) -> None:
            fsync(fd)
            self._synced(os.readlink(f"/proc/self/fd/{fd}"))

        def acknowledged(out: Path, draft: Any) -> Any:
            manifest = commit(out, draft)
            self.events.append(Acknowledged(draft.number, manifest.sha256))
            return manifest

        vars(os)["fsync"] = synced
        vars(workers)["commit_draft"] = acknowledged
        sys.addaudithook(self._heard)

    def _heard(self, event: str, words: tuple[Any, ...]) -> None:
        if self.on and event in PATHS:
            own = [word for word in words[: PATHS[event]] if _is_path(word)]
            at = words[-1] if event in ("os.remove", "os.rmdir") and words[-1] >= 0 else None
            paths = [_whole(os.fsdecode(word), at) for word in own]
            if paths and all(path.startswith(self.home + "/") for path in paths):
                getattr(self, "_" + event.rpartition(".")[2])(words, *paths)

    def _open(self, words: tuple[Any, ...], path: str, *_: str) -> None:
        if words[2] & os.O_CREAT and not os.path.exists(path):
            if path in self.files:  # heard before: a file and its opener say it each
                return
            self.files[path], self.count = self.count, self.count + 1
            self._name(path, None, os.path.basename(path))
        elif words[2] & (os.O_WRONLY | os.O_RDWR) and path in self.files:
            self.events.append(Reopened(self.files[path]))

    def _rename(self, words: tuple[Any, ...], before: str, after: str) -> None:
        self.files[after] = self.files.pop(before)
        self._name(after, os.path.basename(before), os.path.basename(after))

    def _remove(self, words: tuple[Any, ...], path: str, *_: str) -> None:
        if os.path.exists(path):
            self._name(path, os.path.basename(path), None)
            del self.files[path]

    _rmdir = _remove

    def _mkdir(self, words: tuple[Any, ...], path: str, *_: str) -> None:
        if not os.path.exists(path):
            self.files[path] = -1
            self._name(path, None, os.path.basename(path))

    def _name(self, path: str, before: str | None, after: str | None) -> None:
        folder = os.path.relpath(os.path.dirname(path), self.home)
        self.events.append(Name(folder, before, after, self.files[path]))

    def _synced(self, path: str) -> None:
        if not path.startswith(self.home):
            return
        if os.path.isdir(path):
            self.events.append(Names(os.path.relpath(path, self.home)))
        else:
            with open(path, "rb") as file:
                self.events.append(Bytes(self.files[path], file.read()))


def _whole(path: str, at: int | None) -> str:
    """From the root; ``at``: the open folder that it is below, if not the working one."""
    start = os.getcwd() if at is None else os.readlink(f"/proc/self/fd/{at}")
    return os.path.normpath(os.path.join(start, path))


def _is_path(word: Any) -> bool:
    return isinstance(word, (str, bytes, os.PathLike))


@dataclass
class _Checks:
    folder: Path
    truths: list[dict[str, bytes]]  # after each of the runs
    whole: bytes  # the single file
    seen: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)  # names on a disk: one of each is resumed
    resumed: int = 0
    failures: list[str] = field(default_factory=list)

    def folder_is_sound(self, state: State, promised: Promised) -> None:
        """What was acknowledged stands, what stands is true, and an index agrees with it."""
        home = self._built(state, promised)
        if home is None:
            return
        out, names = home / "out", ", ".join(sorted(state))
        standing = self._stands(out, promised, names)
        there = {path.name: path.read_bytes() for path in out.glob("shard-*.h5")}
        if (out / INDEX).exists() and not any(
            truth[INDEX] == (out / INDEX).read_bytes() and _shards(truth) == there
            for truth in self.truths
        ):
            self.failures.append(f"an index disagrees with its shards: {names}")
        if out.exists():
            with Lock(out):
                if committed(out) != standing or list(out.rglob("*.part")):
                    self.failures.append(f"the sweep changed what stands: {names}")
        if names not in self.kinds:
            self.kinds.add(names)
            self._resume(out, names)
        shutil.rmtree(home)

    def _stands(self, out: Path, promised: Promised, names: str) -> dict[int, Manifest]:
        """The shards of a disk; each is what a run has made, and no older than was promised."""
        standing = committed(out, check_sha256=True)
        if committed(out) != standing:
            self.failures.append(f"a shard stands that does not read back: {names}")
        for number, digest in promised.items():
            made = self._made(number)
            now = standing.get(number)
            if now is None or now.sha256 not in made[made.index(digest) :]:
                self.failures.append(f"shard {number} is lost on a disk with {names}")
        for number, manifest in standing.items():
            if manifest.sha256 not in self._made(number):
                self.failures.append(f"shard {number} differs on a disk with {names}")
        return standing

    def _made(self, number: int) -> list[str]:
        """Digests of a shard, the oldest first."""
        name = shard_name(number)
        return [hashlib.sha256(truth[name]).hexdigest() for truth in self.truths if name in truth]

    def _resume(self, out: Path, names: str) -> None:
        ended = in_child(lambda tell: RUNS[-1].status(out))
        self.resumed += 1
        if ended.status != 0:
            self.failures.append(f"not resumed on a disk with {names}: {ended.printed.strip()}")
        elif files(out) != self.truths[-1]:
            self.failures.append(f"resumed to something else on a disk with {names}")

    def file_is_sound(self, state: State, promised: Promised) -> None:
        """The single file is whole; or it is not there, and the shards it is made of stand."""
        home = self._built(state, promised)
        if home is None:
            return
        out, names = home / "one.h5", ", ".join(sorted(state))
        if not out.exists():
            self._stands(home / "one.h5.parts", promised, names)
        elif out.read_bytes() != self.whole:
            self.failures.append(f"a broken one.h5 on a disk with {names}")
        shutil.rmtree(home)

    def _built(self, state: State, promised: Promised) -> Path | None:
        """The disk, in a folder; None if it was looked at before."""
        digest = hashlib.sha256(repr(sorted(promised.items())).encode())
        for path, data in sorted(state.items()):
            digest.update(f"{path}\0{len(data)}\0".encode() + data)
        if digest.hexdigest() in self.seen:
            return None
        self.seen.add(digest.hexdigest())
        home = self.folder / "disk"
        home.mkdir()
        for path, data in state.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(data)
        return home


def _shards(found: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {name: data for name, data in found.items() if name.startswith("shard-")}
