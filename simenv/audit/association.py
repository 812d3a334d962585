"""How much, and how surely, two variables of a dataset depend on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from simenv.audit.scores import Moments, moments, one_hot_scores, rank_scores
from simenv.audit.variable import Variable

__all__ = ["LEAST_SCENES", "Association", "associate", "joined"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

LEAST_SCENES = 8  # a cell that fewer show is counted together with another
REST = "the rest"
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Association:
    """A label and a factor.

    ``cramers_v`` is of the whole table, 0 (independent) to 1; ``cell_v`` is that of each cell of
    the label against all others; both are corrected for what chance adds (Bergsma 2013), with as
    many rows as scenes make of them. ``correlation`` is there where the factor's cells have an
    order: Spearman's where the label's have one, too, otherwise the correlation ratio of the ranks.
    """

    scenes: int
    rows: float  # parts of scenes, however many frames show them
    cramers_v: float
    cell_v: Floats  # (I,)
    correlation: float | None
    p: float  # the chance of as much, were they independent
    labels: tuple[str, ...]  # (I,)
    factors: tuple[str, ...]  # (J,)
    table: Floats  # (I, J) rows by weight
    cell: tuple[int, int]  # the most over-represented one of the label that strays most

    @property
    def effect(self) -> float:
        """The largest of the three."""
        both = [self.cramers_v, float(self.cell_v.max())]
        return max(*both, abs(self.correlation or 0.0))

    @property
    def share(self) -> float:
        """Of the rows of the cell's label, those of the cell's factor."""
        row = self.table[self.cell[0]]
        return float(row[self.cell[1]] / row.sum())

    @property
    def share_of_all(self) -> float:
        """And of all rows."""
        return float(self.table[:, self.cell[1]].sum() / self.table.sum())

    @property
    def text(self) -> str:
        """The cell in words."""
        label, factor = self.labels[self.cell[0]], self.factors[self.cell[1]]
        return f"{label}: {self.share:.0%} in {factor}, of all {self.share_of_all:.0%}"


def associate(label: Variable, factor: Variable, scene: Rows, weight: Floats) -> Association | None:
    """Both at the same rows (N,), the scene of each row, and what it counts.

    Three tests that are robust to what happens within scenes: of the whole table, of each cell of
    the label against the others, and of the ranks. The smallest p counts, times the number of
    tests. None where fewer than two cells of one of them are shown by LEAST_SCENES scenes.
    """
    there = (label.cells >= 0) & (factor.cells >= 0) & (weight > 0)
    own = np.unique(scene[there], return_inverse=True)[1].ravel()
    label, factor, weight = label.at(there), factor.at(there), weight[there]
    a, labels = joined(label, own)
    b, factors = joined(factor, own)
    if min(len(labels), len(factors)) < 2:
        return None
    shape = (int(own.max()) + 1, len(labels), len(factors))
    table = _sums(own, (a, b), weight, shape)
    return _of_table(table, _ranked(label, factor, own, a, weight, shape[0]), labels, factors)


def _of_table(
    table: Floats,
    ranked: tuple[Moments, float] | None,
    labels: tuple[str, ...],
    factors: tuple[str, ...],
) -> Association:
    scenes, rows, columns = table.shape
    scores = one_hot_scores(table)
    whole = moments(scores.reshape(scenes, -1))
    each = moments(scores.transpose(1, 0, 2))
    total = float(table.sum())
    ps = [float(whole.p), min(1.0, rows * float(each.p.min()))]
    ps += [] if ranked is None else [float(ranked[0].p)]
    margin = table.sum(axis=(0, 2)) / total
    label = int(np.argmin(each.p)) if each.p.min() > 0 else int(np.argmax(each.square / each.mean))
    return Association(
        scenes=scenes,
        rows=total,
        cramers_v=float(_corrected(whole.square, whole.mean, total, rows, columns)),
        cell_v=_corrected(each.square / (1 - margin), each.mean / (1 - margin), total, 2, columns),
        correlation=None if ranked is None else ranked[1],
        p=min(1.0, len(ps) * min(ps)),
        labels=labels,
        factors=factors,
        table=table.sum(axis=0),
        cell=(label, int(np.argmax(scores.sum(axis=0)[label]))),
    )


def _corrected(square: Floats, mean: Floats, total: float, rows: int, columns: int) -> Floats:
    """Bergsma's V of a chi-square, where independence would make ``mean`` of it.

    A plain table has the mean (rows - 1) (columns - 1); where it is larger, rows are worth less.
    """
    freedom = (rows - 1) * (columns - 1)
    worth = np.maximum(total * freedom / np.maximum(mean, TINY), 2.0)
    phi2 = np.maximum(square / total - freedom / (worth - 1), 0.0)
    sizes = (side - (side - 1) ** 2 / (worth - 1) for side in (rows, columns))
    least = np.minimum(*sizes) - 1
    return np.asarray(np.sqrt(np.where(least > 0, phi2 / np.maximum(least, TINY), 0.0)).clip(0, 1))


def _ranked(
    label: Variable, factor: Variable, scene: Rows, cells: Rows, weight: Floats, scenes: int
) -> tuple[Moments, float] | None:
    """Of the ranks of the factor, with the correlation; None where it has no order."""
    if factor.values is None or factor.values.ndim > 1:
        return None
    ranks, root = weight * _unit(factor.values, weight), np.sqrt(weight.sum())
    if label.values is not None and label.values.ndim == 1:
        scores = np.bincount(scene, ranks * _unit(label.values, weight), scenes)[:, None] / root
        return moments(scores), float(scores.sum() / root)
    shape = (scenes, int(cells.max()) + 1)
    sums, own = (_sums(scene, (cells,), column, shape) for column in (ranks, weight))
    found = moments(rank_scores(sums, own))
    return found, float(np.sqrt(max(0.0, float(found.square - found.mean))) / root)


def _unit(values: Floats, weight: Floats) -> Floats:
    """The ranks with mean 0 and variance 1 by weight; 0 where all are one."""
    ranks = rankdata(values)
    ranks = ranks - np.average(ranks, weights=weight)
    return np.asarray(ranks / max(float(np.sqrt(np.average(ranks**2, weights=weight))), TINY))


def _sums(scene: Rows, cells: tuple[Rows, ...], weight: Floats, shape: tuple[int, ...]) -> Floats:
    at = np.ravel_multi_index((scene, *cells), shape)
    return np.bincount(at, weight, int(np.prod(shape))).reshape(shape).astype(float)


def joined(variable: Variable, scene: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Its cells (N,) and their names, those that few scenes show put together.

    With a neighbour where they have an order, otherwise with each other. ``scene``: (N,) from 0.
    """
    K = len(variable.names)
    shown = np.zeros((int(scene.max(initial=-1)) + 1, K), dtype=bool)
    shown[scene, variable.cells] = True
    group = _neighbours(shown) if variable.values is not None else _rare(shown)
    some = shown.any(axis=0)
    used = np.unique(group[some])
    names = tuple(_name(variable, np.flatnonzero((group == own) & some)) for own in used)
    return np.searchsorted(used, group)[variable.cells], names


