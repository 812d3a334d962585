"""What is measured is a disparity: it has noise, and comes in steps."""

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.spec.sensor import DepthSensor

__all__ = ["measured", "smooth_noise"]

Pixels = NDArray[np.float32]  # (H, W)
STEEPEST = np.float32(np.cos(np.radians(89.0)))  # where the noise of slanted surfaces stops to grow


def measured(
    depth_m: Pixels, fb: float, spec: DepthSensor, slant: Pixels | None, rng: np.random.Generator
) -> Pixels:
    """``depth_m`` (H, W; 0 = no reading) through a noisy disparity in steps; metres again.

    ``fb`` is fx times the baseline, ``slant`` (H, W) the cosine of the angle off the normal. The
    noise is normal with sigma_d_px in disparity, so its depth error grows with z^2 (Khoshelham and
    Elberink 2012; Intel's "RMS = z^2 subpixel / (f b)" for the RealSense D400 says the same), and
    with sigma_angle_m it grows on slanted surfaces (Nguyen, Izadi and Lovell 2012).
    """
    if not (spec.sigma_d_px or spec.sigma_angle_m or spec.disparity_step_px):
        return depth_m
    surface = depth_m > 0
    disparity = np.divide(np.float32(fb), depth_m, out=np.zeros_like(depth_m), where=surface)
    if spec.sigma_d_px or spec.sigma_angle_m:
        noise = smooth_noise((depth_m.shape[0], depth_m.shape[1]), spec.correlation_px, rng)
        disparity += noise * _sigma(depth_m, fb, spec, slant)
    if spec.disparity_step_px:
        step = np.float32(spec.disparity_step_px)
        disparity = step * np.rint(disparity / step)
    surface &= disparity > 0  # else beyond infinity
    return np.divide(np.float32(fb), disparity, out=np.zeros_like(depth_m), where=surface)


def _sigma(depth_m: Pixels, fb: float, spec: DepthSensor, slant: Pixels | None) -> Pixels:
    """Standard deviation of the disparity in pixels, (H, W) or one number."""
    sigma = np.asarray(spec.sigma_d_px, dtype=np.float32)
    if not spec.sigma_angle_m:
        return sigma
    assert slant is not None
    angle = np.arccos(np.maximum(slant, STEEPEST))
    ratio = angle / (np.float32(np.pi / 2) - angle)
    # sigma_angle_m / sqrt(z) metres of depth, of which one is fb / z^2 pixels.
    z = np.maximum(depth_m, np.float32(1e-3))
    slanted = np.float32(spec.sigma_angle_m * fb) * ratio**2 / (z * z * np.sqrt(z))
    return np.asarray(sigma + slanted)


def smooth_noise(shape: tuple[int, int], sigma_px: float, rng: np.random.Generator) -> Pixels:
    """Normal numbers (H, W) of standard deviation 1, smoothed by a Gaussian of ``sigma_px``.

    Two of them r pixels apart have the correlation exp(-r^2 / (4 sigma_px^2)).
    """
    radius = int(np.ceil(3 * sigma_px))
    height, width = shape
    noise = rng.standard_normal((height + 2 * radius, width + 2 * radius), dtype=np.float32)
    if not radius:
        return noise
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    kernel /= np.sqrt((kernel**2).sum())  # keeps the variance, not the mean
    smooth = np.asarray(cv2.sepFilter2D(noise, -1, kernel, kernel), dtype=np.float32)
    return smooth[radius:-radius, radius:-radius]
