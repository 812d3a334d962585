"""What a look's lamps are to the shader: axes, radiance, and the kind of shadow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.pose import Vector
from simenv.render import light
from simenv.render.raster.shaders import LampKind
from simenv.spec.look import Light, Look

__all__ = ["Lamp", "ambient", "lamps"]

# What a nominal light and nominal surroundings give to a white surface that faces them, linear.
# With both, pictures have about the grey level of those of PyBullet's EGL plugin.
KEY_LEVEL, AMBIENT_LEVEL = 0.65, 0.30


@dataclass(frozen=True, eq=False)
class Lamp:
    """A far light. Its frame L has z towards it and x horizontal."""

    R_LW: NDArray[np.float64]  # (3, 3)
    radiance: Vector  # (3,) linear RGB
    shadow: float  # how much of it a shadow takes away
    tangent: float  # of its angular radius

    @property
    def kind(self) -> LampKind:
        """What its shadow is like."""
        if self.shadow == 0.0 or not self.radiance.any():
            return "bare"
        return "soft" if self.tangent > 0.0 else "hard"


def lamps(look: Look, *, shadows: bool) -> tuple[Lamp, ...]:
    """The lamps of a look: the key, lit or not, then the others that are lit."""
    others = [other for other in look.lights.values() if other.intensity > 0.0]
    return tuple(_lamp(one, shadows=shadows) for one in (look.light, *others))


def ambient(look: Look) -> Vector:
    """Linear RGB (3,) of the surroundings."""
    return np.asarray(AMBIENT_LEVEL * light.rgb(look.ambient))


def _lamp(lit: Light, *, shadows: bool) -> Lamp:
    azimuth = np.radians(lit.azimuth_deg)
    z = light.direction(lit)
    x = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    return Lamp(
        np.array([x, np.cross(z, x), z]),
        KEY_LEVEL * light.rgb(lit),
        lit.shadow if shadows else 0.0,
        float(np.tan(np.radians(lit.softness_deg))),
    )
