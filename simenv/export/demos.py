"""What the exports of demonstrations read: episodes that all have the same arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.demo import Demos, Episode
from simenv.errors import InputError
from simenv.export.source import Progress
from simenv.spec import yaml

__all__ = ["Array", "DemoSource", "env_kwargs", "task_name", "task_sentence"]

SAME = ("env_id", "env_spec", "rate_hz")  # what one environment has


class Array(NamedTuple):
    """An observation at one step."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def is_image(self) -> bool:
        """Whether other formats can hold it as a picture: grey or RGB, 8 bits."""
        return self.dtype == np.uint8 and len(self.shape) == 3 and self.shape[2] in (1, 3)


@dataclass(frozen=True, eq=False)
class DemoSource:
    """Episodes to export, read one at a time."""

    demos: Demos
    progress: Progress

    def __len__(self) -> int:
        return len(self.demos)

    def __iter__(self) -> Iterator[Episode]:
        """Each episode, and what was done with it is counted when the next one is asked for.

        Raises:
            InputError: one is damaged, or differs from the first in more than its values.
        """
        for done, (path, episode) in enumerate(zip(self.demos.files, self.demos, strict=True), 1):
            self._compare(path, episode)
            yield episode
            self.progress(done, len(self))

    @cached_property
    def first(self) -> Episode:
        """The first episode, whose environment and arrays all others must have."""
        return self.demos[0]

    @cached_property
    def observations(self) -> dict[str, Array]:
        """What is seen at one step, by name in the order of the alphabet."""
        return arrays(self.first)

    def _compare(self, path: Path, episode: Episode) -> None:
        pairs: dict[str, tuple[Any, Any]] = {}
        pairs |= {name: (getattr(episode, name), getattr(self.first, name)) for name in SAME}
        pairs["observations"] = arrays(episode), self.observations
        pairs["terms"] = sorted(episode.terms), sorted(self.first.terms)
        pairs["actions"] = episode.actions.shape[1], self.first.actions.shape[1]
        for name, (own, wanted) in pairs.items():
            if own != wanted:
                raise InputError(
                    f"{path}: {name} differ from those of {self.demos.files[0].name}; "
                    "put episodes of each environment into a folder of their own"
                )


def arrays(episode: Episode) -> dict[str, Array]:
    """The observations of ``episode`` without their values."""
    named: dict[str, NDArray[Any]] = dict(sorted(episode.observations.items()))
    return {name: Array(values.shape[1:], values.dtype) for name, values in named.items()}


def env_kwargs(episode: Episode) -> dict[str, Any]:
    """What the environment was made with; nothing where its spec cannot be read."""
    try:
        return dict(json.loads(episode.env_spec)["kwargs"])
    except (KeyError, TypeError, ValueError):
        return {}


def task_name(episode: Episode) -> str:
    """The task's name; the environment's id where its text has none."""
    return str(_task(episode).get("name") or episode.env_id)


def task_sentence(episode: Episode) -> str:
    """What the task is, in words: its summary, or else its name."""
    return str(_task(episode).get("summary") or task_name(episode).replace("_", " "))


def _task(episode: Episode) -> dict[str, Any]:
    try:
        return yaml.parse(episode.task, name="task").value
    except InputError:
        return {}
