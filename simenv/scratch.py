"""Where the engines' files are: a temporary folder that ends with its process, or soon after."""

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from pathlib import Path

__all__ = ["ScratchFolder"]

PREFIX = "simenv-scratch-"
LOCK = ".lock"  # held by the process that made the folder; the kernel lets go when it dies
YOUNG_S = 60.0  # a folder younger than this may be about to be locked


class ScratchFolder:
    """A private folder, removed by `close` or at the end of the process.

    What killed processes have left is removed by the next one that makes a folder.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.close = weakref.finalize(self, _remove, self.path, lock, os.getpid())


def _remove(path: Path, lock: int, pid: int) -> None:
    if os.getpid() == pid:  # a forked child must not remove its parent's files
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _sweep(parent: Path) -> None:
    """Remove the folders whose processes are gone."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            young = time.time() - folder.stat().st_mtime < YOUNG_S
            lock = None if young else os.open(folder / LOCK, os.O_RDWR)
        except OSError:
            continue  # another user's, or being removed
        if lock is None:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # its process lives
        finally:
            os.close(lock)
