"""An independent judge of pictures through bent lenses: OpenCV's rays against every triangle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View

BARREL = np.array([-0.28, 0.07, 8e-4, -4e-4, 0.0, 0.0, 0.0, 0.0])
CUSHION = np.array([0.22, -0.05, -6e-4, 5e-4, 0.01, 0.0, 0.0, 0.0])
RATIONAL = np.array([0.4, 0.1, 3e-4, -2e-4, 0.01, 0.7, 0.2, 0.02])
FOLDING = np.array([-0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # comes back at r = 0.91
CLOSE = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 300, 1e-13)


def rays_of(view: View) -> NDArray[np.float64]:
    """The ray through each pixel centre (H, W, 3), camera frame, of unit z."""
    v, u = np.mgrid[0 : view.height, 0 : view.width].astype(np.float64)
    pixels = np.stack([u, v], axis=-1).reshape(-1, 1, 2)
    xy = cv2.undistortPoints(pixels, view.K, view.distortion, None, None, None, CLOSE)
    ones = np.ones((view.height, view.width, 1))
    return np.concatenate([xy.reshape(view.height, view.width, 2), ones], axis=2)


def cast(snapshot: Snapshot, view: View) -> Frame:
    """The picture of all bodies: true depth and instance, no colour."""
    rays, X_CW = rays_of(view), np.linalg.inv(view.X_WC)
    depth = np.full(rays.shape[:2], np.inf)
    instance = np.zeros(rays.shape[:2], np.uint16)
    for body, X_WB in zip(snapshot.scene.bodies, snapshot.X_WB, strict=True):
        mesh, X_CB = snapshot.scene.objects[body.object].mesh, X_CW @ X_WB
        for corners in (mesh.vertices @ X_CB[:3, :3].T + X_CB[:3, 3])[mesh.faces]:
            z = _depth(corners, rays)
            nearer = z < depth
            depth[nearer], instance[nearer] = z[nearer], body.id
    depth[np.isinf(depth)] = 0.0
    rgb = np.zeros((*depth.shape, 3), np.uint8)
    return Frame(rgb, depth.astype(np.float32), instance, (0.01, 10.0))


def _depth(corners: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where rays (H, W, 3) meet the front of a triangle (Moeller and Trumbore 1997); or inf."""
    a, b, c = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    if np.cross(b, c) @ a >= 0:
        return np.full(rays.shape[:2], np.inf)
    p, q = np.cross(rays, c), np.cross(-a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        s, t, z = ((p @ -a), (rays @ q), np.full(rays.shape[:2], q @ c)) / (p @ b)
    return np.where((s >= 0) & (t >= 0) & (s + t <= 1) & (z > 0), z, np.inf)
