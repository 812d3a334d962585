"""What physics and cameras make of parts, learned from a dataset: who starts alike ends alike.

The share of a part's rows in each cell comes from the parts of the dataset that started alike,
mixed with those of its object, mixed with all. Alike is, for how a part comes to lie, the same
object with the same side down or in the same turn; for where it is seen, the same place; otherwise
the same object.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simenv.audit.joint import Single
from simenv.audit.observe import Observed
from simenv.fill.start import Starts

__all__ = ["Learned"]

PRIOR = 3.0  # parts of the wider kind that those which started alike are mixed with
PLACES = 6  # cells of the start along x and along y
BY_FACE = ("face", "scale_px", "visible_fraction")
BY_TURN = ("orientation",)
BY_PLACE = ("u", "v", "border", "distance_m")

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


class Learned:
    """Shares of the realised cells, by how a part starts."""

    def __init__(self, observed: Observed, known: Mapping[str, Single], begun: Starts) -> None:
        """``begun``: of the accepted scenes of ``observed``, in their order."""
        self.observed, self.known, self.begun = observed, known, begun
        names = sorted(set(begun.object))
        self.kinds = {name: k for k, name in enumerate(names)}
        low, high = (
            (begun.p_W.min(axis=0), begun.p_W.max(axis=0)) if len(names) else (np.zeros(2),) * 2
        )
        self.low, self.step = low, np.maximum(high - low, 1e-9) / PLACES
        self.row_start, self.row_weight = self._rows()

    def shares(self, title: str, parts: Starts) -> Floats:
        """(P, K): chances of each cell of a variable for the first row of each part."""
        own = self.known[title]
        cells, starts, weights = self._at(own)
        there = (cells >= 0) & (starts >= 0)
        cells, starts, weights = cells[there], starts[there], weights[there]
        count = len(own.names)
        common = _counts(np.zeros(len(cells), np.int64), cells, weights, (1, count))
        by_kind = _counts(self._kind(self.begun)[starts], cells, weights, (self._size, count))
        alike = self._alike(own.variable.name, self.begun)[starts]
        size = int(max(alike.max(initial=0), self._alike(own.variable.name, parts).max(initial=0)))
        by_start = _counts(alike, cells, weights, (size + 1, count))
        wide = common / max(1e-9, common.sum())
        kind = _mixed(by_kind[self._kind(parts)], wide)
        return _mixed(by_start[self._alike(own.variable.name, parts)], kind)

    def _rows(self) -> tuple[Cells, Floats]:
        """Of each row of the level part, the start, -1 if that is unclear, and one over frames."""
        scene = self.observed.scene_of["part"]
        accepted = np.flatnonzero(self.observed.scenes["outcome"].astype(str) == "accepted")
        count = len(self.observed.scenes["index"])
        parts, first = np.zeros(count, np.int64), np.zeros(count, np.int64)
        parts[accepted] = self.begun.counts
        first[accepted] = np.cumsum(self.begun.counts) - self.begun.counts
        rows = np.bincount(scene, minlength=count)
        clear = (parts > 0) & (rows % np.maximum(parts, 1) == 0)
        place = np.arange(len(scene)) - (np.cumsum(rows) - rows)[scene]
        start = first[scene] + place % np.maximum(parts, 1)[scene]
        return np.where(clear[scene], start, -1), (parts / np.maximum(rows, 1))[scene]

    def _at(self, own: Single) -> tuple[Cells, Cells, Floats]:
        """Cell, start and weight of each row of the variable's level."""
        if own.variable.level == "part":
            return own.variable.cells, self.row_start, self.row_weight
        part = self.observed.part_of[own.variable.level]
        return own.variable.cells, self.row_start[part], self.row_weight[part]

    @property
    def _size(self) -> int:
        return len(self.kinds) + 1

    def _kind(self, parts: Starts) -> Cells:
        """(P,) of the object; the last is one that the dataset does not have."""
        other = len(self.kinds)
        return np.array([self.kinds.get(name, other) for name in parts.object], dtype=np.int64)

    def _alike(self, name: str, parts: Starts) -> Cells:
        """(P,) the same number for those that start alike."""
        if name in BY_PLACE:
            cell = np.clip((parts.p_W - self.low) / self.step, 0, PLACES - 1).astype(np.int64)
            return np.asarray(cell[:, 0] * PLACES + cell[:, 1])
        if name in BY_FACE:
            return parts.face * self._size + self._kind(parts)
        if name in BY_TURN:
            return parts.turn * self._size + self._kind(parts)
        return self._kind(parts)


def _counts(rows: Cells, cells: Cells, weights: Floats, shape: tuple[int, int]) -> Floats:
    found = np.zeros(shape)
    np.add.at(found, (rows, cells), weights)
    return found


def _mixed(counts: Floats, wide: Floats) -> Floats:
    """Shares from counts (P, K) and, as if of PRIOR more, from those of a wider kind."""
    return np.asarray((counts + PRIOR * wide) / (counts.sum(axis=1, keepdims=True) + PRIOR))
