"""Where the surface points are that a picture shows, and whose they are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.render.renderer import Frame
from simenv.scene import Scene, Snapshot, View

__all__ = ["Points", "camera_poses", "row_of_id"]


@dataclass(frozen=True, eq=False)
class Points:
    """The P pixels that show a surface of a body, the floor included."""

    v: NDArray[np.int64]  # (P,) row of the picture
    u: NDArray[np.int64]  # (P,) column
    body: NDArray[np.int64]  # (P,) row of Scene.bodies
    xy: NDArray[np.float64]  # (P, 2) direction x/z, y/z
    z_m: NDArray[np.float64]  # (P,)

    @classmethod
    def of(cls, scene: Scene, view: View, frame: Frame, *, floor: bool = True) -> "Points":
        """Read them off ``frame``; without ``floor`` only bodies with an id."""
        there = (frame.depth_m > 0) if floor else (frame.instance > 0)
        v, u = np.nonzero(there)
        body = row_of_id(scene)[frame.instance[v, u]]
        xy = lens.rays(view.width, view.height, view.K, view.distortion)[v, u]
        known = (body >= 0) & np.isfinite(xy[:, 0])
        if not known.all():
            v, u, body, xy = v[known], u[known], body[known], xy[known]
        return cls(v, u, body, xy, frame.depth_m[v, u].astype(np.float64))

    @property
    def p_C(self) -> NDArray[np.float64]:
        """(P, 3) metres in the camera's frame."""
        return np.column_stack([self.xy * self.z_m[:, None], self.z_m])

    def carried(self, X_AC: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each point (P, 3) by the pose of its own body, one (4, 4) for each of Scene.bodies."""
        x, y, z = self.p_C.T
        moved = np.empty((len(x), 3))
        for i in range(3):  # number by number: whole matrices for all pixels would be slow
            a, b, c, d = (np.take(X_AC[:, i, k], self.body) for k in range(4))
            moved[:, i] = a * x + b * y + c * z + d
        return moved


@lru_cache(maxsize=4)
def row_of_id(scene: Scene) -> NDArray[np.int64]:
    """Row of Scene.bodies by id, (65536,); -1 for no body. The floor has id 0."""
    rows = np.full(1 << 16, -1)
    rows[[body.id for body in scene.bodies]] = np.arange(len(scene.bodies))
    return rows


def camera_poses(snapshot: Snapshot, view: View) -> NDArray[np.float64]:
    """X_CB (N, 4, 4) of all bodies, in the order of Scene.bodies."""
    return np.asarray(pose.inverse(view.X_WC) @ snapshot.X_WB)
