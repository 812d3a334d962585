"""How labels by pixel become colours: normals, object coordinates, flow, classes."""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import NOTHING, mask_picture

__all__ = ["flow_picture", "longest_px", "nocs_picture", "normals_picture", "semantic_picture"]

Picture = NDArray[np.uint8]  # (H, W, 3)

TO_THE_VIEWER = np.array([1.0, -1.0, -1.0])  # camera axes to x right, y up, z out of the picture


def normals_picture(normals: NDArray[np.float32]) -> Picture:
    """Unit normals (H, W, 3) in camera axes: red is right, green up, blue towards the camera.

    The usual map (n + 1) / 2 of axes that point right, up and out of the picture, so that a
    surface that faces the camera is (128, 128, 255).
    """
    share = (normals * TO_THE_VIEWER + 1.0) / 2.0
    return _or_nothing(np.rint(255 * share.clip(0.0, 1.0)), normals)


def nocs_picture(nocs: NDArray[np.float32]) -> Picture:
    """Object coordinates 0..1 (H, W, 3): red, green, blue along the body's x, y, z."""
    return _or_nothing(np.rint(255 * nocs.clip(0.0, 1.0)), nocs)


def longest_px(flow: NDArray[np.float32]) -> float:
    """The length of the largest vector in (H, W, 2)."""
    return float(np.hypot(flow[..., 0], flow[..., 1]).max(initial=0.0))


def flow_picture(flow: NDArray[np.float32], full_px: float) -> Picture:
    """Flow (H, W, 2) on the wheel: hue is the direction, value the length; bright is ``full_px``.

    Red moves to the right; the hue turns as the clock does: yellow-green is down.
    """
    import cv2  # slow to import

    u, v = flow[..., 0], flow[..., 1]
    value = np.hypot(u, v) / max(full_px, 1e-12)
    hue_deg = np.degrees(np.arctan2(v, u)) % 360.0
    hsv = np.stack([hue_deg, np.ones_like(value), value.clip(0.0, 1.0)], axis=-1)
    rgb = np.asarray(cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2RGB))
    return np.rint(255 * rgb).astype(np.uint8)


def semantic_picture(semantic: NDArray[np.uint16], fixed: Set[int] = frozenset()) -> Picture:
    """Classes (H, W) in colours: those of body numbers in the mask; ``fixed`` are grey."""
    return mask_picture(semantic, fixed)


def _or_nothing(colors: NDArray[np.floating], held: NDArray[np.float32]) -> Picture:
    there = (held != 0).any(axis=2, keepdims=True)
    return np.where(there, colors, NOTHING).astype(np.uint8)
