"""The chain of a colour camera: lens, shutter, pixels, and what its processor makes of them.

All of it is in linear light, 1 being white: the clean picture is decoded from sRGB and what comes
out is encoded again (IEC 61966-2-1). In the order of the light:

    defocus -> motion -> exposure, vignetting -> pixels -> white balance -> curve -> JPEG
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.render import light
from simenv.render.renderer import Frame
from simenv.scene import View
from simenv.sensor.defocus import defocused
from simenv.sensor.motion import moved
from simenv.sensor.optics import falloff
from simenv.sensor.pixel import exposed
from simenv.spec.sensor import RgbSensor

__all__ = ["rgb_picture"]

Linear = NDArray[np.float32]  # (H, W, 3) linear light, 1 is white
FINEST = 65535  # steps of linear light in which a gamma is looked up


def rgb_picture(
    frame: Frame,
    view: View,
    spec: RgbSensor,
    rng: np.random.Generator,
    velocity_px_s: NDArray[np.float32] | None,
) -> NDArray[np.uint8]:
    """What the device makes of ``frame``, (H, W, 3).

    A ``spec`` that says nothing gives the clean picture, bit for bit. The same state of ``rng``
    gives the same bits on one machine.

    Args:
        frame: the clean picture; its depth is what defocus and motion need.
        view: the camera that took it.
        spec: the device.
        rng: where everything random comes from.
        velocity_px_s: (H, W, 2) image velocity of the surface in each pixel, x and y, pixels per
            second; None where ``spec.needs_velocity`` is False.
    """
    picture: Linear = light.decode(frame.rgb)
    if spec.defocus is not None:
        picture = defocused(picture, frame.depth_m, view, spec.defocus)
    if spec.needs_velocity:
        assert velocity_px_s is not None, "a sensor with exposure_s needs the image velocity"
        picture = moved(picture, frame.depth_m, velocity_px_s * np.float32(spec.exposure_s))
    gain = falloff(view, spec) * np.float32(2.0**spec.exposure_ev)
    picture = _times(picture, gain)
    picture = exposed(picture, spec, rng)
    picture = _times(picture, white_balance(spec))
    shown = _curve(picture, spec)
    return shown if spec.jpeg_quality is None else _jpeg(shown, spec.jpeg_quality)


def white_balance(spec: RgbSensor) -> NDArray[np.float32]:
    """(3,) factors that make a light of ``white_balance_k`` grey, that of green being 1."""
    red, green, blue = light.black_body(spec.white_balance_k)
    # Lights below 1900 K have no blue that a screen can show: a camera's gain ends, too.
    gains = np.array([green / red, 1.0, min(green / max(blue, 1e-9), 16.0)])
    return np.asarray(gains * spec.white_balance_gains, dtype=np.float32)


def _times(picture: Linear, factor: NDArray[np.float32]) -> Linear:
    """``picture`` times ``factor``, any shape that broadcasts; itself where that is 1."""
    return picture if (factor == 1).all() else picture * factor


def _curve(picture: Linear, spec: RgbSensor) -> NDArray[np.uint8]:
    if spec.gamma is None:
        return light.encode(picture)
    steps = np.float32(FINEST) * np.clip(picture, 0, 1)
    return np.take(_powers(spec.gamma), (steps + np.float32(0.5)).astype(np.uint16))


@lru_cache(maxsize=8)
def _powers(gamma: float) -> NDArray[np.uint8]:
    curved = (np.arange(FINEST + 1) / FINEST) ** gamma
    return np.round(255 * curved).astype(np.uint8)


def _jpeg(shown: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Through a JPEG file as OpenCV writes it: colour at half the resolution."""
    done, packed = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    unpacked = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(unpacked[..., ::-1])
