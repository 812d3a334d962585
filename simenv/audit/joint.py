"""Which cells of two variables occur together, which never do, and which of those never will.

A cell is reachable until the dataset says otherwise. Cells of planned variables are reachable by
definition, unless scenes of them were proposed again and again and all rejected. Cells of realised
variables are reachable where they were seen, in the dataset or in a reference. A pair of reachable
cells is, too, unless it should have occurred in so many scenes that its absence is no accident:
see NEVER.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from simenv.audit.observe import Observed
from simenv.audit.variable import Variable

__all__ = ["NEVER", "Joint", "Single", "joints", "singles"]

NEVER = float(-np.log(1e-3))  # expected scenes; with fewer, none happens more than once in 1,000
TWICE = ({"face", "orientation"}, {"class", "object"}, {"u", "border"}, {"v", "border"})

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Single:
    """The cells of one variable; all arrays (K,)."""

    name: str
    variable: Variable
    names: tuple[str, ...]  # those of the variable, then those that only the reference has
    rows: Counts
    scenes: Counts  # accepted ones
    excluded: Mask
    reachable: Mask

    @property
    def open(self) -> Mask:
        """Reachable and empty."""
        return np.asarray(self.reachable & (self.scenes == 0))

    @property
    def missing(self) -> Mask:
        """Empty, and reachable or not yet known not to be: of a cell that was never seen."""
        return np.asarray(~self.excluded & (self.scenes == 0))


@dataclass(frozen=True, eq=False)
class Joint:
    """The cells of two variables together; all arrays (K, L)."""

    one: Single
    other: Single
    level: str  # of the rows where they meet
    scenes: Counts  # accepted ones
    expected: Floats  # scenes, if the two were independent
    excluded: Mask
    reachable: Mask

    @property
    def planned(self) -> bool:
        """Whether the domain draws both."""
        return self.one.variable.planned and self.other.variable.planned

    @property
    def open(self) -> Mask:
        """Reachable and empty."""
        return np.asarray(self.reachable & (self.scenes == 0))

    @property
    def missing(self) -> Mask:
        """Empty, and reachable or not yet known not to be: of a cell that was never seen."""
        return np.asarray(~self.excluded & (self.scenes == 0))


def singles(observed: Observed, reference: Observed | None = None) -> dict[str, Single]:
    """Every variable by its title.

    ``reference`` is a dataset of the same task, such as a larger one: what it shows is reachable.
    """
    return _Board(observed, reference).singles


def joints(observed: Observed, reference: Observed | None = None) -> Iterator[Joint]:
    """Every pair of variables that have rows in common, and are not one thing said twice."""
    board = _Board(observed, reference)
    other = None if reference is None else _Board(reference, observed)
    for one, two in combinations(board.singles.values(), 2):
        if observed.meets(one.variable, two.variable) and not _twice(one.variable, two.variable):
            yield board.joint(one, two, other)


def _twice(one: Variable, other: Variable) -> bool:
    counted = {one.name.rpartition(".")[2], other.name.rpartition(".")[2]} == {"count", "parts"}
    axis = one.name.partition("[")[0] == other.name and one.planned
    return counted or axis or {one.name, other.name} in TWICE


class _Board:
    """The variables of accepted scenes, in cells that two datasets have in common."""

    def __init__(self, observed: Observed, reference: Observed | None) -> None:
        self.observed = observed
        self.accepted = observed.scenes["outcome"].astype(str) == "accepted"
        self._cells: dict[tuple[str, str], NDArray[np.int16]] = {}
        self._totals: dict[str, int] = {}
        self._counted: dict[tuple[str, str], tuple[Counts, Counts]] = {}
        others = {} if reference is None else _variables(reference)
        self.singles = {
            title: self._single(title, own, others.get(title))
            for title, own in _variables(observed).items()
        }

    def _single(self, title: str, own: Variable, other: Variable | None) -> Single:
        new = () if other is None else tuple(n for n in other.names if n not in own.names)
        names = (*own.names, *new)
        cells, scene = self.cells(title, own, own.level), self.observed.scene_of[own.level]
        rows, scenes = _rows(cells, len(names)), _scenes(scene, cells, len(names))
        seen = scenes > 0
        if other is not None:
            seen |= _known(other, names)
        excluded = self._rejected(own, len(names)) & ~seen
        reachable = ~excluded if own.planned else seen
        return Single(title, own, names, rows, scenes, excluded, reachable)

    def _rejected(self, own: Variable, count: int) -> Mask:
        """Cells of which so many scenes were proposed that some should have been accepted."""
        if own.level != "scene":
            return np.zeros(count, bool)
        proposed = _rows(own.cells, count)
        return np.asarray(proposed * self.accepted.mean() >= NEVER)

    def cells(self, title: str, own: Variable, level: str) -> NDArray[np.int16]:
        """The variable's cells at the rows of a level; -1 in rejected scenes."""
        if (title, level) not in self._cells:
            cells = self.observed.at(own, level).cells
            if level == "scene":
                cells = np.where(self.accepted, cells, -1)
            self._cells[title, level] = cells.astype(np.int16)
        return self._cells[title, level]

    def joint(self, one: Single, two: Single, reference: _Board | None) -> Joint:
        level = self._level(one, two)
        scenes = self._together(one, two, level)
        expected = self._expected(one, two, level)
        planned = one.variable.planned and two.variable.planned
        if planned and level == "scene":
            surprise = self._proposed(one, two) * self.accepted.mean()
        else:
            surprise = expected
        excluded = (surprise >= NEVER) & (scenes == 0)
        if reference is not None:
            excluded &= ~reference._has(one, two)
        reachable = np.outer(one.reachable, two.reachable) & ~excluded
        excluded &= np.outer(one.reachable, two.reachable)
        return Joint(one, two, level, scenes, expected, excluded, reachable)

    def _level(self, one: Single, two: Single) -> str:
        levels = self.observed.levels
        return max(one.variable.level, two.variable.level, key=levels.index)

    def _together(self, one: Single, two: Single, level: str) -> Counts:
        """Accepted scenes in which each pair of cells occurs (K, L)."""
        a = self.cells(one.name, one.variable, level).astype(np.int32)
        b = self.cells(two.name, two.variable, level)
        both = np.where((a >= 0) & (b >= 0), a * len(two.names) + b, -1)
        shape = (len(one.names), len(two.names))
        return _scenes(self.observed.scene_of[level], both, shape[0] * shape[1]).reshape(shape)

    def _has(self, one: Single, two: Single) -> Mask:
        """Which pairs of the cells of another dataset's two variables occur in this one (K, L)."""
        mine, yours = self.singles.get(one.name), self.singles.get(two.name)
        found = np.zeros((len(one.names), len(two.names)), bool)
        if mine is not None and yours is not None:
            there = self._together(mine, yours, self._level(mine, yours)) > 0
            rows = [mine.names.index(name) for name in one.names]
            columns = [yours.names.index(name) for name in two.names]
            found = there[np.ix_(rows, columns)]
        return found

    def _proposed(self, one: Single, two: Single) -> Counts:
        """Scenes with each pair of cells, accepted or not (K, L)."""
        a, b = one.variable.cells, two.variable.cells
        found = np.zeros((len(one.names), len(two.names)), np.int64)
        there = (a >= 0) & (b >= 0)
        np.add.at(found, (a[there], b[there]), 1)
        return found

    def _expected(self, one: Single, two: Single, level: str) -> Floats:
        """Scenes in which each pair of cells would occur if they were independent (K, L).

        Rows come in bunches, such as one part in several frames: what counts is how often a cell
        occurs anew. It never exceeds the product of the shares of the scenes.
        """
        (rows_a, scenes_a), (rows_b, scenes_b) = (self._marginal(own, level) for own in (one, two))
        total = self._total(level)
        most = np.outer(scenes_a, scenes_b) / total
        if level == "scene":
            return np.asarray(most)
        bunch = np.minimum.outer(_bunch(rows_a, scenes_a, total), _bunch(rows_b, scenes_b, total))
        count = max(1, len(self.observed.scene_of[level]))
        anew = np.outer(rows_a, rows_b) / count / bunch
        return np.asarray(np.minimum(most, total * -np.expm1(-anew / total)))

    def _marginal(self, own: Single, level: str) -> tuple[Counts, Counts]:
        """Rows of a level, and scenes, in which each cell of a variable occurs, (K,) each."""
        if (own.name, level) not in self._counted:
            cells = self.cells(own.name, own.variable, level)
            scene = self.observed.scene_of[level]
            count = len(own.names)
            self._counted[own.name, level] = _rows(cells, count), _scenes(scene, cells, count)
        return self._counted[own.name, level]

    def _total(self, level: str) -> int:
        """Accepted scenes that have rows of a level, at least 1."""
        if level not in self._totals:
            own = (
                np.flatnonzero(self.accepted) if level == "scene" else self.observed.scene_of[level]
            )
            self._totals[level] = max(1, len(np.unique(own)))
        return self._totals[level]


def _variables(observed: Observed) -> Mapping[str, Variable]:
    return {observed.title(own): own for own in observed.variables}


def _rows(cells: NDArray[np.signedinteger], count: int) -> Counts:
    return np.bincount(cells[cells >= 0], minlength=count)


def _scenes(scene: Counts, cells: NDArray[np.signedinteger], count: int) -> Counts:
    """In how many scenes each cell occurs (count,)."""
    there = cells >= 0
    hit = np.zeros((int(scene.max(initial=-1)) + 1, count), bool)
    hit[scene[there], cells[there]] = True
    return np.asarray(hit.sum(axis=0))


def _bunch(rows: Counts, scenes: Counts, total: int) -> Floats:
    """Rows that come together, at least 1.

    A cell that occurs anew at random, h times a scene, is missing in exp(-h) of the scenes.
    """
    missing = np.clip(1 - scenes / total, 0.5 / total, 1 - 0.5 / total)
    return np.maximum(1.0, rows / total / -np.log(missing))


def _known(other: Variable, names: tuple[str, ...]) -> Mask:
    """Which of ``names`` occur in the variable of another dataset."""
    there = {other.names[cell] for cell in np.flatnonzero(other.counts)}
    return np.array([name in there for name in names])
