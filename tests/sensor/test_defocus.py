"""A thin lens: discs of the right size, in the right places, and nothing bleeds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.sensor import rgb_picture
from simenv.spec.sensor import Defocus, RgbSensor
from tests.sensor.build import FX, frame, linear, rng, view, wall

LENS = Defocus(focal_length_mm=25, f_number=2.0, focus_m=0.8)


def through(
    rgb: NDArray[np.uint8], depth_m: NDArray[np.float32], lens: Defocus
) -> NDArray[np.float64]:
    """Linear light (H, W) of the green channel behind ``lens``."""
    seen = view(rgb.shape[1], rgb.shape[0])
    shown = rgb_picture(frame(depth_m, rgb), seen, RgbSensor(defocus=lens), rng(), None)
    return linear(shown)[..., 1]


def gray(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    return np.repeat(values[..., None], 3, axis=2).astype(np.uint8)


def circle_of_confusion_px(z: float, lens: Defocus) -> float:
    """The textbook: f^2 / N |z - s| / (z (s - f)), in pixels as large as K says."""
    f, s = lens.focal_length_mm * 1e-3, lens.focus_m
    pixel_m = (s * f / (s - f)) / FX  # the sensor stands where s is sharp
    return f * f / lens.f_number * abs(z - s) / (z * (s - f)) / pixel_m


@pytest.mark.parametrize("z", [0.5, 0.65, 1.0, 1.6, 3.0])
def test_a_point_becomes_a_disc_of_the_thin_lens_diameter(z: float) -> None:
    # A spot large enough to be counted in 8 bits: its own second moment is taken off again.
    side, half = 121, 4
    spot = np.zeros((side, side), np.uint8)
    spot[60 - half : 61 + half, 60 - half : 61 + half] = 255
    shown = through(gray(spot), wall(z, view(side, side)), LENS)
    v, u = np.mgrid[:side, :side] - 60
    own = (2 * half + 1) ** 2 / 12  # the square's, and the one of the pixels that count it
    variance = (shown * u**2).sum() / shown.sum() - own
    assert 4 * np.sqrt(variance) == pytest.approx(circle_of_confusion_px(z, LENS), abs=0.4)
    assert shown.sum() == pytest.approx((2 * half + 1) ** 2, rel=0.03)  # no light is lost
    assert abs((shown * u).sum()) + abs((shown * v).sum()) < 0.02 * shown.sum()


def test_what_is_in_focus_stays_bit_for_bit() -> None:
    values = rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    clean, seen = frame(np.full((60, 80), 0.8, np.float32), values), view(80, 60)
    assert np.array_equal(rgb_picture(clean, seen, RgbSensor(defocus=LENS), rng(), None), clean.rgb)


def test_an_even_wall_stays_even_however_blurred_and_slanted() -> None:
    near_to_far = np.tile(np.linspace(0.4, 3.0, 160, dtype=np.float32), (120, 1))
    shown = through(gray(np.full((120, 160), 150)), near_to_far, LENS)
    assert np.ptp(shown) < 0.01


def two_sides(near: int, far: int, z_near: float, z_far: float) -> NDArray[np.float64]:
    """One row of the light: the near half on the left, the far half on the right."""
    left = np.arange(160) < 80
    values = np.tile(np.where(left, near, far), (40, 1))
    depth = np.tile(np.where(left, z_near, z_far).astype(np.float32), (40, 1))
    row: NDArray[np.float64] = through(gray(values), depth, LENS)[20]
    return row


def test_a_sharp_near_thing_does_not_bleed_into_what_is_blurred_behind_it() -> None:
    assert circle_of_confusion_px(3.0, LENS) > 6
    row = two_sides(near=255, far=0, z_near=0.8, z_far=3.0)
    assert (row[:80] > 0.99).all()
    assert (row[80:] < 0.01).all()
    row = two_sides(near=0, far=255, z_near=0.8, z_far=3.0)
    assert (row[:80] < 0.01).all()
    assert (row[80:] > 0.99).all()


def test_a_blurred_near_edge_lets_the_half_behind_it_through() -> None:
    row = two_sides(near=255, far=0, z_near=0.4, z_far=0.8)
    radius = circle_of_confusion_px(0.4, LENS) / 2
    assert radius > 4
    assert (row[79] + row[80]) / 2 == pytest.approx(0.5, abs=0.05)
    # The share of a disc on the near side of a straight edge.
    x = np.arange(160) - 79.5
    t = np.clip(x / radius, -1, 1)
    share = (np.arccos(t) - t * np.sqrt(1 - t * t)) / np.pi
    assert row == pytest.approx(share, abs=0.06)
    assert (np.diff(row) <= 1e-6).all()


def test_where_there_is_no_surface_the_light_comes_from_afar() -> None:
    spot = np.zeros((61, 61), np.uint8)
    spot[28:33, 28:33] = 255
    lens = Defocus(focal_length_mm=25, f_number=2.0, focus_m=0.9)
    nothing = through(gray(spot), np.zeros((61, 61), np.float32), lens)
    far = through(gray(spot), np.full((61, 61), 1e6, np.float32), lens)
    assert circle_of_confusion_px(1e6, lens) > 8
    assert np.array_equal(nothing, far)
