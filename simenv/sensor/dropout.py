"""Where a depth camera finds nothing: too slanted, too dark, blinded, too plain, or by chance."""

from collections.abc import Iterator
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.render import light
from simenv.render.renderer import Frame
from simenv.sensor.disparity import smooth_noise
from simenv.spec.sensor import DepthSensor

__all__ = ["by_light", "grazing", "specks"]

Pixels = NDArray[np.float32]  # (H, W)
Mask = NDArray[np.bool_]  # (H, W)
SOFT_DEG = 5.0  # from all readings to half of them, and on to none
LUMINANCE = np.array([[light.luminance(*color) for color in np.eye(3)]], dtype=np.float32)
MATCHED_PX = 9  # side of the square whose contrast decides


def grazing(slant: Pixels, limit_deg: float, rng: np.random.Generator) -> Mask:
    """Lost to the slant: half at ``limit_deg`` off the normal, none 5 degrees before, all after."""
    off_deg = np.degrees(np.arccos(slant)) - np.float32(limit_deg)
    return _drawn(0.5 + off_deg / np.float32(2 * SOFT_DEG), rng)


def by_light(
    frame: Frame, spec: DepthSensor, slant: Pixels | None, rng: np.random.Generator
) -> Iterator[Mask]:
    """Lost to darkness, to glints, and to plain surfaces; the picture's luminance says which.

    The share goes from none to all while the light goes from 1.5 times the limit to half of it.
    What comes back of a projector's light is luminance cos / z^2: Lambert's law and the inverse
    square. The luminance of the clean picture stands for the reflectance, lamps included.
    """
    luminance = np.asarray(cv2.transform(light.decode(frame.rgb), LUMINANCE), np.float32)
    if spec.min_return:
        back = luminance
        if spec.kind == "structured_light":
            assert slant is not None
            z = np.maximum(frame.depth_m, np.float32(1e-3))
            back = luminance * slant / (z * z)
        yield _drawn(1.5 - back / np.float32(spec.min_return), rng)
    if spec.max_luminance < 1:
        yield luminance > spec.max_luminance
    if spec.min_contrast:
        yield _drawn(1.5 - _contrast(luminance) / np.float32(spec.min_contrast), rng)


def specks(shape: tuple[int, int], share: float, size_px: float, rng: np.random.Generator) -> Mask:
    """A ``share`` of all pixels, in specks: where smooth noise is below its quantile."""
    return np.asarray(smooth_noise(shape, size_px, rng) < NormalDist().inv_cdf(share))


def _contrast(luminance: Pixels) -> Pixels:
    """Standard deviation over mean of the light around each pixel."""
    side = (MATCHED_PX, MATCHED_PX)
    mean = cv2.blur(luminance, side)
    variance = cv2.blur(luminance * luminance, side) - mean * mean
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / np.maximum(mean, np.float32(1e-3)))


def _drawn(share: Pixels, rng: np.random.Generator) -> Mask:
    """True with the probability ``share``, pixel by pixel."""
    return np.asarray(rng.random(share.shape, dtype=np.float32) < share)
