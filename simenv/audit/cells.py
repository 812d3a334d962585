"""The fullest and the emptiest cells that were reached, against what independence would put there.

Looked at are what a person sees at once in a picture: which class stands where, how far, how hidden
and how crowded, and where in each picture parts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.examples import Example, examples
from simenv.audit.observe import Observed
from simenv.audit.variable import Variable

__all__ = ["Extreme", "extremes"]

MOST = 4  # cells of each kind
PICTURES = 2  # of each cell
LABELS = ("class",)
SEEN = ("neighbours", "border", "distance_m", "visible_fraction")


@dataclass(frozen=True)
class Extreme:
    """A cell of two variables that holds far more, or far fewer, rows than they let expect."""

    one: str
    one_cell: str
    other: str
    other_cell: str
    rows: int
    expected: float
    examples: tuple[Example, ...]


@dataclass(frozen=True, eq=False)
class _Found:
    level: str
    one: Variable
    other: Variable
    titles: tuple[str, str]
    cell: tuple[int, int]
    rows: int
    expected: float

    @property
    def surprise(self) -> float:
        """Difference of the roots, whose spread is about the same for any count (Anscombe 1948)."""
        return float(np.sqrt(self.rows) - np.sqrt(self.expected))


def extremes(observed: Observed) -> tuple[tuple[Extreme, ...], tuple[Extreme, ...]]:
    """The emptiest cells that hold a row at least, and the most crowded; one of each pair."""
    empty, full = [], []
    for one, other in _pairs(observed):
        found = list(_cells(observed, one, other))
        empty += sorted(found, key=lambda own: own.surprise)[:1]
        full += sorted(found, key=lambda own: -own.surprise)[:1]
    empty = sorted(empty, key=lambda own: own.surprise)[:MOST]
    full = sorted(full, key=lambda own: -own.surprise)[:MOST]
    return (
        tuple(_extreme(observed, own) for own in empty if own.surprise < 0),
        tuple(_extreme(observed, own) for own in full if own.surprise > 0),
    )


def _pairs(observed: Observed) -> Iterator[tuple[Variable, Variable]]:
    labels = [own for own in observed.variables if own.name in LABELS]
    for own in observed.variables:
        if own.name in SEEN:
            yield from ((label, own) for label in labels)
        if own.name == "u":
            yield own, observed[observed.title(own)[:-1] + "v"]


def _cells(observed: Observed, one: Variable, other: Variable) -> Iterator[_Found]:
    """Every cell of two variables that holds a row."""
    level = max(one.level, other.level, key=observed.levels.index)
    a, b, _ = observed.together(one, other)
    counts = _table(a, b)
    total = max(int(counts.sum()), 1)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    titles = observed.title(one), observed.title(other)
    for row, column in np.argwhere(counts > 0).tolist():
        yield _Found(
            level, a, b, titles, (row, column), int(counts[row, column]),
            float(expected[row, column]),
        )  # fmt: skip


def _table(a: Variable, b: Variable) -> NDArray[np.int64]:
    """Rows in each pair of cells (K, L)."""
    there = (a.cells >= 0) & (b.cells >= 0)
    flat = a.cells[there] * len(b.names) + b.cells[there]
    counts = np.bincount(flat, minlength=len(a.names) * len(b.names))
    return counts.reshape(len(a.names), len(b.names))


def _extreme(observed: Observed, own: _Found) -> Extreme:
    row, column = own.cell
    inside = np.flatnonzero((own.one.cells == row) & (own.other.cells == column))
    return Extreme(
        own.titles[0],
        own.one.names[row],
        own.titles[1],
        own.other.names[column],
        own.rows,
        own.expected,
        examples(observed, own.level, inside, count=PICTURES),
    )
