"""Which axes a task has: the rows of ``domain:``, and what else its timeline moves."""

from typing import Any

from pydantic import BaseModel

from simenv.spec.domain import AxisSpec
from simenv.spec.paths import place
from simenv.spec.task import TaskSpec
from simenv.spec.timeline import Change, moved, offset

__all__ = ["axes", "changes", "is_whole", "value_on"]


def axes(spec: TaskSpec) -> dict[str, AxisSpec]:
    """Path -> axis of all that a scene has a value of: the rows of ``domain:`` in their order.

    What moves only with the days comes after them: a choice of one, the nominal value. A group of
    actors that comes or goes moves its count.

    Raises:
        Rejected: if the timeline names a path that does not exist.
    """
    found = dict(spec.domain)
    counts = (f"actors.{name}.count" for name, own in spec.actors.items() if own.comes_or_goes)
    for path in (*(change.axis for change in spec.timeline), *counts):
        if path not in found:
            nominal = place(spec, path)
            found[path] = AxisSpec(
                kind="visual" if nominal.kind == "visual" else "semantic",
                choice=(_dumped(nominal.value),),
            )
    return found


def changes(spec: TaskSpec, path: str) -> tuple[Change, ...]:
    """The rows of the timeline that move ``path``, in the order of the file."""
    return tuple(change for change in spec.timeline if change.axis == path)


def is_whole(spec: TaskSpec, path: str) -> bool:
    """Whether ``path`` takes whole numbers only."""
    return isinstance(place(spec, path).value, int)


def value_on(spec: TaskSpec, path: str, value: Any, day: float) -> Any:
    """``value`` of the axis at ``path`` with what the timeline has added until ``day``."""
    rows = [change for change in changes(spec, path) if change.shift is None]
    return moved(value, offset(rows, day), whole=is_whole(spec, path)) if rows else value


def _dumped(value: Any) -> Any:
    """A value of the task as a domain would draw it: plain."""
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, tuple):
        return tuple(map(_dumped, value))
    return {key: _dumped(item) for key, item in value.items()} if isinstance(value, dict) else value
