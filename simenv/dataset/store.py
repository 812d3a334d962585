"""How files get to the disk whole: write aside, sync, rename; the manifest is the commit.

The order of `commit_shard` is: data.part, manifest.part, both synced; rename the data; sync the
folder; rename the manifest; sync its folder. So at any moment each committed shard has a manifest
that agrees with its bytes: the final one, or, for the instant between the two renames, the .part.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simenv.dataset.schema import Header
from simenv.errors import InputError, Locked, StorageError

__all__ = [
    "INDEX",
    "MANIFESTS",
    "SHARD_NAME",
    "Lock",
    "Manifest",
    "Packed",
    "commit_shard",
    "committed",
    "file_sha256",
    "identify",
    "manifest_path",
    "part",
    "rename",
    "replace_file",
    "shard_name",
    "storage",
]

INDEX = "dataset.h5"
RUN = "run.json"
MANIFESTS = "manifest"
SHARD_NAME = re.compile(r"shard-(\d{5,})\.h5")


class Packed(Protocol):
    """A shard ready to be written: `ShardBuilder`."""

    def image(self) -> bytes | memoryview:
        """The bytes of the file."""
        ...

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of the content."""
        ...


@dataclass(frozen=True)
class Manifest:
    """What was committed as one shard."""

    shard: int
    bytes: int
    sha256: str
    rows: tuple[Mapping[str, Any], ...]  # one a scene: scene, outcome, frames, labels, all

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """The manifest in ``path``, or None where there is none that can be read."""
        try:
            text = json.loads(path.read_text())
            rows = tuple(dict(row) for row in text["scenes"])
            return cls(int(text["shard"]), int(text["bytes"]), str(text["sha256"]), rows)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def scenes(self) -> tuple[int, ...]:
        """The scene numbers of the shard."""
        return tuple(int(row["scene"]) for row in self.rows)


def shard_name(number: int) -> str:
    """Of the file of shard ``number``."""
    return f"shard-{number:05d}.h5"


