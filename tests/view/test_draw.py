"""Marks are drawn on the pixels that they are of, at sub-pixel precision."""

import numpy as np
import pytest

from simenv.view.color import AXIS_COLORS, NOTHING, pale
from simenv.view.draw import draw_marks
from simenv.view.overlay import Mark


def test_a_box_is_drawn_around_its_pixels() -> None:
    black = np.zeros((60, 60, 3), dtype=np.uint8)
    drawn = draw_marks(black, [Mark(1, "1", (255, 255, 255), (20, 10, 15, 25), None)])
    light = drawn.sum(axis=2)
    rows, columns = np.nonzero(light)
    # The line's middle runs between the first pixel of the box and the one before it.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (19, 35, 9, 35)
    assert (light[20, [19, 20, 34, 35]] == light[20, 19]).all()
    assert light[11:34, 21:34].sum() == 0
    assert not black.any()  # the caller's picture stays


def test_axes_are_drawn_where_they_project() -> None:
    black = np.zeros((200, 240, 3), dtype=np.uint8)
    axes = np.array([[120.25, 100.5], [200.0, 100.5], [120.25, 180.0], [40.0, 20.0]])
    drawn = draw_marks(black, [Mark(1, "1", (255, 255, 255), None, axes)]).astype(int)
    for tip, color in zip(axes[1:], AXIS_COLORS, strict=True):
        u, v = np.rint(0.25 * axes[0] + 0.75 * tip).astype(int)
        assert np.abs(drawn[v, u] - color).max() < 60
    # Sub-pixel: the light of the horizontal line is centred on its row.
    column = drawn[60:140, 170].sum(axis=1)
    assert (column @ np.arange(60, 140)) / column.sum() == pytest.approx(100.5, abs=0.01)


def test_edges_of_3d_boxes_are_thinner_than_boxes() -> None:
    black = np.zeros((60, 60, 3), dtype=np.uint8)
    edge = np.array([[10.0, 30.0], [50.0, 30.0]])
    drawn = draw_marks(black, [Mark(1, "1", (200, 100, 50), (10, 10, 1, 1), None, edges=(edge,))])
    column = drawn[20:, 30].astype(int)
    assert np.argmax(column.sum(axis=1)) == 10
    assert (column > 0).any(axis=1).sum() == 1
    assert np.array_equal(np.sign(column[10]), (1, 1, 1))


def test_a_visible_keypoint_is_a_dot_and_a_hidden_one_a_ring() -> None:
    grey = np.full((60, 60, 3), 90, dtype=np.uint8)
    color = (200, 100, 50)
    mark = Mark(1, "1", color, None, None, keypoints=((15.0, 20.0),), hidden_keypoints=((45, 20),))
    drawn = draw_marks(grey, [mark])
    assert tuple(drawn[20, 15]) == pale(color)
    assert tuple(drawn[20, 45]) == NOTHING
    assert tuple(drawn[20, 45 + 2]) == pytest.approx(pale(color), abs=40)
    changed = np.argwhere((drawn != grey).any(axis=2))
    away = np.linalg.norm(changed[:, None] - [(20, 15), (20, 45)], axis=2).min(axis=1)
    assert away.max() < 5
