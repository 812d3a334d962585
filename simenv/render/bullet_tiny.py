"""How TinyRenderer draws: on the CPU alone, several times slower, wherever PyBullet runs."""

from typing import Any

import numpy as np

from simenv.engine import pybullet
from simenv.pose import Vector
from simenv.render.bullet import BulletRenderer
from simenv.scene import View

__all__ = ["TinyRenderer"]

# The shadow map is drawn with the camera's own projection, from a light that looks at the origin:
# the planes must hold the scene as the light sees it, too. A surface is in the shadow of what is
# more than 0.05 - near units in front of it: TinyRenderer.cpp compares two kinds of depth and
# adds a "magic coeff". Depth is a float here, so planes far apart cost little.
NEAR = 0.03  # stage units: 15 mm
FAR_ROOM = 4.0  # times the distance of the farthest surface in view
LIGHT_FARTHER = 1.5  # than the camera from the middle of the scene: it sees what the camera sees


class TinyRenderer(BulletRenderer):
    """The fallback that needs no graphics library; any number may be open."""

    name = "tiny"
    device = "TinyRenderer (CPU)"
    scale = 2.0  # makes the 0.02 units that throw no shadow 10 mm
    reuse = False  # it draws in the order of a hash map that removals stir
    sample_offset = 0.5  # pixels are sampled at corners, half a pixel from OpenCV's centres

    def _connect(self) -> int:
        return int(pybullet.connect(pybullet.DIRECT))

    def _disconnect(self) -> None:
        pybullet.disconnect(self._client)

    def _near_far(self, view: View) -> tuple[float, float]:
        near, far = super()._near_far(view)
        near = NEAR / self._stage.scale if view.near_m is None else near
        return near, far * FAR_ROOM if view.far_m is None else far

    def _light(self, direction: Vector, eye_S: Vector, view: View) -> dict[str, Any]:
        return {
            "lightDirection": direction,
            "lightColor": (1.0, 1.0, 1.0),
            "lightDistance": LIGHT_FARTHER * float(np.linalg.norm(eye_S)),
            "shadow": int(view.near_m is None),
            "lightAmbientCoeff": 0.5,
            "lightDiffuseCoeff": 0.5,
            "lightSpecularCoeff": 0.0,
            "renderer": pybullet.ER_TINY_RENDERER,
        }
