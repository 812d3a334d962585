"""Colours of labels by pixel say what the numbers say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simenv.view.color import NOTHING, body_color
from simenv.view.paint import (
    flow_picture,
    longest_px,
    nocs_picture,
    normals_picture,
    semantic_picture,
)
from tests.view import spheres


def pixel(*value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A picture of one pixel."""
    return np.array([[value]], dtype=np.float32)


@pytest.mark.parametrize(
    ("normal", "color"),
    [
        ((0, 0, -1), (128, 128, 255)),  # faces the camera
        ((1, 0, 0), (255, 128, 128)),
        ((0, -1, 0), (128, 255, 128)),  # up: y of the camera points down
        ((0, 0, 0), NOTHING),
    ],
)
def test_colours_of_normals(normal: tuple[float, ...], color: tuple[int, ...]) -> None:
    assert tuple(normals_picture(pixel(*normal))[0, 0]) == color


def test_a_sphere_is_red_on_its_right_green_on_top_and_bright_in_its_middle() -> None:
    X_CB = np.eye(4)
    X_CB[2, 3] = 1.0
    found = spheres.cast_all(X_CB[None])
    picture = normals_picture(found.normals).astype(int)
    rows, columns = np.nonzero(found.instance)
    right, top = columns.argmax(), rows.argmin()
    assert picture[rows[right], columns[right], 0] > 240
    assert picture[rows[top], columns[top], 1] > 240
    assert abs(picture[240, 320] - (128, 128, 255)).max() <= 4  # half a pixel off its middle


def test_object_coordinates_are_red_green_and_blue() -> None:
    assert tuple(nocs_picture(pixel(0.2, 0.6, 1.0))[0, 0]) == (51, 153, 255)
    assert tuple(nocs_picture(pixel(0, 0, 0))[0, 0]) == NOTHING
    found = spheres.cast_all(spheres.poses(4))
    body = found.instance > 0
    error = nocs_picture(found.nocs)[body] / 255.0 - found.nocs[body]
    assert np.abs(error).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("move", "color"),
    [
        ((2, 0), (255, 0, 0)),
        ((-2, 0), (0, 255, 255)),
        ((0, 2), (128, 255, 0)),
        ((0, -2), (128, 0, 255)),
        ((1, 0), (128, 0, 0)),  # half as far, half as bright
        ((0, 0), (0, 0, 0)),
    ],
)
def test_colours_of_flow(move: tuple[float, float], color: tuple[int, ...]) -> None:
    assert flow_picture(pixel(*move), 2.0)[0, 0] == pytest.approx(np.array(color), abs=1)


@given(turn=st.floats(0, 6.28), length=st.floats(0.01, 50))
def test_the_brightest_channel_of_flow_is_its_length(turn: float, length: float) -> None:
    flow = np.array([[[length * np.cos(turn), length * np.sin(turn)], [50, 0]]], dtype=np.float32)
    assert longest_px(flow) == pytest.approx(50)
    assert flow_picture(flow, longest_px(flow))[0, 0].max() == pytest.approx(
        255 * length / 50, abs=1
    )


def test_nothing_moves_and_the_flow_is_black() -> None:
    still = np.zeros((3, 4, 2), dtype=np.float32)
    assert longest_px(still) == 0
    assert not flow_picture(still, 0.0).any()


def test_a_class_has_one_colour_and_background_none() -> None:
    picture = semantic_picture(np.array([[0, 1, 7]], dtype=np.uint16))
    assert [tuple(color) for color in picture[0]] == [NOTHING, body_color(1), body_color(7)]
