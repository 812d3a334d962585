"""Edges in a depth picture: fat, ragged, and with points in mid-air."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.sensor import depth_picture
from simenv.spec.sensor import DepthSensor
from tests.sensor.build import FX, frame, plane, rng, view, wall

NEAR, FAR = 0.6, 0.9  # metres


def shown(depth_m: NDArray[np.float32], **values: object) -> NDArray[np.float32]:
    spec = DepthSensor.model_validate({"kind": "stereo", "shadow": False, **values})
    seen = view(depth_m.shape[1], depth_m.shape[0])
    return depth_picture(frame(depth_m), seen, spec, rng(3))


def disc(z_far: float = FAR) -> NDArray[np.float32]:
    depth = np.full((120, 160), z_far, np.float32)
    v, u = np.mgrid[:120, :160]
    depth[np.hypot(u - 80, v - 60) < 30] = NEAR
    return depth


@pytest.mark.parametrize("window_px", [1, 2, 3, 5, 9])
def test_near_things_grow_by_half_a_window(window_px: int) -> None:
    depth = wall(FAR, view(160, 60))
    depth[20:40, 60:100] = NEAR
    got, half = shown(depth, window_px=window_px), window_px // 2
    expected = depth.copy()
    expected[20 - half : 40 + half, 60 - half : 100 + half] = NEAR
    assert got == pytest.approx(expected, rel=1e-6)


def test_near_things_grow_over_holes_too() -> None:
    got = shown(disc(z_far=0.0), window_px=5)
    assert (got > 0).sum() > (disc(0.0) > 0).sum()
    assert np.unique(got[got > 0]) == pytest.approx(NEAR, rel=1e-6)


def test_a_window_leaves_slanted_surfaces_alone() -> None:
    depth = plane((2.5, 0.4, 1.0), 0.9, view())  # 0.8 px of disparity from pixel to pixel
    assert np.array_equal(shown(depth, window_px=9, baseline_m=0.3), depth)


def test_flying_pixels_are_on_edges_only_and_between_their_depths() -> None:
    got = shown(disc(), flying=0.5)
    flying = (got != np.float32(NEAR)) & (got != np.float32(FAR))
    assert ((got[flying] > NEAR) & (got[flying] < FAR)).all()
    v, u = np.mgrid[:120, :160]
    assert (np.abs(np.hypot(u - 80, v - 60)[flying] - 30) < 2).all()
    on_edge = 2 * 4 * np.sqrt(2) * 30  # both sides of the edge, pixel corner by pixel corner
    assert flying.sum() == pytest.approx(0.5 * on_edge, rel=0.15)
    mixed = FX * 0.05 / got[flying]
    assert mixed.mean() == pytest.approx(FX * 0.05 * (1 / NEAR + 1 / FAR) / 2, rel=0.03)


def test_jitter_makes_edges_ragged_and_invents_no_depth() -> None:
    depth = wall(FAR, view(160, 2000))
    depth[:, :80] = NEAR
    got = shown(depth, jitter_px=1.5)
    assert set(np.unique(got)) == {np.float32(NEAR), np.float32(FAR)}
    # The share of near readings beside the edge is that of the normal distribution.
    share = (got == np.float32(NEAR)).mean(axis=0)
    spread = np.sqrt((share[:-1] - share[1:]) @ (np.arange(159) + 0.5 - 79.5) ** 2)
    assert spread == pytest.approx(np.sqrt(1.5**2 + 1 / 12), rel=0.05)
    assert (share[:70] == 1).all()
    assert (share[90:] == 0).all()


def test_nothing_that_happens_to_edges_biases_a_steep_wall() -> None:
    seen = view(320, 120)
    steep = plane((2.5, 0.4, 1.0), 0.9, seen)
    everything: dict[str, object] = {"jitter_px": 0.5, "window_px": 9, "flying": 0.5}
    got = shown(steep, baseline_m=0.075, **everything)
    error = (got / steep - 1)[10:-10, 10:-10]
    assert error.std() > 1e-3  # the jitter
    assert abs(error.mean()) < 0.1 * error.std()
