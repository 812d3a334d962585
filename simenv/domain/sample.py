"""Which value every axis has in scene i: a pure function of (task, seed, i)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simenv.domain.axis import dims, value_at
from simenv.domain.edge import EDGE_TIERS, edge_named, edge_names
from simenv.domain.stream import SOBOL_DIMS, point, stream
from simenv.domain.timeline import check_day, on_day, range_on
from simenv.errors import InputError
from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.load import Task

__all__ = ["Sample", "blocks", "sample"]


@dataclass(frozen=True)
class Sample:
    """The value of every axis in one scene, plain Python throughout."""

    scene: int
    attempt: int
    tier: str  # "core", "<axis path>/<edge name>" of the axis that left its core, or an edge case
    values: Mapping[str, object]  # axis path -> value, for axes of the whole scene
    part_values: Mapping[str, tuple[object, ...]]  # axis path -> one value for each part of a group
    look_seed: int | None = None  # where the visual axes were drawn from another seed
    time_days: float = 0.0  # where on the timeline it was drawn
    set_values: Mapping[str, object] = field(default_factory=dict)  # of an edge case: no axes


def sample(
    task: Task,
    seed: int,
    scene: int,
    *,
    attempt: int = 0,
    tier: str = "core",
    look_seed: int | None = None,
    at_day: float = 0.0,
) -> Sample:
    """The values of all axes of ``task`` in one scene.

    Axes of the whole scene take their coordinates from a scrambled Sobol point and keep them when
    the scene is tried again, so that the coverage reached is the one that was planned. Axes with
    ``each: actor`` draw anew for every part and attempt. With ``look_seed``, visual axes draw from
    that seed and all others stay: the same scene in another look.

    Args:
        task: what varies.
        seed: of the dataset, 0 or larger.
        scene: number of the scene, 0 or larger.
        attempt: 0 at first, then one more for each rejection.
        tier: ``core``; ``edge``: one edge, drawn for each scene: an axis leaves its core range for
            one of its named edges, or the scene is one of the edge cases; ``all``: one or the
            other, with even odds; or the name of one edge.
        look_seed: of the visual axes, if not ``seed``.
        at_day: where on the task's timeline; what it does not move is the same on all days.

    Raises:
        InputError: if the tier is unknown or has no edges to draw from, a seed is negative, or a
            scene is beyond the sequence.
    """
    for number in (seed, look_seed):
        if number is not None and number < 0:
            raise InputError(f"seed {number} is negative; use 0 or larger")
    check_day(at_day)
    chosen = _tier(task, seed, scene, tier)
    return _Draw(task, seed, scene, attempt, chosen, look_seed, at_day).sample()


def _tier(task: Task, seed: int, scene: int, tier: str) -> str:
    """``core``, or the one edge of this scene.

    Every edge draws a lot of its own and the highest wins: a new edge changes only the scenes that
    it wins. Scene parity would not do: some Sobol coordinates follow it.
    """
    edges = edge_names(task)
    if tier not in EDGE_TIERS:
        return edge_named(task, tier)
    if tier == "edge" and not edges:
        raise InputError(
            f"{task.path or task.name}: domain: tier edge needs an axis with an edge, and none has"
            " one; give an axis `edge: {name: {uniform: [low, high]}}` or use tier core"
        )
    if tier == "core" or not edges:
        return "core"
    if tier == "all" and stream(seed, scene, "tier").random() < 0.5:
        return "core"
    return max(edges, key=lambda edge: stream(seed, scene, edge).random())


@dataclass(frozen=True)
class _Draw:
    """The arguments of one `sample`, with the tier decided."""

    task: Task
    seed: int
    scene: int
    attempt: int
    tier: str
    look_seed: int | None
    day: float

    def sample(self) -> Sample:
        axes = self.task.axes
        values: dict[str, object] = {}
        part_values: dict[str, tuple[object, ...]] = {}
        room = blocks(self.task.spec.domain)
        # What a texture can be depends on the objects, so these are drawn first.
        paths = sorted([*axes, *self._extra], key=lambda path: not path.endswith(".objects"))
        for path in paths:
            if path not in axes or axes[path].each is None:
                values[path] = self._value(path, room.get(path, range(0)), values)
        for path in paths:
            if path in axes and axes[path].each is not None:
                part_values[path] = self._part_values(path, values, part_values)
        return Sample(
            self.scene,
            self.attempt,
            self.tier,
            {path: values[path] for path in axes if path in values},
            {path: part_values[path] for path in axes if path in part_values},
            self.look_seed,
            float(self.day),
            {path: values[path] for path in self._extra},
        )

    @property
    def _set(self) -> Mapping[str, Distribution]:
        """What the edge case of this scene puts in the place of axes and nominal values."""
        case = self.task.spec.edge_cases.get(self.tier)
        return {} if case is None else case.set

    @property
    def _extra(self) -> list[str]:
        """Paths that the edge case sets and that are no axes."""
        return [path for path in self._set if path not in self.task.axes]

    def _value(self, path: str, block: range, values: Mapping[str, object]) -> object:
        objects = self._objects(path, values)
        options = self._options(path, objects, objects)
        value = value_at(self._range(path), self._coordinates(path, block), options=options)
        return self._on_day(path, value)

    def _coordinates(self, path: str, block: range) -> NDArray[np.float64]:
        """Coordinates (d,) on the axis: Sobol, or a stream where the sequence has no room.

        What an edge case sets has a stream, too.
        """
        count, seed = dims(self._range(path)), self._seed(path)
        if path in self._set:  # anew in each attempt: a value may be why the guarantee is not met
            name = f"edge_cases.{self.tier}.set.{path}"
            return stream(self.seed, self.scene, name, attempt=self.attempt).random(count)
        if count > len(block):
            return stream(seed, self.scene, path).random(count)
        return point(seed, self.scene)[block.start : block.start + count]

    def _part_values(
        self,
        path: str,
        values: Mapping[str, object],
        part_values: Mapping[str, tuple[object, ...]],
    ) -> tuple[object, ...]:
        group = path.split(".")[1]
        count = values.get(f"actors.{group}.count", self.task.spec.actors[group].count)
        assert isinstance(count, int)
        objects = self._objects(path, values)
        dealt = part_values.get(f"actors.{group}.objects")
        width, seed = dims(self._range(path)), self._seed(path)
        rows = []
        for part in range(count):
            own = dealt[part] if dealt else objects
            u = stream(seed, self.scene, path, part, self.attempt).random(width)
            options = self._options(path, objects, (_dealt(own, part),))
            value = value_at(self._range(path), u, options=options)
            rows.append(self._on_day(path, value))
        return tuple(rows)

    def _on_day(self, path: str, value: object) -> object:
        return on_day(self.task.spec, path, value, self.day, as_set=path in self._set)

    def _objects(self, path: str, values: Mapping[str, object]) -> tuple[str, ...]:
        """The objects of the group that ``path`` belongs to, in the order they are dealt."""
        keys = path.split(".")
        if keys[0] != "actors":
            return ()
        objects = values.get(f"actors.{keys[1]}.objects", self.task.spec.actors[keys[1]].objects)
        return objects if isinstance(objects, tuple) else (str(objects),)

    def _options(
        self, path: str, objects: Sequence[str], own: Sequence[str]
    ) -> Sequence[str | None]:
        """What ``choice: all`` means: the group's objects, or the textures of ``own``."""
        if not path.endswith(".texture"):
            return objects
        textures = (name for key in own for name in self.task.objects[key].spec.textures)
        return list(dict.fromkeys(textures)) or [None]

    def _range(self, path: str) -> Distribution:
        if path in self._set:
            return self._set[path]
        axis = self.task.axes[path]
        chosen, _, edge = self.tier.partition("/")
        if chosen == path:
            return axis.edge[edge]
        return range_on(self.task.spec, path, axis, self.day)

    def _seed(self, path: str) -> int:
        visual = path in self.task.axes and self.task.axes[path].kind == "visual"
        return self.look_seed if visual and self.look_seed is not None else self.seed


def _dealt(objects: object, part: int) -> str:
    """The object of one part, where ``objects`` is one name or names to deal in turn."""
    if isinstance(objects, tuple):
        objects = objects[part % len(objects)]
    return str(objects)


def blocks(domain: Mapping[str, AxisSpec]) -> dict[str, range]:
    """The Sobol dimensions of each axis of the scene; an empty range where no room is left.

    Pinned axes come first; the others take the lowest free dimensions in the table's order, so
    that an axis at the end, or one pinned to dimensions that nobody uses, changes no other.
    """
    blocks: dict[str, range] = {}
    taken: set[int] = set()
    axes = [(path, axis) for path, axis in domain.items() if axis.each is None]
    for path, axis in sorted(axes, key=lambda row: row[1].dim is None):
        start = _first_free(dims(axis), taken) if axis.dim is None else axis.dim
        blocks[path] = range(start, start + dims(axis)) if start is not None else range(0)
        taken.update(blocks[path])
    return blocks


def _first_free(width: int, taken: Set[int]) -> int | None:
    starts = range(SOBOL_DIMS - width + 1)
    return next((s for s in starts if taken.isdisjoint(range(s, s + width))), None)
