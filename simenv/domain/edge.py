"""Which edges a task has, and which one a name means: edges of its axes, and its edge cases."""

from __future__ import annotations

from simenv.errors import InputError
from simenv.spec.explain import suggest
from simenv.spec.load import Task

__all__ = ["EDGE_TIERS", "edge_named", "edge_names"]

EDGE_TIERS = ("core", "edge", "all")  # from where scenes are drawn, if not from one edge


def edge_names(task: Task) -> list[str]:
    """Each as rows carry it: ``path/name`` of an edge of an axis, the name of an edge case."""
    domain = task.spec.domain.items()
    return [
        *(f"{path}/{name}" for path, axis in domain for name in axis.edge),
        *task.spec.edge_cases,
    ]


def edge_named(task: Task, name: str) -> str:
    """The one edge that ``name`` means, in full; an axis's may be given without its path.

    Raises:
        InputError: if there is none, or several axes have one of that name.
    """
    edges = edge_names(task)
    if name in edges:
        return name
    found = [edge for edge in edges if edge.rpartition("/")[2] == name]
    if len(found) == 1:
        return found[0]
    where = task.path or task.name
    if found:
        raise InputError(f"{where}: {name} is an edge of several axes; write {' or '.join(found)}")
    short = [edge.rpartition("/")[2] for edge in edges]
    way_out = suggest(name, [*EDGE_TIERS, *dict.fromkeys(short), *edges])
    raise InputError(f"{where}: tier {name!r} is unknown; {_way_out(way_out, short)}")


def _way_out(near: str, short: list[str]) -> str:
    if near.startswith("did you mean"):
        return near
    return "use core, edge or all" + (f", or an edge: {', '.join(short)}" if short else "")
