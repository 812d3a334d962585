"""Where an axis stands on a day: what it draws from, and what is added to the value drawn.

First the latest shift, then all drifts, then all cycles, whatever the order of the rows. A day
never changes which point of an axis a scene has: two days' values differ only where the timeline
moves an axis.
"""

from math import isfinite

from simenv.errors import InputError
from simenv.spec.axes import changes, value_on
from simenv.spec.domain import Distribution
from simenv.spec.task import TaskSpec

__all__ = ["check_day", "on_day", "range_on"]


def check_day(day: float) -> None:
    """Refuse what is no day.

    Raises:
        InputError: if it is negative or not finite.
    """
    if not isfinite(day) or day < 0:
        raise InputError(f"day {day:g} is not on the timeline; use 0 or larger")


def range_on(spec: TaskSpec, path: str, nominal: Distribution, day: float) -> Distribution:
    """What the axis at ``path`` draws from on ``day``: its latest shift, or ``nominal``."""
    shifts = [change.shift for change in changes(spec, path) if change.shift is not None]
    begun = [shift for shift in shifts if shift.day <= day]
    return max(begun, key=lambda shift: shift.day).range if begun else nominal


def on_day(spec: TaskSpec, path: str, value: object, day: float, *, as_set: bool = False) -> object:
    """``value`` of the axis at ``path`` with what has been added until ``day``.

    Nothing is added to what an edge case has set. The count of a group that is not there is 0.
    """
    root, group, *rest = [*path.split("."), "", ""]
    if root == "actors" and rest[0] == "count" and not spec.actors[group].present(day):
        return 0
    return value if as_set else value_on(spec, path, value, day)
