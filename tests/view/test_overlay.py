"""Axes and boxes lie on the pixels that geometry says; names do not cover each other."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv import pose
from simenv.view.overlay import Mark, place_labels, project_axes
from simenv.view.svg import hex_color, overlay_svg
from tests.view import spheres
from tests.view.html import Page

K = np.array([[500.0, 0.0, 320.25], [0.0, 520.0, 239.5], [0.0, 0.0, 1.0]])


def test_axes_of_a_frame_that_stands_as_the_camera_does() -> None:
    X_CB = pose.pose(None, (0.1, -0.05, 2.0))
    axes = project_axes(X_CB, K, 0.4)
    assert axes is not None
    u, v = 320.25 + 500 * 0.05, 239.5 - 520 * 0.025
    ahead = (320.25 + 500 * 0.1 / 2.2, 239.5 - 520 * 0.05 / 2.2)
    expected = [(u, v), (u + 500 * 0.1, v), (u, v + 520 * 0.1), ahead]
    assert axes == pytest.approx(np.array(expected), abs=1e-9)


def test_a_turned_frame_has_its_columns_as_axes() -> None:
    X_CB = pose.from_rpy_deg((0, 0, 90), (0.0, 0.0, 1.0))  # body x is camera y
    axes = project_axes(X_CB, K, 0.2)
    assert axes is not None
    assert axes[1] == pytest.approx([320.25, 239.5 + 52])
    assert axes[2] == pytest.approx([320.25 - 50, 239.5])


def test_skew_moves_a_pixel_as_K_says() -> None:
    skewed = K.copy()
    skewed[0, 1] = 40.0
    axes = project_axes(pose.pose(None, (0.0, 0.1, 1.0)), skewed, 0.2)
    assert axes is not None
    assert axes[0] == pytest.approx([320.25 + 4.0, 239.5 + 52.0])


def test_a_far_small_part_still_has_axes_that_can_be_seen() -> None:
    axes = project_axes(pose.pose(None, (0, 0, 10.0)), K, 0.001)
    assert axes is not None
    assert np.linalg.norm(axes[1] - axes[0]) == pytest.approx(14.0)


@pytest.mark.parametrize("z", [-1.0, 0.0, 0.05])
def test_a_frame_that_reaches_behind_the_camera_is_not_drawn(z: float) -> None:
    X_CB = pose.from_rpy_deg((180, 0, 0), (0, 0, z))  # body z looks back at the camera
    assert project_axes(X_CB, K, 0.2) is None


def test_the_overlay_holds_each_stored_box_and_projected_axis() -> None:
    shot = spheres.shot(5, seed=3)
    page = Page.of(overlay_svg(shot.marks, width=640, height=480))
    assert page.attributes("svg")[0]["viewbox"] == "-0.5 -0.5 640 480"
    rectangles = page.attributes("rect")
    boxes = [mark.box for mark in shot.marks]
    assert len(rectangles) == 5
    for rectangle, box, mark in zip(rectangles, boxes, shot.marks, strict=True):
        drawn = [float(rectangle[key]) for key in ("x", "y", "width", "height")]
        # Pixel centres are at integers: the box of pixel 3 alone reaches from 2.5 to 3.5.
        assert np.add(drawn, (0.5, 0.5, 0, 0)).tolist() == list(box or ())
        assert rectangle["stroke"] == hex_color(mark.color)
    lines = page.attributes("line")
    ends = np.array([[float(line[key]) for key in ("x1", "y1", "x2", "y2")] for line in lines])
    for row, part in enumerate(shot.parts):
        X = part.X_CB @ np.array([0.05, 0.0, 0.0, 1.0])
        tip = (shot.K @ X[:3])[:2] / X[2]
        assert ends[3 * row, 2:] == pytest.approx(tip, abs=1e-3)


def test_a_hidden_part_has_no_overlay_and_no_parts_have_an_empty_one() -> None:
    part = spheres.shot(1).parts[0]
    hidden = type(part)(1, "ball", 0.1, part.X_CB, 0.0, None)
    mark = hidden.mark(spheres.K)
    assert mark.axes is None
    page = Page.of(overlay_svg([mark], width=640, height=480))
    assert not page.attributes("rect") + page.attributes("line") + page.attributes("text")
    assert Page.of(overlay_svg([], width=640, height=480)).attributes("svg")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 450), st.integers(1, 40), st.integers(1, 30)),
        max_size=40,
    )
)
def test_names_stay_inside_the_picture_and_off_each_other(
    boxes: list[tuple[int, int, int, int]],
) -> None:
    marks = [Mark(i, f"{i} part", (1, 2, 3), box, None) for i, box in enumerate(boxes, start=1)]
    labels = place_labels(marks, width=640, height=480, font_px=14)
    areas = [(b.x, b.y - 14, b.x + len(b.text) * 8, b.y) for b in labels]
    for left, top, right, bottom in areas:
        assert left >= 0
        assert top >= 0
        assert right <= 640
        assert bottom <= 480
    for a, b in combinations(areas, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert len({label.mark.id for label in labels}) == len(labels)


def test_a_lone_part_is_named_above_its_box_and_at_the_edge_below_it() -> None:
    free = Mark(1, "1 nut", (1, 2, 3), (100, 100, 50, 50), None)
    edge = Mark(2, "2 nut", (1, 2, 3), (300, 0, 50, 50), None)
    first, second = place_labels([free, edge], width=640, height=480, font_px=14)
    assert (first.text, first.x) == ("1 nut", 100)
    assert 90 < first.y < 100
    assert second.y == pytest.approx(64)
