"""K, tiles and clipping planes as numbers, without a renderer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import pose
from simenv.render.camera import NEAREST_M, Tile, depth_range, near_far, projection, tiles
from simenv.scene import View
from tests.render.build import intrinsics, looking
from tests.render.judge import rays_of

numbers = st.floats(-1, 1)
hundredths = st.integers(-100, 300).map(lambda number: number / 100)
points = st.tuples(hundredths, hundredths, hundredths)


@given(
    st.floats(50, 900), st.floats(50, 900), st.floats(-200, 900), st.floats(-200, 900),
    st.floats(-40, 40), st.tuples(numbers, numbers, st.floats(0.5, 2.0)),
)  # fmt: skip
def test_clip_space_is_the_pinhole_model(
    fx: float, fy: float, cx: float, cy: float, s: float, p_C: tuple[float, float, float]
) -> None:
    K, tile = intrinsics(fx, fy, cx, cy, s), Tile(64, 32, 320, 240)
    P = np.array(projection(K, tile, (0.4, 2.5))).reshape(4, 4).T
    x, y, z = p_C
    clip = P @ (x, -y, -z, 1)
    ndc = clip[:3] / clip[3]
    u, v, _ = K @ p_C / z
    # Pixel u is centred at u + 0.5 from the image's left edge; rows grow downwards.
    assert ndc[0] == pytest.approx(2 * (u - tile.x + 0.5) / tile.width - 1, abs=1e-9)
    assert ndc[1] == pytest.approx(1 - 2 * (v - tile.y + 0.5) / tile.height, abs=1e-9)
    d = (ndc[2] + 1) / 2
    assert 0.4 * 2.5 / (2.5 - (2.5 - 0.4) * d) == pytest.approx(z)


@given(st.integers(8, 8192), st.integers(8, 8192))
def test_tiles_cover_the_image_once(width: int, height: int) -> None:
    layout = tiles(width, height, (1024, 768))
    assert all(tile.width <= 1024 and tile.height <= 768 for tile in layout)
    assert sum(tile.width * tile.height for tile in layout) == width * height
    assert len(layout) == -(-width // 1024) * -(-height // 768)
    assert len({(tile.x, tile.y) for tile in layout}) == len(layout)
    assert all(tile.x + tile.width <= width and tile.y + tile.height <= height for tile in layout)


def test_a_picture_that_fits_is_one_tile() -> None:
    assert tiles(640, 480, (1024, 768)) == (Tile(0, 0, 640, 480),)
    assert tiles(4000, 3000, None) == (Tile(0, 0, 4000, 3000),)


def sampled_range(view: View, corners: NDArray[np.float64]) -> tuple[float, float] | None:
    """Least and greatest z at which a pixel's ray meets triangles (T, 3, 3), not nearest ones."""
    rays, found = rays_of(view), []
    for a, b, c in corners:
        normal = np.cross(b - a, c - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (normal @ a) / (rays @ normal)
        z[~np.isfinite(z)] = 0.0
        p = z[..., None] * rays
        sides = [np.cross(e - s, p - s) @ normal for s, e in ((a, b), (b, c), (c, a))]
        found.append(z[(np.min(sides, axis=0) >= 0) & (z > NEAREST_M)])
    z = np.concatenate(found)
    return (float(z.min()), float(z.max())) if len(z) else None


@given(st.lists(st.tuples(points, points, points), min_size=1, max_size=4))
def test_the_visible_range_of_depth_holds_every_visible_point(
    triangles: list[tuple[tuple[float, float, float], ...]],
) -> None:
    view = looking((0, 0, 0), (0, 0, 1), intrinsics(30, 25, 20.0, 9.0, 3.0), size=(36, 24))
    corners = np.array(triangles)
    sampled, fitted = sampled_range(view, corners), depth_range(view, corners)
    if sampled is not None:
        assert fitted is not None
        assert fitted[0] <= sampled[0] * (1 + 1e-6)
        assert fitted[1] >= sampled[1] * (1 - 1e-6)


def test_the_visible_range_of_a_slanted_plane_is_exact() -> None:
    """A plane that fills the view: its least and greatest depth are at the image's corners."""
    view = looking((0, 0, 1), (0.4, 0, 0), size=(320, 240))
    square = np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], float)
    square = pose.apply(pose.inverse(view.X_WC), square)
    triangles = square[[[0, 1, 2], [0, 2, 3]]]
    corners = np.array([(u, v, 1.0) for u in (-0.5, 319.5) for v in (-0.5, 239.5)])
    rays = corners @ np.linalg.inv(view.K).T
    normal = view.X_WC[:3, :3].T @ (0, 0, 1)
    z = (normal @ square[0]) / (rays @ normal)
    assert depth_range(view, triangles) == pytest.approx((z.min(), z.max()))


def test_surfaces_outside_the_image_do_not_move_the_planes() -> None:
    view = looking((0, 0, 1), (0, 0, 0))
    inside = np.array([[[0.0, 0, 1], [0.1, 0, 1.2], [0, 0.1, 1.1]]])
    outside = np.array(
        [[[9.0, 0, 0.3], [9.1, 0, 0.3], [9, 0.1, 5]], [[0, 0, -1], [1, 0, -1], [0, 1, -2]]]
    )
    assert near_far(view, np.concatenate([inside, outside])) == near_far(view, inside)
    near, far = near_far(view, inside)
    assert 0.995 < near < 1.0
    assert 1.2 < far < 1.205


def test_the_users_planes_win() -> None:
    triangle = np.array([[[0.0, 0, 1], [0.1, 0, 1.2], [0, 0.1, 1.1]]])
    assert near_far(looking((0, 0, 1), (0, 0, 0), near_m=0.2, far_m=7.0), triangle) == (0.2, 7.0)
    near, far = near_far(looking((0, 0, 1), (0, 0, 0), far_m=7.0), triangle)
    assert (round(near, 2), far) == (1.0, 7.0)


def test_an_empty_view_and_a_touching_surface_have_planes() -> None:
    view = looking((0, 0, 1), (0, 0, 0))
    near, far = near_far(view, np.zeros((0, 3, 3)))
    assert 0 < near < far
    touching = np.array([[[-1.0, -1, 1e-6], [1, -1, 1e-6], [0, 1, 0.5]]])
    near, far = near_far(view, touching)
    assert NEAREST_M <= near < far
