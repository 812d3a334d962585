"""LeRobot's dataset v3.0: what its policies are trained on. See docs/export.md.

The format is that of src/lerobot/datasets in github.com/huggingface/lerobot, written without it:
Parquet that `datasets` decodes, the pictures in it as PNG.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from simenv.dataset.demo import Episode
from simenv.errors import InputError
from simenv.export.columns import (
    CLOCK,
    Feature,
    columns,
    features_of,
    table_of,
    tasks_table,
)
from simenv.export.demos import DemoSource, task_sentence
from simenv.export.folder import Folder
from simenv.export.stats import Stats, join, stats_of
from simenv.export.text import by_line

__all__ = ["write"]

VERSION = "v3.0"  # CODEBASE_VERSION of lerobot/datasets/dataset_metadata.py
CHUNK_FILES = 1000  # files of a chunk-NNN folder
FILE_MB = 100  # a data file ends before the episode that would make it larger
VIDEO_MB = 200  # LeRobot's default; there are no videos
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"


def _require() -> None:
    """That Parquet can be written."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            "--to lerobot: pyarrow is not installed; pip install 'simenv[formats]'"
        ) from None


@dataclass
class Book:
    """What meta/ says, episode by episode."""

    features: dict[str, Feature]
    rows: list[dict[str, Any]] = field(default_factory=list)
    stats: list[Stats] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)  # sentence -> task_index
    frames: int = 0

    def add(self, episode: Episode, place: tuple[int, int], stats: Stats) -> None:
        """A row of meta/episodes, in the order in which LeRobot writes its columns."""
        self.rows.append(
            {
                "episode_index": len(self.rows),
                "tasks": [task_sentence(episode)],
                "length": len(episode),
                "data/chunk_index": place[0],
                "data/file_index": place[1],
                "dataset_from_index": self.frames,
                "dataset_to_index": self.frames + len(episode),
                **{
                    f"stats/{f}/{s}": v.tolist() for f, own in stats.items() for s, v in own.items()
                },
                "meta/episodes/chunk_index": 0,
                "meta/episodes/file_index": 0,
                "seed": episode.seed,  # these three are ours: LeRobot's filter_episodes sees them
                "scene": episode.scene,
                "success": episode.success,
            }
        )
        self.stats.append(stats)
        self.frames += len(episode)


def write(source: DemoSource, folder: Folder) -> int:
    """Write the episodes; how many steps they have.

    Raises:
        InputError: pyarrow is missing, or a number is not finite.
    """
    _require()
    book = Book(features_of(source.first, source.observations))
    files = DataFiles(folder, book.features)
    for episode in source:
        _add(book, files, episode)
    files.close()
    _write_meta(book, folder, source.first.rate_hz)
    return book.frames


def _add(book: Book, files: DataFiles, episode: Episode) -> None:
    task = book.tasks.setdefault(task_sentence(episode), len(book.tasks))
    values = columns(episode, book.features, number=len(book.rows), first=book.frames, task=task)
    stats = stats_of(values, book.features, f"episode {len(book.rows)}")
    book.add(episode, files.add(values), stats)


class DataFiles:
    """The files of data/: one row group an episode, a new file where the last is full.

    A file is made in memory, where no disk can refuse half of it: it has FILE_MB at most, or one
    episode.
    """

    def __init__(self, folder: Folder, features: dict[str, Feature]) -> None:
        self.folder, self.features = folder, features
        self.number, self.rows = -1, 0  # of the file in work
        self._bytes: Any = None
        self._writer: Any = None

    def add(self, values: dict[str, NDArray[Any]]) -> tuple[int, int]:
        """Write an episode; the numbers of its chunk and of its file."""
        table = table_of(values, self.features)
        if self._writer is None or self._would_fill(len(table)):
            self.close()
            self._begin(table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self.rows += len(table)
        return self._place()

    def _would_fill(self, rows: int) -> bool:
        """As LeRobot decides it: by the size of the file and of a row in it."""
        size = self._bytes.tell()
        return bool(size + size / self.rows * rows >= FILE_MB * 1024**2)

    def _begin(self, schema: Any) -> None:
        import pyarrow
        import pyarrow.parquet

        self.number, self.rows = self.number + 1, 0
        self._bytes = pyarrow.BufferOutputStream()
        self._writer = pyarrow.parquet.ParquetWriter(self._bytes, schema)

    def close(self) -> None:
        """Put the file in work on the disk, if there is one."""
        if self._writer is not None:
            self._writer.close()
            chunk, file = self._place()
            name = DATA.format(chunk_index=chunk, file_index=file)
            self.folder.write(name, memoryview(self._bytes.getvalue()))
            self._writer = None

    def _place(self) -> tuple[int, int]:
        return divmod(self.number, CHUNK_FILES)


def _write_meta(book: Book, folder: Folder, rate_hz: float) -> None:
    import pyarrow

    _write_table(folder, EPISODES, pyarrow.Table.from_pylist(book.rows))
    _write_table(folder, "meta/tasks.parquet", tasks_table(book.tasks))
    stats = join(book.stats)
    rows = {name: {k: v.tolist() for k, v in own.items()} for name, own in stats.items()}
    folder.write("meta/stats.json", by_line(rows))
    folder.write("meta/info.json", by_line(_info(book, rate_hz)))


def _write_table(folder: Folder, name: str, table: Any) -> None:
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    folder.write(name, memoryview(sink.getvalue()))


def _info(book: Book, rate_hz: float) -> dict[str, Any]:
    return {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": len(book.rows),
        "total_frames": book.frames,
        "total_tasks": len(book.tasks),
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": FILE_MB,
        "video_files_size_in_mb": VIDEO_MB,
        "fps": int(rate_hz) if rate_hz == int(rate_hz) else rate_hz,
        "splits": {"train": f"0:{len(book.rows)}"},
        "data_path": DATA,
        "video_path": None,
        "features": {name: one.described() for name, one in {**book.features, **CLOCK}.items()},
    }
