"""Which pictures an image has beside rgb, mask and depth: those of its labels and its devices."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import Color, DepthScale, body_color
from simenv.view.encode import shrink
from simenv.view.paint import (
    flow_picture,
    longest_px,
    nocs_picture,
    normals_picture,
    semantic_picture,
)
from simenv.view.shot import Shot

__all__ = ["EXTRAS", "Pane", "extra_names", "extra_panes"]

EXTRAS = ("semantic", "normals", "nocs", "flow", "rgb sensor", "depth sensor")  # in this order


@dataclass(frozen=True, eq=False)
class Pane:
    """A picture with a name."""

    name: str  # one of EXTRAS
    caption: str
    picture: NDArray[np.uint8]  # (H, W, 3)
    exact: bool  # flat colours or a scale that is read: nothing may be blurred
    legend: tuple[tuple[str, Color], ...] = ()  # what its colours stand for


def extra_names(shot: Shot) -> tuple[str, ...]:
    """The names of `extra_panes`, without painting them."""
    held = (
        shot.semantic,
        shot.normals,
        shot.nocs,
        shot.flow,
        shot.rgb_sensor,
        shot.depth_sensor_m,
    )
    return tuple(name for name, array in zip(EXTRAS, held, strict=True) if array is not None)


def extra_panes(shot: Shot, scale: DepthScale, *, widest: int) -> Iterator[Pane]:
    """Every further picture there is, at most ``widest`` px wide, in the order of EXTRAS.

    The measured depth has the clean depth's ``scale``, so that the two can be compared.
    """
    if shot.semantic is not None:
        classes = shrink(shot.semantic, widest, exact=True)
        fixed = _furniture(shot.instance, shot.semantic, shot.fixed)
        legend = tuple(_legend(shot.semantic, shot.classes, fixed))
        yield Pane("semantic", "semantic", semantic_picture(classes, fixed), True, legend)
    if shot.normals is not None:
        picture = shrink(normals_picture(shot.normals), widest, exact=False)
        yield Pane("normals", "normals", picture, False)
    if shot.nocs is not None:
        picture = shrink(nocs_picture(shot.nocs), widest, exact=False)
        yield Pane("nocs", "nocs", picture, False)
    if shot.flow is not None:
        full_px = longest_px(shot.flow)
        picture = shrink(flow_picture(shot.flow, full_px), widest, exact=False)
        said = f"flow, up to {full_px:.3g} px" if full_px else "flow: nothing moves"
        yield Pane("flow", said, picture, False)
    if shot.rgb_sensor is not None:
        picture = shrink(shot.rgb_sensor, widest, exact=False)
        yield Pane("rgb sensor", "rgb sensor", picture, False)
    if shot.depth_sensor_m is not None:
        depth = shrink(shot.depth_sensor_m, widest, exact=True)
        yield Pane("depth sensor", "depth sensor", scale.picture(depth), True)


def _furniture(
    instance: NDArray[np.uint16], semantic: NDArray[np.uint16], fixed: Set[int]
) -> frozenset[int]:
    """The classes that no part in the picture has: grey, as furniture is in the mask."""
    part = ~np.isin(instance, list(fixed))
    present, shown = np.unique(semantic), np.unique(semantic[part])
    return frozenset(int(k) for k in np.setdiff1d(present, shown))


def _legend(
    semantic: NDArray[np.uint16], classes: tuple[str, ...], fixed: Set[int]
) -> Iterator[tuple[str, Color]]:
    """Name and colour of each class in the picture; its number where it has no name."""
    for value in (int(k) for k in np.unique(semantic) if k):
        name = classes[value - 1] if value <= len(classes) else str(value)
        yield name, body_color(value, fixed=value in fixed)
