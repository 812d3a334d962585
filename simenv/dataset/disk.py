"""How a file gets to the disk whole: written aside, synced, renamed, its folder synced."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from simenv.errors import StorageError
from simenv.fault import point
from simenv.reading import follow_no_link, open_regular

__all__ = [
    "file_sha256",
    "make_folder",
    "move",
    "part",
    "remove",
    "rename",
    "replace_file",
    "storage",
    "write_aside",
]


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write ``data`` as ``path``, whole or not at all.

    Raises:
        StorageError: if the disk refuses.
    """
    with storage(path, len(data)):
        write_aside({part(path): data})
        rename(path)


def part(path: Path) -> Path:
    """Where ``path`` is written before it takes its name."""
    return path.with_name(path.name + ".part")


def write_aside(files: Mapping[Path, bytes | memoryview]) -> None:
    """Write and sync each file; if one fails, none stays."""
    try:
        for path, data in files.items():
            with open(path, "wb", buffering=0, opener=follow_no_link) as file:
                rest = memoryview(data)
                while rest:
                    point("write")
                    rest = rest[file.write(rest) :]
                point("sync")
                os.fsync(file.fileno())
    except OSError:
        for path in files:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def rename(path: Path) -> None:
    """The .part takes the place of ``path``, and the folder knows it after a power cut."""
    move(part(path), path)


def move(source: Path, target: Path) -> None:
    """``source`` takes the place of ``target`` in its folder, also after a power cut."""
    point("rename")
    os.replace(source, target)
    _sync_folder(target.parent)


def remove(path: Path) -> None:
    """``path`` is gone, also after a power cut."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """The folder is there, and those above it, also after a power cut."""
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        point("sync")
        os.fsync(fd)
    finally:
        os.close(fd)


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


def file_sha256(path: Path) -> str:
    """Digest of the bytes of a file, read piece by piece."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
