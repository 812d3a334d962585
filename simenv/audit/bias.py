"""Which labels are predictable from which factors: how much, how surely, and where most.

Labels are what a network is asked for; factors are the axes of the domain and what physics and the
cameras made of them. Every pair is measured; a pair that must depend by construction, or that the
task ignores, is listed with the reason and never crosses a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from simenv.audit.association import Association, associate
from simenv.audit.expected import expected
from simenv.audit.observe import Observed
from simenv.audit.variable import Variable
from simenv.errors import InputError
from simenv.spec.audit import AuditSpec
from simenv.spec.explain import suggest

__all__ = ["Balance", "Bias", "Pair", "balance", "bias", "weight_of"]

Floats = NDArray[np.float64]

IGNORED = "the task ignores it"
TOO_FEW = "too few scenes"


@dataclass(frozen=True, eq=False)
class Pair:
    """A label and a factor, with what was found of them."""

    label: str
    factor: str  # with the camera in front where it is one's
    kind: str  # of the factor: "semantic", "visual", "realised"
    found: Association | None  # None: too few scenes
    reason: str = ""  # why it is not tested: it depends by construction, or is ignored
    q: float = math.nan  # false discovery rate, were all pairs as sure as this one called biased
    crossed: bool = False

    @property
    def tested(self) -> bool:
        """Whether it could be called biased."""
        return not self.reason

    @property
    def text(self) -> str:
        """One line."""
        if self.found is None:
            return f"{self.label} x {self.factor}: {self.reason}"
        values = f"V {self.found.cramers_v:.2f}, effect {self.found.effect:.2f}"
        sure = f"q {self.q:.1e}" if self.tested else self.reason
        return f"{self.label} x {self.factor}: {values}, {sure}; {self.found.text}"


@dataclass(frozen=True)
class Balance:
    """How evenly the rows of a variable lie in its cells."""

    name: str
    names: tuple[str, ...]
    shares: tuple[float, ...]
    evenness: float  # entropy of the shares by that of equal ones: 1 even, 0 all in one cell


@dataclass(frozen=True, eq=False)
class Bias:
    """All pairs, those of the smallest q first, and what is uneven."""

    pairs: tuple[Pair, ...]
    balances: tuple[Balance, ...]  # of labels, and of place and scale in each camera's pictures
    thresholds: AuditSpec

    @property
    def tested(self) -> tuple[Pair, ...]:
        """The pairs that could be called biased."""
        return tuple(pair for pair in self.pairs if pair.tested)

    @property
    def flagged(self) -> tuple[Pair, ...]:
        """The pairs that cross the thresholds: sure, and large enough to matter."""
        return tuple(pair for pair in self.pairs if pair.crossed)

    @property
    def crossed(self) -> tuple[str, ...]:
        """A line for each of them."""
        return tuple(pair.text for pair in self.flagged)

    def __getitem__(self, names: tuple[str, str]) -> Pair:
        """The pair of a label and a factor."""
        return next(pair for pair in self.pairs if (pair.label, pair.factor) == names)


def bias(observed: Observed, thresholds: AuditSpec | None = None) -> Bias:
    """Measure every label against every factor; thresholds: by default those of the task.

    Raises:
        InputError: the task ignores a pair of names that there are not.
    """
    limits = observed.task.audit if thresholds is None else thresholds
    _check_ignored(observed, limits)
    weights = {level: weight_of(observed, level) for level in observed.levels}
    pairs = [_pair(observed, limits, weights, *both) for both in _both(observed)]
    known = [k for k, pair in enumerate(pairs) if pair.tested]
    for k, q in zip(known, _rates([pairs[k].found for k in known]), strict=True):
        found = pairs[k].found
        assert found is not None
        crossed = q < limits.q and found.effect > limits.cramers_v
        pairs[k] = replace(pairs[k], q=q, crossed=crossed)
    pairs.sort(key=lambda pair: (not pair.tested, pair.q if pair.tested else 0.0))
    return Bias(tuple(pairs), tuple(_balances(observed, weights)), limits)


def weight_of(observed: Observed, level: str) -> Floats:
    """What each row of a level counts (N,): a part of a scene 1, however many frames show it."""
    scene = observed.scene_of[level]
    if level == "scene":
        return np.ones(len(scene))
    parts = observed["parts"].values
    assert parts is not None
    rows = np.bincount(scene, minlength=len(parts))
    return np.asarray((np.maximum(parts, 1) / np.maximum(rows, 1))[scene])


def _both(observed: Observed) -> Iterator[tuple[Variable, Variable]]:
    labels = [own for own in observed.variables if own.role == "label"]
    factors = [own for own in observed.variables if own.role != "label"]
    yield from ((one, other) for one in labels for other in factors if observed.meets(one, other))


def _pair(
    observed: Observed,
    limits: AuditSpec,
    weights: dict[str, Floats],
    label: Variable,
    factor: Variable,
) -> Pair:
    a, b, scene = observed.together(label, factor)
    level = max(label.level, factor.level, key=observed.levels.index)
    found = associate(a, b, scene, weights[level])
    title = observed.title(factor)
    reason = expected(observed.task, label, factor)
    if {(label.name, factor.name), (label.name, title)} & set(limits.ignore):
        reason = IGNORED
    return Pair(label.name, title, factor.role, found, reason or ("" if found else TOO_FEW))


def _rates(found: Sequence[Association | None]) -> list[float]:
    """The false discovery rate of each (Benjamini and Hochberg 1995)."""
    ps = [own.p for own in found if own is not None]
    return [float(q) for q in false_discovery_control(ps)] if ps else []


def _check_ignored(observed: Observed, limits: AuditSpec) -> None:
    labels = [own.name for own in observed.variables if own.role == "label"]
    others = [own for own in observed.variables if own.role != "label"]
    factors = [*dict.fromkeys([*(own.name for own in others), *map(observed.title, others)])]
    for row, pair in enumerate(limits.ignore):
        for name, known, what in zip(pair, (labels, factors), ("label", "factor"), strict=True):
            if name not in known:
                where = f"{observed.path}: task: audit.ignore.{row}"
                raise InputError(f"{where}: no {what} {name}; {suggest(name, known)}")


def _balances(observed: Observed, weights: dict[str, Floats]) -> Iterator[Balance]:
    for own in observed.variables:
        if own.role == "label" or own.name in ("u", "v", "scale_px"):
            yield balance(observed.title(own), own, weights[own.level])
    for level in observed.part_of:
        camera = level.partition("/")[2]
        u, v = observed[f"{camera}: u"], observed[f"{camera}: v"]
        names = tuple(f"{a}, {b}" for a in u.names for b in v.names)
        cells = np.where((u.cells < 0) | (v.cells < 0), -1, u.cells * len(v.names) + v.cells)
        both = Variable("u x v", level, "realised", cells, names)
        yield balance(observed.title(both), both, weights[level])


def balance(name: str, variable: Variable, weight: Floats) -> Balance:
    """How evenly the rows lie in the cells of ``variable``."""
    there = variable.cells >= 0
    counts = np.bincount(variable.cells[there], weight[there], len(variable.names))
    shares = counts / max(float(counts.sum()), 1e-12)
    some = shares[shares > 0]
    evenness = -float((some * np.log(some)).sum()) / math.log(max(len(shares), 2))
    return Balance(name, variable.names, tuple(shares.tolist()), max(0.0, evenness))
