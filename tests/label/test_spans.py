"""Row intervals against the pixels that they stand for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from simenv.label.spans import Spans, mask_spans


@given(
    mask=arrays(np.uint16, (7, 9), elements=st.integers(0, 5)),
    ids=st.lists(st.integers(1, 6), unique=True),
)
def test_mask_spans_count_and_box_the_pixels_of_each_id(
    mask: NDArray[np.uint16], ids: list[int]
) -> None:
    found = mask_spans(mask, np.array(ids, dtype=np.int64))
    boxes = found.boxes
    for index, body_id in enumerate(ids):
        rows, columns = np.nonzero(mask == body_id)
        assert found.px[index] == len(rows)
        assert np.array_equal(found.mask(index, 9, 7), mask == body_id)
        expected = [-1, -1, -1, -1]
        if len(rows):
            x, y = columns.min(), rows.min()
            expected = [x, y, columns.max() - x + 1, rows.max() - y + 1]
        assert boxes[index].tolist() == expected


def moved(spans: Spans, right: int, down: int) -> Spans:
    """The same pixels elsewhere."""
    return Spans(spans.count, spans.body, spans.row + down, spans.left + right, spans.right + right)


MASKS = arrays(np.uint16, (5, 8), elements=st.integers(0, 3))


@given(a=MASKS, b=MASKS, right=st.integers(-9, 9), down=st.integers(-6, 6))
def test_what_is_joined_covers_what_either_covers_and_once(
    a: NDArray[np.uint16], b: NDArray[np.uint16], right: int, down: int
) -> None:
    ids = np.array([1, 2, 3])
    first, second = mask_spans(a, ids), moved(mask_spans(b, ids), right, down)
    joined = first.joined(second)
    for index in range(3):
        canvas = np.zeros((5 + 12, 8 + 18), dtype=bool)
        canvas[6:11, 9:17] = a == ids[index]
        canvas[6 + down : 11 + down, 9 + right : 17 + right] |= b == ids[index]
        own = joined.body == index
        assert joined.px[index] == canvas.sum()  # nothing twice
        assert np.array_equal(moved(joined, 9, 6).mask(index, 26, 17), canvas)
        assert (np.diff(joined.row[own] * 100 + joined.left[own]) > 0).all()  # in order


@given(mask=MASKS, right=st.integers(-9, 9), down=st.integers(-6, 6))
def test_inside_keeps_what_lies_in_the_image(
    mask: NDArray[np.uint16], right: int, down: int
) -> None:
    spans = moved(mask_spans(mask, np.array([1, 2])), right, down)
    inside = spans.inside(8, 5)
    for index in range(2):
        assert inside.px[index] == spans.mask(index, 8, 5).sum()
        assert np.array_equal(inside.mask(index, 8, 5), spans.mask(index, 8, 5))
