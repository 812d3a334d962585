"""The same scene with one axis moved: what an experiment on that axis alone compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from simenv import pose
from simenv.domain.sample import Sample, sample
from simenv.domain.width import options_of
from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.load import Task
from simenv.spec.model import Rotation

__all__ = ["moved", "with_axis"]

DRAWS = 6  # of an axis, from which the farthest are taken


def moved(task: Task, seed: int, drawn: Sample, path: str, edge: str = "") -> Iterator[Sample]:
    """``drawn`` with another value of the axis at ``path``, the farthest first; all else is kept.

    Of an axis with ``each: actor`` every part gets another value that it can have. There is none
    where the range has one value, or the group has no part.

    Args:
        task: what varies.
        seed: ``drawn`` was drawn with.
        drawn: where the axis has its first value.
        path: a row of ``domain:``.
        edge: the name of its edge range to draw from; "": the core range.
    """
    pool = _pool(task, seed, drawn, path, edge)
    if path in drawn.values:
        for value in _farthest(drawn.values[path], pool):
            yield with_axis(drawn, path, value)
        return
    rows = [_farthest(own, [row[part] for row in pool]) for part, own in _parts(drawn, path)]
    for k in range(max(map(len, rows), default=0)):
        others = zip(drawn.part_values[path], rows, strict=True)
        yield with_axis(drawn, path, tuple(row[k % len(row)] if row else v for v, row in others))


def with_axis(drawn: Sample, path: str, value: Any) -> Sample:
    """``drawn`` with ``value`` at ``path``; further parts of a larger group are like its first."""
    if path in drawn.part_values:
        return replace(drawn, part_values={**drawn.part_values, path: value})
    parts, (root, _, name) = drawn.part_values, path.rpartition(".")
    if name == "count":
        own = {key: row for key, row in parts.items() if key.startswith(f"{root}.")}
        parts = {**parts, **{key: tuple(islice(cycle(row), value)) for key, row in own.items()}}
    return replace(drawn, values={**drawn.values, path: value}, part_values=parts)


def _parts(drawn: Sample, path: str) -> list[tuple[int, Any]]:
    return list(enumerate(drawn.part_values[path]))


def _pool(task: Task, seed: int, drawn: Sample, path: str, edge: str) -> list[Any]:
    """Values that the axis can have in this scene: of a part's axis, rows of one for each part."""
    axis = task.spec.domain[path]
    draws: Distribution = axis.edge[edge] if edge else axis
    named = [value for value, _ in options_of(draws, ())] if draws.form == "choice" else []
    task = _only_draws(task, path, draws)
    others = [_redrawn(task, seed, drawn, path, k + 1) for k in range(DRAWS)]
    if axis.each is None:
        values = [other.values[path] for other in others]
        bare = path.startswith("actors.") and path.endswith(".count") and _bare(drawn, path)
        return [] if bare else [*named, *values]
    count = len(drawn.part_values[path])
    rows = [list(islice(cycle(other.part_values[path]), count)) for other in others]
    return [*([value] * count for value in named), *(row for row in rows if len(row) == count)]


def _bare(drawn: Sample, path: str) -> bool:
    """Whether the group has no part whose values further ones could have."""
    return drawn.values[path] == 0


def _only_draws(task: Task, path: str, draws: Distribution) -> Task:
    """The task with ``draws`` as the core range of the axis."""
    old = task.spec.domain[path]
    own = {key: getattr(draws, key) for key in Distribution.model_fields}
    axis = AxisSpec.model_construct(**{**own, "kind": old.kind, "each": old.each, "edge": {}})
    domain = {**task.spec.domain, path: axis}
    return replace(task, spec=task.spec.model_copy(update={"domain": domain}))


def _redrawn(task: Task, seed: int, drawn: Sample, path: str, k: int) -> Sample:
    """The k-th other draw; of the look alone for a visual axis, so that parts stay as they are."""
    if task.spec.domain[path].kind == "visual":
        return sample(task, seed, drawn.scene, attempt=drawn.attempt, look_seed=seed + k)
    return sample(task, seed, drawn.scene + k)


def _farthest(own: Any, pool: Sequence[Any]) -> list[Any]:
    """Those of ``pool`` that are not ``own``, the farthest first, none twice."""
    others: list[Any] = []
    for value in pool:
        if value != own and value not in others:
            others.append(value)
    return sorted(others, key=lambda value: -_distance(own, value))


def _distance(a: Any, b: Any) -> float:
    """Of two values of one axis: in its unit, or radians; options are equally far."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        R_AB = _rotation(a).T @ _rotation(b)
        return float(np.arccos(np.clip((np.trace(R_AB) - 1) / 2, -1, 1)))
    try:
        return float(np.abs(np.subtract(a, b)).max())
    except (TypeError, ValueError):  # names, or other shapes
        return 1.0


def _rotation(value: Mapping[str, Any]) -> pose.Matrix:
    return Rotation.model_validate(dict(value)).X_AB()[:3, :3]
