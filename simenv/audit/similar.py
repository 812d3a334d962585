"""How many different scenes a dataset has: those that are nearly the same count as one.

A scene is a point: the values of its axes, and of its parts the mean of every number and the share
of every cell, each as a fraction of the range that the dataset spans. Two scenes are
near-duplicates if no coordinate differs by more than SAME. The effective number counts each scene
as one over the number of scenes, itself included, that are that near: N where all are distinct,
N / 2 where each is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simenv.audit.observe import Observed
from simenv.audit.variable import Variable

__all__ = ["SAME", "Similar", "points", "similar"]

SAME = 0.01  # of the range of a coordinate
NAMED = 10  # scenes of the largest group

Points = NDArray[np.float64]  # (N, D)


@dataclass(frozen=True)
class Similar:
    """The effective number of scenes."""

    scenes: int  # accepted
    effective: float
    repeated: int  # scenes that have a near-duplicate
    largest: tuple[int, ...]  # numbers of scenes nearly the same as the one that has most of them

    @property
    def share(self) -> float:
        """Effective scenes by scenes."""
        return self.effective / self.scenes if self.scenes else 1.0


def similar(observed: Observed) -> Similar:
    """Of the accepted scenes of a dataset."""
    accepted = np.flatnonzero(observed.scenes["outcome"].astype(str) == "accepted")
    if not len(accepted):
        return Similar(0, 0.0, 0, ())
    tree = cKDTree(points(observed)[accepted])
    near = np.asarray(tree.query_ball_point(tree.data, SAME, p=np.inf, return_length=True))
    most = int(np.argmax(near))
    group = sorted(tree.query_ball_point(tree.data[most], SAME, p=np.inf))[:NAMED]
    numbers = observed.scenes["index"][accepted[group]] if near[most] > 1 else ()
    return Similar(
        scenes=len(accepted),
        effective=float((1 / near).sum()),
        repeated=int((near > 1).sum()),
        largest=tuple(int(number) for number in numbers),
    )


def points(observed: Observed) -> Points:
    """Every scene, accepted or not, as a point (N, D); a coordinate without a value is 0."""
    count = len(observed.scenes["index"])
    columns = [column for own in observed.variables for column in _columns(observed, own, count)]
    found = np.stack(columns, axis=1) if columns else np.zeros((count, 1))
    return np.nan_to_num(found)


def _columns(observed: Observed, own: Variable, count: int) -> Iterator[Points]:
    """One coordinate of a number, one a cell of a word."""
    scene = observed.scene_of[own.level]
    if own.values is not None:
        yield _means(_unit(own.values), scene, count)
        return
    for cell in np.flatnonzero(own.counts):
        yield _means((own.cells == cell).astype(float), scene, count)


def _unit(values: Points) -> Points:
    """As fractions of the range that the values span."""
    there = values[np.isfinite(values)]
    if not len(there) or there.max() <= there.min():
        return np.zeros(len(values))
    return np.asarray((values - there.min()) / (there.max() - there.min()))


def _means(values: Points, scene: NDArray[np.int64], count: int) -> Points:
    """The mean of the rows of each scene (N,), NaN where there is none."""
    there = np.isfinite(values)
    rows = np.bincount(scene[there], minlength=count)
    total = np.bincount(scene[there], weights=values[there], minlength=count)
    return np.asarray(total / np.where(rows, rows, np.nan))
