"""What a row of ``domain:`` may say: what an axis draws, and whether labels depend on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from simenv.spec.model import Misplaced, Name, Pair, Positive, Spec, Triple, Unsigned

__all__ = ["AxisSpec", "Distribution", "OnSphere"]

Latitude = Annotated[float, Field(ge=-90, le=90)]
Ends = tuple[float | tuple[float, ...], float | tuple[float, ...]]


class OnSphere(Spec):
    """Points around ``center``, even in area: ranges of radius, elevation and azimuth."""

    center: Triple
    radius_m: tuple[Positive, Positive]
    elevation_deg: tuple[Latitude, Latitude] = (-90.0, 90.0)
    azimuth_deg: Pair = (0.0, 360.0)

    @model_validator(mode="after")
    def _in_order(self) -> OnSphere:
        for key in ("radius_m", "elevation_deg", "azimuth_deg"):
            low, high = getattr(self, key)
            if low > high:
                raise Misplaced((key,), f"low {low} is above high {high}; swap them")
        return self


class Distribution(Spec):
    """What an axis draws from: exactly one of these."""

    uniform: Ends | None = None
    """Low and high: numbers, or two lists of the same length."""
    log_uniform: tuple[Positive, Positive] | None = None
    integers: tuple[int, int] | None = None
    """Low and high, both included."""
    choice: Literal["all"] | tuple[Any, ...] | dict[str, Unsigned] | None = None
    """Values, or values with weights, or all that the objects offer."""
    so3: Literal["uniform"] | None = None
    on_sphere: OnSphere | None = None

    @property
    def form(self) -> str:
        """Which of the distributions it is: the name of the key."""
        return next(key for key in FORMS if getattr(self, key) is not None)

    @model_validator(mode="after")
    def _one_form(self) -> Distribution:
        given = [key for key in FORMS if getattr(self, key) is not None]
        if len(given) != 1:
            known = ", ".join(FORMS)
            got = " and ".join(given) or "none"
            raise ValueError(f"must have exactly one of {known}, got {got}; keep one")
        return self

    @model_validator(mode="after")
    def _not_empty(self) -> Distribution:
        for key in ("uniform", "log_uniform", "integers"):
            if (ends := getattr(self, key)) is not None:
                _check_range(key, *ends)
        if isinstance(self.choice, dict) and not any(self.choice.values()):
            raise Misplaced(("choice",), "all weights are zero; raise one")
        if self.choice == ():
            raise Misplaced(("choice",), "is empty; list at least one value")
        return self


FORMS = tuple(Distribution.model_fields)


def _check_range(key: str, low: Any, high: Any) -> None:
    lows, highs = (end if isinstance(end, tuple) else (end,) for end in (low, high))
    if len(lows) != len(highs) or isinstance(low, tuple) != isinstance(high, tuple):
        raise Misplaced((key,), "low and high differ in length; give both as many numbers")
    if any(a > b for a, b in zip(lows, highs, strict=True)):
        raise Misplaced((key,), f"low {_text(low)} is above high {_text(high)}; swap them")
    if lows == highs and key != "integers":
        text = f"low and high are both {_text(low)}; widen the range or remove the axis"
        raise Misplaced((key,), text)


def _text(end: float | tuple[float, ...]) -> str:
    return str(list(end) if isinstance(end, tuple) else end)


class AxisSpec(Distribution):
    """One row of ``domain:``; its key is the path of what varies."""

    kind: Literal["semantic", "visual"]
    """Semantic variance changes labels; visual variance must not."""
    each: Literal["actor"] | None = None
    """An own draw for every part of the group."""
    dim: Annotated[int, Field(ge=0, lt=64)] | None = None
    """Pins the first Sobol dimension."""
    edge: dict[Name, Distribution] = {}
    """Ranges of what can go wrong, drawn for edge tiers only."""
