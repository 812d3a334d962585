"""What is drawn lies where the labels say; names do not cover each other."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv.view.overlay import Mark, place_labels
from simenv.view.svg import hex_color, overlay_svg
from tests.view import spheres
from tests.view.html import Page


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
