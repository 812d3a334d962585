"""A shutter that is open for a while: smears as long as the way, the nearer thing in front."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.render.light import encode
from simenv.sensor import rgb_picture
from simenv.spec.sensor import RgbSensor
from tests.sensor.build import frame, linear, rng, view

EXPOSURE_S = 0.02
SHUTTER = RgbSensor(exposure_s=EXPOSURE_S)


def shot(
    values: NDArray[np.integer], depth_m: NDArray[np.float32], velocity: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Linear light (H, W) of a gray picture taken with an open shutter."""
    rgb = np.repeat(values[..., None], 3, axis=2).astype(np.uint8)
    seen = view(rgb.shape[1], rgb.shape[0])
    shown = rgb_picture(frame(depth_m, rgb), seen, SHUTTER, rng(), velocity)
    return linear(shown)[..., 0]


def square(size: int = 160) -> NDArray[np.bool_]:
    here = np.zeros((size, size), bool)
    here[70:90, 70:90] = True
    return here


def moving(here: NDArray[np.bool_], velocity: tuple[float, float]) -> NDArray[np.float32]:
    return np.asarray(here[..., None] * np.array(velocity), dtype=np.float32)


@pytest.mark.parametrize("velocity", [(800.0, 0.0), (0.0, -1500.0), (600.0, 800.0)])
def test_a_smear_is_as_long_as_velocity_times_exposure(velocity: tuple[float, float]) -> None:
    here = square()
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    shown = shot(255 * here, depth, moving(here, velocity))
    v, u = np.mgrid[:160, :160] - 79.5
    way = np.array(velocity) * EXPOSURE_S
    length = np.hypot(*way)
    along = (u * way[0] + v * way[1]) / length
    # A box of the way's length, convolved with the square: the variances add up.
    spread = (shown * along**2).sum() / shown.sum() - (here * along**2).sum() / here.sum()
    assert np.sqrt(12 * spread) == pytest.approx(length, rel=0.05)
    assert shown.sum() == pytest.approx(here.sum(), rel=0.02)  # no light is lost
    assert abs((shown * along).sum() / shown.sum()) < 0.1  # the pose is that of the middle


def test_the_ramp_of_a_moving_edge_is_linear_and_ends_after_half_the_way() -> None:
    here = square()
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    row = shot(255 * here, depth, moving(here, (800.0, 0.0)))[80]  # 16 px
    u = np.arange(160)
    ramp = np.clip((u - 69.5 + 8) / 16, 0, 1) - np.clip((u - 89.5 + 8) / 16, 0, 1)
    assert row == pytest.approx(ramp, abs=0.08)


def test_what_stands_still_stays_bit_for_bit() -> None:
    values = rng(1).integers(0, 256, (160, 160))
    here = square()
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    shown = shot(values, depth, moving(here, (800.0, 0.0)))
    aside = np.ones((160, 160), bool)
    aside[68:92, 58:102] = False
    assert np.array_equal(shown[aside], linear(values.astype(np.uint8))[aside])


def test_a_thing_that_passes_behind_another_one_does_not_cover_it() -> None:
    here = square()
    u = np.arange(160)
    screen = np.broadcast_to(u >= 95, (160, 160))  # black, nearer, and beside the square
    values = np.where(screen, 0, 255 * here)
    depth = np.where(screen, 0.3, np.where(here, 0.5, 1.0)).astype(np.float32)
    row = shot(values, depth, moving(here, (800.0, 0.0)))[80]  # 16 px
    ramp = np.clip((u - 69.5 + 8) / 16, 0, 1) - np.clip((u - 89.5 + 8) / 16, 0, 1)
    known = (u < 85) | (u >= 90)  # what it uncovers before the screen was never seen
    assert row[known] == pytest.approx((ramp * (u < 95))[known], abs=0.08)


def test_a_still_near_thing_stays_sharp_before_a_background_that_moves() -> None:
    here = square()
    stripes = 255 * (np.arange(160) % 8 < 4) * np.ones((160, 1), int)
    values = np.where(here, 255, stripes)
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    shown = shot(values, depth, moving(~here, (800.0, 0.0)))  # 16 px: two periods
    assert (shown[70:90, 70:90] > 0.99).all()
    assert shown[:60, 20:-20] == pytest.approx(0.5, abs=0.02)
    assert shown[70:90, 91:98].mean() == pytest.approx(0.5, abs=0.08)  # nothing white beside it


def test_a_slow_thing_uncovers_a_fast_background_while_it_comes() -> None:
    here = square()
    v, u = np.mgrid[:160, :160]
    stripes = 255 * ((u + v) % 4 < 2)  # aslant: a column of them is gray
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    velocity = moving(~here, (1200.0, 0.0)) + moving(here, (-600.0, 0.0))  # 24 and -12 px
    row = shot(np.where(here, 0, stripes), depth, velocity)[72:88].mean(axis=0)
    x = np.arange(160)
    covered = np.clip((x - 69.5 + 6) / 12, 0, 1) - np.clip((x - 89.5 + 6) / 12, 0, 1)
    assert row[40:120] == pytest.approx(0.5 * (1 - covered[40:120]), abs=0.07)


def test_what_a_thing_uncovers_is_what_comes_along_behind_it() -> None:
    def stripes(x: NDArray[np.number]) -> NDArray[np.float64]:
        return np.asarray(0.5 + 0.5 * np.sin(x * 2 * np.pi / 24))

    here, u = square(), np.arange(160)
    light = np.where(here, 0.0, stripes(u)).astype(np.float32)
    depth = np.where(here, 0.5, 1.0).astype(np.float32)
    velocity = moving(~here, (1200.0, 0.0)) + moving(here, (600.0, 0.0))  # 24 and 12 px
    row = shot(encode(light), depth, velocity)[80]
    t = (np.arange(200)[:, None] + 0.5) / 200 - 0.5
    before = np.abs(u - 12 * t - 79.5) < 10
    truth = np.where(before, 0.0, stripes(u - 24 * t)).mean(axis=0)
    # Beside it the background that comes along was hidden by the thing itself: nobody knows it.
    assert row[70:93] == pytest.approx(truth[70:93], abs=0.03)


def test_a_camera_that_pans_smears_everything_alike() -> None:
    values = rng(2).integers(0, 256, (80, 160))
    velocity = np.full((80, 160, 2), (500.0, 0.0), np.float32)  # 10 px
    shown = shot(values, np.ones((80, 160), np.float32), velocity)
    light = linear(values.astype(np.uint8))
    shifts = (np.arange(11) + 0.5) / 11 * 10 - 5
    u = np.arange(160)
    expected = np.mean([[np.interp(u - s, u, row) for row in light] for s in shifts], axis=0)
    assert shown[:, 10:-10] == pytest.approx(expected[:, 10:-10], abs=0.02)
