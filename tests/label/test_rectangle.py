"""A grasp seen from straight above is the rectangle that its size and its height say."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import pose
from simenv.label.rectangle import as_cornell, as_jacquard, rectangles
from simenv.scene import View
from tests.label.bent import BARREL, FOLDING

K = np.array([[600.0, 0.0, 319.5], [0.0, 600.0, 239.5], [0.0, 0.0, 1.0]])
WIDTH_M, PAD_M, HEIGHT_M = 0.06, 0.02, 0.5
OPENING_PX, JAW_PX = 600 * WIDTH_M / HEIGHT_M, 600 * PAD_M / HEIGHT_M  # 72, 24


def above(distortion: NDArray[np.float64] | None = None) -> View:
    """A camera whose frame is used as the world."""
    return View("top", 640, 480, K, np.eye(4), distortion=distortion)


def turned(yaw_deg: float, x_m: float = 0.0, y_m: float = 0.0) -> NDArray[np.float64]:
    """(1, 4, 4) a grasp that goes down, away from the camera, below it."""
    return pose.from_rpy_deg((0.0, 0.0, yaw_deg), (x_m, y_m, HEIGHT_M))[None]


def corners_of(X_CG: NDArray[np.float64], view: View | None = None) -> NDArray[np.float32]:
    return rectangles(X_CG, np.full(len(X_CG), WIDTH_M), PAD_M, view or above())


def test_a_grasp_below_the_camera_is_a_rectangle_in_the_middle() -> None:
    corners = corners_of(turned(0))
    assert corners.dtype == np.float32
    left, right = 319.5 - OPENING_PX / 2, 319.5 + OPENING_PX / 2
    top, bottom = 239.5 - JAW_PX / 2, 239.5 + JAW_PX / 2
    np.testing.assert_allclose(
        corners[0], [(left, top), (right, top), (right, bottom), (left, bottom)], atol=1e-4
    )


@given(st.floats(-180, 180), st.floats(-0.2, 0.2), st.floats(-0.15, 0.15))
def test_jacquard_has_place_angle_opening_and_jaw(yaw: float, x_m: float, y_m: float) -> None:
    ((x, y, theta, opening, jaw),) = as_jacquard(corners_of(turned(yaw, x_m, y_m)))
    assert x == pytest.approx(319.5 + 600 * x_m / HEIGHT_M, abs=1e-3)
    assert y == pytest.approx(239.5 + 600 * y_m / HEIGHT_M, abs=1e-3)
    assert -90 <= theta < 90
    assert abs((theta - yaw + 90) % 180 - 90) < 1e-3  # a jaw turned by half a turn is the same
    assert opening == pytest.approx(OPENING_PX, abs=1e-3)
    assert jaw == pytest.approx(JAW_PX, abs=1e-3)


def test_theta_is_clockwise_on_the_screen() -> None:
    """Closing towards the lower right is 45: y of a picture is down."""
    ((_, _, theta, _, _),) = as_jacquard(corners_of(turned(45)))
    assert theta == pytest.approx(45)


def test_the_first_edge_spans_the_opening() -> None:
    """As GG-CNN reads Cornell: angle and length of 0-1, width of 1-2."""
    (corners,) = corners_of(turned(30)).astype(np.float64)
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    assert np.hypot(*first) == pytest.approx(OPENING_PX, abs=1e-3)
    assert np.hypot(*second) == pytest.approx(JAW_PX, abs=1e-3)
    assert np.degrees(np.arctan2(first[1], first[0])) == pytest.approx(30, abs=1e-3)
    assert first[0] * second[1] - first[1] * second[0] > 0  # clockwise, where y is down


def test_twice_as_far_is_half_as_large() -> None:
    far = turned(20)
    far[0, 2, 3] *= 2
    near, half = as_jacquard(corners_of(turned(20))), as_jacquard(corners_of(far))
    np.testing.assert_allclose(half[0, 3:], near[0, 3:] / 2, atol=1e-3)


def test_a_grasp_from_the_side_is_seen_on_its_edge() -> None:
    """The approach across the view: the pads are seen end on, one end nearer than the other."""
    side = pose.pose(np.column_stack([(1, 0, 0), (0, 0, 1), (0, -1, 0)]), (0, 0, HEIGHT_M))[None]
    ((_, _, theta, opening, jaw),) = as_jacquard(corners_of(side))
    assert theta == pytest.approx(0, abs=1e-6)
    assert opening == pytest.approx(OPENING_PX, rel=0.01)
    shift = 1 / (HEIGHT_M - PAD_M / 2) - 1 / (HEIGHT_M + PAD_M / 2)
    assert jaw == pytest.approx(600 * WIDTH_M / 2 * shift, abs=1e-3)


def test_a_lens_bends_the_corners_as_opencv_does() -> None:
    X_CG = turned(25, 0.15, -0.1)
    view = above(BARREL)
    half = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2 * (WIDTH_M, PAD_M)
    p_C = pose.apply(X_CG[0], np.column_stack([half, np.zeros(4)]))
    wanted, _ = cv2.projectPoints(p_C, np.zeros(3), np.zeros(3), K, BARREL)
    np.testing.assert_allclose(corners_of(X_CG, view)[0], wanted[:, 0], atol=1e-3)
    assert np.abs(corners_of(X_CG, view) - corners_of(X_CG)).max() > 1


def test_what_has_no_pixel_is_nan_and_not_in_the_text() -> None:
    behind, beyond = turned(0), turned(0, 0.8)
    behind[0, 2, 3] *= -1
    corners = corners_of(np.concatenate([behind, turned(0), beyond]), above(FOLDING))
    assert np.isnan(corners).any(axis=(1, 2)).tolist() == [True, False, True]
    assert as_cornell(corners) == as_cornell(corners[1:2])


def test_cornell_is_four_lines_a_rectangle() -> None:
    corners = corners_of(np.concatenate([turned(0), turned(90)]))
    text = as_cornell(corners)
    assert text.splitlines()[:4] == [
        "283.500 227.500",
        "355.500 227.500",
        "355.500 251.500",
        "283.500 251.500",
    ]
    read = np.array([line.split() for line in text.splitlines()], dtype=float).reshape(-1, 4, 2)
    np.testing.assert_allclose(read, corners, atol=6e-4)


def test_no_grasps_are_no_rectangles() -> None:
    corners = corners_of(np.zeros((0, 4, 4)))
    assert corners.shape == (0, 4, 2)
    assert as_jacquard(corners).shape == (0, 5)
    assert as_cornell(corners) == ""
