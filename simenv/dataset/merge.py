"""How parts of one run, made apart, become one dataset: shards are copied and committed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.fills import commit_fill, read_fills
from simenv.dataset.index import write_index
from simenv.dataset.lock import Identity, Lock, identify, read_run
from simenv.dataset.store import Manifest, commit_shard, committed, shard_name
from simenv.errors import InputError

__all__ = ["Merged", "merge"]


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    shards: int
    scenes: int
    copied: int  # shards that were not there before

    @property
    def text(self) -> str:
        """In a line."""
        return f"{self.shards} shards, {self.scenes} scenes; {self.copied} shards were copied"


@dataclass(frozen=True)
class _Copy:
    """A shard that is committed elsewhere."""

    folder: Path
    manifest: Manifest

    @property
    def path(self) -> Path:
        return self.folder / shard_name(self.manifest.shard)

    def image(self) -> bytes:
        """Its bytes, compared with what was committed."""
        data = self.path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.manifest.sha256:
            raise InputError(f"{self.path}: differs from its manifest; simenv repair {self.folder}")
        return data

    def manifest_rows(self) -> dict[str, Any]:
        """What its manifest says of the scenes."""
        return {"format": self.manifest.form, "scenes": self.manifest.rows}


class _Packed:
    """A copy, ready to be committed."""

    def __init__(self, copy: _Copy) -> None:
        self.image, self.manifest = copy.image, copy.manifest_rows


def merge(paths: Sequence[str | Path], out: str | Path) -> Merged:
    """Put the committed shards of all ``paths`` into ``out``, which may hold some already.

    Shards of one number must be equal, or one is what the other was before its run was extended.
    The index is written last, whether or not shards are still missing.

    Raises:
        InputError: one is no folder of a run, or of another run than the first; or two hold
            different shards of one number; nothing is copied.
        Locked: a run is writing to ``out``.
        StorageError: the disk refuses.
    """
    folders = [Path(path) for path in paths]
    if not folders:
        raise InputError("merge: names no folder; name those that are to become one")
    identity = _identity(folders)
    found = _found(folders)
    with Lock(out):
        identify(out, identity)
        there = {n: _Copy(Path(out), own) for n, own in committed(out).items()}
        wanted = {n: _longer(there.get(n, copy), copy) for n, copy in found.items()}
        _fills(folders, Path(out))
        missing = [n for n, copy in wanted.items() if copy is not there.get(n)]
        for number in missing:
            commit_shard(out, number, _Packed(wanted[number]))
        write_index(out)
        whole = committed(out)
    return Merged(len(whole), sum(len(own.scenes) for own in whole.values()), len(missing))


def _identity(folders: Sequence[Path]) -> Identity:
    """Of the run that all folders belong to."""
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: is no folder; name folders that simenv generate wrote")
    runs = [read_run(folder) for folder in folders]
    for folder, run in zip(folders, runs, strict=True):
        for key in sorted(runs[0].keys() | run.keys()):
            if run.get(key) != runs[0].get(key):
                raise InputError(
                    f"{folder}: has {key} {run.get(key)!r}, {folders[0]} has {runs[0].get(key)!r}: "
                    "not one run; merge only parts of one"
                )
    return runs[0]


def _found(folders: Sequence[Path]) -> Mapping[int, _Copy]:
    """By number; what two folders have does not contradict."""
    found: dict[int, _Copy] = {}
    for folder in folders:
        for number, manifest in committed(folder).items():
            copy = _Copy(folder, manifest)
            found[number] = _longer(found.get(number, copy), copy)
    if not found:
        raise InputError(f"{folders[0]}: holds no committed shard; name folders that do")
    return dict(sorted(found.items()))


def _longer(one: _Copy, other: _Copy) -> _Copy:
    """Of two shards of one number: the first if they are equal, else that with more scenes."""
    if one.manifest.sha256 == other.manifest.sha256:
        return one
    short, long = sorted((one, other), key=lambda copy: len(copy.manifest.rows))
    begun = len(short.manifest.rows)
    if begun < len(long.manifest.rows) and long.manifest.rows[:begun] == short.manifest.rows:
        return long
    raise InputError(
        f"{one.path} and {other.path} differ; find out which is right (simenv verify) and "
        "leave the other out"
    )


def _fills(folders: Sequence[Path], out: Path) -> None:
    """The rounds that added scenes: those of the folder that has most, which the others begin."""
    most = max((read_fills(folder) for folder in folders), key=len)
    for folder in (*folders, out):
        own = read_fills(folder)
        if own != most[: len(own)]:
            raise InputError(f"{folder}: was filled otherwise than {folders[0]}: not one dataset")
    for fill in most[len(read_fills(out)) :]:
        commit_fill(out, fill)
