"""How a demonstration, one episode of an expert in an environment, stands on the disk.

A folder of demonstrations is a folder of closed files, one an episode. A file is made in memory and
takes its name whole, as shards do (store.py): a killed run loses the episode in work, and goes on
by skipping the numbers that are there. On the disk: docs/format.md, `simenv-demo-1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

import simenv
from simenv.dataset.disk import make_folder, replace_file, storage
from simenv.dataset.guard import safe_open
from simenv.dataset.hdf5 import in_memory, read_attributes, read_text, write_frames
from simenv.dataset.pixels import frame
from simenv.errors import InputError

__all__ = [
    "FORMAT",
    "Demos",
    "Episode",
    "episode_paths",
    "is_demos",
    "open_demos",
    "read_actions",
    "read_episode",
    "read_outcome",
    "write_episode",
]

FORMAT = "simenv-demo-1"
FILE_NAME = re.compile(r"episode-(\d{6,})\.h5")
NAME = re.compile(r"[A-Za-z0-9_-]+")  # what HDF5, torch's ModuleDict and every format can say
PICTURE_BYTES = 1024  # from here on a frame is a compressed chunk of its own
AGAIN = "remove it, and run the command that made it again"
_UNPACKED: Any = isal_zlib.error  # a class, which ISA-L's type stub takes for an instance
# What a file that is not as it was written sets off in h5py, ISA-L and Episode.
_DAMAGE = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError, _UNPACKED)

_STEPS = {  # datasets of one row a step, one number each but for the actions
    "actions": "<f4",
    "rewards": "<f8",
    "terminations": "?",
    "truncations": "?",
    "successes": "?",
}
_TEXTS = ("task", "env_spec")  # datasets: an attribute ends at 64 kB
_META = {  # root attributes
    "env_id": str,
    "seed": int,
    "scene": int,
    "success": bool,
    "rate_hz": float,
    "version": str,
}


@dataclass(frozen=True, eq=False)
class Episode:
    """What an expert saw, did and got, in T steps from one reset to the end.

    ``observations[name][t]`` is what it saw before it did ``actions[t]``, which led to
    ``rewards[t]``, the flags of row t and ``observations[name][t + 1]``.

    Raises:
        ValueError: an array has another length, shape or type than it must have.
    """

    observations: Mapping[str, NDArray[Any]]  # name -> (T + 1, ...); numbers, bools or uint8 images
    actions: NDArray[np.float32]  # (T, A)
    rewards: NDArray[np.float64]  # (T,)
    terminations: NDArray[np.bool_]  # (T,) the task ended: reached, or out of reach
    truncations: NDArray[np.bool_]  # (T,) the time was up
    successes: NDArray[np.bool_]  # (T,) the task's success holds after the step
    terms: Mapping[str, NDArray[np.float64]]  # name -> (T,) parts of the reward
    env_id: str  # as gymnasium.make takes it
    env_spec: str  # JSON of gymnasium's EnvSpec
    seed: int
    scene: int  # its number in the task's domain
    success: bool  # of the whole episode
    task: str  # the whole task, YAML
    rate_hz: float  # steps a second
    version: str = simenv.__version__  # of simenv

    def __post_init__(self) -> None:
        if self.actions.ndim != 2 or not len(self):
            raise ValueError(f"actions: have the shape {self.actions.shape}, not (T, A), T > 0")
        if not self.rate_hz > 0:
            raise ValueError(f"rate_hz: is {self.rate_hz}, not positive")
        for name in (*self.observations, *self.terms):
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r}: is no name of an array; use letters, digits, _ and -")
        for name, dtype in _STEPS.items():
            _check(name, getattr(self, name), len(self), dtype, flat=name != "actions")
        for name, values in self.terms.items():
            _check(f"terms/{name}", values, len(self), "<f8", flat=True)
        for name, values in self.observations.items():
            _check(f"observations/{name}", values, len(self) + 1)

    def __len__(self) -> int:
        """Steps."""
        return len(self.actions)


def _check(
    name: str, values: NDArray[Any], rows: int, dtype: str = "", *, flat: bool = False
) -> None:
    if values.shape[:1] != (rows,) or (flat and values.ndim != 1):
        raise ValueError(f"{name}: has the shape {values.shape}; {rows} rows are wanted")
    if values.dtype.kind not in "iufb" or (dtype and values.dtype != np.dtype(dtype)):
        wanted = np.dtype(dtype) if dtype else "of numbers"
        raise ValueError(f"{name}: is {values.dtype}, not {wanted}")


def write_episode(folder: str | Path, number: int, episode: Episode) -> Path:
    """Put an episode into ``folder`` under its number, whole or not at all; where it stands.

    Raises:
        StorageError: the disk refuses; nothing that was committed is touched.
    """
    path = Path(folder) / f"episode-{number:06d}.h5"
    with storage(path, 0):
        make_folder(path.parent)
    replace_file(path, _image(episode))
    return path


def _image(episode: Episode) -> memoryview:
    """The bytes of the file; equal values give equal bytes on one kind of CPU."""
    image = BytesIO()
    with in_memory(image) as file:
        file.attrs["format"] = FORMAT
        for name, kind in _META.items():
            value = kind(getattr(episode, name))
            file.attrs[name] = int(value) if kind is bool else value
        for name in _TEXTS:
            file.create_dataset(name, data=getattr(episode, name), dtype=h5py.string_dtype())
        for name in _STEPS:
            _write(file, name, getattr(episode, name))
        for table in ("observations", "terms"):
            group = file.create_group(table)
            for name, values in sorted(getattr(episode, table).items()):
                _write(group, name, values)
    return image.getbuffer()


def _write(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    """Pictures a chunk each, all else as it is; bools, which HDF5 lacks, as bytes."""
    flags = values.dtype.kind == "b"
    stored = values.astype(np.uint8 if flags else values.dtype.newbyteorder("<"), copy=False)
    if stored.ndim >= 3 and stored[0].nbytes >= PICTURE_BYTES:
        dataset = write_frames(group, name, stored)
    else:
        dataset = group.create_dataset(name, data=stored)
    if flags:
        dataset.attrs["bool"] = 1


def read_episode(path: str | Path) -> Episode:
    """An episode, all of it in memory.

    Raises:
        InputError: the file is broken, not safe to read, or no demonstration.
    """
    with _opened(path) as file:
        return _episode(file)


def read_actions(path: str | Path) -> NDArray[np.float32]:
    """The actions (T, A) alone, without the pictures; see `read_episode`."""
    with _opened(path) as file:
        return _read(file["actions"])


def read_outcome(path: str | Path) -> tuple[bool, int]:
    """Whether the episode reached the task, and how many steps it has; see `read_episode`."""
    with _opened(path) as file:
        return bool(read_attributes(file)["success"]), len(file["actions"])


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    """The file, and one line for whatever turns out to be wrong with it inside the block."""
    with safe_open(path, form=FORMAT) as file:
        try:
            yield file
        except _DAMAGE as error:
            raise InputError(f"{path}: is damaged ({error}); {AGAIN}") from None


def _episode(file: h5py.File) -> Episode:
    attributes = read_attributes(file)
    values: dict[str, Any] = {name: kind(attributes[name]) for name, kind in _META.items()}
    values |= {name: read_text(file[name]) for name in _TEXTS}
    values |= {name: _read(file[name]) for name in _STEPS}
    for table in ("observations", "terms"):
        values[table] = {name: _read(dataset) for name, dataset in file[table].items()}
    return Episode(**values)


def _read(dataset: h5py.Dataset) -> NDArray[Any]:
    values: NDArray[Any] = np.empty(dataset.shape, dataset.dtype)
    if dataset.chunks:
        for row in range(len(values)):
            values[row] = frame(dataset, row)
    else:
        dataset.read_direct(values)
    return values.view(np.bool_) if "bool" in dataset.attrs else values


def episode_paths(folder: str | Path) -> dict[int, Path]:
    """Number -> file of each episode of ``folder``, in order; none where there is no folder."""
    found = ((FILE_NAME.fullmatch(path.name), path) for path in Path(folder).glob("episode-*.h5"))
    return dict(sorted((int(name[1]), path) for name, path in found if name))


def is_demos(path: str | Path) -> bool:
    """Whether ``path`` is a folder of demonstrations."""
    return bool(episode_paths(path))


class Demos:
    """The episodes of a folder in the order of their numbers, each read when it is asked for."""

    def __init__(self, folder: str | Path) -> None:
        self.path, self.files = Path(folder), tuple(episode_paths(folder).values())
        if not self.files:
            raise InputError(f"{folder}: holds no episode-*.h5; name a folder of demonstrations")

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Episode]:
        return map(read_episode, self.files)

    def __getitem__(self, i: int) -> Episode:
        return read_episode(self.files[i])


def open_demos(folder: str | Path) -> Demos:
    """The demonstrations in ``folder``, read one at a time.

    Raises:
        InputError: there are none.

    Example:
        >>> for episode in open_demos("demos"):
        ...     print(episode.seed, len(episode), episode.success)
    """
    return Demos(folder)
