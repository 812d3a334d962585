"""Which pixels a body covers: those of its mask, and those inside an outline, as row intervals.

The cost depends on outlines and not on the size of the image. Hidden and off-image parts count: the
canvas is the image with one image of margin on every side (three times as wide and high, as in the
BOP toolkit).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.scene import View

__all__ = ["Spans", "fill", "mask_spans"]


@dataclass(frozen=True, eq=False)
class Spans:
    """The pixels of N bodies as disjoint row intervals, sorted by body, row and column."""

    count: int  # N
    body: NDArray[np.int64]  # (I,) 0..N-1
    row: NDArray[np.int64]  # (I,) image row; may be outside the image
    left: NDArray[np.int64]  # (I,) first column
    right: NDArray[np.int64]  # (I,) last column, included

    @property
    def px(self) -> NDArray[np.int32]:
        """Covered pixels of each body, (N,)."""
        lengths = self.right - self.left + 1
        return np.bincount(self.body, weights=lengths, minlength=self.count).astype(np.int32)

    @property
    def boxes(self) -> NDArray[np.int32]:
        """Bounding boxes (N, 4) x, y, width, height; -1 where nothing is covered."""
        boxes = np.full((self.count, 4), -1, dtype=np.int64)
        first = np.searchsorted(self.body, np.arange(self.count))
        used = np.unique(self.body)
        if len(used):
            starts = first[used]
            x = np.minimum.reduceat(self.left, starts)
            y = np.minimum.reduceat(self.row, starts)
            right = np.maximum.reduceat(self.right, starts)
            bottom = np.maximum.reduceat(self.row, starts)
            boxes[used] = np.column_stack([x, y, right - x + 1, bottom - y + 1])
        return boxes.astype(np.int32)

    def joined(self, other: "Spans") -> "Spans":
        """What either covers, body by body."""
        row = np.concatenate([self.row, other.row])
        left = np.concatenate([self.left, other.left])
        after = np.concatenate([self.right, other.right]) + 1
        y, x = row.min(initial=0), left.min(initial=0)
        rows, columns = row.max(initial=0) - y + 1, after.max(initial=0) - x + 1
        lines = (np.concatenate([self.body, other.body]) * rows + row - y) * columns - x
        # One sort of numbers: by body, row, column; a beginning before an end at the same place.
        steps = np.sort(np.concatenate([(lines + left) * 2, (lines + after) * 2 + 1]))
        ends = steps & 1
        level = np.cumsum(1 - 2 * ends)
        begin = steps[(level == 1) & (ends == 0)] >> 1
        length = (steps[level == 0] >> 1) - begin
        line, left = np.divmod(begin, columns)
        body, row = np.divmod(line, rows)
        return Spans(self.count, body, row + y, left + x, left + x + length - 1)

    def inside(self, width: int, height: int) -> "Spans":
        """The part of them that lies in the image."""
        left, right = np.maximum(self.left, 0), np.minimum(self.right, width - 1)
        some = (self.row >= 0) & (self.row < height) & (left <= right)
        return Spans(self.count, self.body[some], self.row[some], left[some], right[some])

    def mask(self, index: int, width: int, height: int) -> NDArray[np.bool_]:
        """The pixels of one body that lie inside the image, (height, width)."""
        steps = np.zeros((height, width + 1), dtype=np.int8)
        own = slice(*np.searchsorted(self.body, (index, index + 1)))
        row, left, right = self.row[own], self.left[own], self.right[own]
        inside = (row >= 0) & (row < height)
        np.add.at(steps, (row[inside], np.clip(left[inside], 0, width)), 1)
        np.add.at(steps, (row[inside], np.clip(right[inside] + 1, 0, width)), -1)
        return np.asarray(np.cumsum(steps[:, :-1], axis=1, dtype=np.int8) > 0)


def mask_spans(mask: NDArray[np.uint16], ids: NDArray[np.int64]) -> Spans:
    """The pixels of ``mask`` (H, W) that carry each of ``ids`` (N,), 1 or larger."""
    height, width = mask.shape
    changes = np.ones((height, width), dtype=bool)  # where a run of equal pixels begins
    np.not_equal(mask[:, 1:], mask[:, :-1], out=changes[:, 1:])
    start = np.flatnonzero(changes)
    end = np.append(start[1:], mask.size) - 1
    body_of_id = np.full(int(max(ids.max(initial=0), mask.max())) + 1, -1)
    body_of_id[ids] = np.arange(len(ids))
    body = body_of_id[mask.reshape(-1)[start]]
    order = np.argsort(body, kind="stable")
    order = order[np.searchsorted(body[order], 0) :]  # what carries no id is left out
    row = start // width
    left, right = start - row * width, end - row * width
    return Spans(len(ids), body[order], row[order], left[order], right[order])


def fill(edges: NDArray[np.float64], body: NDArray[np.int64], view: View, *, count: int) -> Spans:
    """The pixels whose centres lie inside the outlines of ``count`` bodies (winding number not 0).

    ``edges`` (E, 2, 2) are in pixels, ``body`` (E,) says whose they are; they form closed lines.
    """
    return _intervals(*_crossings(edges, body, view), view, count=count)


def _crossings(
    edges: NDArray[np.float64], body: NDArray[np.int64], view: View
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """(body, row, x, winding) where edges cross pixel rows; half-open, so corners count once."""
    start, end = edges[:, 0], edges[:, 1]
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    top = np.clip(np.ceil(low), -view.height, 2 * view.height).astype(np.int64)
    below = np.clip(np.ceil(high), -view.height, 2 * view.height).astype(np.int64)
    rows = below - top
    edge = np.repeat(np.arange(len(edges)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + top[edge]
    rise = end[:, 1] - start[:, 1]
    slope = (end[:, 0] - start[:, 0]) / np.where(rise == 0, np.inf, rise)
    x = start[edge, 0] + (row - start[edge, 1]) * slope[edge]
    return body[edge], row, x, np.where(rise > 0, 1, -1)[edge]


def _intervals(
    body: NDArray[np.int64],
    row: NDArray[np.int64],
    x: NDArray[np.float64],
    winding: NDArray[np.int64],
    view: View,
    *,
    count: int,
) -> Spans:
    """Covered columns: from where the winding number leaves zero to where it returns."""
    order = np.lexsort((-winding, x, row, body))
    level = np.cumsum(winding[order])
    begin = np.flatnonzero((level != 0) & (np.append(0, level)[:-1] == 0))
    finish = np.flatnonzero((level == 0) & (np.append(0, level)[:-1] != 0))
    x, row, body = x[order], row[order], body[order]
    left = np.ceil(np.clip(x[begin], -view.width, 2 * view.width)).astype(np.int64)
    right = np.floor(np.clip(x[finish], -view.width - 1, 2 * view.width - 1)).astype(np.int64)
    some = left <= right
    return Spans(count, body[begin][some], row[begin][some], left[some], right[some])
