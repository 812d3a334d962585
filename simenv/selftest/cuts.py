"""What may a disk hold when the power goes, of all that was done to it before?

What was synced is there; of the changes of names that were not, any subset may be; bytes that were
not synced may be lost, zeros, torn at a sector, or there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

__all__ = [
    "Acknowledged",
    "Bytes",
    "Event",
    "Name",
    "Names",
    "Promised",
    "Reopened",
    "State",
    "states",
]

MOST_PENDING = 12  # changes of names; more at once would be too many subsets
SECTOR = 512  # bytes that a disk writes as one
HARMLESS = (".lock", "run.log.jsonl")  # nobody needs them: their loss is no case of its own
TORN = b'{"half of a li'  # what they hold

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
class Reopened:
    """A file is opened to be written again: its bytes are not on the disk any more."""

    file: int


@dataclass(frozen=True)
class Names:
    """The names of a folder are on the disk."""

    folder: str


@dataclass(frozen=True)
class Acknowledged:
    """A shard's commit has returned."""

    shard: int
    sha256: str


Event = Name | Bytes | Reopened | Names | Acknowledged
Promised = Mapping[int, str]  # shard -> digest of the last of its commits that has returned


def states(events: list[Event]) -> Iterator[tuple[State, Promised]]:
    """Every disk that a cut can leave, with the shards that were acknowledged before it."""
    ever = {event.file: event.data for event in events if isinstance(event, Bytes)}
    for cut in range(len(events) + 1):
        done = events[:cut]
        last = {event.folder: k for k, event in enumerate(done) if isinstance(event, Names)}
        names = [(k, event) for k, event in enumerate(done) if isinstance(event, Name)]
        pending = [k for k, own in names if k > last.get(own.folder, -1) and not _harmless(own)]
        assert len(pending) <= MOST_PENDING, f"{len(pending)} changes of names are not synced"
        promised = {own.shard: own.sha256 for own in done if isinstance(own, Acknowledged)}
        for count in range(len(pending) + 1):
            for lost in combinations(pending, count):
                kept = [event for k, event in names if k not in lost]
                for state in _disks(kept, _synced_bytes(done), ever):
                    yield state, promised


def _harmless(event: Name) -> bool:
    return (event.after or event.before) in HARMLESS


def _synced_bytes(done: list[Event]) -> Mapping[int, bytes]:
    """By file."""
    data: dict[int, bytes] = {}
    for event in done:
        if isinstance(event, Bytes):
            data[event.file] = event.data
        elif isinstance(event, Reopened):
            data.pop(event.file, None)
    return data


def _disks(
    names: list[Name], data: Mapping[int, bytes], ever: Mapping[int, bytes]
) -> Iterator[State]:
    """The disks of these names; of bytes that were not synced, all that may have become of them."""
    reached = _reached(names)
    choices = [
        [data[file]] if file in data else _unsynced(path, ever.get(file, b""))
        for path, file in reached.items()
    ]
    for chosen in product(*choices):
        yield dict(zip(reached, chosen, strict=True))


def _unsynced(path: str, data: bytes) -> list[bytes]:
    if os.path.basename(path) in HARMLESS:
        return [TORN]
    half = len(data) // 2 // SECTOR * SECTOR
    return sorted({b"", bytes(len(data)), data[:half] + bytes(len(data) - half), data})


def _reached(names: list[Name]) -> Mapping[str, int]:
    """The files that have a name in a folder that has one; path -> file."""
    there: dict[str, int] = {}
    folders = {"."}
    for event in names:
        if event.before is not None:
            path = os.path.normpath(os.path.join(event.folder, event.before))
            there.pop(path, None)
            folders.discard(path)
        if event.after is not None:
            path = os.path.normpath(os.path.join(event.folder, event.after))
            there[path] = event.file
            folders |= {path} if event.file < 0 else set()
    return {
        path: file
        for path, file in there.items()
        if file >= 0 and {str(above) for above in Path(path).parents} <= folders
    }
