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
from simenv.pose import Matrix
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
        depths = [*self._hollow_depths(view, X_CW), self._plain_depths(view, X_CW)]
        found = [depth for depth in depths if depth is not None]
        union = (min(low for low, _ in found), max(high for _, high in found)) if found else None
        near, far = camera.planes(view, union)
        if view.near_m is None and self._encloses(view):
            near = camera.NEAREST_M
        return near, far

    def _hollow_depths(self, view: View, X_CW: Matrix) -> list[Range | None]:
        """Of bodies that stand as boxes. One all in view is as deep as its corners."""
        if not len(self._hollow):
            return []
        sides, _ = frustum(view)
        measure = np.vstack([sides, [0.0, 0.0, 1.0]])
        measured = self.corners_W[self._hollow] @ (measure @ X_CW[:3, :3]).T
        measured += measure @ X_CW[:3, 3]
        inside: NDArray[np.bool_] = measured[..., :4] >= 0
        whole = inside.all(axis=(1, 2))
        cut = ~whole & np.all(np.any(inside, axis=1), axis=1)
        ranges: list[Range | None] = []
        if whole.any():
            z = measured[whole][..., 4]
            ranges.append((float(z.min()), float(z.max())))
        if cut.any():
            triangles_C = self._triangles(self._hollow[cut], X_CW)
            ranges.append(camera.depth_range(view, triangles_C))
        return ranges

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

    def _encloses(self, view: View) -> bool:
        """Whether the eye is inside the box of a body that is not all there is of it."""
        if not len(self._hollow):
            return False
        eye, corners = view.X_WC[:3, 3], self.corners_W[self._hollow]
        lower, upper = corners.min(axis=1), corners.max(axis=1)
        near = self._hollow[((lower <= eye) & (eye <= upper)).all(axis=1)]
        for row in near:
            p_B = pose.apply(pose.inverse(self._X_WB[row]), eye[None])[0]
            lower_B, upper_B = self._bounds[:, row]
            if np.all((lower_B <= p_B) & (p_B <= upper_B)):
                return True
        return False
