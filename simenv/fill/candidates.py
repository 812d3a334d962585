"""What scenes that do not exist yet would have, as far as the domain alone decides: in cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.joint import Single
from simenv.audit.observe import axis_variables
from simenv.audit.variable import Variable
from simenv.dataset.param import params_of
from simenv.domain.sample import Sample
from simenv.fill.draw import Draw
from simenv.spec.load import Task

__all__ = ["Candidates", "candidates", "in_cells"]

Cells = NDArray[np.int64]
Part = tuple[int, str, int, str]  # row of the samples, group, place in the group, object


@dataclass(frozen=True, eq=False)
class Candidates:
    """K scenes with P parts in all; cells are those of the dataset's variables, -1: in none.

    A part may have several rows, one a frame.
    """

    numbers: Cells  # (K,) of the scenes
    scene: Mapping[str, Cells]  # title -> (K,)
    part: Mapping[str, Cells]  # title -> (P,)
    owner: Cells  # (P,) row of numbers, increasing


def candidates(draw: Draw, known: Mapping[str, Single], samples: Sequence[Sample]) -> Candidates:
    """The cells of ``samples``; ``known`` are the dataset's variables by title."""
    parts = [part for row, own in enumerate(samples) for part in _parts(draw.task, row, own)]
    scene = dict(_scene_axes(draw, known, samples))
    owner = np.array([row for row, *_ in parts], dtype=np.int64)
    if "parts" in known:
        counts = np.bincount(owner, minlength=len(samples))
        scene["parts"] = _nearest(known["parts"].variable, counts)
    models = draw.task.objects
    words = {
        "class": [models[name].spec.class_ for *_, name in parts],
        "object": [name for *_, name in parts],
    }
    part = {
        title: _named(known[title].names, own) for title, own in words.items() if title in known
    }
    part |= dict(_part_axes(draw, known, samples, parts))
    numbers = np.array([own.scene for own in samples], dtype=np.int64)
    return Candidates(numbers, scene, part, owner)


def _parts(task: Task, row: int, own: Sample) -> Iterator[Part]:
    """The parts of one scene that are labelled, group after group."""
    for group, actors in task.spec.actors.items():
        if actors.role != "part":
            continue
        start = f"actors.{group}"
        count = own.values.get(f"{start}.count", actors.count)
        objects = own.values.get(f"{start}.objects", actors.objects)
        dealt = own.part_values.get(f"{start}.objects")
        assert isinstance(count, int)
        for k in range(count):
            names = objects if dealt is None else dealt[k]
            yield row, group, k, str(names[k % len(names)] if isinstance(names, tuple) else names)


def _scene_axes(
    draw: Draw, known: Mapping[str, Single], samples: Sequence[Sample]
) -> Iterator[tuple[str, Cells]]:
    spec = draw.task.spec
    columns = params_of(spec)
    for path, axis in spec.domain.items():
        if axis.each is None:
            values = columns[f"scenes/param/{path}"].encode(own.values.get(path) for own in samples)
            yield from in_cells(known, axis_variables(path, axis, "scene", values))


def _part_axes(
    draw: Draw, known: Mapping[str, Single], samples: Sequence[Sample], parts: Sequence[Part]
) -> Iterator[tuple[str, Cells]]:
    spec = draw.task.spec
    columns = params_of(spec)
    for path, axis in spec.domain.items():
        if axis.each is None or path.endswith(".objects") or axis.so3 is not None:
            continue
        group = path.split(".")[1]
        rows = (samples[row].part_values[path][k] if g == group else None for row, g, k, _ in parts)
        values = columns[f"parts/param/{path}"].encode(rows)
        yield from in_cells(known, axis_variables(path, axis, "part", values))


def in_cells(
    known: Mapping[str, Single], variables: Iterable[Variable]
) -> Iterator[tuple[str, Cells]]:
    """Title and cells of those variables that the dataset has, in its cells."""
    for own in variables:
        camera = own.level.partition("/")[2]
        title = f"{camera}: {own.name}" if camera else own.name
        if title in known:
            there = {name: cell for cell, name in enumerate(known[title].names)}
            lookup = np.array([*(there.get(name, -1) for name in own.names), -1], dtype=np.int64)
            yield title, lookup[own.cells]


def _named(names: Sequence[str], words: Sequence[str]) -> Cells:
    there = {name: cell for cell, name in enumerate(names)}
    return np.array([there.get(word, -1) for word in words], dtype=np.int64)


def _nearest(variable: Variable, values: Cells) -> Cells:
    """The cell of the nearest value that the variable has."""
    assert variable.values is not None
    found, first = np.unique(variable.values, return_index=True)
    keep = variable.cells[first] >= 0
    found, cells = found[keep], variable.cells[first][keep]
    at = np.abs(found - values[:, None]).argmin(axis=1)
    return np.asarray(cells[at])
