"""What a row of ``timeline:`` may say: how an axis moves with the days.

On day 0 the task is as its file says, but for cycles with a phase.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, pi, sin
from typing import Annotated, Any

from pydantic import Discriminator, Tag, model_validator

from simenv.spec.domain import FORMS, Distribution
from simenv.spec.model import Misplaced, Positive, Spec, Unsigned

__all__ = ["Amount", "Change", "Cycle", "Drift", "Shift", "check_days", "moved", "offset"]

Amount = float | tuple[float, ...]  # one number, or one for each component of a vector


class Cycle(Spec):
    """A wave that is added: 0 and rising on ``phase_days``, and again after each period."""

    period_days: Positive
    amplitude: Amount
    """Added at the top, taken away at the bottom."""
    phase_days: float = 0.0

    def at(self, day: float) -> Amount:
        """What is added on ``day``: amplitude * sin(2 pi (day - phase) / period)."""
        half, rest = divmod(2 * (day - self.phase_days) / self.period_days, 1)
        return _times(self.amplitude, sin(pi * rest) * (-1 if half % 2 else 1))


class Drift(Spec):
    """Wear, or slow growth: so much more each day, from one day until another, then no more."""

    per_day: Amount
    from_day: Unsigned = 0.0
    until_day: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Drift:
        check_days(self.from_day, self.until_day)
        return self

    def at(self, day: float) -> Amount:
        """What is added on ``day``."""
        return _times(self.per_day, min(max(day, self.from_day), self.until_day) - self.from_day)


def _form(value: Any) -> str:
    is_range = isinstance(value, Distribution) or (isinstance(value, dict) and value.keys() & FORMS)
    return "range" if is_range else "value"


class Shift(Spec):
    """From ``day`` on, another value or another range in the place of the axis's own."""

    day: Positive
    to: Annotated[
        Annotated[Distribution, Tag("range")] | Annotated[Any, Tag("value")], Discriminator(_form)
    ]

    @property
    def is_value(self) -> bool:
        """Whether ``to`` is one value."""
        return not isinstance(self.to, Distribution)

    @property
    def range(self) -> Distribution:
        """What is drawn from then on; a value is a choice of one."""
        return Distribution(choice=(self.to,)) if self.is_value else self.to


class Change(Spec):
    """One row: the path of what moves, and exactly one of how."""

    axis: str
    cycle: Cycle | None = None
    drift: Drift | None = None
    shift: Shift | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Change:
        given = [key for key in ("cycle", "drift", "shift") if getattr(self, key) is not None]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise ValueError(f"must have exactly one of cycle, drift, shift, got {got}; keep one")
        return self

    @property
    def form(self) -> str:
        """``cycle``, ``drift`` or ``shift``."""
        return next(key for key in ("cycle", "drift", "shift") if getattr(self, key) is not None)

    @property
    def amount(self) -> Amount:
        """By how much a cycle or a drift moves; 0 of a shift."""
        if self.cycle is not None:
            return self.cycle.amplitude
        return 0.0 if self.drift is None else self.drift.per_day


def offset(changes: Iterable[Change], day: float) -> Amount:
    """The sum of all drifts, then of all cycles, on ``day``."""
    drifts = [change.drift.at(day) for change in changes if change.drift is not None]
    cycles = [change.cycle.at(day) for change in changes if change.cycle is not None]
    total: Amount = 0.0
    for amount in (*drifts, *cycles):
        total = _plus(total, amount) if total != 0.0 else amount
    return total


def moved(value: Any, amount: Amount, *, whole: bool) -> Any:
    """``value`` with ``amount`` added; one that must stay ``whole`` moves in whole steps."""
    if whole and isinstance(amount, float):
        return value + floor(amount + 0.5)
    return _plus(value, amount)


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return tuple(map(_plus, a, b))
    return a + b if b != 0.0 else a


def _times(amount: Amount, factor: float) -> Amount:
    return tuple(x * factor for x in amount) if isinstance(amount, tuple) else amount * factor


def check_days(first: float, end: float | None) -> None:
    """That ``until_day`` is after ``from_day``; `Misplaced` if not."""
    if end is not None and end <= first:
        text = f"{end:g} is not after from_day {first:g}; choose a later day"
        raise Misplaced(("until_day",), text)
