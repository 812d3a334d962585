"""How TinyRenderer draws: on the CPU alone, several times slower, wherever PyBullet runs."""

from typing import Any

from simenv.engine import pybullet
from simenv.pose import Vector
from simenv.render.bullet import BulletRenderer
from simenv.render.relight import Shading

__all__ = ["TinyRenderer"]


class TinyRenderer(BulletRenderer):
    """The fallback that needs no graphics library; any number may be open.

    It throws no shadows: Tiny's would cost 2.5 times the picture, and its depth test ("magic coeff"
    in TinyRenderer.cpp) draws stripes on surfaces that the light grazes.
    """

    name = "tiny"
    device = "TinyRenderer (CPU)"
    shading = Shading(lit=(0.5, 0.5), unlit=(0.5, 0.0))
    shadows = False
    reuse = False  # it draws in the order of a hash map that removals stir
    sample_offset = 0.5  # pixels are sampled at corners, half a pixel from OpenCV's centres

    def _connect(self) -> int:
        return int(pybullet.connect(pybullet.DIRECT))

    def _disconnect(self) -> None:
        pybullet.disconnect(self._client)

    def _light(self, direction: Vector, *, shadows: bool) -> dict[str, Any]:
        return {
            "lightDirection": direction,
            "lightColor": (1.0, 1.0, 1.0),
            "lightDistance": 10.0,  # only shadows depend on it
            "shadow": 0,
            "lightAmbientCoeff": 0.5,
            "lightDiffuseCoeff": 0.5,
            "lightSpecularCoeff": 0.0,
            "renderer": pybullet.ER_TINY_RENDERER,
        }
