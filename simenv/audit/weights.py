"""Sample weights that make labels uniform whatever the factors, and what they cost."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.audit.association import joined
from simenv.audit.bias import weight_of
from simenv.audit.observe import Observed
from simenv.audit.variable import Variable
from simenv.dataset.read import Dataset
from simenv.errors import InputError
from simenv.spec.explain import suggest

__all__ = ["Weights", "effective", "weights", "write_weights"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

LIMIT = 10.0  # no weight is above this, nor below its inverse; 1 is the mean
CLOSE = 1e-6  # of the wanted share of a cell; rounds end when all cells are as near
ROUNDS = 500


@dataclass(frozen=True, eq=False)
class Weights:
    """A weight for each part in a frame, or for each scene; their mean is 1."""

    level: str  # "part" or "scene"
    labels: tuple[str, ...]
    factors: tuple[str, ...]
    weight: Floats  # (N,) one a row of the level; 0 where a label has no value
    effective: float  # rows that equal weights would need for the same certainty (Kish 1965)
    clipped: int  # rows whose weight was held at a limit
    far: float  # the largest error of a cell's share, by the wanted share: 0 where it is reached

    @property
    def text(self) -> str:
        """What they do, and what they cost."""
        rows = len(self.weight)
        return (
            f"weights of {rows} rows ({self.level}): {', '.join(self.labels)} uniform given "
            f"{', '.join(self.factors) or 'nothing'}; worth {self.effective:.0f} rows "
            f"({self.effective / max(rows, 1):.0%}), {self.clipped} clipped, "
            f"{self.far:.1%} from uniform"
        )


def weights(
    observed: Observed,
    labels: Sequence[str] = ("class",),
    factors: Sequence[str] = (),
    *,
    limit: float = LIMIT,
) -> Weights:
    """Raking (Deming and Stephan 1940) on the table of every label with every factor.

    In each table, the rows of a factor's cell are shared out evenly over the label's cells; the
    factor's own shares stay. A cell of no row can have no weight: its share goes to the others of
    the same factor's cell. Cells that few scenes show are put together as in `associate`.

    Args:
        observed: a dataset.
        labels: names of labels, all of one level: weights are of its rows.
        factors: names of planned axes of that level or of scenes; none: labels alone.
        limit: the largest weight, and the inverse of the smallest.

    Raises:
        InputError: there is no such variable, or it is of another level.
    """
    ours = [_named(observed, name, "label") for name in labels]
    level = ours[0].level
    theirs = [_named(observed, name, "factor") for name in factors]
    for own in [*ours, *theirs]:
        if own.level not in ("scene", level):
            raise InputError(f"weights: {own.name} is of each {own.level}, not of each {level}")
    scene = observed.scene_of[level]
    base = weight_of(observed, level) * np.all([own.cells >= 0 for own in ours], axis=0)
    cells = [_cells(observed.at(own, level), scene) for own in ours]
    given = [_cells(observed.at(own, level), scene) for own in theirs] or [_one(len(scene))]
    tables = [_table(a, b, base) for a in cells for b in given]
    factor, far = _rake(tables, base, limit)
    clipped = int(((factor == limit) | (factor == 1 / limit)).sum())
    factor = np.where(base > 0, factor, 0.0)
    factor = factor / max(float(factor.mean()), 1e-300)
    names = (tuple(own.name for own in ours), tuple(own.name for own in theirs))
    return Weights(level, *names, factor, effective(factor), clipped, far)


def effective(weight: Floats) -> float:
    """Kish's effective sample size of weights (N,): N where all are equal."""
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square if square > 0 else 0.0


def write_weights(path: str | Path, observed: Observed, found: Weights) -> None:
    """A CSV file: scene number, for parts also row of /frames and id of the body, and the weight.

    Raises:
        OSError: the file cannot be written.
    """
    names, columns = _keys(observed, found.level)
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*names, "weight"])
        rows = zip(*(column.tolist() for column in columns), found.weight.tolist(), strict=True)
        out.writerows([*row[:-1], f"{row[-1]:.6g}"] for row in rows)


def _named(observed: Observed, name: str, what: str) -> Variable:
    known = {
        own.name: own
        for own in observed.variables
        if (own.role == "label" if what == "label" else own.planned)
    }
    if name not in known:
        raise InputError(f"weights: no {what} {name}; {suggest(name, known)}")
    return known[name]


def _cells(variable: Variable, scene: Rows) -> Rows:
    """Its cells (N,) from 0, rare ones joined; what has no value is a cell of its own."""
    there = variable.cells >= 0
    cells = np.zeros(len(variable), dtype=np.int64)
    if there.any():
        own = np.unique(scene[there], return_inverse=True)[1].ravel()
        cells[there] = joined(variable.at(there), own)[0] + 1
    return np.unique(cells, return_inverse=True)[1].ravel()


def _one(rows: int) -> Rows:
    return np.zeros(rows, dtype=np.int64)


def _table(a: Rows, b: Rows, base: Floats) -> tuple[Rows, Floats]:
    """The cell of each row in the table of both (N,), and the weight that each cell is to have."""
    I, J = int(a.max(initial=0)) + 1, int(b.max(initial=0)) + 1  # noqa: E741
    cell = a * J + b
    there = np.bincount(cell, base, I * J).reshape(I, J)
    share = (there > 0) / np.maximum((there > 0).sum(axis=0), 1)
    return cell, np.asarray(share * there.sum(axis=0)).ravel()


def _rake(
    tables: Sequence[tuple[Rows, Floats]], base: Floats, limit: float
) -> tuple[Floats, float]:
    """Factors (N,) on ``base``, and how far from what is wanted the tables then are."""
    factor, far = np.ones(len(base)), np.inf
    for _ in range(ROUNDS):
        for cell, wanted in tables:
            factor = factor * _ratio(cell, wanted, base * factor)[cell]
        factor = np.clip(factor, 1 / limit, limit)
        far = max((_far(cell, wanted, base * factor) for cell, wanted in tables), default=0.0)
        if far < CLOSE:
            break
    return factor, far


def _ratio(cell: Rows, wanted: Floats, weight: Floats) -> Floats:
    there = np.bincount(cell, weight, len(wanted))
    return np.asarray(np.where(there > 0, wanted / np.maximum(there, 1e-300), 1.0))


def _far(cell: Rows, wanted: Floats, weight: Floats) -> float:
    some = wanted > 0
    there = np.bincount(cell, weight, len(wanted))[some]
    return float(np.abs(there / wanted[some] - 1).max(initial=0.0))


def _keys(observed: Observed, level: str) -> tuple[list[str], list[NDArray[Any]]]:
    scene = observed.scenes["index"][observed.scene_of[level]]
    if level == "scene":
        return ["scene"], [scene]
    with Dataset(observed.path) as dataset:
        frame, identity = dataset.column("bodies/frame"), dataset.column("bodies/id")
        group = dataset.column("bodies/group").astype(str)
        frames = dataset.column("frames/scene")
    parts = [name for name, actors in observed.task.actors.items() if actors.role == "part"]
    own = np.isin(group, parts) & np.isin(frames[frame], observed.scenes["index"])
    return ["scene", "frame", "id"], [scene, frame[own], identity[own]]
