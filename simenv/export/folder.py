"""How an export gets to the disk: a folder that appears whole under its name, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from simenv.dataset.disk import part, storage
from simenv.errors import InputError, Locked
from simenv.export.text import compact

__all__ = ["Folder", "Rows"]

MARK = ".simenv-export"  # in a .part: an export made it, so an export may sweep it away


class Folder:
    """Takes files aside in ``OUT.part``, which takes the name ``OUT`` when the block ends well.

    Raises:
        InputError: ``out`` or its .part is in the way.
        Locked: another export writes there.
        StorageError: the disk refuses; nothing of the export stays.
    """

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out).resolve()
        self.part = part(self.out)

    def __enter__(self) -> Folder:
        _check_free(self.out)
        with storage(self.part, 0):
            self.part.mkdir(parents=True, exist_ok=True)
            self._lock = _claim(self.part)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        finished = False
        try:
            if failure is None:
                self._finish()
                finished = True
        finally:
            if not finished:
                shutil.rmtree(self.part, ignore_errors=True)
            os.close(self._lock)

    def _finish(self) -> None:
        with storage(self.out, 0):
            os.sync()  # one for thousands of small files
            os.replace(self.part, self.out)
            (self.out / MARK).unlink()

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write one file, ``name`` relative to the folder."""
        path = self.part / name
        with storage(self.out / name, len(data)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def rows(self, name: str) -> Rows:
        """A file of JSON rows to be filled piece by piece; close it."""
        path = self.part / name
        with storage(self.out / name, 0):
            path.parent.mkdir(parents=True, exist_ok=True)
            return Rows(path, path.open("w+b"))


class Rows:
    """The inside of a JSON list, row by row, on the disk and not in memory."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self.count = path, 0
        self._file = file

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        with storage(self.path, 0):
            self._file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row on its own line."""
        self.raw((",\n" if self.count else "") + compact(row))
        self.count += 1

    def raw(self, text: str) -> None:
        """Append text as it is."""
        data = text.encode()
        with storage(self.path, len(data)):
            self._file.write(data)

    def take(self, other: Rows) -> None:
        """Append all of another file, which is removed."""
        with storage(self.path, other._file.tell()):
            other._file.seek(0)
            shutil.copyfileobj(other._file, self._file)
            other.path.unlink()


def _check_free(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; choose a folder that does not exist")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; choose a folder that does not exist")


def _claim(folder: Path) -> int:
    """Hold ``folder`` (the descriptor of its mark) and sweep out what a killed export left."""
    if any(folder.iterdir()) and not (folder / MARK).exists():
        raise InputError(f"{folder}: is in the way, and no export made it; move it elsewhere")
    descriptor = os.open(folder / MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in folder.iterdir():
            if path.name != MARK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    except BlockingIOError:
        os.close(descriptor)
        raise Locked(
            f"{folder}: another export is writing here; wait for it, or choose another folder"
        ) from None
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise
    return descriptor
