"""How much of the domain a dataset covers after physics: cells of variables, and of their pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.audit.discrepancy import Discrepancy, coordinates, discrepancy
from simenv.audit.joint import Joint, Single, joints, singles
from simenv.audit.observe import Observed

__all__ = [
    "Coverage",
    "Hole",
    "PairCells",
    "VariableCells",
    "as_json",
    "coverage",
    "evenness",
    "largest_unreachable",
]

MOST_HOLES = 20  # of each kind that are named


@dataclass(frozen=True)
class VariableCells:
    """The cells of one variable."""

    name: str
    level: str
    role: str
    planned: bool
    cells: tuple[str, ...]
    rows: tuple[int, ...]  # in each cell
    scenes: tuple[int, ...]  # in which each cell occurs
    reached: int  # cells that are reachable, and occur
    reachable: int  # cells; of a realised variable those that were ever seen
    evenness: float  # entropy of the rows by that of as many even cells: 1 is even


@dataclass(frozen=True)
class PairCells:
    """The cells of two variables together."""

    one: str
    other: str
    planned: bool  # the domain draws both
    reached: int
    reachable: int
    unreachable: int  # cells that should have occurred long ago


@dataclass(frozen=True)
class Hole:
    """A pair of cells that is rarer than the two by themselves let expect."""

    one: str
    one_cell: str
    other: str
    other_cell: str
    expected: float  # scenes, if the two variables were independent
    scenes: int  # in which it occurs
    missing: float  # 1 - scenes / expected

    def __str__(self) -> str:
        return (
            f"{self.one} {self.one_cell} with {self.other} {self.other_cell}: "
            f"{self.scenes} of {self.expected:.1f} expected scenes"
        )


@dataclass(frozen=True)
class Coverage:
    """What is covered of what can be reached."""

    scenes: int  # accepted
    variables: tuple[VariableCells, ...]
    pairs: tuple[PairCells, ...]
    planned_holes: tuple[Hole, ...]  # the largest
    realised_holes: tuple[Hole, ...]
    unreachable: tuple[Hole, ...]  # the most expected of the cells that never occur
    discrepancy: Discrepancy | None  # of the scene's numbers; None where there are none

    @property
    def planned(self) -> float:
        """Share of the cells, single and in pairs, that the domain draws."""
        return self._share(True)

    @property
    def realised(self) -> float:
        """Share of the cells that physics or a camera has a part in."""
        return self._share(False)

    @property
    def share(self) -> float:
        """Share of all cells, single and in pairs."""
        return _ratio([*self.variables, *self.pairs])

    def _share(self, planned: bool) -> float:
        owns: list[VariableCells | PairCells] = [*self.variables, *self.pairs]
        return _ratio(own for own in owns if own.planned is planned)


def _ratio(owns: Iterable[VariableCells | PairCells]) -> float:
    reached, reachable = 0, 0
    for own in owns:
        reached, reachable = reached + own.reached, reachable + own.reachable
    return reached / reachable if reachable else 1.0


def coverage(observed: Observed, *, reference: Observed | None = None) -> Coverage:
    """The coverage of a dataset's accepted scenes.

    Args:
        observed: its variables.
        reference: another dataset of the same task: what it shows counts as reachable.
    """
    pairs = []
    planned, realised, never = _Largest(), _Largest(), _Largest()
    for joint in joints(observed, reference):
        pairs.append(_pair(joint))
        (planned if joint.planned else realised).add(joint, joint.reachable)
        never.add(joint, joint.excluded)
    return Coverage(
        scenes=int((observed.scenes["outcome"] == "accepted").sum()),
        variables=tuple(map(_variable, singles(observed, reference).values())),
        pairs=tuple(pairs),
        planned_holes=planned.holes(),
        realised_holes=realised.holes(),
        unreachable=never.holes(),
        discrepancy=discrepancy(coordinates(observed)[0]),
    )


def largest_unreachable(found: Iterable[Joint], most: int) -> tuple[Hole, ...]:
    """The pairs of cells that never occur, the most expected first."""
    never = _Largest(most)
    for joint in found:
        never.add(joint, joint.excluded)
    return never.holes()


def as_json(found: Coverage) -> dict[str, Any]:
    """Plain numbers, strings, lists and mappings."""
    shares = {name: getattr(found, name) for name in ("share", "planned", "realised")}
    own = asdict(found)
    if found.discrepancy is not None:
        own["discrepancy"]["ratio"] = found.discrepancy.ratio
    return {**shares, **own}


def evenness(counts: NDArray[np.int64]) -> float:
    """Entropy of the counts by the largest that there could be; 1 for less than two cells."""
    if len(counts) < 2 or not counts.sum():
        return 1.0
    share = counts[counts > 0] / counts.sum()
    return max(0.0, float(-(share * np.log(share)).sum() / np.log(len(counts))))


def _variable(single: Single) -> VariableCells:
    own, reachable = single.variable, single.reachable
    return VariableCells(
        single.name,
        own.level,
        own.role,
        own.planned,
        single.names,
        tuple(single.rows.tolist()),
        tuple(single.scenes.tolist()),
        reached=int((reachable & (single.scenes > 0)).sum()),
        reachable=int(reachable.sum()),
        evenness=evenness(single.rows[reachable]),
    )


def _pair(joint: Joint) -> PairCells:
    return PairCells(
        joint.one.name,
        joint.other.name,
        joint.planned,
        reached=int((joint.reachable & (joint.scenes > 0)).sum()),
        reachable=int(joint.reachable.sum()),
        unreachable=int(joint.excluded.sum()),
    )


class _Largest:
    """The largest holes of many pairs, by how surprising they are.

    That is the difference of the roots, whose spread is about the same for any count (Anscombe
    1948).
    """

    def __init__(self, most: int = MOST_HOLES) -> None:
        self.most = most
        self.rows: list[tuple[float, Hole]] = []

    def add(self, joint: Joint, among: NDArray[np.bool_]) -> None:
        """Take the largest of one pair, of the cells in ``among`` (K, L)."""
        lack = np.sqrt(joint.expected) - np.sqrt(joint.scenes)
        lack = np.where(among & (joint.scenes < joint.expected), lack, 0.0)
        least = self.rows[-1][0] if len(self.rows) == self.most else 0.0
        if lack.max(initial=0.0) <= least:
            return
        for flat in np.argsort(-lack, axis=None, kind="stable")[: self.most]:
            if lack.flat[flat] > least:
                self.rows.append((float(lack.flat[flat]), _hole(joint, int(flat))))
        self.rows = sorted(self.rows, key=lambda row: -row[0])[: self.most]

    def holes(self) -> tuple[Hole, ...]:
        """The largest first."""
        return tuple(hole for _, hole in self.rows)


def _hole(joint: Joint, flat: int) -> Hole:
    a, b = divmod(flat, len(joint.other.names))
    expected, scenes = float(joint.expected[a, b]), int(joint.scenes[a, b])
    one, other = joint.one, joint.other
    return Hole(
        one.name,
        one.names[a],
        other.name,
        other.names[b],
        expected,
        scenes,
        missing=1 - scenes / expected,
    )
