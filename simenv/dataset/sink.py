"""How libhdf5 writes a file too large for memory: it never learns that the disk refused.

libhdf5 crashes the process when a write fails on a full disk. So it writes into a Python file that
remembers the first refusal and swallows the rest; `check` and `commit` then say what happened.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from simenv.dataset.disk import make_folder, part, rename, storage
from simenv.fault import point
from simenv.reading import follow_no_link

__all__ = ["Sink"]

PIECE = 1 << 20  # bytes that are read at a time


class Sink:
    """A file object for `h5py.File`; becomes ``path`` on `commit`, and leaves nothing otherwise.

    Raises:
        StorageError: on leaving the block, if the disk refused, whatever else went wrong inside.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refused: OSError | None = None
        self._size = 0
        with storage(path, 0):
            make_folder(path.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            self._fd = follow_no_link(str(part(path)), flags)
        self._at = 0

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        if kind is not None:
            with suppress(OSError):
                part(self.path).unlink(missing_ok=True)
            self.check()

    def check(self) -> None:
        """Raise what the disk said, if it refused."""
        if self._refused is not None:
            with storage(self.path, self._size):
                raise self._refused

    def sha256(self) -> str:
        """Of all bytes that were written."""
        digest, at = hashlib.sha256(), 0
        while piece := os.pread(self._fd, PIECE, at):
            digest.update(piece)
            at += len(piece)
        return digest.hexdigest()

    def append(self, data: bytes) -> None:
        """Put ``data`` behind everything else."""
        self.seek(0, os.SEEK_END)
        self.write(data)

    def commit(self) -> None:
        """Sync, and take the place of ``path``."""
        self.check()
        with storage(self.path, self._size):
            point("sync")
            os.fsync(self._fd)
            rename(self.path)

    def write(self, data: Any) -> int:
        """All of ``data`` at the current place."""
        view = memoryview(data).cast("B")
        try:
            while view and self._refused is None:
                point("write")
                written = os.pwrite(self._fd, view, self._at)
                view, self._at = view[written:], self._at + written
        except OSError as error:
            self._refused = error
        self._at += len(view)
        self._size = max(self._size, self._at)
        return memoryview(data).nbytes

    def read(self, size: int) -> bytes:
        """``size`` bytes from the current place; zeros where nothing was written."""
        data = os.pread(self._fd, size, self._at).ljust(size, b"\0")
        self._at += size
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """The current place."""
        return self._at

    def truncate(self, size: int) -> int:
        """Set the size."""
        self._size = size
        if self._refused is None:
            try:
                os.ftruncate(self._fd, size)
            except OSError as error:
                self._refused = error
        return size

    def flush(self) -> None:
        """Nothing is held back here."""
