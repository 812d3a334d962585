"""Which axes have moved between two days: the same scenes drawn twice, without any physics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from simenv.domain.sample import Sample, sample
from simenv.errors import InputError
from simenv.spec.load import Task
from simenv.spec.yaml import flow

__all__ = ["Moved", "diff", "table"]

LISTED = 6  # options of a choice that a table shows


@dataclass(frozen=True)
class Moved:
    """One axis, or one group of actors, and what it was and is."""

    path: str
    kind: str  # "semantic" or "visual"
    before: str
    after: str


def diff(
    task: Task, before: float, after: float, *, scenes: int = 256, seed: int = 0
) -> list[Moved]:
    """What differs between days ``before`` and ``after``: groups first, then axes.

    An axis that is not named has the same values on both days, bit by bit, in all ``scenes``
    scenes; where a group has more parts on one day, those are compared that are there on both.

    Raises:
        InputError: if a day is negative, or there are no scenes to compare.
    """
    if scenes < 1:
        raise InputError(f"--scenes: {scenes} cannot be compared; ask for 1 or more")
    days = [
        [sample(task, seed, scene, at_day=day) for scene in range(scenes)]
        for day in (before, after)
    ]
    return [*_groups(task, before, after), *_axes(task, *days)]


def _groups(task: Task, before: float, after: float) -> Iterator[Moved]:
    """Groups of actors that have come or gone."""
    for name, actors in task.spec.actors.items():
        was, is_ = ("there" if actors.present(day) else "absent" for day in (before, after))
        if was != is_:
            yield Moved(f"actors.{name}", "semantic", was, is_)


def _axes(task: Task, before: Sequence[Sample], after: Sequence[Sample]) -> Iterator[Moved]:
    for path, axis in task.axes.items():
        was, is_ = ([_values(one, path) for one in day] for day in (before, after))
        pairs = chain.from_iterable(map(zip, was, is_))  # as far as both have parts
        if any(a != b for a, b in pairs):
            yield Moved(path, axis.kind, *(_summary([*chain(*rows)]) for rows in (was, is_)))


def _values(one: Sample, path: str) -> tuple[object, ...]:
    return (one.values[path],) if path in one.values else one.part_values[path]


def _summary(values: Sequence[object]) -> str:
    """Numbers: range and mean, each component by itself; all else: shares of the options."""
    if all(isinstance(value, int | float) for value in values):
        return _numbers(np.array(values, dtype=np.float64))
    if all(isinstance(value, tuple) and _is_vector(value) for value in values):
        columns = np.array(values, dtype=np.float64).T
        return "; ".join(map(_numbers, columns))
    if all(isinstance(value, Mapping) and set(value) == {"xyzw"} for value in values):
        return _one_or(values, "rotations")
    return _shares(values)


def _is_vector(value: tuple[object, ...]) -> bool:
    return all(isinstance(component, int | float) for component in value)


def _numbers(column: NDArray[np.float64]) -> str:
    low, high = column.min(), column.max()
    return f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}, mean {column.mean():.4g}"


def _one_or(values: Sequence[object], words: str) -> str:
    return flow(values[0]) if all(value == values[0] for value in values) else words


def _shares(values: Sequence[object]) -> str:
    counts = Counter(flow(value, cut=True) for value in values).most_common()
    shown = [f"{word} {count / len(values):.0%}" for word, count in counts[:LISTED]]
    if len(counts) == 1:
        return counts[0][0]
    more = len(counts) - LISTED
    return ", ".join([*shown, f"{more} more"] if more > 0 else shown)


def table(moved: Sequence[Moved], before: float, after: float) -> str:
    """The rows of `diff` as text."""
    if not moved:
        return f"nothing moved between day {before:g} and day {after:g}"
    head = ("axis", "kind", f"day {before:g}", f"day {after:g}")
    rows = [head, *((row.path, row.kind, row.before, row.after) for row in moved)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(word.ljust(w) for word, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
