"""How an object gets into the catalog: its folder appears whole under its name, or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from simenv.dataset.disk import storage
from simenv.errors import InputError, Locked

__all__ = ["Place"]

LOCK = ".lock"
OLD = "replaced"  # what stood under the name before, until the new one stands there


class Place:
    """Takes files in ``OUT/.NAME.part/NAME``, which becomes ``OUT/NAME`` by `stand`.

    Example:
        with Place(Path("objects"), "my_part", replace=False) as place:
            (place.folder / "object.yaml").write_text(text)
            place.stand()

    Raises:
        InputError: there is such an object already, or something is in the way.
        Locked: another import writes it.
        StorageError: the disk refuses.
    """

    def __init__(self, out: Path, name: str, *, replace: bool) -> None:
        self.final = out / name
        self.hold = out / f".{name}.part"
        self.folder = self.hold / name
        self.replace = replace

    def __enter__(self) -> Place:
        if self.final.parent.exists() and not self.final.parent.is_dir():
            raise InputError(f"{self.final.parent}: is no folder; choose another --out")
        self.made_out = not self.final.parent.exists()
        with storage(self.hold, 0):
            self.hold.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.hold / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._begin()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def _begin(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = "another import is writing it; wait for it, or choose another name"
            raise Locked(f"{self.final}: {text}") from None
        with storage(self.hold, 0):
            if (self.hold / OLD).exists() and not self.final.exists():
                os.replace(self.hold / OLD, self.final)  # a killed run stopped between two renames
            for name in (OLD, self.folder.name):
                shutil.rmtree(self.hold / name, ignore_errors=True)
            self._check_free()
            self.folder.mkdir()

    def _check_free(self) -> None:
        if os.path.lexists(self.final) and not self.replace:
            self._clear()
            raise InputError(
                f"{self.final}: exists already; pass --replace, or choose another name"
            )
        if self.final.is_symlink() or (self.final.exists() and not self.final.is_dir()):
            self._clear()
            raise InputError(f"{self.final}: is no folder of an object; remove it")

    def stand(self) -> None:
        """Give the folder its name; what stood there goes."""
        with storage(self.final, 0):
            for path in sorted(self.folder.iterdir()):
                _sync(path)
            _sync(self.folder)
            if self.final.exists():
                os.replace(self.final, self.hold / OLD)
            os.replace(self.folder, self.final)
            _sync(self.final.parent)

    def __exit__(self, *_: object) -> None:
        self._clear()
        os.close(self._lock)

    def _clear(self) -> None:
        """The lock goes last: as long as it is there, no one else begins."""
        shutil.rmtree(self.hold, ignore_errors=True)
        if self.made_out:
            with suppress(OSError):  # something stands in it
                self.final.parent.rmdir()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
