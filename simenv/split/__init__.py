"""How a dataset is split for training and tests: by scene, in proportion, with factors held out.

What is kept in proportion: strata.py. How: assign.py. What is written: simenv/dataset/splits.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.factors import HoldOut, accepted, values
from simenv.dataset.leaks import Leak, leaks, left_over, twins
from simenv.dataset.read import Dataset
from simenv.dataset.read import open as open_dataset
from simenv.dataset.splits import (
    DEFAULT,
    UNSEEN,
    Origin,
    Request,
    Split,
    check_current,
    labels_sha256,
    read_split,
    split_file,
    split_names,
    write_split,
)
from simenv.domain.stream import stream
from simenv.errors import InputError
from simenv.spec.explain import suggest
from simenv.split.assign import FREE, assign, deviations
from simenv.split.request import (
    FRACTIONS,
    check_name,
    parse_fractions,
    refuse_other,
    request_of,
)
from simenv.split.strata import labels

__all__ = ["FRACTIONS", "LEAST_LEFT", "Report", "check", "parse_fractions", "split"]

LEAST_LEFT = 0.2  # of all scenes; what is held out must leave as many to learn from


@dataclass(frozen=True)
class Report:
    """A split as it was written, and how even it is."""

    file: Path
    split: Split
    images: Mapping[str, int]
    added: int  # scenes that were in no part before
    worst: float  # scenes by which a part deviates from its fraction of a label, at most
    worst_label: str

    @property
    def text(self) -> str:
        """A line for each part, and one for the file."""
        lines = [
            f"{name}: {len(own)} scenes, {self.images[name]} images"
            for name, own in self.split.splits.items()
        ]
        lines.append(
            f"{self.file}: {self.added} scenes added; the label that deviates most, "
            f"{self.worst_label}, by {self.worst:.1f} scenes"
        )
        return "\n".join(lines)


def split(
    path: str | Path,
    *,
    fractions: Mapping[str, float] | None = None,
    name: str = DEFAULT,
    seed: int | None = None,
    hold_out: Sequence[str] | None = None,
) -> Report:
    """Split the dataset at ``path`` and store it there; a split of that name is extended.

    Scenes that are in a part stay there; those that are new get theirs given the old ones. What is
    None is as it was in the split that there is, or FRACTIONS, 0 and nothing.

    Args:
        path: a dataset: its folder, or an .h5 file.
        fractions: name of each part -> its share of the scenes without what is held out.
        name: of the split.
        seed: of the order in which scenes of equal need come.
        hold_out: such as ``object=gear,hinge`` or ``look.light.elevation_deg=5..15``; the scenes
            in which one of them occurs are the part ``test_unseen``.

    Raises:
        InputError: an argument is wrong or not that of the split that there is, or too few scenes
            are left.
        Locked: another run is writing there.
    """
    check_name("--name", name)
    with open_dataset(path) as dataset:
        old = _old(dataset, name)
        request, file = request_of(old, fractions, seed, hold_out), split_file(dataset.path, name)
        if old is not None:
            refuse_other(old, request, file)
        made, worst, label = _split(dataset, name, request, old)
        if made != old:
            write_split(dataset.path, made)
        images = {part: len(dataset.images(own)) for part, own in made.splits.items()}
    added = len(made.numbers) - (len(old.numbers) if old else 0)
    return Report(file, made, images, added, worst, label)


def check(path: str | Path, name: str = DEFAULT) -> tuple[tuple[Leak, ...], int]:
    """What leaks in a split, and how many scenes of the dataset are in no part of it.

    Raises:
        InputError: there is no such split, or it is of another dataset.
    """
    with open_dataset(path) as dataset:
        found = read_split(dataset.path, name)
        scenes, file = dataset.table("scenes"), split_file(dataset.path, name)
        check_current(found, dataset.attrs, scenes, file)
        return leaks(dataset, found), len(left_over(dataset, found))


def _old(dataset: Dataset, name: str) -> Split | None:
    """The split that is there, if it is of this dataset."""
    if name not in split_names(dataset.path):
        return None
    old = read_split(dataset.path, name)
    file = split_file(dataset.path, name)
    check_current(old, dataset.attrs, dataset.table("scenes"), file)
    return old


def _split(
    dataset: Dataset, name: str, request: Request, old: Split | None
) -> tuple[Split, float, str]:
    """The split, and the largest deviation of a label with its name."""
    scenes = accepted(dataset)
    unseen = _unseen(dataset, request, scenes)
    known = scenes[~np.isin(scenes, unseen)]
    names, table = tuple(request.fractions), labels(dataset, known)
    counts = np.stack(list(table.values()), axis=1).astype(np.int64)
    shares = np.array(list(request.fractions.values()))
    given = _given(known, names, old)
    parts = _assign(dataset, request.seed, known, counts, shares, given)
    own = {part: known[parts == k].tolist() for k, part in enumerate(names)}
    _check_none_empty(dataset, own, len(known))
    if request.hold_out:
        own[UNSEEN] = unseen.tolist()
    off = np.abs(deviations(counts, shares, parts))
    numbers = tuple(sorted(number for part in own.values() for number in part))
    origin = Origin(
        task_sha256=str(dataset.attrs["task_sha256"]),
        seed=int(dataset.attrs["seed"]),
        labels_sha256=labels_sha256(dataset.table("scenes"), numbers),
    )
    made = Split(
        name=name,
        request=request,
        dataset=origin,
        splits={part: tuple(scenes) for part, scenes in own.items()},
    )
    return made, float(off.max()), list(table)[int(off.max(axis=0).argmax())]


def _given(scenes: NDArray[np.int64], names: Sequence[str], old: Split | None) -> NDArray[np.int64]:
    """The part that each scene is in already."""
    given = np.full(len(scenes), FREE)
    for k, part in enumerate(names if old else ()):
        assert old is not None
        given[np.isin(scenes, old.splits.get(part, ()))] = k
    return given


def _assign(
    dataset: Dataset,
    seed: int,
    scenes: NDArray[np.int64],
    counts: NDArray[np.int64],
    shares: NDArray[np.float64],
    given: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The part of each scene; near-duplicates go together, as one unit."""
    same = twins(dataset)
    keys = [same.get(int(scene), str(scene)) for scene in scenes]
    _, unit = np.unique(keys, return_inverse=True)
    unit = unit.ravel()
    together = np.zeros((unit.max() + 1, counts.shape[1]), dtype=np.int64)
    np.add.at(together, unit, counts)
    taken = np.full(len(together), FREE)
    np.maximum.at(taken, unit, given)
    order = np.full(len(together), np.inf)
    lots = np.array([stream(seed, int(scene), "split").random() for scene in scenes])
    np.minimum.at(order, unit, lots)
    parts = assign(together, shares, order, given=taken)[unit]
    return np.where(given == FREE, parts, given)


