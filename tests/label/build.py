"""Scenes for the tests of labels: what is asked for, and parts of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View
from simenv.spec.catalog import load_object
from simenv.spec.object import ObjectModel
from tests.render.build import Thing, at, snapshot


def asking(shown: Snapshot, *labels: str) -> Snapshot:
    """The same moment of a scene whose task asks for ``labels``."""
    objects = shown.scene.objects.values()
    scene = replace(
        shown.scene,
        labels=frozenset(labels),
        classes=tuple(sorted({model.spec.class_ for model in objects})),
        keypoint_count=max((len(model.spec.keypoints) for model in objects), default=0),
    )
    return replace(shown, scene=scene)


@lru_cache
def part(name: str) -> ObjectModel:
    """A part of the catalog."""
    return load_object(name)


def heap(names: Sequence[str], seed: int, spread: float = 0.08) -> list[Thing]:
    """Parts in random poses about (0, 0, 0.1), some behind others; they may overlap."""
    rng = np.random.default_rng(seed)
    poses = [at(*rng.uniform(-spread, spread, 2), 0.1, *rng.uniform(0, 360, 3)) for _ in names]
    return [Thing(part(name), X_WB) for name, X_WB in zip(names, poses, strict=True)]


def alone(things: Sequence[Thing], row: int) -> Snapshot:
    """One of the things and nothing else; its id is 1."""
    return snapshot(things[row])


def cropped(frame: Frame, rows: slice, columns: slice) -> Frame:
    """A part of a picture."""
    return replace(
        frame,
        rgb=frame.rgb[rows, columns],
        depth_m=frame.depth_m[rows, columns],
        instance=frame.instance[rows, columns],
    )


def bent(view: View, distortion: NDArray[np.float64]) -> View:
    """The same camera behind another lens."""
    return replace(view, distortion=distortion)
