"""How points move in the picture: followed one by one, through homographies, and at an instant."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.label.flow import flow, velocity
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from tests.label.bent import BARREL, cast
from tests.label.build import heap
from tests.render.build import Thing, at, block, ground, intrinsics, looking, snapshot

Array = NDArray[np.float64]
NAMES = ["carton_small", "gear", "can", "hex_bolt"]
VIEW = looking((0.1, -0.3, 0.5), (0, 0, 0.1), intrinsics(280, 290, 150, 125, s=4))
TWIST = np.array([0.08, -0.05, 0.1, 0.6, -0.4, 0.9])  # m/s, rad/s: of a camera


def turned(X_WB: Array, twist: Array, time_s: float) -> Array:
    """Where a body is that moved at a constant velocity: of its origin, and about it."""
    R, _ = cv2.Rodrigues(twist[3:] * time_s)
    return pose.pose(np.asarray(R) @ X_WB[:3, :3], X_WB[:3, 3] + twist[:3] * time_s)


def after(shown: Snapshot, time_s: float) -> Snapshot:
    """The scene a little later, every body at its velocity."""
    moved = [turned(X, twist, time_s) for X, twist in zip(shown.X_WB, shown.velocity, strict=True)]
    return replace(shown, X_WB=np.array(moved))


def moving(seed: int, names: list[str] = NAMES) -> Snapshot:
    """A heap that flies apart above a floor that moves as well."""
    shown = snapshot(*heap(names, seed), ground())
    velocity = np.random.default_rng(seed).normal(size=(len(names) + 1, 6)) * ([0.2] * 3 + [2] * 3)
    return replace(shown, velocity=velocity)


def small(view: View) -> View:
    """The same camera with few pixels and a bent lens."""
    K = np.diag([0.4, 0.4, 1.0]) @ view.K
    K[0, 1] = 0.0
    return replace(view, width=128, height=96, K=K, distortion=BARREL)


def pictured(tiny: Renderer, lens_name: str) -> tuple[Snapshot, View, Frame]:
    """A moving scene and its picture."""
    if lens_name == "pinhole":
        shown = moving(0)
        return shown, VIEW, tiny.render(shown, VIEW)
    shown, view = moving(1, ["carton_small", "carton_tall"]), small(VIEW)
    return shown, view, cast(shown, view)


@pytest.mark.parametrize("lens_name", ["pinhole", "barrel"])
def test_a_point_goes_where_its_body_and_the_camera_take_it(tiny: Renderer, lens_name: str) -> None:
    shown, view, frame = pictured(tiny, lens_name)
    following = after(shown, 0.1)
    later = replace(view, X_WC=turned(view.X_WC, TWIST, 0.1))
    found = flow(shown, view, frame, following, later)
    assert found.dtype == np.float32
    distortion = np.zeros(8) if view.distortion is None else view.distortion
    ids = [body.id for body in shown.scene.bodies]
    for body in ids:
        v, u = np.nonzero((frame.instance == body) & (frame.depth_m > 0))
        assert len(v) > 20
        xy = lens.rays(view.width, view.height, view.K, view.distortion)[v, u]
        p_C: Array = np.column_stack([xy, np.ones(len(v))]) * frame.depth_m[v, u, None]
        row = ids.index(body)
        p_B = pose.apply(pose.inverse(shown.X_WB[row]) @ view.X_WC, p_C)
        p_C = pose.apply(pose.inverse(later.X_WC) @ following.X_WB[row], p_B)
        straight = cv2.projectPoints(p_C, np.zeros(3), np.zeros(3), np.eye(3), distortion)[0]
        expected = straight.reshape(-1, 2) @ view.K[:2, :2].T + view.K[:2, 2]
        assert np.abs(found[v, u] - (expected - np.column_stack([u, v]))).max() < 1e-3
    assert (found[frame.depth_m == 0] == 0).all()


def test_a_still_scene_before_a_still_camera_does_not_flow(tiny: Renderer) -> None:
    shown, view, frame = pictured(tiny, "pinhole")
    assert np.abs(flow(shown, view, frame, shown, view)).max() < 1e-9
    still = replace(shown, velocity=np.zeros_like(shown.velocity))
    assert (velocity(still, view, frame) == 0).all()


def test_a_camera_that_only_turns_moves_pixels_by_the_homography(tiny: Renderer) -> None:
    """K R inverse(K), whatever the depth (Hartley and Zisserman, 8.4.2)."""
    shown, view, frame = pictured(tiny, "pinhole")
    R, _ = cv2.Rodrigues(np.array([0.02, -0.05, 0.03]))
    later = replace(view, X_WC=view.X_WC @ pose.pose(R))
    H = view.K @ np.asarray(R).T @ np.linalg.inv(view.K)
    v, u = np.nonzero(frame.depth_m)
    moved = np.column_stack([u, v, np.ones(len(u))]) @ H.T
    expected = moved[:, :2] / moved[:, 2:] - np.column_stack([u, v])
    found = flow(shown, view, frame, shown, later)[v, u]
    assert np.abs(expected).max() > 10
    assert np.abs(found - expected).max() < 1e-3


def test_a_warped_picture_is_the_next_one(tiny: Renderer) -> None:
    """The mask and the depth of the next frame, looked up where flow leads, fit every point."""
    shown, view, frame = pictured(tiny, "pinhole")
    following = after(shown, 0.05)
    nxt = tiny.render(following, view)
    v, u = np.nonzero(frame.instance)
    there = np.rint(flow(shown, view, frame, following, view)[v, u] + np.column_stack([u, v]))
    x, y = there.astype(int).T
    inside = (x >= 0) & (x < view.width) & (y >= 0) & (y < view.height)
    same = nxt.instance[y[inside], x[inside]] == frame.instance[v[inside], u[inside]]
    assert same.mean() > 0.9  # the rest is hidden by then, or at a rim


def test_points_that_pass_the_camera_have_no_flow() -> None:
    view = View("camera", 80, 60, intrinsics(60, 60, 40, 30), np.eye(4))
    wall = snapshot(Thing(block(0.4, 0.4, 0.1), at(0, 0, 0.55)))
    frame = cast(wall, replace(view, distortion=np.zeros(8)))
    assert (frame.instance == 1).sum() > 1000
    gone = replace(wall, X_WB=np.array([at(0, 0, -0.55)]))
    assert (flow(wall, view, frame, gone, view) == 0).all()


@pytest.mark.parametrize("lens_name", ["pinhole", "barrel"])
def test_velocity_is_the_limit_of_flow(tiny: Renderer, lens_name: str) -> None:
    shown, view, frame = pictured(tiny, lens_name)
    step = 1e-4

    def after_step(time_s: float) -> Array:
        later = replace(view, X_WC=turned(view.X_WC, TWIST, time_s))
        return flow(shown, view, frame, after(shown, time_s), later).astype(np.float64)

    limit = (after_step(step) - after_step(-step)) / (2 * step)
    found = velocity(shown, view, frame, TWIST)
    assert found.dtype == np.float32
    assert np.abs(found).max() > 100
    assert np.abs(found - limit).max() < 1e-3 * np.abs(found).max()
    assert (found[frame.depth_m == 0] == 0).all()


def test_a_camera_beside_a_wall_sees_it_pass_at_f_v_over_z() -> None:
    view = View("camera", 80, 60, intrinsics(60, 60, 40, 30), np.eye(4))
    wall = snapshot(Thing(block(2, 2, 0.1), at(0, 0, 0.55)))
    frame = cast(wall, replace(view, distortion=np.zeros(8)))
    found = velocity(wall, view, frame, np.array([0.2, 0, 0, 0, 0, 0.0]))
    assert np.abs(found - (-60 * 0.2 / 0.5, 0)).max() < 1e-4
