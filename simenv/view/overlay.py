"""What is drawn over a picture: one mark a body, and names that do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import Color

__all__ = ["Label", "Mark", "place_labels"]

GLYPH = 0.62  # width of a character in font sizes; a little more than most fonts have
LINE = 1.3  # height of a line in font sizes
DOT_OF_BOX = 1 / 30  # of the diagonal: many keypoints of a small body must not cover it
SMALLEST_DOT_PX = 1.0


@dataclass(frozen=True, eq=False)
class Mark:
    """One body's labels in one picture. Pixel centres are at integers."""

    id: int
    text: str
    color: Color
    box: tuple[int, int, int, int] | None  # x, y, width, height of the visible pixels
    axes: NDArray[np.float64] | None  # (4, 2) the origin and the tips of x, y, z in pixels
    edges: tuple[NDArray[np.float64], ...] = ()  # polylines (P, 2) of the 3-D box
    outline: tuple[NDArray[np.float64], ...] = ()  # rings (P, 2) around what would be seen of it
    keypoints: tuple[tuple[float, float], ...] = ()  # that are visible
    hidden_keypoints: tuple[tuple[float, float], ...] = ()  # behind something, or its own far side

    def dot_px(self, largest: float) -> float:
        """Radius of a keypoint: ``largest``, or less where the body is small."""
        if self.box is None:
            return largest
        return min(largest, max(SMALLEST_DOT_PX, DOT_OF_BOX * float(np.hypot(*self.box[2:]))))


@dataclass(frozen=True)
class Label:
    """A mark's name: left edge and baseline in pixels, and what is written there."""

    x: float
    y: float
    mark: Mark
    text: str


def place_labels(
    marks: Sequence[Mark], *, width: int, height: int, font_px: float
) -> tuple[Label, ...]:
    """A place at its box for every name, big boxes first; the id alone where the name has no room.

    A name goes above its box, below it, or inside at the top; a mark that finds no free place for
    even its id gets no label.
    """
    boxed = [mark for mark in marks if mark.box is not None]
    boxed.sort(key=lambda mark: -mark.box[2] * mark.box[3] if mark.box else 0)
    placed: list[Label] = []
    taken: list[tuple[float, float, float, float]] = []
    for mark in boxed:
        for text, x, y in _candidates(mark, width=width, font_px=font_px):
            area = (x, y - font_px, x + len(text) * GLYPH * font_px, y + (LINE - 1) * font_px)
            inside = area[0] >= 0 and area[1] >= 0 and area[2] <= width and area[3] <= height
            if inside and not any(_overlap(area, other) for other in taken):
                placed.append(Label(x, y, mark, text))
                taken.append(area)
                break
    return tuple(sorted(placed, key=lambda label: label.mark.id))


def _candidates(mark: Mark, *, width: int, font_px: float) -> list[tuple[str, float, float]]:
    assert mark.box is not None
    left, top, box_width, box_height = mark.box
    pad = (LINE - 1) * font_px
    places = []
    for text in (mark.text, str(mark.id)):
        length = len(text) * GLYPH * font_px
        for x in (left, left + box_width - length, min(max(0.0, left), width - length)):
            places += [
                (text, float(x), top - pad),
                (text, float(x), top + box_height + font_px),
                (text, x + pad, top + font_px + pad),
            ]
    return places


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
