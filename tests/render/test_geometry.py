"""Where surfaces land in the picture, and how far away they are, for any K: analytic truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.render.renderer import Frame, Renderer
from tests.render.build import (
    Thing,
    at,
    ball,
    block,
    can,
    ground,
    intrinsics,
    looking,
    snapshot,
)
from tests.render.judge import cast, iou, rays_of

CAMERAS = {
    "centred": intrinsics(300, 300, 159.5, 119.5),
    "offset": intrinsics(300, 300, 131.3, 140.8),
    "oblong_pixels": intrinsics(240, 340, 160.2, 118.0),
    "skewed": intrinsics(300, 300, 159.5, 119.5, s=25.0),
    "all": intrinsics(260, 320, 120.0, 150.0, s=-18.0),
    "far_off_axis": intrinsics(300, 300, -90.0, 119.5),
}
Array = NDArray[np.float64]
FLOAT32_M = 3e-5  # TinyRenderer's depth is a float32 close to 1, good to this


@pytest.fixture(params=list(CAMERAS))
def K(request: pytest.FixtureRequest) -> Array:
    """Intrinsics, from plain to odd, for 320 x 240 pixels."""
    return CAMERAS[request.param]


def behind_the_middle(K: Array, z: float) -> Array:
    """The point (3,) at depth z that the middle of the image shows, camera frame."""
    return np.asarray(z * np.linalg.solve(K, (159.5, 119.5, 1.0)))


def quantum(frame: Frame, z: float, bits: int = 16) -> float:
    """Metres between two neighbouring depths at z."""
    near, far = frame.near_far_m
    return float(z**2 * (far - near) / (far * near) / 2**bits)


def test_depth_of_a_wall_one_metre_away_is_one_metre(renderer: Renderer, K: Array) -> None:
    wall = Thing(block(4, 4, 0.5), at(0, 0, -0.25))
    frame = renderer.render(snapshot(wall), looking((0, 0, 1), (0, 0, 0), K))
    assert frame.depth_m.dtype == np.float32
    assert np.abs(frame.depth_m - 1).max() < 1e-5  # the planes hug the wall: the quantum is tiny
    assert (frame.instance == 1).all()


def test_depth_of_a_slanted_wall_follows_its_plane(renderer: Renderer, K: Array) -> None:
    view = looking((0, 0, 1.2), (0, 0, 0), K)
    X_WB = at(0.1, 0, -0.25, 20, 35, 10)
    frame = renderer.render(snapshot(Thing(block(9, 9, 0.1), X_WB)), view)
    X_CB = pose.inverse(view.X_WC) @ X_WB
    normal, point = X_CB[:3, 2], X_CB[:3, 3] + 0.05 * X_CB[:3, 2]
    z = (normal @ point) / (rays_of(view) @ normal)
    assert np.abs(frame.depth_m - z).max() < quantum(frame, float(z.max())) + FLOAT32_M


def test_the_outline_of_a_box_is_where_its_corners_project(renderer: Renderer, K: Array) -> None:
    view = looking((0, 0, 1), (0, 0, 0), K)
    middle = behind_the_middle(K, 0.8)
    box = Thing(block(0.2, 0.12, 0.1), view.X_WC @ pose.pose(None, middle))
    frame = renderer.render(snapshot(box), view)
    corners = np.array([(-0.1, -0.06, -0.05), (0.1, -0.06, -0.05), (0.1, 0.06, -0.05)])
    uv = (middle + corners) @ K.T
    (u0, v0), (u1, _), (u2, v2) = uv[:, :2] / uv[:, 2:]
    # The face towards the camera is a parallelogram: a pixel is in it where its centre is.
    v, u = np.mgrid[0:240, 0:320].astype(float)
    down = (v - v0) / (v2 - v0)
    across = (u - u0 - down * (u2 - u1)) / (u1 - u0)
    expected = (down > 0) & (down < 1) & (across > 0) & (across < 1)
    front = np.abs(frame.depth_m - 0.75) < 1e-4
    assert expected.sum() > 3000
    assert np.sum(front != expected) <= 2
    assert ((frame.instance == 1) == (frame.depth_m > 0)).all()


def test_the_outline_of_a_ball_is_its_tangent_cone(renderer: Renderer, K: Array) -> None:
    radius, p_CB = 0.1, behind_the_middle(K, 0.7)
    view = looking((0, 0, 1), (0, 0, 0), K)
    frame = renderer.render(snapshot(Thing(ball(radius), view.X_WC @ pose.pose(None, p_CB))), view)
    # The ray r touches the ball where (r.p)^2 = (|p|^2 - R^2) |r|^2.
    rays = rays_of(view)
    expected = (rays @ p_CB) ** 2 > (p_CB @ p_CB - radius**2) * (rays**2).sum(axis=2)
    mask = frame.instance == 1
    # A ring of 48 corners has 0.3 % less area than its circle, and so has its outline.
    assert mask.sum() == pytest.approx(expected.sum(), rel=0.006)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx(
        np.argwhere(expected).mean(axis=0), abs=0.1
    )
    assert not (mask & ~expected).any()


@pytest.mark.parametrize("name", ["offset", "all"])
def test_masks_and_depth_agree_with_the_ray_caster(renderer: Renderer, name: str) -> None:
    rng = np.random.default_rng(3)
    models = [ball(0.05), can(0.03, 0.1), block(0.1, 0.06, 0.04), can(0.05, 0.02)]
    things = [
        Thing(
            models[row % 4],
            pose.from_quaternion(
                rng.normal(size=4), (0.13 * (row % 3) - 0.1, 0.16 * (row // 3), 0.07)
            ),
        )
        for row in range(6)
    ]
    K = np.diag([2.0, 2.0, 1.0]) @ CAMERAS[name]
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), K, size=(640, 480))
    shown = snapshot(*things, ground())
    frame, truth = renderer.render(shown, view), cast(shown, view)
    for body in range(1, 7):
        mask, true_mask = frame.instance == body, truth.instance == body
        assert true_mask.sum() > 2000
        assert iou(mask, true_mask) >= 0.998, f"body {body}, {true_mask.sum()} px"
        error = np.abs(frame.depth_m - truth.depth_m)[mask & true_mask]
        assert np.median(error) <= 5e-5  # half of the stored unit
    floor = (frame.instance == 0) & (truth.instance == 0)
    assert np.median(np.abs(frame.depth_m - truth.depth_m)[floor]) <= 5e-5


def test_a_camera_that_moves_sees_the_scene_from_where_it_is(renderer: Renderer) -> None:
    marker = Thing(block(0.02, 0.02, 0.02), at(0.05, -0.03, 0.01))
    shown = snapshot(marker, ground())
    for eye in [(0.3, 0.0, 0.6), (-0.2, 0.4, 0.5), (0.0, -0.5, 0.9)]:
        view = looking(eye, (0, 0, 0), CAMERAS["offset"])
        top = pose.apply(pose.inverse(view.X_WC), [(0.05, -0.03, 0.02)])[0]
        u, v = np.round((view.K @ top)[:2] / top[2]).astype(int)
        frame = renderer.render(shown, view)
        assert frame.instance[v, u] == 1
        assert frame.depth_m[v, u] == pytest.approx(top[2], abs=1e-3)


def test_a_large_picture_is_the_small_one_with_finer_pixels(renderer: Renderer) -> None:
    """1600 x 1200 is cut into tiles where a renderer needs it; every fifth pixel is 320 x 240."""
    things = [
        Thing(can(0.05, 0.1), at(0.1 * k, 0.07 * k, 0.05, 30 * k, 20, 0)) for k in range(-3, 4)
    ]
    shown = snapshot(*things, ground())
    K = intrinsics(310, 290, 150.0, 125.0, s=6.0)
    # Pixel centres: u' = 5 u + 2 shows the same ray as u.
    K_large = np.array([[5.0, 0, 2], [0, 5, 2], [0, 0, 1]]) @ K
    small = renderer.render(shown, looking((0.2, -0.7, 0.8), (0, 0, 0), K))
    large = renderer.render(shown, looking((0.2, -0.7, 0.8), (0, 0, 0), K_large, size=(1600, 1200)))
    assert large.rgb.shape == (1200, 1600, 3)
    assert np.sum(large.instance[2::5, 2::5] != small.instance) <= 3
    difference = np.abs(large.depth_m[2::5, 2::5] - small.depth_m)
    assert np.sum(difference > 3 * quantum(small, 1.5) + FLOAT32_M) <= 3
