"""How shards come back from an object store: all of them, or only what an index needs of each."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simenv.dataset.fills import FillRound, commit_fill, read_fills
from simenv.dataset.index import Part, build_index, read_part, write_index
from simenv.dataset.lock import RUN, Lock, identify
from simenv.dataset.store import INDEX, Manifest, commit_shard, committed, shard_name
from simenv.errors import InputError
from simenv.generate.remote import Store

__all__ = ["copy_to_folder", "index_store"]


def copy_to_folder(url: str, out: str | Path) -> int:
    """Copy the committed shards of ``url`` that ``out`` lacks, and index them: how many.

    Raises:
        InputError: there is no dataset, or a shard differs from its manifest.
        Locked: a run is writing to ``out``.
        StorageError: the disk refuses.
    """
    store, out = Store.at(url), Path(out)
    there = store.committed()
    if not there:
        raise InputError(f"{url}: holds no committed shard; simenv generate writes some there")
    with Lock(out):
        identify(out, json.loads(store.get(RUN)))
        missing = there.keys() - committed(out).keys()
        for fill in _fills(store)[len(read_fills(out)) :]:
            commit_fill(out, fill)
        for number in sorted(missing):
            commit_shard(out, number, _Copy(store, there[number]))
        write_index(out)
    return len(missing)


def index_store(store: Store, scratch: Path) -> None:
    """Write dataset.h5 over all committed shards; each is read once, by way of ``scratch``.

    Raises:
        InputError: nothing is committed, or the shards are not of one run.
        StorageError: the store refuses.
    """
    shards = store.committed()
    parts = _Parts(store, scratch, shards)
    store.put(INDEX, bytes(build_index(store.url, shards, parts=parts)))


def _fills(store: Store) -> tuple[FillRound, ...]:
    """The rounds that added scenes."""
    with tempfile.TemporaryDirectory() as scratch:
        store.get_fills(Path(scratch))
        return read_fills(scratch)


class _Copy:
    """A shard of the store, ready to be committed in a folder."""

    def __init__(self, store: Store, said: Manifest) -> None:
        self._store, self._said = store, said

    def image(self) -> bytes:
        """Its bytes, compared with what was committed."""
        name = shard_name(self._said.shard)
        data = self._store.get(name)
        if hashlib.sha256(data).hexdigest() != self._said.sha256:
            raise InputError(
                f"{self._store.url}/{name}: differs from its manifest; remove the object and run "
                "the same simenv generate command again"
            )
        return data

    def manifest(self) -> dict[str, Any]:
        """What its manifest says of the scenes."""
        return {"format": self._said.form, "scenes": self._said.rows}


class _Parts(Mapping[str, Part]):
    """The small content of the store's shards, each fetched when it is asked for."""

    def __init__(self, store: Store, scratch: Path, shards: Mapping[int, Manifest]) -> None:
        self._store, self._scratch = store, scratch
        self._shards = {shard_name(number): manifest for number, manifest in shards.items()}

    def __getitem__(self, name: str) -> Part:
        path = self._scratch / name
        path.write_bytes(_Copy(self._store, self._shards[name]).image())
        try:
            return read_part(path)
        finally:
            path.unlink()

    def __iter__(self) -> Iterator[str]:
        return iter(self._shards)

    def __len__(self) -> int:
        return len(self._shards)