def commit_shard(out: str | Path, number: int, shard: Packed) -> Manifest:
    """Put ``shard`` into ``out`` under its number, replacing an older one of that number.

    An index (dataset.h5) is removed first: one that stands always agrees with its shards.

    Raises:
        StorageError: if the disk refuses; nothing that was committed is touched.
    """
    out, data = Path(out), shard.image()
    size = {"shard": number, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps({**size, **shard.manifest()}, indent=1).encode()
    path, manifest = out / shard_name(number), manifest_path(out, number)
    with storage(path, len(data)):
        (out / MANIFESTS).mkdir(parents=True, exist_ok=True)
        _write_parts({path: data, manifest: text})
        (out / INDEX).unlink(missing_ok=True)
        rename(path)
        rename(manifest)
    committed_now = Manifest.read(manifest)
    assert committed_now is not None, manifest
    return committed_now


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write ``data`` as ``path``, whole or not at all.

    Raises:
        StorageError: if the disk refuses.
    """
    with storage(path, len(data)):
        _write_parts({path: data})
        rename(path)


def committed(out: str | Path, *, check_sha256: bool = False) -> dict[int, Manifest]:
    """The shards of ``out`` that stand: a manifest, and a file that agrees with it.

    Agreeing means size; with ``check_sha256`` the bytes are read and compared as well.
    """
    found = {}
    for path in sorted(Path(out).glob("shard-*.h5")):
        name = SHARD_NAME.fullmatch(path.name)
        manifest = _standing(Path(out), int(name[1]), check_sha256) if name else None
        if manifest is not None:
            found[manifest.shard] = manifest
    return dict(sorted(found.items()))


def manifest_path(out: Path, number: int) -> Path:
    """Where the manifest of shard ``number`` stands."""
    return out / MANIFESTS / f"shard-{number:05d}.json"


def _standing(out: Path, number: int, check_sha256: bool) -> Manifest | None:
    """The manifest that agrees with the data of a shard, if one does."""
    path, manifest = out / shard_name(number), manifest_path(out, number)
    pending = part(manifest)
    if pending.exists():  # a commit was cut short: the digest says which of the two is true
        return next((m for p in (pending, manifest) if (m := _agreeing(p, path, True))), None)
    return _agreeing(manifest, path, check_sha256)


def _agreeing(manifest: Path, path: Path, check_sha256: bool) -> Manifest | None:
    found = Manifest.read(manifest)
    try:
        if found is None or (shard_name(found.shard), found.bytes) != (
            path.name,
            path.stat().st_size,
        ):
            return None
        if check_sha256 and file_sha256(path) != found.sha256:
            return None
    except OSError:
        return None
    return found


def file_sha256(path: Path) -> str:
    """Digest of the bytes of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def identify(out: str | Path, header: Header) -> None:
    """Say in ``out``/run.json which run the folder belongs to; run it again to go on or extend.

    Raises:
        InputError: if the folder belongs to another run, or holds files that are none.
        StorageError: if the disk refuses.
    """
    out = Path(out)
    path, identity = out / RUN, header.identity
    if not path.exists():
        if strangers := sorted(out.glob("*.h5")):
            raise InputError(
                f"{out}: holds {strangers[0].name} but no {RUN}, so it is no folder of a run; "
                "choose another --out"
            )
        _make_folder(out)
        replace_file(path, (json.dumps(identity, indent=1) + "\n").encode())
        return
    there = _read_run(path)
    for key, value in identity.items():
        if there.get(key) != value:
            way_out = _WAYS_OUT.get(key, "repeat the arguments that it was begun with")
            raise InputError(
                f"{out}: was begun with {key} {there.get(key)!r}, this run has {value!r}; "
                f"choose another --out, or {way_out}"
            )


_WAYS_OUT = {
    "task_sha256": "take back what has changed in the task file",
    "catalog_sha256": "take back what has changed in the objects",
}


def _read_run(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); choose another --out") from None


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; choose a folder, or a new name ending in .h5")
    with storage(out, 0):
        out.mkdir(parents=True, exist_ok=True)


class Lock:
    """Holds ``out`` for one process; the kernel lets go when the process ends, however it ends.

    On entry, what a killed run left half done is finished or swept away.

    Raises:
        Locked: if another process holds it.
    """

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out)

    def __enter__(self) -> Lock:
        _make_folder(self.out)
        with storage(self.out / ".lock", 0):
            self._fd = os.open(self.out / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 200, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise Locked(
                f"{self.out}: another run is writing here ({holder or 'unknown'}); "
                "wait until it has ended, or choose another --out"
            ) from None
        try:
            _sweep(self.out)
        except BaseException:
            os.close(self._fd)
            raise
        os.ftruncate(self._fd, 0)
        # Only a hint for the message above: on a full disk the lock holds without it.
        with suppress(OSError):
            os.pwrite(self._fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _sweep(out: Path) -> None:
    """Finish the commit that was cut short between its renames; remove its other .part files.

    Only names that this module gives: the folder may hold files of the user's, too.
    """
    for pending in sorted((out / MANIFESTS).glob("shard-*.json.part")):
        manifest = pending.with_suffix("")
        if _agreeing(pending, out / f"{manifest.stem}.h5", True):
            with storage(manifest, 0):
                rename(manifest)
    shards = [path for path in out.glob("shard-*.h5.part") if SHARD_NAME.fullmatch(path.stem)]
    own = [*shards, part(out / RUN), part(out / INDEX)]
    lists = (out / MANIFESTS).glob("fill-*.json.part")
    for pending in [*own, *lists, *(out / MANIFESTS).glob("shard-*.json.part")]:
        pending.unlink(missing_ok=True)


def part(path: Path) -> Path:
    """Where ``path`` is written before it takes its name."""
    return path.with_name(path.name + ".part")


def _write_parts(files: Mapping[Path, bytes | memoryview]) -> None:
    """Write and sync each file's .part; if one fails, none stays."""
    try:
        for path, data in files.items():
            with part(path).open("wb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
    except OSError:
        for path in files:
            with suppress(OSError):
                part(path).unlink(missing_ok=True)
        raise


def rename(path: Path) -> None:
    """The .part takes the place of ``path``, and the folder knows it after a power cut."""
    os.replace(part(path), path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def storage(path: Path, size: int) -> Iterator[None]:
    """What the disk refuses inside the block becomes one line with the file and its size."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(
            f"{path}: cannot write {size} bytes: {reason}; what was committed is untouched: "
            "make room or fix the disk, then run the same command again"
        ) from error
