"""The scenes of one round: chosen among the next numbers, by what they are expected to fill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.joint import Joint, Single, joints, singles
from simenv.audit.observe import CORE, Observed
from simenv.fill.candidates import candidates
from simenv.fill.chance import Chances
from simenv.fill.choose import choose
from simenv.fill.draw import Draw
from simenv.fill.learn import Learned
from simenv.fill.start import Starts, starts
from simenv.fill.trial import tried

__all__ = ["Survey", "next_scenes", "survey"]

POOL = 2048  # scene numbers after the last one that are looked at in a round
TRIALS = 8  # of these whose physics is run, for each scene that the round may have
KEPT = 2  # of these whose parts are looked at, for each of those
HOLES = 1 << 25  # chances that are kept at once: candidates times holes

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Survey:
    """What a dataset has, and which of its cells are the goal.

    The goal are the cells that could be reached as far as the scenes before any round showed, less
    those that all scenes together exclude. Rare cells that turn up later do not move it.
    """

    observed: Observed
    singles: dict[str, Single]
    joints: tuple[Joint, ...]
    goal: tuple[Mask, ...]  # of each of `all`
    begun: tuple[Mask, ...]  # the cells that there were before any round

    @property
    def all(self) -> tuple[Single | Joint, ...]:
        """Single variables and pairs."""
        return _all(self.singles, self.joints)

    @property
    def reachable(self) -> int:
        """Cells of the goal."""
        return sum(int(goal.sum()) for goal in self.goal)

    @property
    def reached(self) -> int:
        """Cells of the goal that there are."""
        rows = zip(self.all, self.goal, strict=True)
        return sum(int((goal & (own.scenes > 0)).sum()) for own, goal in rows)

    @property
    def before(self) -> int:
        """Cells of the goal that there were before any round."""
        rows = zip(self.begun, self.goal, strict=True)
        return sum(int((goal & own).sum()) for own, goal in rows)

    @property
    def share(self) -> float:
        """Of the goal, what is reached."""
        return self.reached / self.reachable if self.reachable else 1.0


def survey(observed: Observed, begun_with: int) -> Survey:
    """All cells of a dataset that had scenes 0 to ``begun_with`` - 1 before any round."""
    now, then = _cells(observed), _cells(observed.first(begun_with))
    goal, begun = [], []
    for own, old in zip(_all(*now), _all(*then), strict=True):
        goal.append(np.asarray(old.reachable & ~own.excluded))
        begun.append(np.asarray(old.scenes > 0))
    return Survey(observed, now[0], now[1], tuple(goal), tuple(begun))


def _all(own: dict[str, Single], pairs: tuple[Joint, ...]) -> tuple[Single | Joint, ...]:
    return (*own.values(), *pairs)


def _cells(observed: Observed) -> tuple[dict[str, Single], tuple[Joint, ...]]:
    return singles(observed), tuple(joints(observed))


def next_scenes(
    found: Survey, draw: Draw, begun: Starts, *, most: int, wanted: float
) -> tuple[int, ...]:
    """Numbers of the scenes to make, increasing; none where none promises anything.

    All are beyond the last one that there is, so that a dataset stays in order. ``begun`` is how
    the parts of the accepted scenes started.
    """
    first = int(found.observed.scenes["index"].max()) + 1
    trials = min(POOL // KEPT, TRIALS * most)
    kept = _promising(found, draw, range(first, first + POOL), KEPT * trials)
    learned = Learned(found.observed, found.singles, begun)
    likely = _likely(found, draw, learned, kept, trials)
    after = tried(draw, found.singles, likely)
    enough = wanted * found.reachable - found.reached
    return _chosen(found, Chances(after.found, after.begun, learned), most, enough)


def _likely(
    found: Survey, draw: Draw, learned: Learned, scenes: Sequence[int], most: int
) -> list[int]:
    """Those that fill most holes, by how their parts start; then the next ones."""
    samples = [draw(scene) for scene in scenes]
    drawn = candidates(draw, found.singles, samples)
    chosen = _chosen(found, Chances(drawn, starts(draw, samples), learned), most, np.inf)
    rest = [scene for scene in scenes if scene not in set(chosen)]
    return sorted([*chosen, *rest[: most - len(chosen)]])


def _chosen(found: Survey, chances: Chances, most: int, enough: float) -> tuple[int, ...]:
    """Numbers of the scenes that fill most holes together."""
    numbers = chances.found.numbers
    blocks = list(_blocks(found, chances, HOLES // max(1, len(numbers))))
    if not blocks:
        return ()
    holes = np.concatenate([block for block, _ in blocks], axis=1)
    counted = np.concatenate([own for _, own in blocks])
    rows = choose(holes, counted, most=most, enough=enough)
    return tuple(sorted(int(number) for number in numbers[rows]))


def _promising(found: Survey, draw: Draw, numbers: Sequence[int], most: int) -> list[int]:
    """The half of the candidates that fills most holes of the scene's axes, and the next ones."""
    whole = draw.whole
    samples = [whole(scene) for scene in numbers]
    if draw.tier != CORE and found.observed.attrs["tier"] == "all":
        samples = [own for own in samples if own.tier == CORE]
    drawn = candidates(whole, found.singles, samples)
    score = np.zeros(len(samples))
    for joint in found.joints:
        a, b = (drawn.scene.get(own.name) for own in (joint.one, joint.other))
        if joint.planned and a is not None and b is not None:
            score += joint.open[a, b] & (a >= 0) & (b >= 0)
    best = np.argsort(-score, kind="stable")[: most // 2]
    rest = np.setdiff1d(np.arange(len(samples)), best)[: most - len(best)]
    return [int(drawn.numbers[row]) for row in sorted([*best, *rest])]


def _blocks(found: Survey, chances: Chances, most: int) -> Iterator[tuple[Floats, Mask]]:
    """Chances (K, M) of the cells that are missing, and which of them are of the goal (M,)."""
    for own, goal in zip(found.all, found.goal, strict=True):
        cells = np.nonzero(own.missing)
        if len(cells[0]) and most > 0:
            if isinstance(own, Single):
                block = chances.single(own, cells[0])
            else:
                block = chances.joint(own, *cells)
            possible = block.any(axis=0)
            most -= int(possible.sum())
            yield block[:, possible].astype(np.float32), goal[cells][possible]
