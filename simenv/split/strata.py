"""What is kept in proportion: tiers, the cells of each axis, the scenes that have an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.factors import values
from simenv.dataset.read import Dataset
from simenv.spec.domain import AxisSpec, OnSphere

__all__ = ["CELLS", "labels"]

CELLS = 4  # of a range; coarse, so that a tenth of a hundred scenes still meets each of them
SIDES = 2  # of a component of a vector
EVERY = "scenes"

Flags = NDArray[np.bool_]


def labels(dataset: Dataset, scenes: NDArray[np.int64]) -> dict[str, Flags]:
    """Name of each label -> which of ``scenes`` (S,) have it; first of all that of every scene.

    Cells are those of an axis's core range, so they do not depend on the scenes there are; values
    of edges are in the cell at that end. Rotations have no cells.
    """
    found = {EVERY: np.ones(len(scenes), dtype=bool)}
    for factor in ("tier", "object"):
        numbers, words = values(dataset, factor)
        for word in sorted(set(words.tolist())):
            found[f"{factor} {word}"] = np.isin(scenes, numbers[words == word])
    rows = np.searchsorted(dataset.column("scenes/index"), scenes)
    for path, axis in _axes(dataset).items():
        column = dataset.column(f"scenes/param/{path}")[rows]
        found.update((f"{path} {name}", flags) for name, flags in _cells(axis, column))
    return {name: flags for name, flags in found.items() if flags.any()}


def _axes(dataset: Dataset) -> Mapping[str, AxisSpec]:
    """The axes of the whole scene."""
    return {path: axis for path, axis in dataset.spec.domain.items() if axis.each is None}


def _cells(axis: AxisSpec, column: NDArray[Any]) -> Iterator[tuple[str, Flags]]:
    if axis.on_sphere is not None:
        yield from _ranged(_azimuth(axis.on_sphere, column), _ends((0.0, 1.0), CELLS), "azimuth ")
    elif axis.uniform is not None and isinstance(axis.uniform[0], tuple):
        for k, ends in enumerate(zip(*axis.uniform, strict=True)):  # type: ignore[arg-type]
            yield from _ranged(column[:, k], _ends(ends, SIDES), f"[{k}] ")
    elif axis.log_uniform is not None:
        yield from _ranged(np.log(column), _ends(np.log(axis.log_uniform), CELLS))
    elif axis.integers is not None:
        low, high = axis.integers
        yield from _ranged(column, _ends((low, high + 1), min(CELLS, high - low + 1)))
    elif axis.uniform is not None:
        yield from _ranged(column, _ends(axis.uniform, CELLS))
    elif axis.choice is not None:
        yield from ((str(word), column == word) for word in sorted(set(column.tolist())))


def _ends(ends: Any, cells: int) -> NDArray[np.float64]:
    """The borders between equal cells of a range."""
    low, high = ends
    return np.asarray(np.linspace(low, high, cells + 1)[1:-1], dtype=np.float64)


def _ranged(
    column: NDArray[Any], borders: NDArray[np.float64], start: str = ""
) -> Iterator[tuple[str, Flags]]:
    """A label for each cell; no value is in none."""
    cells = np.searchsorted(borders, column, side="right")
    for cell in range(len(borders) + 1):
        yield f"{start}{cell}", (cells == cell) & np.isfinite(column)


def _azimuth(around: OnSphere, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in the range of azimuths each point is, 0 to 1."""
    low, high = around.azimuth_deg
    x, y = (points[:, :2] - around.center[:2]).T
    share = (np.degrees(np.arctan2(y, x)) - low) % 360.0 / max(high - low, 1e-9)
    return np.asarray(share, dtype=np.float64)
