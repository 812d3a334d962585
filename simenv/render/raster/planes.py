"""Where a snapshot's bodies are, as boxes: between which depths they lie, what can throw a shadow.

The clipping planes follow the law of the other renderers (`Stage.triangles`, `camera.near_far`): a
body stands as its `Surface.hull`, the box around it, or itself where it has few triangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix, Vector
from simenv.render import camera
from simenv.render.surface import Surface
from simenv.scene import View

__all__ = ["Hulls", "frustum"]

CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)])
KEPT = 64  # views whose depths of furniture are remembered

Range = tuple[float, float]  # smallest and largest depth, metres


def frustum(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`camera.frustum`, remembered; do not write into it."""
    return _frustum(view.width, view.height, tuple(view.K.ravel().tolist()))


@lru_cache(maxsize=64)
def _frustum(
    width: int, height: int, K: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return camera.frustum(View("", width, height, np.array(K).reshape(3, 3), np.eye(4)))


class Hulls:
    """The bodies of a scene, in the order of ``Scene.bodies``; `place` says where they are."""

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        self._surfaces = surfaces
        bounds = np.array([(s.lower, s.upper) for s in surfaces]).reshape(-1, 2, 3)
        self._bounds = bounds.transpose(1, 0, 2)
        self._corners_B = bounds[:, CORNERS, np.arange(3)]
        hollow = np.array([surface.hollow for surface in surfaces], bool)
        self._hollow, self._plain = np.flatnonzero(hollow), np.flatnonzero(~hollow)
        self._known: dict[bytes, Range | None] = {}

    def place(self, X_WB: NDArray[np.float64]) -> None:
        """Bodies are at ``X_WB`` (N, 4, 4)."""
        self._X_WB = X_WB
        self.corners_W = self._corners_B @ X_WB[:, :3, :3].transpose(0, 2, 1)  # (N, 8, 3) metres
        self.corners_W += X_WB[:, None, :3, 3]

    def near_far(self, view: View) -> Range:
        """Clipping planes in metres."""
        X_CW = pose.inverse(view.X_WC)
        whole, cut = self._boxes_in(view)
        depths = [self._corner_depths(whole, view), self._plain_depths(view, X_CW)]
        if len(cut):
            depths.append(camera.depth_range(view, self._triangles(cut, X_CW)))
        found = [depth for depth in depths if depth is not None]
        union = (min(low for low, _ in found), max(high for _, high in found)) if found else None
        near, far = camera.planes(view, union)
        if view.near_m is None and self._encloses(cut, view.X_WC[:3, 3]):
            near = camera.NEAREST_M
        return near, far

    def _boxes_in(self, view: View) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of bodies that stand as boxes: those all in view, and those that may be in part."""
        sides, _ = frustum(view)
        rays = self.corners_W[self._hollow] - view.X_WC[:3, 3]
        inside: NDArray[np.bool_] = rays @ (view.X_WC[:3, :3] @ sides.T) >= 0
        whole = np.asarray(inside.reshape(-1, 32).all(axis=1), bool)
        if whole.all():
            return self._hollow, self._hollow[:0]
        cut = ~whole & np.all(np.any(inside, axis=1), axis=1)
        return self._hollow[whole], self._hollow[cut]

    def _corner_depths(self, rows: NDArray[np.intp], view: View) -> Range | None:
        """Of boxes all in view."""
        if not len(rows):
            return None
        z = (self.corners_W[rows] - view.X_WC[:3, 3]) @ view.X_WC[:3, 2]
        return float(z.min()), float(z.max())

    def _plain_depths(self, view: View, X_CW: Matrix) -> Range | None:
        """Of bodies that stand as themselves: furniture, remembered as it seldom moves."""
        if not len(self._plain):
            return None
        what = (view.K, view.X_WC, self._X_WB[self._plain], np.array([view.width, view.height]))
        key = b"".join(values.tobytes() for values in what)
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            triangles = self._triangles(self._plain, X_CW)
            a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
            faces_here = (np.cross(b - a, c - a) * a).sum(axis=1) < 0
            self._known[key] = camera.depth_range(view, triangles[faces_here])
        return self._known[key]

    def _triangles(self, rows: NDArray[np.intp], X_CW: Matrix) -> NDArray[np.float64]:
        """Triangles (T, 3, 3) of the hulls of some bodies, frame C."""
        hulls = [
            pose.apply(X_CW @ self._X_WB[row], self._surfaces[row].hull.reshape(-1, 3))
            for row in rows
        ]
        return np.concatenate(hulls).reshape(-1, 3, 3)

    def _encloses(self, rows: NDArray[np.intp], p_WC: Vector) -> bool:
        """Whether the eye is inside one of some bodies' boxes."""
        for row in rows:
            p_B = pose.apply(pose.inverse(self._X_WB[row]), p_WC[None])[0]
            lower_B, upper_B = self._bounds[:, row]
            if np.all((lower_B <= p_B) & (p_B <= upper_B)):
                return True
        return False
