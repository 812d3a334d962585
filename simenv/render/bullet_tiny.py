"""How TinyRenderer draws: on the CPU alone, several times slower, wherever PyBullet runs."""

from typing import Any

import pybullet

from simenv.pose import Vector
from simenv.render.bullet import BulletRenderer

__all__ = ["TinyRenderer"]


class TinyRenderer(BulletRenderer):
    """The fallback that needs no graphics library; any number may be open."""

    name = "tiny"
    device = "TinyRenderer (CPU)"
    sample_offset = 0.5  # it samples a pixel at its upper left corner... of OpenGL's pixel grid

    def _connect(self) -> int:
        return int(pybullet.connect(pybullet.DIRECT))

    def _disconnect(self) -> None:
        pybullet.disconnect(self._client)

    def _light(self, direction: Vector) -> dict[str, Any]:
        return {
            "lightDirection": direction,
            "lightColor": (1.0, 1.0, 1.0),
            "lightDistance": 5.0,
            "shadow": 1,
            "lightAmbientCoeff": 0.6,
            "lightDiffuseCoeff": 0.4,
            "lightSpecularCoeff": 0.05,
            "renderer": pybullet.ER_TINY_RENDERER,
        }
