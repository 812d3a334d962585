"""An independent judge of pictures: one ray through each pixel centre, against every triangle.

Moeller and Trumbore 1997, plain numpy, no code of simenv: what it says follows from the meshes,
the poses and K alone; behind a lens that bends, the rays are OpenCV's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.scene import Snapshot, View


@dataclass(frozen=True, eq=False)
class Truth:
    """What a perfect camera sees."""

    depth_m: NDArray[np.float64]  # (H, W) 0 = nothing
    instance: NDArray[np.int64]  # (H, W) body id, -1 = nothing


def rays_of(view: View) -> NDArray[np.float64]:
    """The ray through each pixel centre (H, W, 3), camera frame, of unit z."""
    v, u = np.mgrid[0 : view.height, 0 : view.width].astype(np.float64)
    if view.distortion is not None:
        assert view.K[0, 1] == 0, "cv2 knows no skew"
        criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 200, 1e-12)
        pairs = np.stack([u, v], axis=-1).reshape(-1, 1, 2)
        straight = cv2.undistortImagePoints(pairs, view.K, view.distortion, arg1=criteria)
        u, v = np.moveaxis(straight.reshape(view.height, view.width, 2), 2, 0)
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1)
    return np.asarray(pixels @ np.linalg.inv(view.K).T)


def cast(snapshot: Snapshot, view: View) -> Truth:
    """The picture of all bodies of ``snapshot``."""
    rays, X_CW = rays_of(view), np.linalg.inv(view.X_WC)
    columns, rows = _bounds(rays)
    depth = np.full(rays.shape[:2], np.inf)
    instance = np.full(rays.shape[:2], -1)
    for body, X_WB in zip(snapshot.scene.bodies, snapshot.X_WB, strict=True):
        mesh, X_CB = snapshot.scene.objects[body.object].mesh, X_CW @ X_WB
        for corners in (mesh.vertices @ X_CB[:3, :3].T + X_CB[:3, 3])[mesh.faces]:
            window = _window(corners, columns, rows)
            z = _depth(corners, rays[window])
            nearer = z < depth[window]
            depth[window][nearer] = z[nearer]
            instance[window][nearer] = body.id
    depth[np.isinf(depth)] = 0.0
    return Truth(depth, instance)


def _bounds(rays: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and largest x of the rays of each column (2, W), and y of each row (2, H)."""
    x, y = rays[..., 0], rays[..., 1]
    return np.stack([x.min(axis=0), x.max(axis=0)]), np.stack([y.min(axis=1), y.max(axis=1)])


def _window(
    corners: NDArray[np.float64], columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[slice, slice]:
    """Rows and columns that a triangle (3, 3) may cover."""
    if (corners[:, 2] <= 0).any():
        return slice(None), slice(None)
    xy = corners[:, :2] / corners[:, 2:]
    low, high = xy.min(axis=0), xy.max(axis=0)
    return _run(rows, low[1], high[1]), _run(columns, low[0], high[0])


def _run(bounds: NDArray[np.float64], low: float, high: float) -> slice:
    touched = np.flatnonzero((bounds[0] <= high) & (bounds[1] >= low))
    return slice(touched[0], touched[-1] + 1) if len(touched) else slice(0, 0)


def _depth(corners: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance along z at which rays (H, W, 3) enter a front-facing triangle; inf for none."""
    a, b, c = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    if np.cross(b, c) @ a >= 0:  # turned away
        return np.full(rays.shape[:2], np.inf)
    q = np.cross(-a, b)
    p = np.cross(rays, c)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = p @ b
        s, t, z = (p @ -a) / determinant, (rays @ q) / determinant, (q @ c) / determinant
        hit = (s >= 0) & (t >= 0) & (s + t <= 1) & (z > 0)
    return np.where(hit, z, np.inf)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    return float(np.sum(a & b) / np.sum(a | b))
