"""A variable of a dataset: one cell a row, whatever it was: a number, a word or a rotation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simenv.spec.domain import AxisSpec

__all__ = [
    "Role",
    "Variable",
    "axis_variable",
    "by_edges",
    "by_ratio",
    "by_word",
    "components",
    "evenly",
    "integers",
]

BINS = 8  # of a number
MOST_WORDS = 64  # cells of a choice; more are kept by their count, the rest is "other"
NO_CELL = -1

Role = Literal["label", "semantic", "visual", "realised"]
Cells = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Variable:
    """One column: the rows of ``level`` sorted into cells.

    Roles: ``label`` is what a network is asked for, ``semantic`` and ``visual`` are axes of the
    domain, ``realised`` is what physics and the camera made of them.
    """

    name: str  # "class", "look.light.elevation_deg", "u"
    level: str  # "scene", "part" (a part in a frame), "view/<camera>" (a part that a camera sees)
    role: Role
    cells: Cells  # (N,) rows of names; -1: no value
    names: tuple[str, ...]  # of the cells, in their order
    planned: bool = False  # drawn by the domain, so that every cell can be asked for
    values: Floats | None = None  # (N,) or (N, d) of numbers

    def __len__(self) -> int:
        return len(self.cells)

    def at(self, rows: NDArray[Any]) -> Variable:
        """The same variable at other rows: of a finer level, or of some of its own."""
        values = None if self.values is None else self.values[rows]
        return Variable(
            self.name, self.level, self.role, self.cells[rows], self.names, self.planned, values
        )

    @property
    def counts(self) -> Cells:
        """Rows in each cell."""
        return np.bincount(self.cells[self.cells >= 0], minlength=len(self.names))


def by_edges(values: Floats, edges: Sequence[float]) -> tuple[Cells, tuple[str, ...]]:
    """Cells between ``edges`` (K + 1,), the outer ones open to the outside; NaN is in none."""
    cells = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    cells[np.isnan(values)] = NO_CELL
    texts = _texts(edges)
    names = tuple(f"{a}..{b}" for a, b in pairwise(texts))
    return cells.astype(np.int64), names


def _texts(edges: Sequence[float]) -> list[str]:
    """The edges with as many digits as tell them apart."""
    for digits in range(3, 17):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def evenly(values: Floats, *, low: float | None = None, high: float | None = None,
           bins: int = BINS, log: bool = False) -> tuple[Cells, tuple[str, ...]]:  # fmt: skip
    """Cells of equal width (of the logarithm) from ``low`` to ``high``: by default all values."""
    there = values[np.isfinite(values)]
    first = float(there.min()) if low is None and len(there) else (low or 0.0)
    last = float(there.max()) if high is None and len(there) else (high or 0.0)
    if last <= first:
        last = first + (abs(first) or 1.0) * 1e-6
    edges = np.geomspace(first, last, bins + 1) if log else np.linspace(first, last, bins + 1)
    return by_edges(values, edges.tolist())


def by_ratio(values: Floats, ratio: float) -> tuple[Cells, tuple[str, ...]]:
    """Cells between neighbouring powers of ``ratio``: the same ones in every dataset."""
    there = values[np.isfinite(values) & (values > 0)]
    low, high = (there.min(), there.max()) if len(there) else (1.0, 1.0)
    first = int(np.floor(np.log(low) / np.log(ratio)))
    last = max(first + 1, int(np.ceil(np.log(high) / np.log(ratio))))
    return by_edges(values, [ratio**k for k in range(first, last + 1)])


def by_word(values: Sequence[object], known: Sequence[str] = ()) -> tuple[Cells, tuple[str, ...]]:
    """One cell a word: the ``known`` ones in their order, then what else there is, by count."""
    words = np.array([str(value) for value in values], dtype=object)
    found, inverse, counts = np.unique(words, return_inverse=True, return_counts=True)
    others = [str(w) for w in found[np.argsort(-counts, kind="stable")] if w and w not in known]
    names = [*known, *others][:MOST_WORDS]
    rows = {name: row for row, name in enumerate(names)}
    if len(known) + len(others) > MOST_WORDS:
        names.append("other")
    lookup = np.array(
        [rows.get(str(w), len(rows)) if w else NO_CELL for w in found], dtype=np.int64
    )
    return lookup[inverse.ravel()] if len(words) else np.zeros(0, np.int64), tuple(names)


def axis_variable(path: str, axis: AxisSpec, level: str, values: NDArray[Any]) -> Variable | None:
    """The variable of one axis of the domain; None for rotations, which `observe` makes itself.

    Numbers are cut evenly over the core range (of their logarithm where they were drawn so); each
    component of a vector is a variable, see `components`.
    """
    role: Role = axis.kind
    if axis.uniform is not None and values.ndim == 1:
        low, high = axis.uniform
        assert isinstance(low, float | int)
        assert isinstance(high, float | int)
        cells, names = evenly(values, low=float(low), high=float(high))
    elif axis.log_uniform is not None:
        cells, names = evenly(values, low=axis.log_uniform[0], high=axis.log_uniform[1], log=True)
    elif axis.integers is not None:
        cells, names = integers(values, *axis.integers)
    elif axis.choice is not None:
        cells, names = by_word([_word(value) for value in values], _options(axis))
        return Variable(path, level, role, cells, names, planned=True)
    else:
        return None
    return Variable(path, level, role, cells, names, planned=True, values=values.astype(float))


def components(path: str, axis: AxisSpec, level: str, values: Floats) -> list[Variable]:
    """One variable a component of a vector: of a point on a sphere, or between two corners."""
    if axis.on_sphere is not None:
        return _spherical(path, axis, level, values)
    assert axis.uniform is not None
    lows, highs = (np.asarray(end, dtype=float) for end in axis.uniform)
    found = []
    for k, (low, high) in enumerate(zip(lows, highs, strict=True)):
        if high > low:
            cells, names = evenly(values[:, k], low=float(low), high=float(high))
            name = f"{path}[{k}]"
            found.append(
                Variable(name, level, axis.kind, cells, names, planned=True, values=values[:, k])
            )
    return found


def _spherical(path: str, axis: AxisSpec, level: str, values: Floats) -> list[Variable]:
    around = axis.on_sphere
    assert around is not None
    arm = values - np.array(around.center)
    radius = np.linalg.norm(arm, axis=1)
    elevation = np.degrees(np.arcsin(np.clip(arm[:, 2] / np.maximum(radius, 1e-12), -1, 1)))
    first = around.azimuth_deg[0]
    azimuth = (np.degrees(np.arctan2(arm[:, 1], arm[:, 0])) - first) % 360 + first
    found = []
    for name, own, (low, high) in (
        ("radius_m", radius, around.radius_m),
        ("elevation_deg", elevation, around.elevation_deg),
        ("azimuth_deg", azimuth, around.azimuth_deg),
    ):
        if high > low:
            cells, names = evenly(own, low=float(low), high=float(high))
            full = f"{path}.{name}"
            found.append(Variable(full, level, axis.kind, cells, names, planned=True, values=own))
    return found


def _options(axis: AxisSpec) -> list[str]:
    if axis.choice == "all" or axis.choice is None:
        return []
    options = [key for key, weight in axis.choice.items() if weight > 0] if isinstance(
        axis.choice, dict
    ) else list(axis.choice)  # fmt: skip
    return list(dict.fromkeys(_word(option) for option in options))


def _word(value: object) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    if isinstance(value, float | int | np.number):
        return _short(float(value))
    if isinstance(value, tuple | list | np.ndarray):
        return json.dumps(np.asarray(value, dtype=float).tolist())
    return json.dumps(value, sort_keys=True)


def integers(values: NDArray[Any], low: int, high: int) -> tuple[Cells, tuple[str, ...]]:
    """One cell a number, or even groups of them; -1 (no value) is in no cell."""
    groups = np.array_split(np.arange(low, high + 1), min(BINS, high - low + 1))
    edges = [int(group[0]) for group in groups]
    cells = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 1)
    cells = np.where(values < 0, NO_CELL, cells).astype(np.int64)
    names = tuple(str(g[0]) if len(g) == 1 else f"{g[0]}..{g[-1]}" for g in groups)
    return cells, names


def _short(number: float) -> str:
    return f"{number:.3g}"
