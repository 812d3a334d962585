"""What light does to a picture: its direction, its colour in linear RGB, and sRGB both ways."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.pose import Vector
from simenv.spec.look import Ambient, Light

__all__ = [
    "AMBIENT",
    "GROUND",
    "KEY",
    "black_body",
    "decode",
    "direction",
    "encode",
    "linear",
    "luminance",
    "rgb",
]

# What lights of (1, 1, 1) give a white surface, in linear light: together 1, which is white, where
# it faces the lamp and the sky. PyBullet's EGL plugin lights surfaces nearly so.
KEY = 0.6  # a lamp, where it stands straight above the surface
AMBIENT = 0.4  # light from everywhere, on a surface that faces up
GROUND = 0.6  # of that on a surface that faces down

WHITE_K = 6500.0  # a black body of this temperature is white

# XYZ to linear sRGB, IEC 61966-2-1; its rows also give the luminance of each primary.
LINEAR_FROM_XYZ = np.array(
    [
        [3.2406, -1.5372, -0.4986],
        [-0.9689, 1.8758, 0.0415],
        [0.0557, -0.2040, 1.0570],
    ]
)

# The eye's x, y and z curves as sums of lobes (height, centre, width below, width above), nm.
LOBES = (
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)
WAVELENGTHS_NM = np.arange(360.0, 831.0)
FINEST = 65535  # steps of linear light in which sRGB is looked up
HC_OVER_K_NM_K = 1.438776877e7  # second radiation constant, nm K (CODATA 2018)


def direction(light: Light) -> Vector:
    """Unit vector (3,) from the scene towards the light, world axes."""
    elevation, azimuth = np.radians([light.elevation_deg, light.azimuth_deg])
    return np.array(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ]
    )


def rgb(light: Light | Ambient) -> Vector:
    """What the light multiplies linear RGB by, (3,): level times temperature times colour.

    The nominal light is (1, 1, 1).
    """
    color = black_body(light.temperature_k) * np.array(light.color)
    return np.asarray(light.intensity * color)


def black_body(temperature_k: float) -> Vector:
    """Linear RGB (3,) of a glowing black body, of luminance 1; (1, 1, 1) at 6500 K.

    Planck's law seen through the CIE 1931 curves, balanced so that 6500 K is white. Colours that
    a screen cannot show have their negative parts set to 0.
    """
    red, green, blue = _balanced(float(temperature_k))
    return np.array([red, green, blue]) / luminance(red, green, blue)


def luminance(red: float, green: float, blue: float) -> float:
    """Y of linear RGB, ITU-R BT.709."""
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light of sRGB values, both 0..1, any shape (IEC 61966-2-1)."""
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def decode(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear light 0..1 of 8-bit sRGB, any shape."""
    return np.take(_decoded(), values)


def encode(light: NDArray[np.floating]) -> NDArray[np.uint8]:
    """8-bit sRGB of linear light, any shape; what is above 1 is 1."""
    steps = np.float32(FINEST) * np.clip(np.asarray(light, np.float32), 0, 1)
    return np.take(_encoded(), (steps + np.float32(0.5)).astype(np.uint16))


@lru_cache(maxsize=256)
def _balanced(temperature_k: float) -> tuple[float, float, float]:
    linear = LINEAR_FROM_XYZ @ _planckian_xyz(temperature_k)
    white = LINEAR_FROM_XYZ @ _planckian_xyz(WHITE_K)
    red, green, blue = (float(x) for x in np.clip(linear / white, 0, None))
    return red, green, blue


def _planckian_xyz(temperature_k: float) -> Vector:
    """CIE XYZ (3,) of a black body, of any level: Planck's radiance over wavelength."""
    power = WAVELENGTHS_NM**-5 / np.expm1(HC_OVER_K_NM_K / (WAVELENGTHS_NM * temperature_k))
    return np.array([power @ _curve(lobes) for lobes in LOBES]) * 1e15


def _curve(lobes: tuple[tuple[float, float, float, float], ...]) -> Vector:
    """One CIE 1931 colour matching function at `WAVELENGTHS_NM`.

    Wyman, Sloan and Shirley, "Simple Analytic Approximations to the CIE XYZ Color Matching
    Functions", Journal of Computer Graphics Techniques 2(2), 2013.
    """
    total = np.zeros_like(WAVELENGTHS_NM)
    for height, centre, below, above in lobes:
        width = np.where(centre > WAVELENGTHS_NM, below, above)
        total += height * np.exp(-0.5 * ((WAVELENGTHS_NM - centre) / width) ** 2)
    return total


@lru_cache(maxsize=1)
def _decoded() -> NDArray[np.float32]:
    return linear(np.arange(256) / 255).astype(np.float32)


@lru_cache(maxsize=1)
def _encoded() -> NDArray[np.uint8]:
    """8-bit sRGB of `FINEST` steps of linear light; the power itself takes ten times as long."""
    x = np.arange(FINEST + 1) / FINEST
    curved = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.round(255 * curved).astype(np.uint8)
