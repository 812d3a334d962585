"""Power loss, modelled: all that a disk may hold when the power goes at any moment of a run.

A run is recorded as a list of operations: names that appear, move and go, bytes that are synced,
folders that are synced. At a cut after any of them, what was synced is there; of the names' changes
that were not, any subset may be; bytes that were not synced may be anything. Each such disk is
built, and looked at as the next run would.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from simenv.dataset.lock import Lock
from simenv.dataset.store import INDEX, commit_draft, committed
from simenv.generate import workers
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

RUNS = (Run(4), Run(6))  # the second extends the first
RESUMED = 24  # of the disks: the rest of the run is made on them, too
MOST_PENDING = 10  # changes of names; more at once would be too many subsets
UNSYNCED = (b"", b"\0" * 512, b"half of what was")  # what unsynced bytes may be, beside themselves

PATHS = {"open": 1, "os.rename": 2, "os.remove": 1, "os.mkdir": 1}  # audit events, and their paths

State = Mapping[str, bytes]  # path below the folder -> content


@dataclass(frozen=True)
class Name:
    """A name appears in a folder, or moves within it, or goes."""

    folder: str
    before: str | None
    after: str | None
    file: int  # which file it names; -1: a folder


@dataclass(frozen=True)
class Bytes:
    """A file's bytes are on the disk."""

    file: int
    data: bytes


@dataclass(frozen=True)
class Names:
    """The names of a folder are on the disk."""

    folder: str


@dataclass(frozen=True)
class Acknowledged:
    """A shard's commit has returned."""

    shard: int


Event = Name | Bytes | Names | Acknowledged


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """All disks of a run that is begun, extended, and merged into a file; never only some."""
    truths = []
    for k, run in enumerate(RUNS):
        run.into(folder / f"calm{k}")
        truths.append(files(folder / f"calm{k}"))
    RUNS[0].into(folder / "calm.h5")
    events = _record(folder, RUNS, "out")
    merged = _record(folder, RUNS[:1], "one.h5")
    checks = _Checks(folder, truths, (folder / "calm.h5").read_bytes(), random.Random(seed))
    for state, shards in _states(events):
        checks.folder_is_sound(state, shards)
    for state, _ in _states(merged):
        checks.file_is_sound(state)
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

    def begin(self) -> None:
        """Put itself between the process and the disk."""
        fsync, commit = os.fsync, commit_draft

        def synced(fd: int) -> None:
            fsync(fd)
            self._synced(os.readlink(f"/proc/self/fd/{fd}"))

        def acknowledged(out: Path, draft: Any) -> Any:
            manifest = commit(out, draft)
            self.events.append(Acknowledged(draft.number))
            return manifest

        os.fsync = synced
        workers.commit_draft = acknowledged
        sys.addaudithook(self._heard)

    def _heard(self, event: str, words: tuple[Any, ...]) -> None:
        if self.on and event in PATHS:
            own = [word for word in words[: PATHS[event]] if _is_path(word)]
            paths = [os.path.abspath(os.fsdecode(word)) for word in own]
            if paths and all(path.startswith(self.home + "/") for path in paths):
                getattr(self, "_" + event.rpartition(".")[2])(words, *paths)

    def _open(self, words: tuple[Any, ...], path: str, *_: str) -> None:
        if words[2] & os.O_CREAT and not os.path.exists(path):
            self.files[path] = len(self.files)
            self._name(path, None, os.path.basename(path))

    def _rename(self, words: tuple[Any, ...], before: str, after: str) -> None:
        self.files[after] = self.files.pop(before)
        self._name(after, os.path.basename(before), os.path.basename(after))

    def _remove(self, words: tuple[Any, ...], path: str, *_: str) -> None:
        if os.path.exists(path):
            self._name(path, os.path.basename(path), None)

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


def _is_path(word: Any) -> bool:
    return isinstance(word, (str, bytes, os.PathLike))


