"""Where in a picture a part stands: the pixel of the point below its middle, where it is lowest.

Not the middle of its box: that of a tall part is higher in a slanting camera's picture, wherever it
stands, so that it would say of every domain that places and classes go together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simenv import lens, mesh

__all__ = ["foot", "foot_uv"]

Floats = NDArray[np.float64]

NEAREST_M = 1e-6  # along the camera's axis; what is not in front of it has no pixel


def foot(X_WB: Floats, points: Floats) -> Floats:
    """The point (N, 3) of the world below the middle of a body, as low as the body is.

    Args:
        X_WB: (N, 4, 4) poses of one object.
        points: (V, 3) its surface, body frame, metres.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    p_W = X_WB[:, :3, :3] @ middle + X_WB[:, :3, 3]
    p_W[:, 2] = (X_WB[:, 2, :3] @ mesh.hull(points).T).min(axis=1) + X_WB[:, 2, 3]
    return np.asarray(p_W)


def foot_uv(p_W: Floats, X_WC: Floats, K: Floats, distortion: Floats) -> Floats:
    """Pixels (N, 2) of points (N, 3), each seen by a camera of its own; NaN behind it.

    Args:
        p_W: (N, 3) metres.
        X_WC: (N, 4, 4) cameras.
        K: (N, 3, 3).
        distortion: (N, 8) k1 k2 p1 p2 k3 k4 k5 k6 of OpenCV.
    """
    p_C = np.einsum("nji,nj->ni", X_WC[:, :3, :3], p_W - X_WC[:, :3, 3])
    uv = np.full((len(p_W), 2), np.nan)
    for rows in _alike(K, distortion):
        rows = rows[p_C[rows, 2] > NEAREST_M]
        if len(rows):
            bent = distortion[rows[0]] if distortion[rows[0]].any() else None
            uv[rows] = lens.project(p_C[rows], K[rows[0]], bent)
    return uv


def _alike(K: Floats, distortion: Floats) -> Iterator[NDArray[np.int64]]:
    """Rows of each lens."""
    lenses = np.column_stack([K.reshape(len(K), 9), distortion])
    _, which = np.unique(lenses, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.flatnonzero(np.diff(which.ravel()[order])) + 1
    yield from np.split(order, ends)
