"""The laws of a colour camera, from what comes out of it."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.render import light
from simenv.render.renderer import Frame
from simenv.scene import View
from simenv.sensor import rgb_picture
from simenv.spec.sensor import Defocus, Noise, RgbSensor
from tests.sensor.build import frame, linear, rng, view, wall

PIXEL = Noise(full_well_e=10000, read_noise_e=3.0)
EVERYTHING = RgbSensor(
    exposure_ev=0.3,
    exposure_s=0.01,
    natural_vignetting=0.7,
    vignetting=(-0.2, 0.0, 0.05),
    defocus=Defocus(focal_length_mm=12, f_number=1.4, focus_m=0.6),
    noise=Noise(full_well_e=8000, read_noise_e=5, gain_db=6, prnu=0.01, dsnu_e=2, bits=10),
    bayer="grbg",
    white_balance_k=4300,
    white_balance_gains=(1.0, 0.9, 1.1),
    gamma=0.5,
    jpeg_quality=80,
)


def textured(seen: tuple[int, int] = (120, 160)) -> Frame:
    """All 8-bit values, on a wall with a step in it."""
    values = rng(5).integers(0, 256, (*seen, 3), dtype=np.uint8)
    depth = np.full(seen, 1.0, dtype=np.float32)
    depth[:, : seen[1] // 2] = 0.5
    depth[:5] = 0
    return frame(depth, values)


def flow(seen: tuple[int, int] = (120, 160)) -> NDArray[np.float32]:
    return np.full((*seen, 2), 300, dtype=np.float32)


def flat(gray: int, spec: RgbSensor, seed: int = 0) -> NDArray[np.uint8]:
    """What the device makes of 160 x 120 pixels of one gray."""
    return rgb_picture(frame(wall(1.0, view()), gray=gray), view(), spec, rng(seed), None)


def test_a_sensor_that_says_nothing_gives_the_clean_picture_bit_for_bit() -> None:
    clean = textured()
    assert np.array_equal(rgb_picture(clean, view(), RgbSensor(), rng(), None), clean.rgb)


def test_the_neutral_value_of_every_effect_changes_nothing() -> None:
    clean = textured()
    sharp = Defocus(focal_length_mm=10, f_number=64, focus_m=0.7)  # discs below one pixel
    for spec in (RgbSensor(white_balance_k=6500, vignetting=(0, 0, 0)), RgbSensor(defocus=sharp)):
        assert np.array_equal(rgb_picture(clean, view(), spec, rng(), None), clean.rgb)
    still = np.zeros_like(flow())
    shut = rgb_picture(clean, view(), RgbSensor(exposure_s=0.1), rng(), still)
    assert np.array_equal(shut, clean.rgb)


def test_the_same_random_state_gives_the_same_bits_and_another_one_does_not() -> None:
    a, b, c = (rgb_picture(textured(), view(), EVERYTHING, rng(s), flow()) for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_clean_picture_is_not_touched() -> None:
    clean, velocity = textured(), flow()
    before = [x.copy() for x in (clean.rgb, clean.depth_m, clean.instance, velocity)]
    for spec in (EVERYTHING, RgbSensor()):
        shown = rgb_picture(clean, view(), spec, rng(), velocity)
        assert not np.shares_memory(shown, clean.rgb)
    after = (clean.rgb, clean.depth_m, clean.instance, velocity)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_an_open_shutter_needs_the_velocity() -> None:
    assert EVERYTHING.needs_velocity
    assert not RgbSensor(defocus=EVERYTHING.defocus, noise=PIXEL).needs_velocity


@pytest.mark.parametrize("stops", [-2.0, -1.0, 1.0])
def test_a_stop_doubles_the_light(stops: float) -> None:
    grays = np.arange(20, 150, 10, dtype=np.uint8)
    clean = frame(np.ones((120, 13), np.float32), np.tile(grays[:, None], (120, 1, 3)))
    shown = rgb_picture(clean, view(13), RgbSensor(exposure_ev=stops), rng(), None)
    expected = np.clip(linear(clean.rgb) * 2**stops, 0, 1)
    half_a_step = 0.6 * (linear(shown + np.uint8(1)) - linear(shown))
    assert (np.abs(linear(shown) - expected) <= half_a_step).all()


def test_natural_vignetting_is_cos4_of_the_angle_off_the_axis() -> None:
    seen = view(fx=100.0)  # 45 degrees to the corners
    shown = linear(bright(seen, RgbSensor(natural_vignetting=1.0)))
    v, u = np.mgrid[:120, :160]
    cos = 1 / np.sqrt(1 + ((u - 79.5) ** 2 + (v - 59.5) ** 2) / 100**2)
    assert shown[0, 0] == pytest.approx(0.25, abs=0.01)
    assert shown == pytest.approx(cos**4, abs=0.005)
    half = linear(bright(seen, RgbSensor(natural_vignetting=0.5)))
    assert half == pytest.approx(cos**2, abs=0.005)


def bright(seen: View, spec: RgbSensor) -> NDArray[np.uint8]:
    """One channel of what the device makes of white."""
    return rgb_picture(frame(wall(1.0, seen), gray=255), seen, spec, rng(), None)[..., 0]


def test_vignetting_is_the_same_all_around_and_follows_its_polynomial() -> None:
    shown = linear(bright(view(), RgbSensor(vignetting=(-0.6, 0.3, -0.2))))
    v, u = np.mgrid[:120, :160]
    r2 = ((u - 79.5) ** 2 + (v - 59.5) ** 2) / 100**2  # half a diagonal is 100 px
    assert shown == pytest.approx(1 - 0.6 * r2 + 0.3 * r2**2 - 0.2 * r2**3, abs=0.005)
    assert np.array_equal(shown, shown[::-1, ::-1])


def test_shot_noise_has_the_variance_of_the_electrons_it_counts() -> None:
    noise = Noise(full_well_e=500, read_noise_e=0.0, bits=16)
    means, variances = [], []
    for gray in range(60, 240, 20):
        shown = flat(gray, RgbSensor(noise=noise, gamma=1.0)) / 255.0  # linear picture
        means.append(shown.mean())
        variances.append(shown.var() - 1 / 12 / 255**2)  # less the rounding to 8 bits
    slope, offset = np.polyfit(means, variances, 1)
    assert slope == pytest.approx(1 / 500, rel=0.03)
    assert offset == pytest.approx(0, abs=2e-5)
    assert means[5] == pytest.approx(float(linear(np.array(160))), rel=0.005)  # no bias


@pytest.mark.parametrize("gain_db", [0.0, 12.0])
def test_gain_makes_the_same_picture_of_less_light(gain_db: float) -> None:
    noise = Noise(full_well_e=2000, read_noise_e=0.0, gain_db=gain_db, bits=16)
    shown = flat(150, RgbSensor(noise=noise, gamma=1.0)) / 255.0
    level, electrons = float(linear(np.array(150))), 2000 / 10 ** (gain_db / 20)
    assert shown.mean() == pytest.approx(level, rel=0.005)
    assert shown.std() == pytest.approx(np.sqrt(level / electrons), rel=0.03)


def test_black_has_the_read_noise_and_nothing_else() -> None:
    black = RgbSensor(noise=Noise(full_well_e=1000, read_noise_e=20.0), gamma=1.0)
    shown = flat(0, black) / 255.0
    # Half of the noise is below black, where a picture ends: a normal's upper half.
    assert (shown**2).mean() == pytest.approx(0.02**2 / 2, rel=0.05)
    silent = RgbSensor(noise=Noise(full_well_e=1000, read_noise_e=0.0))
    assert (flat(0, silent) == 0).all()


def test_a_converter_of_few_bits_gives_few_levels() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (30, 1, 3))
    quiet = Noise(full_well_e=1e7, read_noise_e=0.0, bits=4)
    clean = frame(np.ones((30, 256), np.float32), ramp)
    shown = rgb_picture(clean, view(256, 30), RgbSensor(noise=quiet, gamma=1.0), rng(), None)
    assert set(np.unique(shown)) == {17 * k for k in range(16)}


def test_what_is_above_white_is_white() -> None:
    shown = flat(255, RgbSensor(exposure_ev=2, noise=Noise(full_well_e=5000, read_noise_e=0.0)))
    assert shown.max() == 255
    assert shown.mean() > 250
    # Pixels are full before the balance: white times a half is half of white, noise or not.
    pixel = Noise(full_well_e=500, read_noise_e=9.0)
    spec = RgbSensor(exposure_ev=1, noise=pixel, white_balance_gains=(0.5, 0.5, 0.5), gamma=1.0)
    assert flat(255, spec).max() == 128


def test_fixed_pattern_belongs_to_the_device_and_not_to_the_frame() -> None:
    def picture(serial: int, seed: int) -> NDArray[np.float64]:
        pixel = Noise(full_well_e=1e7, read_noise_e=0.0, prnu=0.05, dsnu_e=0.0, serial=serial)
        return linear(flat(180, RgbSensor(noise=pixel), seed))

    one, again, other = picture(1, 1), picture(1, 2), picture(2, 1)
    assert np.corrcoef(one.ravel(), again.ravel())[0, 1] > 0.98
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    assert one.std() / one.mean() == pytest.approx(0.05, rel=0.03)
    dark = Noise(full_well_e=1000, read_noise_e=0.0, dsnu_e=20.0)
    shown = flat(0, RgbSensor(noise=dark, gamma=1.0)) / 255.0
    assert (shown**2).mean() == pytest.approx(0.02**2 / 2, rel=0.05)


@pytest.mark.parametrize("mosaic", ["rggb", "bggr", "grbg", "gbrg"])
def test_a_mosaic_of_one_colour_is_that_colour_again(mosaic: str) -> None:
    color = np.broadcast_to(np.array([200, 90, 30], np.uint8), (40, 60, 3)).copy()
    clean = frame(np.ones((40, 60), np.float32), color)
    spec = RgbSensor.model_validate({"bayer": mosaic})
    shown = rgb_picture(clean, view(60, 40), spec, rng(), None)
    assert np.abs(shown.astype(int) - color).max() <= 1


def test_a_mosaic_loses_detail_and_brings_false_colours() -> None:
    fine = np.zeros((40, 60, 3), np.uint8)
    fine[:, ::2] = 255  # white lines, one pixel wide: what a red pixel sees, a blue one does not
    clean = frame(np.ones((40, 60), np.float32), fine)
    shown = rgb_picture(clean, view(60, 40), RgbSensor(bayer="rggb"), rng(), None)
    middle = shown[10:-10, 10:-10].reshape(-1, 3).astype(int)
    assert (middle[:, 0] == 255).all()  # red pixels stand in the white columns only
    assert (middle[:, 2] == 0).all()


@pytest.mark.parametrize("temperature_k", [2500.0, 4000.0, 10000.0])
def test_white_balance_makes_its_light_gray(temperature_k: float) -> None:
    lit = light.encode(0.3 * light.black_body(temperature_k).astype(np.float32))
    color = np.broadcast_to(lit, (20, 20, 3)).copy()
    clean = frame(np.ones((20, 20), np.float32), color)
    spec = RgbSensor(white_balance_k=temperature_k)
    shown = rgb_picture(clean, view(20, 20), spec, rng(), None)[0, 0].astype(int)
    assert np.ptp(color[0, 0]) > 20
    assert np.ptp(shown) <= 3
    assert shown[1] == color[0, 0, 1]  # green keeps its level


def test_gains_multiply_the_light_of_their_colour() -> None:
    shown = linear(flat(120, RgbSensor(white_balance_gains=(0.5, 1.0, 1.5))))[0, 0]
    assert shown == pytest.approx(float(linear(np.array(120))) * np.array([0.5, 1, 1.5]), rel=0.01)


@pytest.mark.parametrize("gamma", [0.4545, 1.0, 2.0])
def test_gamma_is_the_power_of_the_light(gamma: float) -> None:
    shown = flat(150, RgbSensor(gamma=gamma))[0, 0, 0]
    assert shown == round(255 * float(linear(np.array(150))) ** gamma)


@pytest.mark.parametrize("quality", [10, 90])
def test_jpeg_is_what_opencv_makes_of_the_picture(quality: int) -> None:
    clean = textured()
    shown = rgb_picture(clean, view(), RgbSensor(jpeg_quality=quality), rng(), None)
    bgr = cv2.cvtColor(clean.rgb, cv2.COLOR_RGB2BGR)
    packed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    unpacked = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    assert np.array_equal(shown, cv2.cvtColor(unpacked, cv2.COLOR_BGR2RGB))
    assert not np.array_equal(shown, clean.rgb)
