"""How PyBullet's EGL plugin draws: the GPU renderer, or Mesa's llvmpipe where there is no GPU."""

import importlib.util
import weakref
from typing import Any, ClassVar

from simenv.engine import pybullet
from simenv.errors import EngineError, RendererUnavailable
from simenv.pose import Vector
from simenv.quiet import quiet
from simenv.render import shadowmap
from simenv.render.bullet import BulletRenderer
from simenv.render.relight import Shading

__all__ = ["EglRenderer", "load_plugin", "plugin_path"]

# The light is a position; the map covers distances 1..300 from it. Far, so that rays are parallel.
LIGHT_DISTANCE = 100.0  # stage units
NO_SHADOW_DISTANCE = 1000.0  # everything is past the map's end, and counts as lit
SHADOW_MAP_SIZE = 1024  # texels; with scaling, as fine as the plugin's 4096 without it
WARM_UP_PICTURES = 2  # the picture after the one that makes the shadow map has no shadows yet


def plugin_path() -> str | None:
    """The plugin's shared library, None where PyBullet was built without it."""
    spec = importlib.util.find_spec("eglRenderer")
    return None if spec is None else spec.origin


def load_plugin(client: int) -> bool:
    """Load the plugin; ends the whole process with exit(1) where EGL does not work."""
    path = plugin_path()
    if path is None:
        return False
    return bool(pybullet.loadPlugin(path, "_eglRendererPlugin", physicsClientId=client) >= 0)


class EglRenderer(BulletRenderer):
    """The reference renderer. Open it through `open_renderer`, which probes first.

    Raises:
        EngineError: if one is open in this process; a second one would blank the first for good.
        RendererUnavailable: if the plugin is missing.
    """

    name = "egl"
    reach = 9.0  # of the 10 units that the shadow map covers on each side of the origin
    # useShadowMapInstancingPS.glsl of bullet3: albedo (0.5 + 0.5 I + highlight), where I is
    # (0.5 + 0.5 n.l) (0.7 + 0.3 visible) and nothing that faces away is visible.
    shading = Shading(lit=(0.75, 0.25), unlit=(0.675, 0.175), highlights=True)
    largest_tile = (1024, 768)  # the plugin's window; more is enlarged from it
    _open: ClassVar["weakref.ref[EglRenderer] | None"] = None

    def __init__(self, device: str = "EGL") -> None:
        other = EglRenderer._open() if EglRenderer._open is not None else None
        if other is not None and other._client >= 0:
            raise EngineError(
                "an EGL renderer is open in this process and a second one would blank it; "
                "close() it first, or pass it on"
            )
        self.device = device
        super().__init__()
        EglRenderer._open = weakref.ref(self)

    def _connect(self) -> int:
        with quiet() as said:
            client = int(pybullet.connect(pybullet.DIRECT))
            loaded = load_plugin(client)
            if loaded:
                with shadowmap.limited_to(SHADOW_MAP_SIZE):
                    for _ in range(WARM_UP_PICTURES):
                        pybullet.getCameraImage(8, 8, physicsClientId=client)
            else:
                pybullet.disconnect(client)
        if not loaded:
            raise RendererUnavailable(f"PyBullet's EGL plugin did not load: {said.text.strip()}")
        # Also at the end of the process, which would print otherwise.
        self._end = weakref.finalize(self, _disconnect, client)
        return client

    def _disconnect(self) -> None:
        self._end()

    def _light(self, direction: Vector, *, shadows: bool) -> dict[str, Any]:
        distance = LIGHT_DISTANCE if shadows else NO_SHADOW_DISTANCE
        return {
            "lightDirection": direction * distance,  # sticky: pass it every time
            "renderer": pybullet.ER_BULLET_HARDWARE_OPENGL,
        }


def _disconnect(client: int) -> None:
    with quiet():
        pybullet.disconnect(client)
