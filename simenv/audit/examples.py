"""Which pictures show some rows of a table: few, and of as many scenes as there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.observe import Observed

__all__ = ["Example", "examples"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Example:
    """An image, and where in it the thing is."""

    image: int  # Dataset[image]
    scene: int  # its number
    camera: str
    ring: tuple[float, float, float] | None = None  # u, v of 0..1, diameter in px


def examples(observed: Observed, level: str, rows: Rows, *, count: int) -> tuple[Example, ...]:
    """At most ``count`` images that show ``rows`` of a level, one a scene; none without images."""
    rows = rows[np.isin(rows, _seen(observed, level))]
    _, first = np.unique(observed.scene_of[level][rows], return_index=True)
    at = np.linspace(0, len(first) - 1, min(count, len(first))).astype(int)
    found = (_example(observed, level, int(rows[first[k]])) for k in at)
    return tuple(own for own in found if own is not None)


def _seen(observed: Observed, level: str) -> Rows:
    """The rows of a level that are in an image."""
    if level not in ("scene", "part"):
        return np.arange(len(observed.scene_of[level]))
    own = observed.scene_of if level == "scene" else observed.part_of
    views = [own[view] for view in observed.image_of]
    return np.concatenate([np.zeros(0, np.int64), *views])


def _example(observed: Observed, level: str, row: int) -> Example | None:
    if level == "scene":
        return _of_scene(observed, row)
    if level == "part":
        views = [
            (view, own) for view in observed.image_of for own in _first(observed.part_of[view], row)
        ]
        if not views:
            return None
        return _of_view(observed, *max(views, key=lambda pair: _size(observed, *pair)))
    return _of_view(observed, level, row)


def _first(column: Rows, value: int) -> list[int]:
    """The first row with that value, or none."""
    return [int(row) for row in np.flatnonzero(column == value)[:1]]


def _of_scene(observed: Observed, row: int) -> Example | None:
    for view, images in observed.image_of.items():
        for own in _first(observed.scene_of[view], row):
            return Example(int(images[own]), _number(observed, row), _camera(view))
    return None


def _of_view(observed: Observed, view: str, row: int) -> Example:
    camera = _camera(view)
    u, v = (_value(observed, f"{camera}: {name}", row) for name in "uv")
    return Example(
        int(observed.image_of[view][row]),
        _number(observed, int(observed.scene_of[view][row])),
        camera,
        (u, v, _size(observed, view, row)),
    )


def _size(observed: Observed, view: str, row: int) -> float:
    return _value(observed, f"{_camera(view)}: scale_px", row)


def _value(observed: Observed, name: str, row: int) -> float:
    values = observed[name].values
    assert values is not None, f"{name} has no numbers"
    return float(values[row])


def _number(observed: Observed, row: int) -> int:
    return int(observed.scenes["index"][row])


def _camera(view: str) -> str:
    return view.partition("/")[2]
