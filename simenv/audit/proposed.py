"""Which objects every attempt at a scene was made of, those of rejected attempts included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.audit.observe import Observed
from simenv.dataset.read import Dataset
from simenv.domain.sample import Sample, sample
from simenv.errors import InputError
from simenv.spec.load import Task, task_from_text

__all__ = ["Proposed", "proposed"]

Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Proposed:
    """All attempts at the scenes that were observed."""

    scene: NDArray[np.int64]  # (N,) row of scenes
    accepted: NDArray[np.bool_]  # (N,)
    reasons: Mapping[str, int]  # of the rejections
    objects: tuple[str, ...]  # keys
    classes: tuple[str, ...]  # (K,) of the objects
    counts: NDArray[np.int64]  # (N, K) parts of each object; -1 where it is not known
    left_out: str = ""  # why it is not known of some

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whose objects are known (N,)."""
        return np.asarray((self.counts >= 0).all(axis=1))


def proposed(observed: Observed) -> Proposed:
    """All attempts at the scenes of ``observed``.

    Parts of the last attempt at a scene are stored. Those of the others are drawn again, which
    needs the task's objects, looked for as `simenv verify` does.
    """
    with Dataset(observed.path) as dataset:
        attempts, parts = dataset.table("attempts"), dataset.table("parts")
        objects, text = dataset.table("objects"), dataset.task
    numbers = observed.scenes["index"]
    own = np.isin(attempts["scene"], numbers)
    attempts = {name: column[own] for name, column in attempts.items()}
    scene = np.searchsorted(numbers, attempts["scene"])
    keys, classes = _known(objects, parts)
    counts = np.full((len(scene), len(keys)), -1, dtype=np.int64)
    last = attempts["attempt"] == observed.scenes["attempts"][scene] - 1
    counts[last] = _stored(parts, numbers, keys, objects)[scene[last]]
    left_out = _draw(observed, text, attempts, scene, keys, counts, last)
    reasons = Counter(map(str, attempts["reason"][attempts["reason"] != ""]))
    accepted = attempts["outcome"] == "accepted"
    return Proposed(scene, accepted, dict(reasons), keys, classes, counts, left_out)


def _known(objects: Table, parts: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and classes of the objects of which there is a part, by name."""
    rows = np.unique(parts["object"])
    pairs = sorted({(str(objects["name"][k]), str(objects["class"][k])) for k in rows if k >= 0})
    return tuple(name for name, _ in pairs), tuple(class_ for _, class_ in pairs)


def _stored(
    parts: Table, numbers: NDArray[np.int64], keys: tuple[str, ...], objects: Table
) -> NDArray[np.int64]:
    """Parts of each object (S, K) in the last attempt at each scene."""
    counts = np.zeros((len(numbers), len(keys)), dtype=np.int64)
    own = np.isin(parts["scene"], numbers) & (parts["object"] >= 0)
    column = {name: k for k, name in enumerate(keys)}
    names = np.array([column[str(objects["name"][row])] for row in parts["object"][own]], np.int64)
    np.add.at(counts, (np.searchsorted(numbers, parts["scene"][own]), names), 1)
    return counts


def _draw(
    observed: Observed,
    text: str,
    attempts: Table,
    scene: NDArray[np.int64],
    keys: tuple[str, ...],
    counts: NDArray[np.int64],
    last: NDArray[np.bool_],
) -> str:
    """Fill in ``counts`` of the attempts before the last; why it is left out, where it is."""
    tiers, cases = observed.scenes["tier"], observed.task.edge_cases
    wanted = [k for k in np.flatnonzero(~last) if tiers[scene[k]] not in cases]
    if not wanted:
        return ""
    try:
        task = task_from_text(text, near=Path.cwd())
    except InputError as error:
        why = str(error).splitlines()[0]
        return f"classes of rejected attempts are left out: the task is not accepted here ({why})"
    for k in wanted:
        row = scene[k]
        names = _parts(task, _sample(observed, task, row, int(attempts["attempt"][k])))
        if not names.keys() <= set(keys):
            return "classes of rejected attempts are left out: the objects are others here"
        counts[k] = [names[key] for key in keys]
    return ""


def _sample(observed: Observed, task: Task, row: int, attempt: int) -> Sample:
    attrs, scenes = observed.attrs, observed.scenes
    return sample(
        task,
        int(attrs["seed"]),
        int(scenes["index"][row]),
        attempt=attempt,
        tier=str(scenes["tier"][row]),
        at_day=float(scenes["time_days"][row]),
    )


def _parts(task: Task, drawn: Sample) -> Counter[str]:
    """How many parts of each object the sample has."""
    names: Counter[str] = Counter()
    for group, actors in task.spec.actors.items():
        if not actors.present(drawn.time_days):
            continue
        count = drawn.values.get(f"actors.{group}.count", actors.count)
        assert isinstance(count, int)
        path = f"actors.{group}.objects"
        shared = drawn.values.get(path, actors.objects)
        own = drawn.part_values.get(path, (shared,) * count)
        names.update(_dealt(objects, part) for part, objects in enumerate(own[:count]))
    return names


def _dealt(objects: object, part: int) -> str:
    return str(objects[part % len(objects)] if isinstance(objects, tuple) else objects)
