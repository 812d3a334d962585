"""Colours tell bodies apart and depths in metres; the numbers beside the scale are true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv.view.color import DepthScale, body_color, mask_picture, shades

NO_MASK = np.zeros((4, 5), dtype=np.uint16)


def wall(*depths: float) -> NDArray[np.float32]:
    """One row of pixels."""
    return np.array([depths], dtype=np.float32)


def test_the_first_twenty_parts_have_colours_that_can_be_told_apart() -> None:
    colors = np.array([body_color(i) for i in range(21)], dtype=float)
    apart = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    assert apart[~np.eye(21, dtype=bool)].min() > 24


def test_furniture_is_grey_and_parts_are_not() -> None:
    assert len(set(body_color(3, fixed=True))) == 1
    assert all(max(body_color(i)) - min(body_color(i)) > 60 for i in range(1, 100))


def test_each_pixel_of_a_mask_has_the_colour_of_its_id() -> None:
    instance = np.array([[0, 1, 65535], [7, 1, 0]], dtype=np.uint16)
    picture = mask_picture(instance, {7})
    for (row, column), index in np.ndenumerate(instance):
        expected = body_color(int(index), fixed=index == 7)
        assert tuple(picture[row, column]) == expected


def test_the_colour_at_a_tick_is_the_colour_of_that_depth() -> None:
    scale = DepthScale(0.75, 1.31)
    for depth, text in scale.ticks():
        assert float(text) == pytest.approx(depth, abs=1e-12)
        pixel = scale.picture(wall(depth))[0, 0]
        assert np.array_equal(pixel, shades()[round(scale.fraction(depth) * 255)])


def test_ticks_of_a_known_scale() -> None:
    assert [text for _, text in DepthScale(0.75, 1.31).ticks()] == ["0.8", "0.9", "1.0", "1.1",
                                                                    "1.2", "1.3"]  # fmt: skip
    assert [text for _, text in DepthScale(1.0, 1.01).ticks()][:3] == ["1.000", "1.002", "1.004"]


@given(near=st.floats(0.01, 50), span=st.floats(2e-3, 100))
def test_ticks_lie_inside_the_scale_and_say_their_depth(near: float, span: float) -> None:
    scale = DepthScale(near, near + span)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 9
    assert all(-1e-6 <= scale.fraction(depth) <= 1 + 1e-6 for depth, _ in ticks)
    assert all(float(text) == pytest.approx(depth, abs=1e-9) for depth, text in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


def test_near_is_bright_far_is_dark_and_beyond_the_ends_nothing_changes() -> None:
    scale = DepthScale(1.0, 2.0)
    near, far, nearer, farther, none = scale.picture(wall(1, 2, 0.2, 9, 0))[0].astype(int)
    assert near.sum() > far.sum()
    assert np.array_equal(near, nearer)
    assert np.array_equal(far, farther)
    assert np.array_equal(none, body_color(0))


def test_the_scale_spans_the_bodies_and_not_the_floor_behind_them() -> None:
    depth = np.full((10, 10), 6.0, dtype=np.float32)
    depth[:5] = np.linspace(0.9, 1.1, 10)
    instance = np.zeros((10, 10), dtype=np.uint16)
    instance[:5] = 1
    scale = DepthScale.of(depth, instance)
    assert 0.85 < scale.near_m < 0.9 < 1.1 < scale.far_m < 1.15


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_a_flat_wall_and_an_empty_picture_have_a_scale(value: float) -> None:
    depth = np.full(NO_MASK.shape, value, dtype=np.float32)
    scale = DepthScale.of(depth, NO_MASK)
    assert scale.far_m - scale.near_m >= 2e-3 * (1 - 1e-6)
    assert scale.ticks()
    if value:
        assert scale.near_m < value < scale.far_m
