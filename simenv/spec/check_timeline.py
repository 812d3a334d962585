"""Whether a timeline fits its task: paths, kinds of values, and how far the sums go."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from simenv.spec.axes import axes, changes
from simenv.spec.check import check_range
from simenv.spec.domain import AxisSpec
from simenv.spec.object import ObjectModel
from simenv.spec.paths import Rejected, place, replace
from simenv.spec.reach import eras, reach
from simenv.spec.task import TaskSpec
from simenv.spec.timeline import Change
from simenv.spec.yaml import Key, Problem, flow

__all__ = ["check_timeline"]

Where = tuple[Key, ...]


def check_timeline(spec: TaskSpec, objects: Mapping[str, ObjectModel]) -> list[Problem]:
    """All problems of ``timeline:`` and of groups that come or go."""
    rows = list(enumerate(spec.timeline))
    problems = [found for i, change in rows for found in _row(spec, i, change, objects)]
    problems += [*_contradictions(spec), *_absences(spec)]
    problems = problems or list(_overlaps(spec))
    if not problems:
        problems += [p for path, axis in axes(spec).items() for p in _sums(spec, path, axis)]
    return problems


def _row(
    spec: TaskSpec, i: int, change: Change, objects: Mapping[str, ObjectModel]
) -> Iterator[Problem]:
    try:
        target = place(spec, change.axis)
    except Rejected as rejected:
        yield Problem(("timeline", i, "axis"), rejected.problems[0].text)
        return
    if target.kind == "fixed":
        text = f"{change.axis} is one for the whole dataset and cannot move; remove the row"
        yield Problem(("timeline", i, "axis"), text)
    elif change.shift is not None:
        where: Where = ("timeline", i, "shift", "to")
        found = check_range(where, change.axis, change.shift.range, spec, objects)
        for problem in found:  # a value stands there itself, not as the one option of a choice
            yield Problem(where, problem.text) if change.shift.is_value else problem


def _overlaps(spec: TaskSpec) -> Iterator[Problem]:
    """Rows above or below what varies or moves as well."""
    for i, change in enumerate(spec.timeline):
        for path in axes(spec):
            one, other = sorted((f"{path}.", f"{change.axis}."), key=len)
            if one != other and other.startswith(one):
                text = f"{other[:-1]} lies inside {one[:-1]}, and both vary; remove one of the two"
                yield Problem(("timeline", i, "axis"), text)


def _contradictions(spec: TaskSpec) -> Iterator[Problem]:
    """Two rows of which one says all or the other is void."""
    for (i, one), (k, other) in combinations(enumerate(spec.timeline), 2):
        if one.axis == other.axis and one.form == other.form and _when(one) == _when(other):
            text = f"{one.axis} has a {one.form} {_when(one)} in row {i} already; keep one of them"
            yield Problem(("timeline", k, "axis"), text)


def _when(change: Change) -> str:
    if change.shift is not None:
        return f"on day {change.shift.day:g}"
    if change.drift is not None:
        return f"from day {change.drift.from_day:g} until day {change.drift.until_day:g}"
    assert change.cycle is not None
    return f"of {change.cycle.period_days:g} days"


def _absences(spec: TaskSpec) -> Iterator[Problem]:
    """Groups without which the task does not work."""
    for name, actors in spec.actors.items():
        if actors.comes_or_goes:
            try:
                replace(spec, {f"actors.{name}.count": 0})
            except Rejected as rejected:
                key = "from_day" if actors.from_day > 0 else "until_day"
                text = f"there are days without {name}, which do not fit: {rejected.problems[0]}"
                yield Problem(("actors", name, key), text)


def _sums(spec: TaskSpec, path: str, axis: AxisSpec) -> Iterator[Problem]:
    """What the model says to the lowest and the highest value with all that is added to it."""
    added = [change for change in changes(spec, path) if change.shift is None]
    for change in added:
        if text := _unfit(spec, path, change, axis):
            yield Problem(("timeline", spec.timeline.index(change), change.form), text)
            return
    for day, value in reach(spec, path, axis) if added else ():
        try:
            replace(spec, {path: value})
        except Rejected as rejected:
            where = ("timeline", spec.timeline.index(added[-1]), added[-1].form)
            found = rejected.problems[0]
            yield Problem(where, f"on day {day:g} {flow(value, cut=True)} does not fit: {found}")
            return


def _unfit(spec: TaskSpec, path: str, change: Change, axis: AxisSpec) -> str | None:
    """Why nothing can be added to a value that the axis takes."""
    amount = change.amount
    need = len(amount) if isinstance(amount, tuple) else 0
    for value in (value for era in eras(spec, path, axis) for value in era.values):
        size = len(value) if isinstance(value, tuple) else 0
        can_be = f"{path} can be {flow(value, cut=True)}"
        if not all(map(_is_number, value if size else (value,))):
            return f"adds to numbers, and {can_be}; use shift"
        if size != need:
            return f"{can_be}; give {f'a list of {size} numbers' if size else 'one number'} to add"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
