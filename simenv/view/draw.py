"""How marks are blended into the pixels of a picture, at sub-pixel precision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import AXIS_COLORS, NOTHING, Color, pale
from simenv.view.overlay import Mark

__all__ = ["draw_marks"]

THICK_SHARE = 1 / 320  # of the picture's width: the lines of boxes
THIN = 0.6  # of that: the edges of 3-D boxes
DOT_SHARE = 1 / 220  # of the picture's width: the largest radius of a keypoint


def draw_marks(rgb: NDArray[np.uint8], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """Boxes, body axes and keypoints over a copy of the picture (H, W, 3)."""
    drawn = rgb.copy()
    thick = max(1.0, rgb.shape[1] * THICK_SHARE)
    for mark in marks:
        rings = () if mark.box is None else (_ring(mark.box),)
        _lines(drawn, rings, mark.color, thick)
        _lines(drawn, mark.edges, mark.color, THIN * thick)
    for mark in marks:
        if mark.axes is not None:
            for tip, color in zip(mark.axes[1:], AXIS_COLORS, strict=True):
                _line(drawn, mark.axes[0], tip, color, thick + 1)
    for mark in marks:
        _dots(drawn, mark)
    return drawn


def _lines(
    picture: NDArray[np.uint8], lines: Sequence[NDArray[np.float64]], color: Color, thick: float
) -> None:
    for line in lines:
        for start, end in pairwise(line):
            _line(picture, start, end, color, thick)


def _dots(picture: NDArray[np.uint8], mark: Mark) -> None:
    """Keypoints: a line of no length is a dot; one within another is a ring."""
    color = pale(mark.color)
    width = 2 * mark.dot_px(max(2.5, picture.shape[1] * DOT_SHARE))
    for place in mark.keypoints + mark.hidden_keypoints:
        _line(picture, np.array(place), np.array(place), NOTHING, width + 1)
        _line(picture, np.array(place), np.array(place), color, width)
    for place in mark.hidden_keypoints:
        _line(picture, np.array(place), np.array(place), NOTHING, width / 2)


def _ring(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """The corners (5, 2) around the pixels of a box, not through them; the first one twice."""
    x, y, width, height = box
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return np.array(corners) - 0.5


def _line(
    picture: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    color: Color,
    thick: float,
) -> None:
    """Blend a line with round ends into ``picture``: coverage falls over one pixel at its edge.

    OpenCV's anti-aliased lines lie up to 0.2 px off, which would show a wrong pose.
    """
    reach = thick / 2 + 1
    low = np.floor(np.minimum(start, end) - reach).astype(int).clip(0)
    high = np.ceil(np.maximum(start, end) + reach).astype(int).clip(-1) + 1
    patch = picture[low[1] : high[1], low[0] : high[0]]
    v, u = np.indices(patch.shape[:2])
    points = np.stack([u + low[0], v + low[1]], axis=-1) - start
    along = end - start
    share = np.clip(points @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(points - share[..., None] * along, axis=-1)
    cover = np.clip(thick / 2 + 0.5 - distance, 0.0, 1.0)[..., None]
    patch[:] = np.rint(patch + cover * (np.array(color) - patch.astype(float)))
