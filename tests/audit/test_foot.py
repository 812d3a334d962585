"""Where a part stands does not depend on how tall it is, in any camera."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.audit.foot import foot, foot_uv

BLOCK = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], dtype=float)
EYE = np.array([0.0, -1.0, 0.8])
K = np.array([[300.0, 0, 160], [0, 310, 120], [0, 0, 1]])


def camera() -> NDArray[np.float64]:
    """A slanting one, X_WC."""
    z = -EYE / np.linalg.norm(EYE)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    X_WC = np.eye(4)
    X_WC[:3, :3], X_WC[:3, 3] = np.column_stack([x, np.cross(z, x), z]), EYE
    return X_WC


def standing(height_m: float, at: tuple[float, float]) -> NDArray[np.float64]:
    """The foot (1, 3) of a block of 4 x 4 cm with its origin at half its height."""
    points = BLOCK * [0.02, 0.02, height_m] - [0, 0, height_m / 2]
    X_WB = np.eye(4)
    X_WB[:3, 3] = (*at, height_m / 2)
    return foot(X_WB[None], points)


@pytest.mark.parametrize("at", [(0.0, 0.0), (0.1, 0.2), (-0.2, -0.1)])
def test_a_tall_block_stands_where_a_low_one_stands(at: tuple[float, float]) -> None:
    for height_m in (0.01, 0.3):
        np.testing.assert_allclose(standing(height_m, at), [(*at, 0.0)], atol=1e-12)


def test_a_lying_part_stands_on_its_lowest_side() -> None:
    X_WB = np.eye(4)
    X_WB[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]  # its z axis along x
    X_WB[2, 3] = 0.5
    found = foot(X_WB[None], BLOCK * [0.02, 0.03, 0.4])
    np.testing.assert_allclose(found, [(0.2, 0.0, 0.48)], atol=1e-12)


def test_the_pixel_is_that_of_the_point_through_the_lens() -> None:
    p_W = np.array([(0.0, 0.0, 0.0), (0.1, 0.2, 0.0), (0.0, -3.0, 0.0)])
    bent = np.array([(0.0,) * 8, (-0.2, 0.05, *(0.0,) * 6), (0.0,) * 8])
    uv = foot_uv(p_W, np.repeat(camera()[None], 3, 0), np.repeat(K[None], 3, 0), bent)
    p_C = pose.apply(pose.inverse(camera()), p_W)
    np.testing.assert_allclose(uv[0], (160, 120), atol=1e-9)  # what it looks at
    np.testing.assert_allclose(uv[1], lens.project(p_C[1], K, bent[1]))
    assert np.isnan(uv[2]).all()  # behind it
