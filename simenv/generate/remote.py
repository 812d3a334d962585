"""How a dataset comes into an object store: `--out s3://bucket/prefix`, any URL that fsspec knows.

Shards are made in a folder of this machine and put into the store one by one: the data first, then
the manifest, each object whole or not at all. So the same rule holds as in a folder: a shard is
committed when its manifest stands and agrees with its data.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.lock import RUN, Identity, check_identity, run_text
from simenv.dataset.slice import Slice
from simenv.dataset.store import (
    INDEX,
    MANIFESTS,
    SHARD_NAME,
    Manifest,
    committed,
    manifest_path,
    shard_name,
)
from simenv.errors import InputError, Locked, StorageError
from simenv.generate.plan import Plan, Shard
from simenv.reading import parse_json

__all__ = ["Store", "shipping"]

LOCK = ".lock"

Make = Callable[[Plan, list[Shard], Path, Callable[[], None]], None]


@dataclass(frozen=True)
class Store:
    """A prefix in an object store."""

    url: str
    fs: Any  # fsspec.AbstractFileSystem
    root: str  # what the file system calls the prefix

    @classmethod
    def at(cls, url: str) -> Store:
        """The prefix at ``url``.

        Raises:
            InputError: fsspec, or the library that it needs for this URL, is not installed.
        """
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise InputError(f"{url}: needs fsspec: pip install simenv[remote]") from None
        try:
            fs, root = url_to_fs(url.rstrip("/"))
        except (ImportError, ValueError) as error:
            raise InputError(f"{url}: {error}") from None
        return cls(url.rstrip("/"), fs, str(root).rstrip("/"))

    @contextmanager
    def lock(self, own: Slice) -> Iterator[None]:
        """Inside, nobody else makes these shards: an object says so, created by one alone.

        Whoever creates its object looks for the others' afterwards. So of two that come at the
        same time at least one sees the other, and gives way.

        Raises:
            Locked: another run is at work, or was killed there.
        """
        name = LOCK if own.whole else f"{LOCK}-{own.name}"
        token = secrets.token_hex(8)
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = {"owner": who, "pid": os.getpid(), "since": since, "token": token}
        try:
            self._create(name, json.dumps(text).encode())
        except FileExistsError:
            raise self._locked(name) from None
        try:
            for other in self._locks():
                if other != name and (own.whole or not other.endswith(f"-of-{own.count}")):
                    raise self._locked(other)
            yield
        finally:
            if self._holder(name).get("token") == token:  # else a person has removed it meanwhile
                self.remove(name)

    def _locks(self) -> list[str]:
        self.fs.invalidate_cache()
        names = (path.rsplit("/", 1)[-1] for path in self.fs.glob(f"{self.root}/{LOCK}*"))
        return sorted(names)

    def _holder(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self.get(name)))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    def _locked(self, name: str) -> Locked:
        holder = self._holder(name)
        who = f"pid {holder.get('pid')} of {holder.get('owner')} since {holder.get('since')}"
        return Locked(
            f"{self.url}: another run is writing here ({who}); wait until it has ended, or, if it "
            f"was killed, remove the object {self.url}/{name}"
        )

    def identify(self, identity: Identity) -> None:
        """Say which run the prefix belongs to: see `simenv.dataset.lock.identify`."""
        try:
            self._create(RUN, run_text(identity))
        except FileExistsError:
            try:
                there = dict(json.loads(self.get(RUN)))
            except (ValueError, TypeError) as error:
                raise InputError(f"{self.url}/{RUN}: cannot be read ({error})") from None
            check_identity(self.url, there, identity)

    def committed(self) -> dict[int, Manifest]:
        """The shards that stand: a manifest, and data of the size that it says."""
        self.fs.invalidate_cache()
        sizes = self._sizes()
        found = {}
        for name, size in sizes.items():
            match = SHARD_NAME.fullmatch(name)
            manifest = self._manifest(int(match[1]), sizes) if match else None
            if manifest is not None and manifest.bytes == size:
                found[manifest.shard] = manifest
        return dict(sorted(found.items()))

    def _sizes(self) -> dict[str, int]:
        with self._storage("its listing", 0):
            listing = self.fs.find(self.root, detail=True)
        return {path[len(self.root) + 1 :]: int(own["size"]) for path, own in listing.items()}

    def _manifest(self, number: int, sizes: Mapping[str, int]) -> Manifest | None:
        name = _manifest_name(number)
        if name not in sizes:
            return None
        try:
            found = Manifest.of(parse_json(self.get(name)))
        except ValueError:
            return None
        return found if found.shard == number else None

    def ship(self, folder: Path, number: int) -> None:
        """Put a shard that is committed in ``folder`` into the store, and remove it there."""
        data, manifest = folder / shard_name(number), manifest_path(folder, number)
        self.remove(INDEX)  # one that stands always agrees with its shards
        self.remove(_manifest_name(number))  # of an older shard, whose data is to be replaced
        self.put(data.name, data.read_bytes())
        self.put(_manifest_name(number), manifest.read_bytes())
        manifest.unlink()
        data.unlink()

    def forget_quarantined(self, own: Slice) -> None:
        """Shards with quarantined scenes are to be made anew."""
        for number, manifest in self.committed().items():
            if own.owns(number) and manifest.quarantined:
                self.remove(INDEX)
                self.remove(_manifest_name(number))
                self.remove(shard_name(number))

    def get_fills(self, folder: Path) -> None:
        """Copy the rounds that added scenes to where a run in ``folder`` looks for them."""
        (folder / MANIFESTS).mkdir(exist_ok=True)
        for name in self._sizes():
            if re.fullmatch(rf"{MANIFESTS}/fill-\d+\.json", name):
                (folder / name).write_bytes(self.get(name))

    def put_log(self, path: Path) -> None:
        """Keep the log of a run, beside those of earlier ones: objects cannot be appended to."""
        if path.exists():
            when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            self.put(f"log/{when}-{secrets.token_hex(3)}-{path.name}", path.read_bytes())

    def get(self, name: str) -> bytes:
        """The bytes of an object."""
        return bytes(self.fs.cat_file(f"{self.root}/{name}"))

    def put(self, name: str, data: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            StorageError: the store refuses.
        """
        with self._storage(name, len(data)):
            self.fs.makedirs(f"{self.root}/{name}".rsplit("/", 1)[0], exist_ok=True)
            if self._is_local:  # a store has this by itself
                aside = f"{self.root}/{name}.{secrets.token_hex(6)}.part"
                self.fs.pipe_file(aside, data)
                os.replace(aside, f"{self.root}/{name}")
            else:
                self.fs.pipe_file(f"{self.root}/{name}", data)

    def _create(self, name: str, data: bytes) -> None:
        """Write an object that is not there yet; of several who try, one does not fail."""
        path = f"{self.root}/{name}"
        with self._storage(name, len(data)):
            self.fs.makedirs(self.root, exist_ok=True)
            if self._is_local:
                with self.fs.open(path, "xb") as file:
                    file.write(data)
            else:
                self.fs.pipe_file(path, data, mode="create")

    @property
    def _is_local(self) -> bool:
        protocols = self.fs.protocol
        return "file" in ((protocols,) if isinstance(protocols, str) else protocols)

    def remove(self, name: str) -> None:
        """The object is gone."""
        with self._storage(name, 0), suppress(FileNotFoundError):
            self.fs.rm_file(f"{self.root}/{name}")

    @contextmanager
    def _storage(self, name: str, size: int) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, FileNotFoundError):
            raise
        except OSError as error:
            raise StorageError(
                f"{self.url}/{name}: cannot write {size} bytes: {error}; what was committed is "
                "untouched: run the same command again"
            ) from error


def shipping(make: Make, store: Store) -> Make:
    """Makes shards in a folder as ``make`` does, and puts each into the store when it stands."""

    def made(plan: Plan, missing: list[Shard], folder: Path, report: Callable[[], None]) -> None:
        def ship() -> None:
            for number in committed(folder):
                store.ship(folder, number)
            report()

        try:
            make(plan, missing, folder, ship)
        finally:
            ship()

    return made


def _manifest_name(number: int) -> str:
    return manifest_path(Path(), number).as_posix()
