"""Where a body's axes and its 3-D box fall in the picture, bent by the lens as the picture is.

Poses and lenses are those of a file, which may be damaged: what is not finite is not drawn.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.label.optics import reach

__all__ = ["box_edges", "project_axes"]

Array = NDArray[np.float64]

NEAREST_M = 1e-3  # what comes closer to the camera's plane than this is not drawn
AXIS_SHARE = 0.5  # of the body's diameter: an axis reaches about to its surface
SHORTEST_AXIS_PX = 14.0  # a far body's axes are drawn longer than life
EDGES = tuple((a, a | bit) for a, bit in product(range(8), (1, 2, 4)) if not a & bit)
WILD = 1e9  # coefficients of a lens are at most some thousands
BENDS = 8  # straight pieces of an edge seen through a lens that bends it


@np.errstate(all="ignore")
def project_axes(
    X_CB: Array, K: Array, diameter_m: float, distortion: Array | None = None
) -> Array | None:
    """The body frame in the picture, (4, 2): origin and the tips of x, y, z in pixels.

    A tip is half a diameter from the origin, or as far as gives ``SHORTEST_AXIS_PX``. None where
    the frame is not wholly in front of the camera.
    """
    depth = float(X_CB[2, 3])
    if depth < NEAREST_M:
        return None
    length = np.maximum(AXIS_SHARE * diameter_m, SHORTEST_AXIS_PX * depth / K[0, 0])
    tips = X_CB[:3, 3] + length * np.vstack([np.zeros(3), X_CB[:3, :3].T])  # (4, 3) in C
    pixels = _pixels(tips, K, distortion)
    return pixels if np.isfinite(pixels).all() else None


@np.errstate(all="ignore")
def box_edges(
    corners_uv: NDArray[np.float32],
    corners_C: Array | None = None,
    K: Array | None = None,
    distortion: Array | None = None,
) -> tuple[Array, ...]:
    """The edges of a 3-D box in the picture: polylines (P, 2), those wholly before the camera.

    Their ends are the stored ``corners_uv`` (8, 2), so that a wrong one shows; behind a lens the
    points in between are those of the straight edge from corner to corner of ``corners_C`` (8, 3).
    """
    ends = corners_uv.astype(np.float64)
    lines = [ends[[a, b]] for a, b in EDGES]
    if distortion is not None and corners_C is not None and K is not None:
        share = np.linspace(0.0, 1.0, BENDS + 1)[1:-1, None]
        for line, (a, b) in enumerate(EDGES):
            between = corners_C[a] + share * (corners_C[b] - corners_C[a])
            bent = _pixels(between, K, distortion)
            lines[line] = np.vstack([ends[a], bent, ends[b]])
    return tuple(line for line in lines if np.isfinite(line).all())


def _pixels(p_C: Array, K: Array, distortion: Array | None) -> Array:
    """Pixels (N, 2) of points (N, 3); NaN behind the camera and where the lens folds back."""
    pixels = np.full((len(p_C), 2), np.nan)
    if distortion is not None and not np.all(np.abs(distortion) < WILD):
        return pixels
    off_axis = np.linalg.norm(p_C[:, :2], axis=1) / p_C[:, 2]
    ahead = (p_C[:, 2] >= NEAREST_M) & (off_axis <= reach(distortion))
    pixels[ahead] = lens.project(p_C[ahead], K, distortion)
    return pixels
