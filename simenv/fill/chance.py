"""How likely a scene that does not exist yet has a pair of cells that no scene has so far.

What the domain draws is known; what physics and cameras make of it is learned. Two realised cells
of one part count as independent: those that are not are excluded once the evidence says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.audit.joint import Joint, Single
from simenv.fill.candidates import Candidates
from simenv.fill.learn import Learned
from simenv.fill.start import Starts

__all__ = ["Chances"]

SURE = 0.999  # no part is more certain of anything that physics decides

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


class Chances:
    """Chances of some candidates; each method's result is (K, M) for M cells or pairs of cells."""

    def __init__(self, found: Candidates, begun: Starts, learned: Learned) -> None:
        """``begun``: of the parts of ``found``, in their order."""
        self.found, self.begun, self.learned = found, begun, learned
        self._parts: dict[str, Floats] = {}

    def single(self, own: Single, cells: Cells) -> Floats:
        """Of cells of one variable."""
        return self._scene(own, cells)

    def joint(self, joint: Joint, a: Cells, b: Cells) -> Floats:
        """Of pairs: cell ``a[m]`` of the one with cell ``b[m]`` of the other variable."""
        one, two = joint.one, joint.other
        if one.name in self.found.scene or two.name in self.found.scene:
            return self._scene(one, a) * self._scene(two, b)
        return self._any(self._part(one)[:, a] * self._part(two)[:, b])

    def _scene(self, own: Single, cells: Cells) -> Floats:
        """(K, M): that a scene has the cell at all."""
        if own.name in self.found.scene:
            return _one_hot(self.found.scene[own.name], len(own.names))[:, cells]
        return self._any(self._part(own)[:, cells])

    def _part(self, own: Single) -> Floats:
        """(P, cells): that a part has the cell."""
        if own.name not in self._parts:
            drawn = self.found.part.get(own.name)
            self._parts[own.name] = (
                np.minimum(self.learned.shares(own.name, self.begun), SURE)
                if drawn is None
                else _one_hot(drawn, len(own.names))
            )
        return self._parts[own.name]

    def _any(self, parts: Floats) -> Floats:
        """(K, M): that one of a scene's parts hits, from (P, M)."""
        found = np.zeros((len(self.found.numbers), parts.shape[1]))
        scenes, first = np.unique(self.found.owner, return_index=True)
        if len(scenes) and parts.shape[1]:
            with np.errstate(divide="ignore"):  # of what is certain
                missed = np.add.reduceat(np.log1p(-parts), first, axis=0)
            found[scenes] = -np.expm1(missed)
        return found


def _one_hot(cells: Cells, count: int) -> Floats:
    """(N, count): 1 in the cell of each row; -1 is in none."""
    found = np.zeros((len(cells), count))
    there = np.flatnonzero(cells >= 0)
    found[there, cells[there]] = 1.0
    return found
