"""What a device makes of a clean picture: pure functions of arrays and of a random generator."""

from simenv.sensor.depth import depth_picture
from simenv.sensor.rgb import rgb_picture

__all__ = ["depth_picture", "rgb_picture"]