def _unseen(dataset: Dataset, request: Request, scenes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The scenes in which something held out occurs."""
    found = np.zeros(0, dtype=np.int64)
    for text in request.hold_out:
        factor = HoldOut.parse(text)
        for value, own in factor.scenes(dataset).items():
            if not len(own):
                known = sorted({str(word) for word in values(dataset, factor.factor)[1].tolist()})
                way_out = suggest(value, known) if factor.span is None else _range(dataset, factor)
                raise InputError(f"--hold-out: {text}: {value} is in no scene; {way_out}")
            found = np.union1d(found, own)
    if len(left := np.setdiff1d(scenes, found)) < LEAST_LEFT * len(scenes):
        raise InputError(
            f"--hold-out: {' '.join(request.hold_out)}: is in {len(found)} of {len(scenes)} "
            f"scenes, and {len(left)} are left to learn from, less than {LEAST_LEFT:.0%}; hold "
            "out less, or generate scenes with fewer parts"
        )
    return found


def _range(dataset: Dataset, factor: HoldOut) -> str:
    _, found = values(dataset, factor.factor)
    return f"there is {np.nanmin(found):g}..{np.nanmax(found):g}"


def _check_none_empty(dataset: Dataset, parts: Mapping[str, Sequence[int]], count: int) -> None:
    for name, own in parts.items():
        if not own:
            raise InputError(
                f"{dataset.path}: {name} gets none of {count} scenes; generate more, or raise its "
                "share with --fractions"
            )
