"""What a pixel counts: photons and electrons after EMVA 1288, behind a filter of one colour.

EMVA Standard 1288, Release 4.0 Linear (2021), section 2: n electrons have the variance n (shot
noise), the amplifier adds the dark noise, the converter rounds. Shot noise is drawn as normal, not
Poisson: the mean and the variance are the same, and above some 20 electrons the shape is, too.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.spec.sensor import Noise, RgbSensor

__all__ = ["counted", "exposed", "white_e"]

Light = NDArray[np.float32]  # (H, W, 3), or (H, W, 1) behind a mosaic; linear, 1 is white
FULL = 60000  # white in the 16-bit picture that is interpolated; below it room for dark noise
BLACK = 4000

# Which of red (0), green (1), blue (2) is at [row & 1][column & 1].
MOSAIC = {
    "rggb": ((0, 1), (1, 2)),
    "bggr": ((2, 1), (1, 0)),
    "grbg": ((1, 0), (2, 1)),
    "gbrg": ((1, 2), (0, 1)),
}
# OpenCV names a mosaic after its second row, second column on.
INTERPOLATE = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
}


def exposed(light: Light, spec: RgbSensor, rng: np.random.Generator) -> Light:
    """The picture that the pixels give of ``light`` (H, W, 3); linear, white is 1.

    Dark noise stays symmetric: a camera counts from a pedestal and takes it away again.
    """
    if spec.noise is None and spec.bayer is None:
        return light
    if spec.bayer is not None:
        light = filtered(light, spec.bayer)
    light = np.minimum(light, 1) if spec.noise is None else counted(light, spec.noise, rng)
    return light if spec.bayer is None else interpolated(light[..., 0], spec.bayer)


def white_e(noise: Noise) -> float:
    """Electrons in a pixel that shows white."""
    return noise.full_well_e / float(10 ** (noise.gain_db / 20))


def counted(light: Light, noise: Noise, rng: np.random.Generator) -> Light:
    """``light`` as electrons that were counted and divided by those of white again."""
    white = np.float32(white_e(noise))
    electrons = np.clip(light, 0, 1) * white
    if noise.prnu or noise.dsnu_e:
        sensitivity, dark = _pattern(light.shape, noise.serial)
        electrons *= 1 + np.float32(noise.prnu) * sensitivity
        np.maximum(electrons, 0, out=electrons)
    spread = np.sqrt(electrons + np.float32(noise.read_noise_e**2))
    spread *= rng.standard_normal(light.shape, dtype=np.float32)
    electrons += spread
    if noise.dsnu_e:
        electrons += np.float32(noise.dsnu_e) * dark
    steps = np.float32(2**noise.bits - 1)
    electrons *= steps / white
    np.rint(electrons, out=electrons)
    np.minimum(electrons, steps, out=electrons)
    electrons *= 1 / steps
    return electrons


@lru_cache(maxsize=4)
def _pattern(shape: tuple[int, ...], serial: int) -> tuple[Light, Light]:
    """What tells the pixels of one device apart, two of ``shape``: standard normal."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(serial)))
    sensitivity, dark = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
    for pattern in (sensitivity, dark):
        pattern.setflags(write=False)
    return sensitivity, dark


def filtered(light: Light, mosaic: str) -> Light:
    """What passes the colour filters, (H, W, 1)."""
    passed = np.empty(light.shape[:2], dtype=np.float32)
    for row, colors in enumerate(MOSAIC[mosaic]):
        for column, color in enumerate(colors):
            passed[row::2, column::2] = light[row::2, column::2, color]
    return passed[..., None]


def interpolated(raw: NDArray[np.float32], mosaic: str) -> Light:
    """All three colours (H, W, 3) of a mosaic (H, W): bilinear, as in many cameras."""
    steps = np.clip(raw * np.float32(FULL - BLACK) + np.float32(BLACK + 0.5), 0, 65535)
    full = cv2.cvtColor(steps.astype(np.uint16), INTERPOLATE[mosaic]).astype(np.float32)
    return np.asarray((full - np.float32(BLACK)) * np.float32(1 / (FULL - BLACK)))
