"""Grasps as rectangles in a picture, as planar grasp networks are taught them (Cornell, Jacquard).

The rectangle lies in the plane of G across the approach: as long as the jaw is open, as wide as its
pads. In a picture from straight above it stays a rectangle; from elsewhere, and through a lens, its
corners are those of the projection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.label.optics import image_points
from simenv.scene import View

__all__ = ["as_cornell", "as_jacquard", "rectangles"]

# Corners in halves of opening (x of G) and pad (y of G). Corners 1-2 and 3-0 are the pads.
_CORNERS = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
DIGITS = 3  # after the point of a pixel


def rectangles(
    X_CG: NDArray[np.float64], width_m: NDArray[np.float64], pad_m: float, view: View
) -> NDArray[np.float32]:
    """Corners (N, 4, 2) in pixels of what jaws cover; NaN where a corner has no pixel.

    The edges 0-1 and 2-3 run along the closing direction, 1-2 and 3-0 along the pads. That is how
    readers of Cornell's files take them: angle and length of GG-CNN's ``GraspRectangle`` are those
    of the first edge. Seen along the approach the order is clockwise on the screen.

    Args:
        X_CG: (N, 4, 4) G in the camera; z the approach, x the closing direction.
        width_m: (N,) between the pads.
        pad_m: how wide the pads are, along y of G.
        view: the camera; its lens bends the corners.
    """
    half = np.stack([width_m / 2, np.full(len(width_m), pad_m / 2)], axis=1)  # (N, 2)
    xy = half[:, None] * _CORNERS  # (N, 4, 2)
    p_C = xy @ np.swapaxes(X_CG[:, :3, :2], 1, 2) + X_CG[:, None, :3, 3]
    return image_points(p_C, view).astype(np.float32)


def as_jacquard(corners: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows (N, 5) of Jacquard's grasps.txt: x; y; theta in degrees; opening; jaw size, in pixels.

    Theta, from -90 up to 90, is that of the closing direction against the picture's x axis,
    positive clockwise on the screen (y is down). Of corners that are no rectangle: the middle of
    the four, the line between the middles of the pads, the mean length of the pads.
    """
    points = np.asarray(corners, dtype=np.float64)
    left, right = (points[:, 3] + points[:, 0]) / 2, (points[:, 1] + points[:, 2]) / 2
    across = right - left
    pads = np.stack([points[:, 2] - points[:, 1], points[:, 3] - points[:, 0]], axis=1)
    theta = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    return np.column_stack(
        [
            points.mean(axis=1),
            (theta + 90.0) % 180.0 - 90.0,
            np.linalg.norm(across, axis=1),
            np.linalg.norm(pads, axis=2).mean(axis=1),
        ]
    )


def as_cornell(corners: NDArray[np.float32]) -> str:
    """The text of a cpos.txt: four lines ``x y`` a rectangle, in the order of `rectangles`.

    A rectangle with a corner that has no pixel is left out: readers do not expect NaN.
    """
    whole = corners[np.isfinite(corners).all(axis=(1, 2))].reshape(-1, 2)
    return "".join(f"{x:.{DIGITS}f} {y:.{DIGITS}f}\n" for x, y in whole.tolist())
