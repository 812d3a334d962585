"""Where the border of a picture falls on what carries parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.compose.camera import cameras
from simenv.compose.ledge import tops
from simenv.errors import InputError
from simenv.scene import Camera
from simenv.spec.task import TaskSpec

__all__ = ["on_border"]

TRIES = 256
MARGIN_M = 0.03  # from the edge of what carries the part
OFF_PX = 0.01  # of the picture's width: how far from the border the weight may be seen


def on_border(
    spec: TaskSpec, name: str | None, rng: np.random.Generator, *, where: str
) -> NDArray[np.float64]:
    """A point (3,) on a belt, table or bin that the camera sees at the border of its first picture.

    Raises:
        InputError: if a body carries the camera, or its border falls on nothing of that.
    """
    camera = next(own for own in cameras(spec) if name in (None, own.name))
    if camera.body is None:
        for _ in range(TRIES):
            for point in _points(spec, camera, rng):
                return point
    raise InputError(
        f"edge_cases.{where}: the border of camera {camera.name} falls on no belt, table or bin; "
        f"name one of {', '.join(spec.cameras)} with camera, or move it"
    )


def _points(spec: TaskSpec, camera: Camera, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Where the ray of one pixel near the border meets the tops, the nearest first."""
    view = camera.view(0.0)
    direction = view.X_WC[:3, :3] @ _ray(camera, rng)
    eye = view.X_WC[:3, 3]
    found = []
    for top in tops(spec.scene):
        along = (top.z_m - eye[2]) / direction[2] if direction[2] < 0 else -1.0
        point = eye + along * direction
        if along > 0 and top.holds(point[:2], margin_m=MARGIN_M):
            found.append((along, point))
    return [point for _, point in sorted(found, key=lambda pair: pair[0])]


def _ray(camera: Camera, rng: np.random.Generator) -> NDArray[np.float64]:
    """Direction (3,) in the camera of a pixel within a hair of the border."""
    size = np.array([camera.width, camera.height])
    uv = rng.random(2) * size - 0.5
    side, along = int(rng.integers(2)), int(rng.integers(2))
    off = rng.uniform(-OFF_PX, OFF_PX) * camera.width
    uv[along] = side * size[along] - 0.5 + off
    inside = np.clip(uv, 0, size - 1).round().astype(int)
    x, y = lens.rays(camera.width, camera.height, camera.K, camera.distortion)[inside[1], inside[0]]
    return np.array([x, y, 1.0])
