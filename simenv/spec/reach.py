"""How far the values of an axis go over all days: shifts, drifts and cycles together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from simenv.spec.axes import changes, value_on
from simenv.spec.check import extremes
from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.task import TaskSpec
from simenv.spec.timeline import Amount, Change, Cycle, offset

__all__ = ["Era", "eras", "reach"]


@dataclass(frozen=True)
class Era:
    """From one shift to the next: what an axis draws from, and while it does."""

    range: Distribution
    first: float
    last: float  # infinity where nothing follows

    @property
    def values(self) -> list[Any]:
        """The lowest and the highest, or each option; the word of a form that has none."""
        found = [value for _, value in extremes(self.range)]
        return found or [getattr(self.range, self.range.form)]


def eras(spec: TaskSpec, path: str, axis: AxisSpec) -> Iterator[Era]:
    """The core's, then the edges', which stay what they are when the core shifts."""
    shifts = [row.shift for row in changes(spec, path) if row.shift is not None]
    shifts.sort(key=lambda shift: shift.day)
    ends = [*(shift.day for shift in shifts), inf]
    yield Era(axis, 0.0, ends[0])
    for shift, end in zip(shifts, ends[1:], strict=True):
        yield Era(shift.range, shift.day, end)
    yield from (Era(edge, 0.0, inf) for edge in axis.edge.values())


def reach(spec: TaskSpec, path: str, axis: AxisSpec) -> Iterator[tuple[float, Any]]:
    """(day, value) of the lowest and the highest values that the axis takes, era by era."""
    rows = changes(spec, path)
    for era in eras(spec, path, axis):
        for day in _farthest(rows, era):
            yield from ((day, value_on(spec, path, value, day)) for value in era.values)


def _farthest(rows: Sequence[Change], era: Era) -> list[float]:
    """Days of the era with the lowest and the highest sum, for each component."""
    sums = {day: _components(offset(rows, day)) for day in _turns(rows, era)}
    found = set()
    for k in range(max(map(len, sums.values()))):
        part = {day: sum_[k % len(sum_)] for day, sum_ in sums.items()}
        found |= {min(part, key=part.__getitem__), max(part, key=part.__getitem__)}
    return sorted(found)


def _turns(rows: Sequence[Change], era: Era) -> list[float]:
    """Days on which the sum can be highest or lowest: ends of drifts, tops of waves beside them."""
    drifts = [row.drift for row in rows if row.drift is not None]
    days = {era.first, *(day for drift in drifts for day in (drift.from_day, drift.until_day))}
    days |= {era.last} - {inf}
    cycles = [row.cycle for row in rows if row.cycle is not None]
    for cycle in sorted(cycles, key=lambda cycle: -cycle.period_days):
        days |= {top for day in days for top in _tops(cycle, day)}
    return sorted(day for day in days if era.first <= day <= era.last)


def _tops(cycle: Cycle, day: float) -> Iterator[float]:
    """Tops and bottoms of the wave from about one period before ``day`` to one after it."""
    half = cycle.period_days / 2
    first = cycle.phase_days + half / 2
    near = round((day - first) / half)
    yield from (first + half * (near + step) for step in range(-2, 3))


def _components(amount: Amount) -> tuple[float, ...]:
    return amount if isinstance(amount, tuple) else (amount,)
