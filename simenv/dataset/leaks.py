"""Does a test tell what was learnt, or what was seen before? What crosses the border of a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.factors import HoldOut, accepted
from simenv.dataset.read import Dataset
from simenv.dataset.splits import UNSEEN, Split

__all__ = ["Leak", "leaks", "left_over", "twins"]

NEAR_M = 1e-3  # parts closer than that to where they were are in the same place
NEAR_R = 1e-2  # of an entry of a rotation: about half a degree


@dataclass(frozen=True)
class Leak:
    """One thing that training and test share, or a scene that cannot be in a split."""

    what: str
    scene: int | None = None

    def __str__(self) -> str:
        return self.what if self.scene is None else f"scene {self.scene}: {self.what}"


def leaks(dataset: Dataset, split: Split) -> tuple[Leak, ...]:
    """All that is wrong with ``split`` of ``dataset``; nothing, where it holds what it says."""
    looks = (_twice, _unknown, _near, _held_out)
    return tuple(leak for look in looks for leak in look(dataset, split))


def left_over(dataset: Dataset, split: Split) -> NDArray[np.int64]:
    """Accepted scenes that are in no part: those that came after the split was made."""
    return np.setdiff1d(accepted(dataset), split.numbers)


def _twice(dataset: Dataset, split: Split) -> Iterator[Leak]:
    """A scene on two sides, with all its frames."""
    for (one, own), (other, others) in combinations(split.splits.items(), 2):
        for scene in sorted(set(own) & set(others)):
            count = len(dataset.images([scene]))
            yield Leak(f"is in {one} and in {other}, with {count} images", scene)
    for name, own in split.splits.items():
        for scene in sorted({number for number in own if own.count(number) > 1}):
            yield Leak(f"is in {name} more than once", scene)


def _unknown(dataset: Dataset, split: Split) -> Iterator[Leak]:
    there = set(accepted(dataset).tolist())
    for name, own in split.splits.items():
        for scene in sorted(set(own) - there):
            yield Leak(f"is in {name}, and has no picture in this dataset", scene)


def _near(dataset: Dataset, split: Split) -> Iterator[Leak]:
    """Scenes on two sides that show the same parts in the same places."""
    homes: dict[int, list[str]] = defaultdict(list)
    for name, own in split.splits.items():
        for scene in set(own):
            homes[scene].append(name)
    first: dict[str, int] = {}
    for scene, digest in sorted(twins(dataset).items()):
        before = first.setdefault(digest, scene)
        if before != scene and scene in homes and before in homes:
            if homes[scene] != homes[before]:
                one, other = " and ".join(homes[scene]), " and ".join(homes[before])
                yield Leak(f"is in {one} and a near-duplicate of {before}, in {other}", scene)


def twins(dataset: Dataset) -> Mapping[int, str]:
    """Scene -> what near-duplicates share: its parts and cameras, and where they are at first.

    Scenes without parts are left out: nobody can tell two of them apart, or needs to.
    """
    scenes, first = np.unique(dataset.column("frames/scene"), return_index=True)
    frame, role = dataset.column("bodies/frame"), dataset.column("bodies/role")
    rows = np.flatnonzero(np.isin(frame, first) & np.isin(role, ("part", "distractor")))
    names = dataset.column("objects/key")[dataset.column("bodies/object")[rows]]
    places = _near_pose(dataset.column("bodies/X_WB")[rows])
    views = [_near_pose(dataset.column(f"cameras/{name}/X_WC")[first]) for name in dataset.cameras]
    found: dict[int, str] = {}
    for k, (scene, own) in enumerate(zip(scenes.tolist(), first, strict=True)):
        start, stop = np.searchsorted(frame[rows], [own, own + 1])
        if start < stop:
            parts = sorted((names[i], places[i].tolist()) for i in range(start, stop))
            text = repr((parts, [view[k].tolist() for view in views]))
            found[scene] = hashlib.sha256(text.encode()).hexdigest()
    return found


def _near_pose(X_AB: NDArray[np.float64]) -> NDArray[np.int64]:
    """Poses (N, 4, 4) in steps (N, 12) of NEAR_R and NEAR_M."""
    steps = np.array([NEAR_R, NEAR_R, NEAR_R, NEAR_M])
    return np.asarray(np.rint(X_AB[:, :3] / steps), dtype=np.int64).reshape(len(X_AB), 12)


def _held_out(dataset: Dataset, split: Split) -> Iterator[Leak]:
    """What was held out, in a part that must not have it."""
    for text in split.request.hold_out:
        for value, scenes in HoldOut.parse(text).scenes(dataset).items():
            for name, own in split.splits.items():
                for scene in np.intersect1d(own, scenes).tolist() if name != UNSEEN else ():
                    yield Leak(f"is in {name} and has {value}, which {text} holds out", scene)
