"""Between which depths a snapshot's surfaces lie: the law of the other renderers, a scene at once.

Each body stands as its `Surface.hull`, the box around it or itself where it has few triangles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix, Vector
from simenv.render import camera
from simenv.render.surface import Surface
from simenv.scene import View

__all__ = ["Hulls"]


class Hulls:
    """The hulls of a scene's bodies, in the order of ``Scene.bodies``."""

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        counts = [len(surface.hull) for surface in surfaces]
        hollow = np.array([surface.hollow for surface in surfaces], bool)
        self._triangles_B = np.concatenate([*(s.hull for s in surfaces), np.zeros((0, 3, 3))])
        self._owner = np.repeat(np.arange(len(surfaces)), counts)
        self._hollow = np.repeat(hollow, counts)
        self._boxed = np.flatnonzero(hollow)
        boxes = [(s.lower, s.upper) for s in surfaces if s.hollow]
        lower, upper = np.array(boxes).reshape(-1, 2, 3).transpose(1, 0, 2)
        self._middle, self._half = (lower + upper) / 2, (upper - lower) / 2

    def triangles(self, X_WB: NDArray[np.float64]) -> NDArray[np.float64]:
        """Triangles (T, 3, 3) in the world, bodies being at ``X_WB`` (N, 4, 4)."""
        X = X_WB[self._owner]
        p_W = self._triangles_B @ X[:, :3, :3].transpose(0, 2, 1)
        return np.asarray(p_W + X[:, None, :3, 3])

    def near_far(
        self, view: View, X_WB: NDArray[np.float64], triangles_W: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Clipping planes in metres; ``triangles_W`` are those of `triangles`."""
        X_CW = pose.inverse(view.X_WC)
        near, far = camera.near_far(view, self._seen(triangles_W, X_CW))
        if view.near_m is None and self._encloses(X_WB, view.X_WC[:3, 3]):
            near = camera.NEAREST_M
        return near, far

    def _seen(self, triangles_W: NDArray[np.float64], X_CW: Matrix) -> NDArray[np.float64]:
        """Triangles (T, 3, 3) in frame C that hold all that its eye may see."""
        triangles = triangles_W @ X_CW[:3, :3].T + X_CW[:3, 3]
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        faces_away = (np.cross(b - a, c - a) * a).sum(axis=1) >= 0
        return np.asarray(triangles[self._hollow | ~faces_away])

    def _encloses(self, X_WB: NDArray[np.float64], p_WC: Vector) -> bool:
        """Whether the eye is inside the box of a body that may be hollow."""
        X = X_WB[self._boxed]
        p_B = ((p_WC - X[:, :3, 3])[:, None, :] @ X[:, :3, :3])[:, 0]
        return bool(np.any(np.all(np.abs(p_B - self._middle) <= self._half, axis=1)))