def _states(events: list[Event]) -> Iterator[tuple[State, set[int]]]:
    """Every disk that a cut can leave, with the shards that were acknowledged before it."""
    for cut in range(len(events) + 1):
        done = events[:cut]
        last = {event.folder: k for k, event in enumerate(done) if isinstance(event, Names)}
        names = [(k, event) for k, event in enumerate(done) if isinstance(event, Name)]
        pending = [k for k, event in names if k > last.get(event.folder, -1)]
        pending = [k for k in pending if not _harmless(done[k])]
        assert len(pending) <= MOST_PENDING, f"{len(pending)} changes of names are not synced"
        data = {event.file: event.data for event in done if isinstance(event, Bytes)}
        shards = {event.shard for event in done if isinstance(event, Acknowledged)}
        for count in range(len(pending) + 1):
            for lost in combinations(pending, count):
                kept = [event for k, event in names if k not in lost]
                yield from ((state, shards) for state in _disks(kept, data))


def _harmless(event: Event) -> bool:
    """Whether it is of a file that nobody needs: its loss is no case of its own."""
    return isinstance(event, Name) and (event.after or event.before) in (".lock", "run.log.jsonl")


def _disks(names: list[Name], data: Mapping[int, bytes]) -> Iterator[State]:
    """The disks of these names; files that were never synced hold anything."""
    there: dict[str, int] = {}
    folders = {"."}
    for event in names:
        if event.before is not None:
            there.pop(os.path.join(event.folder, event.before), None)
        if event.after is not None:
            path = os.path.join(event.folder, event.after)
            there[path] = event.file
            if event.file < 0:
                folders.add(os.path.normpath(path))
    reached = {
        os.path.normpath(path): file
        for path, file in there.items()
        if file >= 0 and {str(above) for above in Path(path).parents} <= folders
    }
    for anything in UNSYNCED if any(file not in data for file in reached.values()) else (b"",):
        yield {path: data.get(file, anything) for path, file in reached.items()}


@dataclass
class _Checks:
    folder: Path
    truths: list[dict[str, bytes]]
    whole: bytes  # the single file
    rng: random.Random
    seen: set[str] = field(default_factory=set)
    resumed: int = 0
    failures: list[str] = field(default_factory=list)

    def folder_is_sound(self, state: State, shards: set[int]) -> None:
        """What was acknowledged stands, what stands is true, and an index agrees with it."""
        home = self._built(state, f"{sorted(shards)}")
        if home is None:
            return
        out, truth = home / "out", self.truths[-1]
        standing = committed(out, check_sha256=True)
        names = ", ".join(sorted(state))
        if lost := sorted(shards - set(standing)):
            self.failures.append(f"shards {lost} are lost on a disk with {names}")
        if set(committed(out)) != set(standing):
            self.failures.append(f"a shard stands that does not read back: {names}")
        for number in standing:
            name = f"shard-{number:05d}.h5"
            if (out / name).read_bytes() != truth[name]:
                self.failures.append(f"{name} differs on a disk with {names}")
        if (out / INDEX).exists():
            shown = [t for t in self.truths if t[INDEX] == (out / INDEX).read_bytes()]
            if not shown or {f"shard-{n:05d}.h5" for n in standing} != {
                name for name in shown[0] if name.endswith(".h5") and name != INDEX
            }:
                self.failures.append(f"an index disagrees with its shards: {names}")
        if out.exists():
            with Lock(out):
                if set(committed(out)) != set(standing) or list(out.rglob("*.part")):
                    self.failures.append(f"the sweep changed what stands: {names}")
        if len(self.seen) % RESUMED == 1:
            self._resume(out, names)
        shutil.rmtree(home)

    def _resume(self, out: Path, names: str) -> None:
        ended = in_child(lambda tell: RUNS[-1].status(out))
        self.resumed += 1
        if ended.status != 0:
            self.failures.append(f"not resumed on a disk with {names}: {ended.printed.strip()}")
        elif files(out) != self.truths[-1]:
            self.failures.append(f"resumed to something else on a disk with {names}")

    def file_is_sound(self, state: State) -> None:
        """The single file is whole or not there."""
        home = self._built(state, "file")
        if home is None:
            return
        out = home / "one.h5"
        if out.exists() and out.read_bytes() != self.whole:
            self.failures.append(f"a broken one.h5 on a disk with {', '.join(sorted(state))}")
        shutil.rmtree(home)

    def _built(self, state: State, what: str) -> Path | None:
        """The disk, in a folder; None if it was looked at before."""
        digest = hashlib.sha256(what.encode())
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
