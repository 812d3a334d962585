"""Which pictures a task puts behind its scenes, and where their files are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simenv.spec import catalog
from simenv.spec.check import distributions
from simenv.spec.domain import Distribution
from simenv.spec.files import check_backdrop
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import Key, Problem

__all__ = ["backdrops"]

NOMINAL = ("look", "backdrop", "image")

Where = tuple[Key, ...]


def backdrops(spec: TaskSpec, near: Path | None) -> tuple[dict[str, Path], list[Problem]]:
    """The file of each image that the task names, and what is wrong with those that cannot be used.

    They are looked for beside the task file, then in tasks/ of every place of the catalog.
    """
    found: dict[str, Path] = {}
    problems = []
    for where, image in _named(spec):
        folder = catalog.beside_tasks(image, near=near)
        text = check_backdrop(folder, image)
        if text is None:
            found[image] = folder / image
        else:
            problems.append(Problem(where, text))
    return found, problems


def _named(spec: TaskSpec) -> Iterator[tuple[Where, str]]:
    if spec.look.backdrop.image is not None:
        yield NOMINAL, spec.look.backdrop.image
    for path, axis in spec.domain.items():
        if (below := _below(path)) is not None:
            for where, distribution in distributions(path, axis):
                yield from _chosen(where, distribution.choice, below)
    for i, change in enumerate(spec.timeline):
        if (below := _below(change.axis)) is not None and change.shift is not None:
            to, here = change.shift.to, ("timeline", i, "shift", "to")
            if isinstance(to, Distribution):
                yield from _chosen(here, to.choice, below)
            else:
                yield from _inside(here, to, below)


def _below(path: str) -> tuple[str, ...] | None:
    """The keys that lead from ``path`` to the image; None where it is not on the way."""
    keys = path.split(".")
    return NOMINAL[len(keys) :] if tuple(keys) == NOMINAL[: len(keys)] else None


def _chosen(where: Where, choice: Any, below: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    """The images among the values of a choice; ``below``: the keys inside each value."""
    for i, value in enumerate(choice if isinstance(choice, Mapping | tuple) else ()):
        at = (*where, "choice", value if isinstance(choice, Mapping) else i)
        yield from _inside(at, value, below)


def _inside(at: Where, value: Any, below: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    for key in below:
        value, at = value.get(key) if isinstance(value, Mapping) else None, (*at, key)
    if isinstance(value, str):
        yield at, value
