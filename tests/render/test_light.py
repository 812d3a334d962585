"""Light by itself: black bodies, levels, directions, sRGB. Truth is the CIE's and IEC's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simenv.render import light
from simenv.spec.look import Ambient, Light


def kelvin() -> st.SearchStrategy[float]:
    """Any temperature that a task may name."""
    return st.floats(1000, 40000)


def test_the_nominal_light_is_exactly_one() -> None:
    assert (light.rgb(Light()) == 1).all()
    assert (light.rgb(Ambient()) == 1).all()


def test_illuminant_a_has_the_colour_that_the_cie_publishes() -> None:
    """A black body of 2856 K against one of 6500 K, whose x, y are tabulated (CIE 15)."""
    white, lamp = np.array([0.3135, 0.3236]), np.array([0.44757, 0.40745])

    def linear(xy: np.ndarray) -> np.ndarray:
        x, y = xy
        return np.asarray(light.LINEAR_FROM_XYZ @ [x / y, 1.0, (1 - x - y) / y])

    expected = linear(lamp) / linear(white)
    found = light.black_body(2856.0)
    assert np.allclose(found / found[1], expected / expected[1], rtol=0.02)


@given(kelvin())
def test_a_black_body_has_luminance_one_and_no_negative_part(temperature_k: float) -> None:
    rgb = light.black_body(temperature_k)
    assert (rgb >= 0).all()
    assert light.luminance(*rgb) == pytest.approx(1.0)


@given(kelvin(), kelvin())
def test_the_hotter_the_bluer(one: float, other: float) -> None:
    cold, hot = light.black_body(min(one, other)), light.black_body(max(one, other))
    assert hot[2] / hot[0] >= cold[2] / cold[0]
    assert hot[0] <= cold[0] + 1e-12


@given(st.floats(0, 10), kelvin())
def test_level_and_colour_multiply(intensity: float, temperature_k: float) -> None:
    lamp = Light(intensity=intensity, temperature_k=temperature_k, color=(0.5, 1.0, 0.25))
    expected = intensity * light.black_body(temperature_k) * [0.5, 1.0, 0.25]
    assert np.allclose(light.rgb(lamp), expected, rtol=1e-12)


@given(st.floats(1, 90), st.floats(-720, 720))
def test_the_direction_has_the_elevation_and_azimuth(elevation: float, azimuth: float) -> None:
    d = light.direction(Light(elevation_deg=elevation, azimuth_deg=azimuth))
    assert np.linalg.norm(d) == pytest.approx(1.0)
    assert np.degrees(np.arcsin(min(d[2], 1.0))) == pytest.approx(elevation, abs=1e-4)
    flat = np.hypot(d[0], d[1])
    assert np.allclose(d[:2], flat * np.array([np.cos(a := np.radians(azimuth)), np.sin(a)]))


def test_every_grey_level_survives_decoding_and_encoding() -> None:
    levels = np.arange(256, dtype=np.uint8)
    linear = light.decode(levels)
    assert (np.diff(linear) > 0).all()
    assert np.array_equal(light.encode(linear), levels)


@pytest.mark.parametrize(("shown", "linear"), [(0, 0.0), (10, 0.003035), (188, 0.5029), (255, 1.0)])
def test_srgb_is_the_standards(shown: int, linear: float) -> None:
    assert light.decode(np.array([shown], np.uint8))[0] == pytest.approx(linear, rel=1e-3)


def test_what_is_brighter_than_white_is_white() -> None:
    assert light.encode(np.array([-0.5, 0.0, 1.0, 7.0])).tolist() == [0, 0, 255, 255]