def _neighbours(shown: NDArray[np.bool_]) -> Rows:
    """A group for each cell (K,): from the first on, until enough scenes show one of the group."""
    group, current = np.zeros(shown.shape[1], np.int64), np.zeros(len(shown), dtype=bool)
    number = 0
    for cell in range(shown.shape[1]):
        group[cell] = number
        current = current | shown[:, cell]
        if current.sum() >= LEAST_SCENES:
            number, current = number + 1, np.zeros(len(shown), dtype=bool)
    if current.sum() < LEAST_SCENES:
        group[group == number] = max(number - 1, 0)
    return group


def _rare(shown: NDArray[np.bool_]) -> Rows:
    """A group for each cell (K,): its own, or that of all that are rare together.

    The rarest of the others join them until the group is not rare itself.
    """
    K, counts = shown.shape[1], shown.sum(axis=0)
    group = np.arange(K)
    order = np.argsort(counts, kind="stable")
    rare = int((counts < LEAST_SCENES).sum())
    while 0 < rare < K and shown[:, order[:rare]].any(axis=1).sum() < LEAST_SCENES:
        if not counts[order[:rare]].any():
            break
        rare += 1
    group[order[:rare]] = K
    return group


def _name(variable: Variable, cells: Rows) -> str:
    if len(cells) == 1:
        return str(variable.names[cells[0]])
    if variable.values is None:
        return REST
    first, last = variable.names[int(cells[0])], variable.names[int(cells[-1])]
    return f"{first.split('..')[0]}..{last.split('..')[-1]}"
