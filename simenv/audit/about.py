"""What a dataset is, by its tables: counts, edges and hit rates, days, splits, licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset
from simenv.domain.table import domain_table
from simenv.errors import InputError
from simenv.spec.load import Task, task_from_text
from simenv.spec.task import TaskSpec

__all__ = ["About", "Axis", "CameraFact", "Day", "Edge", "Licence", "SplitFact", "about"]

ACCEPTED = "accepted"
UNKNOWN = "unknown"

Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class CameraFact:
    """A camera and the pictures that it has of each frame."""

    name: str
    width: int
    height: int
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Edge:
    """The scenes of one tier: ``core``, an edge of an axis, an edge case."""

    name: str
    scenes: int
    accepted: int
    attempts: int
    numbers: tuple[int, ...]  # of the accepted scenes

    @property
    def hit_rate(self) -> float:
        """How many of the attempts became a scene."""
        return self.accepted / self.attempts if self.attempts else 0.0


@dataclass(frozen=True)
class Day:
    """The scenes of one day of the task's timeline."""

    day: float
    scenes: int


@dataclass(frozen=True)
class SplitFact:
    """Scenes in each part of a split; or why it is none of this dataset."""

    name: str
    parts: Mapping[str, int]
    problem: str = ""


@dataclass(frozen=True)
class Licence:
    """Of an object, or of the robot, as the catalog has it now."""

    name: str
    licence: str  # SPDX; "unknown" where the catalog has no such object
    source: str


@dataclass(frozen=True)
class Axis:
    """A row of the domain, as it was asked for."""

    path: str
    kind: str
    draws: str
    width: str
    bits: float | None  # None: its objects are not in the catalog


@dataclass(frozen=True)
class About:
    """The dataset in numbers that need no statistics."""

    name: str
    summary: str
    attrs: Mapping[str, Any]  # of the root: seed, renderer, versions, digests
    scenes: int
    accepted: int
    attempts: int
    frames: int
    images: int
    parts: int  # in accepted scenes
    reasons: Mapping[str, int]  # rejected attempts
    classes: tuple[str, ...]  # of parts
    labels: tuple[str, ...]
    cameras: tuple[CameraFact, ...]
    axes: tuple[Axis, ...]
    edges: tuple[Edge, ...]
    days: tuple[Day, ...]
    splits: tuple[SplitFact, ...]
    licences: tuple[Licence, ...]
    catalog: str  # why the catalog could not help; "": it could


def about(path: str | Path) -> About:
    """All that is known of the dataset at ``path`` without statistics.

    Raises:
        InputError: there is no dataset.
    """
    with Dataset(path) as dataset:
        return _about(dataset)


def _about(dataset: Dataset) -> About:
    spec = dataset.spec
    task, problem = _task(dataset.task)
    scenes, attempts = dataset.table("scenes"), dataset.table("attempts")
    frames = len(dataset.column("frames/scene"))
    objects = _objects(dataset)
    reasons, counts = np.unique(attempts["reason"].astype(str), return_counts=True)
    return About(
        name=str(dataset.attrs["task_name"]),
        summary=spec.summary,
        attrs=dataset.attrs,
        scenes=len(scenes["index"]),
        accepted=int((scenes["outcome"] == ACCEPTED).sum()),
        attempts=len(attempts["scene"]),
        frames=frames,
        images=frames * len(dataset.cameras),
        parts=int(np.isin(dataset.column("parts/scene"), dataset.column("frames/scene")).sum()),
        reasons={r: int(n) for r, n in sorted(zip(reasons, counts, strict=True), key=_rarer) if r},
        classes=tuple(sorted({own for _, own in objects})),
        labels=tuple(str(dataset.attrs["labels"]).split()),
        cameras=tuple(_cameras(dataset)),
        axes=tuple(_axes(spec, task)),
        edges=tuple(_edges(scenes)),
        days=tuple(_days(scenes)),
        splits=tuple(_splits(dataset)),
        licences=tuple(_licences([name for name, _ in objects], task)),
        catalog=problem,
    )


def _rarer(row: tuple[str, int]) -> tuple[int, str]:
    return -int(row[1]), row[0]


def _task(text: str) -> tuple[Task | None, str]:
    """The task with its objects, or why there is none here."""
    try:
        return task_from_text(text, near=Path.cwd()), ""
    except InputError as error:
        return None, str(error).splitlines()[0]


def _objects(dataset: Dataset) -> list[tuple[str, str]]:
    """Name and class of every object of a part, by name."""
    objects = dataset.table("objects")
    rows = np.unique(dataset.column("parts/object"))
    return [(str(objects["name"][row]), str(objects["class"][row])) for row in rows]


def _cameras(dataset: Dataset) -> Iterator[CameraFact]:
    for name, layout in dataset.layout.cameras.items():
        yield CameraFact(name, layout.width, layout.height, tuple(layout.images))


def _axes(spec: TaskSpec, task: Task | None) -> Iterator[Axis]:
    if task is not None:
        for row in domain_table(task).rows:
            yield Axis(row.path, row.kind, row.draws, row.width, row.bits)
        return
    for path, axis in spec.domain.items():
        yield Axis(path, axis.kind, axis.form, "", None)


def _edges(scenes: Table) -> Iterator[Edge]:
    """``core`` first, then by name."""
    tiers = sorted({str(tier) for tier in scenes["tier"]}, key=lambda name: (name != "core", name))
    for name in tiers:
        own = scenes["tier"] == name
        hit = own & (scenes["outcome"] == ACCEPTED)
        numbers = tuple(int(number) for number in scenes["index"][hit])
        yield Edge(name, int(own.sum()), len(numbers), int(scenes["attempts"][own].sum()), numbers)


def _days(scenes: Table) -> Iterator[Day]:
    days, counts = np.unique(scenes["time_days"], return_counts=True)
    for day, count in zip(days, counts, strict=True):
        yield Day(float(day), int(count))


def _splits(dataset: Dataset) -> Iterator[SplitFact]:
    for name in dataset.splits:
        try:
            parts = {part: len(own) for part, own in dataset.split(name).items()}
        except InputError as error:
            yield SplitFact(name, {}, str(error))
        else:
            yield SplitFact(name, parts)


def _licences(names: list[str], task: Task | None) -> Iterator[Licence]:
    known = {} if task is None else task.objects
    for name in names:
        if name in known:
            yield Licence(name, known[name].spec.license, known[name].spec.source)
        else:
            yield Licence(name, UNKNOWN, UNKNOWN)
    if task is not None and task.robot is not None:
        yield Licence(task.robot.name, task.robot.spec.license, task.robot.spec.source)
