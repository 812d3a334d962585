"""Which files a dataset is, and that they are all there; each process opens its own."""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from simenv.dataset.guard import check, safe_open
from simenv.dataset.hdf5 import item_of, read_column
from simenv.dataset.index import build_index
from simenv.dataset.pixels import frame
from simenv.dataset.schema import SHARDS
from simenv.dataset.seal import broken_seal, has_seal
from simenv.dataset.store import INDEX, SHARD_NAME, Manifest, committed
from simenv.errors import InputError
from simenv.reading import is_regular

__all__ = ["Files"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}(~[0-9a-f]+)?")  # of the catalog; ~: of a second mesh
TIME = "frames/time_s"  # a column that has a row for each frame
AGAIN = "run the same simenv generate command again, which makes it anew, or copy it back"


class Files:
    """The file with the tables (``main``) and the files with the pictures."""

    def __init__(self, path: Path, shards: Mapping[int, Manifest] | None = None) -> None:
        """Find them; ``shards`` are those to show where there is no index, default all committed.

        Raises:
            InputError: if there is no dataset, or a shard is missing or has another size.
        """
        if not path.exists():
            raise InputError(f"{path}: does not exist; name a dataset's folder or .h5 file")
        self.shards: dict[int, Manifest] | None = None
        self._pid, self._open = -1, dict[str, h5py.File]()
        self._found: dict[tuple[str, str], h5py.Dataset] = {}
        self._folder, self._main = (path, INDEX) if path.is_dir() else (path.parent, path.name)
        if shards is not None or not (self._folder / self._main).exists():
            self.shards = dict(committed(path) if shards is None else shards)
            if not self.shards:
                raise InputError(f"{path}: holds neither {INDEX} nor a committed shard")
        self._names, self._frames = self._pictures()
        self._starts = np.cumsum([0, *self._frames]).tolist()
        self._compare_counts()

    @property
    def main(self) -> h5py.File:
        """The file of the tables."""
        return self._file(self._main)

    def column(self, name: str) -> h5py.Dataset:
        """A dataset of the tables, by full name."""
        return self._dataset(self._main, name)

    def picture(self, name: str, row: int) -> NDArray[Any]:
        """One frame of an image dataset, from the file that holds it."""
        number = bisect_right(self._starts, row) - 1
        return frame(self._dataset(self._names[number], name), row - self._starts[number])

    def _dataset(self, file: str, name: str) -> h5py.Dataset:
        """Looked up once in each process: the look-up takes longer than the reading of a row."""
        opened = self._file(file)
        if (file, name) not in self._found:
            self._found[file, name] = item_of(opened, name)
        return self._found[file, name]

    def close(self) -> None:
        """Close the files of this process; reading opens them again."""
        for file in self._own().values():
            file.close()
        self._own().clear()
        self._found.clear()

    def _own(self) -> dict[str, h5py.File]:
        """The open files of this very process; a parent's are not ours to use after a fork."""
        if self._pid != os.getpid():
            self._pid, self._open, self._found = os.getpid(), {}, {}
        return self._open

    def _file(self, name: str) -> h5py.File:
        files = self._own()
        if name not in files:
            files[name] = self._open_main() if name == self._main else self._open_shard(name)
        return files[name]

    def _open_main(self) -> h5py.File:
        if self.shards is not None:
            file = h5py.File(io.BytesIO(build_index(self._folder, self.shards)), "r")
            _check_names(file, self._folder)
            return file
        path = self._folder / self._main
        sealed = self._main == INDEX and is_regular(path) and has_seal(path)
        if sealed and (broken := broken_seal(path)):
            raise InputError(f"{path}: {broken}; see simenv validate and simenv repair")
        file = safe_open(path, virtual=SHARD_NAME)
        if "shards" not in file:
            check(file, path)  # only an index may show other files
        _check_names(file, path)
        return file

    def _open_shard(self, name: str) -> h5py.File:
        path, frames = self._folder / name, self._frames[self._names.index(name)]
        if not path.exists():
            raise InputError(f"{path}: is missing; {AGAIN}")
        file = safe_open(path)
        if (found := len(item_of(file, TIME))) != frames:
            file.close()
            raise InputError(f"{path}: has {found} frames, not {frames}; {AGAIN}")
        return file

    def _pictures(self) -> tuple[Sequence[str], Sequence[int]]:
        """Names and frame counts of the files with pictures, after a look that they are there."""
        if "shards" not in self.main:
            return [self._main], [len(item_of(self.main, TIME))]
        table = {name: read_column(item_of(self.main, f"shards/{name}")) for name in SHARDS}
        if len({column.shape for column in table.values()}) > 1 or np.any(table["frames"] < 0):
            raise InputError(
                f"{self._folder / self._main}: its table of shards is damaged; {AGAIN}"
            )
        for name, size in zip(table["file"], table["bytes"], strict=True):
            path = self._folder / name
            if not SHARD_NAME.fullmatch(name):
                raise InputError(f"{self._folder / self._main}: shows {name!r}, which is no shard")
            if not path.exists():
                raise InputError(f"{path}: is missing; {AGAIN}")
            if not is_regular(path):
                raise InputError(f"{path}: is no regular file; {AGAIN}")
            if path.stat().st_size != size:
                raise InputError(f"{path}: has {path.stat().st_size} bytes, not {size}; {AGAIN}")
        return list(table["file"]), table["frames"].tolist()

    def _compare_counts(self) -> None:
        rows = len(item_of(self.main, TIME))
        if rows != self._starts[-1]:
            raise InputError(
                f"{self._folder / self._main}: has {rows} frames, its shards {self._starts[-1]}; "
                "remove it and run the same simenv generate command again"
            )


def _check_names(file: h5py.File, path: Path) -> None:
    """Names of objects and classes become names of files and columns in exports."""
    for column in ("name", "key", "class"):
        if (dataset := file.get(f"objects/{column}")) is None:
            raise InputError(f"{path}: has no objects/{column}; it is damaged")
        for name in read_column(dataset):
            if not NAME.fullmatch(name):
                raise InputError(f"{path}: objects/{column} holds {ascii(name)[:60]}, no name")
