"""The lens is OpenCV's: the same pixels, the same directions back, up to where it folds."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import lens

Array = NDArray[np.float64]

K = np.array([[601.3, 0.0, 322.4], [0.0, 588.9, 236.1], [0.0, 0.0, 1.0]])
SIZE = (640, 480)
LENSES = {
    "webcam": [-0.28, 0.07, 0.0005, -0.0003, 0.0, 0.0, 0.0, 0.0],
    "barrel": [-0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    "pincushion": [0.3, 0.1, 0.001, 0.002, 0.05, 0.0, 0.0, 0.0],
    "moustache": [-0.3, 0.25, 0.0, 0.0, -0.02, 0.0, 0.0, 0.0],
    "rational": [3.0, 1.5, 0.0002, -0.0004, 0.1, 3.3, 2.2, 0.4],
}
EXACT_PX = 1e-9
BARREL_RADIUS = 1 / np.sqrt(3 * 0.4)  # where r (1 - 0.4 r^2) is highest


@pytest.fixture(params=list(LENSES))
def distortion(request: pytest.FixtureRequest) -> Array:
    """Coefficients, from everyday to odd."""
    return np.array(LENSES[request.param])


def directions(reach: float, count: int = 2000) -> Array:
    """Points (N, 3) at several depths, x/z and y/z up to ``reach``."""
    rng = np.random.default_rng(0)
    z = rng.uniform(0.2, 3.0, (count, 1))
    return np.hstack([rng.uniform(-reach, reach, (count, 2)) * z, z])


def pixels(count: int = 2000, inside: float = 1.0) -> Array:
    """Pixels (N, 2) all over the image, or over the middle ``inside`` of it."""
    rng = np.random.default_rng(1)
    return np.asarray((rng.uniform(-0.5, 0.5, (count, 2)) * inside + 0.5) * np.array(SIZE))


def test_points_project_where_opencv_projects_them(distortion: Array) -> None:
    p_C = directions(0.6)
    expected, _ = cv2.projectPoints(p_C, np.zeros(3), np.zeros(3), K, distortion)
    assert np.abs(lens.project(p_C, K, distortion) - expected[:, 0]).max() <= EXACT_PX


def test_pixels_look_where_opencv_says(distortion: Array) -> None:
    inside = 0.8 if distortion[0] == -0.4 else 1.0  # it folds near the corners
    uv = pixels(inside=inside)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 500, 1e-14)
    expected = cv2.undistortImagePoints(uv[:, None], K, distortion, arg1=criteria)[:, 0]
    found = lens.unproject(uv, K, distortion)
    assert np.abs(found - lens.unproject(expected, K)).max() * 600 <= EXACT_PX


def test_skew_shears_pixels_after_the_lens_has_bent_them(distortion: Array) -> None:
    skewed = K.copy()
    skewed[0, 1] = 7.5
    p_C = directions(0.4)
    straight, sheared = (lens.project(p_C, matrix, distortion) for matrix in (K, skewed))
    y = (straight[:, 1] - K[1, 2]) / K[1, 1]
    assert np.abs(sheared - straight - np.column_stack([7.5 * y, 0 * y])).max() <= EXACT_PX
    assert (
        np.abs(lens.unproject(sheared, skewed, distortion) - p_C[:, :2] / p_C[:, 2:]).max() < 1e-9
    )


@settings(deadline=None, max_examples=60)
@given(
    k1=st.floats(-0.5, 0.5), k2=st.floats(-0.3, 0.3), k3=st.floats(-0.1, 0.1),
    p=st.floats(-0.003, 0.003), k4=st.floats(-0.3, 0.3), k5=st.floats(-0.1, 0.1),
)  # fmt: skip
def test_a_direction_is_found_again_up_to_where_the_lens_folds(
    k1: float, k2: float, k3: float, p: float, k4: float, k5: float
) -> None:
    distortion = np.array([k1, k2, p, -p, k3, k4, k5, 0.0])
    # Tangential terms move the fold a little: 5 % inside, the map is one to one.
    reach = 0.95 * min(lens.monotonic_radius(distortion), 1.0)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    xy = np.concatenate([reach * share * circle for share in (0.0, 0.3, 0.7, 1.0)])
    uv = lens.project(np.column_stack([xy, np.ones(len(xy))]), K, distortion)
    assert np.abs(lens.unproject(uv, K, distortion) - xy).max() < 1e-8


def test_a_strong_barrel_is_solved_up_to_its_fold_and_nowhere_beyond() -> None:
    distortion = np.array(LENSES["barrel"])
    share = 1 - np.geomspace(1e-6, 1, 40)  # nearer, 16 digits cannot tell
    angle = np.linspace(0, 2 * np.pi, 40)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    xy = BARREL_RADIUS * share[:, None] * circle
    uv = lens.project(np.column_stack([xy, np.ones(40)]), K, distortion)
    found = lens.unproject(uv, K, distortion)
    assert (
        np.abs(lens.project(np.column_stack([found, np.ones(40)]), K, distortion) - uv).max() < 1e-6
    )
    highest = BARREL_RADIUS * (1 - 0.4 * BARREL_RADIUS**2)
    beyond = np.array([1.0001, 1.1, 2.0, 50.0])[:, None] * highest * circle[:4]
    assert np.isnan(lens.unproject(beyond @ K[:2, :2].T + K[:2, 2], K, distortion)).all()


def test_the_radius_is_where_the_radial_map_is_highest() -> None:
    def radius(*rows: float) -> float:
        return lens.monotonic_radius(np.array([*rows, *(0.0,) * (8 - len(rows))]))

    assert lens.monotonic_radius(None) == np.inf
    assert radius(0.0) == radius(0.5) == radius(0.1, 0.0, 0.01, 0.01) == np.inf
    assert radius(-0.4) == pytest.approx(BARREL_RADIUS, rel=1e-12)
    assert radius(0.0, -0.2) == pytest.approx((1 / (5 * 0.2)) ** 0.25, rel=1e-12)
    assert radius(0.0, 0.0, 0.0, 0.0, 0.0, -0.25) == pytest.approx(2.0)  # a pole: 1 - r^2 / 4
    assert radius(-0.28, 0.2) == np.inf  # 1 - 0.84 t + t^2 has no root
    assert radius(-1e-9, 1e-30) == np.inf  # farther out than any pinhole picture reaches


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_the_radial_map_rises_up_to_the_radius_and_no_farther(rows: list[float]) -> None:
    k1, k2, k3, k4, k5, k6 = rows
    radius = lens.monotonic_radius(np.array([k1, k2, 0, 0, k3, k4, k5, k6]))

    def slope(r: Array) -> Array:
        t = r * r
        over, under = 1 + t * (k1 + t * (k2 + t * k3)), 1 + t * (k4 + t * (k5 + t * k6))
        d_over, d_under = k1 + t * (2 * k2 + 3 * t * k3), k4 + t * (2 * k5 + 3 * t * k6)
        # d(r over / under) / dr, times under^2, and zero at the poles.
        rise = (over + 2 * t * d_over) * under - 2 * t * over * d_under
        return np.asarray(np.minimum(rise, under))

    assert (slope(np.linspace(0, min(radius, 5.0) * (1 - 1e-6), 4000)) > 0).all()
    if radius < 5:
        assert abs(slope(np.array(radius))) < 1e-6 * max(1.0, radius) ** 12


def test_the_rays_of_an_image_are_those_of_its_pixels(distortion: Array) -> None:
    rays = lens.rays(64, 48, K * [[0.1], [0.1], [1]], distortion)
    v, u = np.mgrid[:48, :64]
    expected = lens.unproject(np.stack([u, v], axis=-1), K * [[0.1], [0.1], [1]], distortion)
    assert rays.shape == (48, 64, 2)
    np.testing.assert_allclose(rays, expected, atol=1e-12)
    assert lens.rays(64, 48, K * [[0.1], [0.1], [1]], distortion) is rays
    assert not rays.flags.writeable


def test_pixels_that_nothing_leads_to_are_found() -> None:
    distortion = np.array(LENSES["barrel"])
    blind = lens.blind_pixels(*SIZE, K, distortion)
    seen = np.hypot(*((blind - K[:2, 2]) / K[[0, 1], [0, 1]]).T)
    highest = BARREL_RADIUS * (1 - 0.4 * BARREL_RADIUS**2)
    assert len(blind)
    assert (seen > highest - 1e-9).all()
    assert {(0.0, 0.0), (639.0, 479.0)} <= {tuple(pixel) for pixel in blind.tolist()}
    longer = K * [[1.3, 1, 1], [1, 1.3, 1], [1, 1, 1]]  # the corners come nearer to the axis
    assert not len(lens.blind_pixels(*SIZE, longer, distortion))
    assert not len(lens.blind_pixels(*SIZE, K, None))


@pytest.mark.parametrize("finer", [1.0, 2.5])
@pytest.mark.parametrize("s", [0.0, -30.0])
def test_the_pinhole_picture_shows_every_ray_with_pixels_as_fine(
    distortion: Array, finer: float, s: float
) -> None:
    matrix = K * [[1.3, 1, 1], [1, 1.3, 1], [1, 1, 1]]
    matrix[0, 1] = s
    wide = lens.pinhole(*SIZE, matrix, distortion, finer)
    xy = lens.rays(*SIZE, matrix, distortion)
    uv = lens.project(np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=2), wide.K)
    # Four pixels around each ray, and one more, are in the picture.
    assert (uv.min(axis=(0, 1)) >= 1).all()
    assert (uv.max(axis=(0, 1)) <= (wide.width - 3, wide.height - 3)).all()
    # One pixel of the pinhole picture is at most one of the distorted one.
    inner = xy[::7, ::7].reshape(-1, 2)
    for step in np.linalg.inv(wide.K[:2, :2]).T:
        ends = [np.column_stack([inner + t * step, np.ones(len(inner))]) for t in (-0.5, 0.5)]
        a, b = (lens.project(end, matrix, distortion) for end in ends)
        assert np.linalg.norm(b - a, axis=1).max() <= 1.001 / finer
