"""What occurs in which scene: objects, classes, textures, tiers, and the values of any axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset
from simenv.errors import InputError
from simenv.spec.explain import suggest

__all__ = ["HoldOut", "accepted", "values"]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
SPAN = re.compile(rf"({NUMBER})\.\.({NUMBER})")
NOTHING = "null"  # how a value is written that is there and is none: a belt without texture

Pairs = tuple[NDArray[np.int64], NDArray[Any]]  # scene number, value; a scene may have many


@dataclass(frozen=True)
class HoldOut:
    """Values of one factor that training must not see: ``object=gear,hinge``, ``path=5..15``."""

    factor: str
    values: tuple[str, ...] = ()
    span: tuple[float, float] | None = None  # both included

    @classmethod
    def parse(cls, text: str) -> HoldOut:
        """What ``text`` says.

        Raises:
            InputError: it is no ``factor=value,value`` and no ``factor=low..high``.
        """
        factor, equals, wanted = (word.strip() for word in text.partition("="))
        words = tuple(word.strip() for word in wanted.split(","))
        if not (factor and equals and all(words)):
            raise InputError(
                f"--hold-out: {text!r} is no factor=value; write for example object=gear,hinge or "
                "look.light.elevation_deg=5..15"
            )
        if (match := SPAN.fullmatch(wanted)) is None:
            return cls(factor, tuple(dict.fromkeys(words)))
        low, high = float(match[1]), float(match[2])
        if low > high:
            raise InputError(f"--hold-out: {text}: low {low:g} is above high {high:g}; swap them")
        return cls(factor, span=(low, high))

    def __str__(self) -> str:
        wanted = ",".join(self.values) if self.span is None else "{:g}..{:g}".format(*self.span)
        return f"{self.factor}={wanted}"

    def scenes(self, dataset: Dataset) -> Mapping[str, NDArray[np.int64]]:
        """Each held-out value (a span is one) -> the accepted scenes in which it occurs, sorted.

        Raises:
            InputError: the dataset has no such factor, or a factor of that kind has no such values.
        """
        numbers, found = values(dataset, self.factor)
        own = {word: self._match(found, word) for word in self.values}
        if self.span is not None:
            own = {"{:g}..{:g}".format(*self.span): self._inside(found)}
        there = accepted(dataset)
        return {word: np.intersect1d(numbers[hit], there) for word, hit in own.items()}

    def _inside(self, found: NDArray[Any]) -> NDArray[np.bool_]:
        assert self.span is not None
        if found.dtype.kind not in "if":
            raise InputError(f"--hold-out: {self}: its values are no numbers; list the values")
        return np.asarray((found >= self.span[0]) & (found <= self.span[1]))

    def _match(self, found: NDArray[Any], word: str) -> NDArray[np.bool_]:
        if found.dtype.kind not in "if":
            return np.asarray(found == ("" if word == NOTHING else word), dtype=bool)
        if not re.fullmatch(NUMBER, word):
            raise InputError(
                f"--hold-out: {self}: {word!r} is no number, and those of {self.factor} are; "
                f"write for example {self.factor}=5..15"
            )
        return np.asarray(found == float(word))


def accepted(dataset: Dataset) -> NDArray[np.int64]:
    """The numbers of the scenes that have frames, sorted."""
    return np.unique(dataset.column("frames/scene")).astype(np.int64)


def values(dataset: Dataset, factor: str) -> Pairs:
    """Scene numbers and what ``factor`` is there: one pair or more for each scene that has it.

    Args:
        dataset: where to look.
        factor: ``object``, ``class``, ``texture``, ``tier``, the path of an axis, or another path
            of the task, whose one value all scenes have.

    Raises:
        InputError: there is no such factor, or its values are vectors or rotations.
    """
    if factor in FACTORS:
        return FACTORS[factor](dataset)
    for table in ("scenes", "parts"):
        if (name := f"{table}/param/{factor}") in dataset.layout.params:
            column = dataset.column(name)
            if column.ndim > 1:
                raise InputError(
                    f"--hold-out: {factor}: its values are vectors, of which none is like another; "
                    "hold out numbers or names"
                )
            return dataset.column("scenes/index" if table == "scenes" else "parts/scene"), column
    return _constant(dataset, factor)


def _of_bodies(dataset: Dataset, own: NDArray[Any]) -> Pairs:
    """A value for each body of each frame, as a value for each scene."""
    scenes = dataset.column("frames/scene")[dataset.column("bodies/frame")]
    words, codes = np.unique(own.astype(str), return_inverse=True)
    both = np.unique(np.stack([scenes, codes.ravel()]), axis=1)
    return both[0], words[both[1]].astype(object)


def _objects(dataset: Dataset, column: str) -> Pairs:
    return _of_bodies(dataset, dataset.column(column)[dataset.column("bodies/object")])


FACTORS: Mapping[str, Callable[[Dataset], Pairs]] = {
    "object": lambda dataset: _objects(dataset, "objects/name"),
    "class": lambda dataset: _objects(dataset, "objects/class"),
    "texture": lambda dataset: _of_bodies(dataset, dataset.column("bodies/texture")),
    "tier": lambda dataset: (dataset.column("scenes/index"), dataset.column("scenes/tier")),
}


def _constant(dataset: Dataset, path: str) -> Pairs:
    """What does not vary in this dataset, as of a twin with one light: all scenes have it."""
    value: Any = dataset.values
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping | tuple):
        known = (*FACTORS, *(param.path for param in dataset.layout.params.values()))
        raise InputError(f"--hold-out: no factor {path}; {suggest(path, known)}")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    scenes = accepted(dataset)
    return scenes, np.full(len(scenes), value, dtype=float if number else object)
