"""Axes and 3-D boxes lie on the pixels that geometry and the lens say."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv import lens, pose
from simenv.view.project import box_edges, project_axes
from tests.view import spheres

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


def test_behind_a_lens_axes_are_where_opencv_projects_them() -> None:
    X_CB = pose.from_rpy_deg((30, 40, 50), (0.25, -0.2, 0.8))
    axes = project_axes(X_CB, K, 0.2, spheres.LENS)
    tips_B = 0.1 * np.vstack([np.zeros(3), np.eye(3)])
    turn, _ = cv2.Rodrigues(X_CB[:3, :3])
    expected, _ = cv2.projectPoints(tips_B, turn, X_CB[:3, 3], K, spheres.LENS)
    assert axes == pytest.approx(expected[:, 0], abs=1e-9)
    assert axes is not None
    assert np.abs(axes - np.asarray(project_axes(X_CB, K, 0.2))).max() > 5  # the lens matters


def corners_uv(
    X_CB: pose.Matrix, distortion: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The corners of a sphere's box as they are stored."""
    return lens.project(spheres.corners(X_CB), K, distortion).astype(np.float32)


def test_a_box_has_twelve_edges_of_its_own_size() -> None:
    X_CB = pose.from_rpy_deg((10, 20, 30), (0.1, 0.0, 0.9))
    stored, places = corners_uv(X_CB), spheres.corners(X_CB)
    edges = box_edges(stored)
    assert len(edges) == 12
    drawn = set()
    for edge in edges:
        a, b = (int(np.abs(stored - end).sum(axis=1).argmin()) for end in edge)
        assert np.array_equal(edge, stored[[a, b]])
        assert np.linalg.norm(places[a] - places[b]) == pytest.approx(2 * spheres.RADIUS_M)
        drawn.add(frozenset((a, b)))
    assert len(drawn) == 12


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_behind_a_lens_the_points_of_an_edge_lie_in_one_plane_with_the_camera(seed: int) -> None:
    X_CB = spheres.poses(1, seed)[0]
    stored = corners_uv(X_CB, spheres.LENS)
    edges = box_edges(stored, spheres.corners(X_CB), K, spheres.LENS)
    assert len(edges) == 12
    for edge in edges:
        assert len(edge) > 2
        rays = np.concatenate([lens.unproject(edge, K, spheres.LENS), np.ones((len(edge), 1))], 1)
        normal = np.cross(rays[0], rays[-1])
        assert np.abs(rays @ normal / np.linalg.norm(normal)).max() < 1e-6
        assert (np.diff(np.linalg.norm(rays - rays[0], axis=1)) > 0).all()  # in order


def test_edges_to_a_corner_behind_the_camera_are_left_out() -> None:
    X_CB = pose.pose(None, (0.1, 0.0, 0.9))
    stored = corners_uv(X_CB)
    stored[5] = np.nan
    assert len(box_edges(stored)) == 9
    assert not box_edges(np.full((8, 2), np.nan, dtype=np.float32))


def test_a_box_beyond_what_the_lens_shows_is_not_folded_into_the_picture() -> None:
    fold = np.array([-0.5, 0, 0, 0, 0, 0, 0, 0.0])  # r (1 - r^2 / 2) falls from r = 0.82 on
    X_CB = pose.pose(None, (1.3, 0.0, 1.0))
    folded = corners_uv(X_CB, fold)
    assert (folded[:, 0] < 640).any()  # the polynomial alone would put it there
    assert not box_edges(folded, spheres.corners(X_CB), K, fold)
    assert project_axes(X_CB, K, 0.1, fold) is None
