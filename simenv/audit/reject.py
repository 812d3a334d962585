"""Does rejection bend the domain: which cells and which classes lose more attempts than others?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from simenv.audit.association import LEAST_SCENES, associate, joined
from simenv.audit.observe import Observed
from simenv.audit.proposed import Proposed, proposed
from simenv.audit.scores import moments
from simenv.audit.variable import Variable
from simenv.spec.audit import AuditSpec

__all__ = ["Loss", "Rate", "Rejection", "reject", "wilson"]

Floats = NDArray[np.float64]

CONFIDENCE = 0.95  # of the intervals


@dataclass(frozen=True)
class Rate:
    """How many of the attempts of one cell were accepted."""

    cell: str
    attempts: int
    accepted: int

    @property
    def rate(self) -> float:
        """Between 0 and 1; not a number where there was no attempt."""
        return self.accepted / self.attempts if self.attempts else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate is with 95 % confidence (Wilson 1927), were attempts independent."""
        return wilson(self.accepted, self.attempts)


@dataclass(frozen=True)
class Loss:
    """What rejection does to one axis or one class."""

    name: str  # "scene.belts.main.speed_m_s", "class ball"
    rates: tuple[Rate, ...]  # of the cells; of a class: with it, without it
    effect: float  # acceptance of the cell that strays most, less that of all others
    cell: str  # that cell
    p: float = math.nan  # not a number where it was not tested: too few rejections
    q: float = math.nan
    crossed: bool = False

    @property
    def text(self) -> str:
        """One line."""
        own = next(rate for rate in self.rates if rate.cell == self.cell)
        way = "less" if self.effect < 0 else "more"
        return (
            f"rejection: {self.name}: {own.rate:.0%} of {own.attempts} attempts {self.cell} are "
            f"accepted, {abs(self.effect):.0%} {way} than of others, q {self.q:.1e}"
        )


@dataclass(frozen=True, eq=False)
class Rejection:
    """Of all attempts, and of those of each axis's cells and each class."""

    attempts: int
    accepted: int
    reasons: Mapping[str, int]
    losses: tuple[Loss, ...]
    left_out: str  # what is not in it, and why

    @property
    def crossed(self) -> tuple[str, ...]:
        """A line for each axis and class that crosses the thresholds."""
        return tuple(loss.text for loss in self.losses if loss.crossed)


def reject(observed: Observed, thresholds: AuditSpec | None = None) -> Rejection:
    """Compare what was proposed with what was accepted; thresholds: by default those of the task.

    An axis of the scene keeps its value in all attempts at a scene, so scenes are what is
    independent. A class is judged among attempts of equally many parts, because more parts bring
    both more classes and more rejections.
    """
    limits = observed.task.audit if thresholds is None else thresholds
    own = proposed(observed)
    losses = [*_of_axes(observed, own), *_of_classes(own)]
    tested = [k for k, loss in enumerate(losses) if not math.isnan(loss.p)]
    rates = false_discovery_control([losses[k].p for k in tested]) if tested else ()
    for k, q in zip(tested, rates, strict=True):
        crossed = bool(q < limits.q and abs(losses[k].effect) > limits.rejection)
        losses[k] = replace(losses[k], q=float(q), crossed=crossed)
    losses.sort(key=lambda loss: 2.0 if math.isnan(loss.q) else loss.q)
    accepted = int(own.accepted.sum())
    return Rejection(len(own.scene), accepted, own.reasons, tuple(losses), own.left_out)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The interval of a rate (Wilson 1927); 0 to 1 without trials."""
    if not trials:
        return 0.0, 1.0
    z, rate = float(norm.ppf((1 + CONFIDENCE) / 2)), successes / trials
    middle = (rate + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _of_axes(observed: Observed, own: Proposed) -> Iterator[Loss]:
    outcome = Variable(
        "outcome", "scene", "label", own.accepted.astype(np.int64), ("rejected", "accepted")
    )
    for axis in observed.variables:
        if axis.level != "scene" or not axis.planned:
            continue
        factor = axis.at(own.scene)
        there = factor.cells >= 0
        if not there.any():
            continue
        scenes = np.unique(own.scene[there], return_inverse=True)[1].ravel()
        cells, names = joined(factor.at(there), scenes)
        rates = tuple(_rate(name, own.accepted[there][cells == k]) for k, name in enumerate(names))
        found = associate(outcome, factor, own.scene, np.ones(len(own.scene)))
        yield _loss(axis.name, rates, math.nan if found is None else found.p)


def _rate(cell: str, accepted: NDArray[np.bool_]) -> Rate:
    return Rate(cell, len(accepted), int(accepted.sum()))


def _loss(name: str, rates: tuple[Rate, ...], p: float) -> Loss:
    """With the cell whose acceptance differs most, in standard errors, from that of the others."""
    n = np.array([rate.attempts for rate in rates], dtype=float)
    y = np.array([rate.accepted for rate in rates], dtype=float)
    others = np.maximum(n.sum() - n, 1)
    effects = y / np.maximum(n, 1) - (y.sum() - y) / others
    where = int(np.argmax(np.abs(effects) / np.sqrt(1 / np.maximum(n, 1) + 1 / others)))
    effect = float(effects[where]) if len(rates) > 1 else 0.0
    return Loss(name, rates, effect, rates[where].cell, p)


def _of_classes(own: Proposed) -> Iterator[Loss]:
    known = own.known
    counts, y, scene = own.counts[known], own.accepted[known], own.scene[known]
    total = counts.sum(axis=1)
    for word in sorted(set(own.classes)):
        among = [k for k, other in enumerate(own.classes) if other == word]
        yield _of_class(word, counts[:, among].sum(axis=1) > 0, y, total, scene)


def _of_class(
    word: str,
    there: NDArray[np.bool_],
    accepted: NDArray[np.bool_],
    total: NDArray[np.int64],
    scene: NDArray[np.int64],
) -> Loss:
    """The difference of Mantel and Haenszel: of the rates within each number of parts.

    Each is weighted as n1 n0 / n, which makes it the slope of acceptance on presence, both without
    their means of each number.
    """
    cell, other = f"with {word}", f"without {word}"
    rates = (_rate(cell, accepted[there]), _rate(other, accepted[~there]))
    x, y = _centred(there, total), _centred(accepted, total)
    spread = float((x**2).sum())
    effect = float((x * y).sum()) / spread if spread > 0 else 0.0
    enough = all(len(set(scene[own].tolist())) >= LEAST_SCENES for own in (x != 0, y != 0))
    scores = np.bincount(scene, x * y)[:, None].astype(float)
    p = float(moments(scores[np.unique(scene)]).p) if enough and spread > 0 else math.nan
    return Loss(f"class {word}", rates, effect, cell, p)


def _centred(column: NDArray[np.bool_], group: NDArray[np.int64]) -> Floats:
    """Less its mean in each group."""
    own = np.unique(group, return_inverse=True)[1].ravel()
    mean = np.bincount(own, column) / np.maximum(np.bincount(own), 1)
    return np.asarray(column - mean[own])
