"""What becomes of the edges in a depth picture: ragged, fat, and with points in mid-air.

An edge is where the disparity jumps by more than a pixel from one pixel to the next: there the
camera and the other end of the baseline see different things.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["JUMP_PX", "fattened", "flown", "jittered"]

Depth = NDArray[np.float32]  # (H, W) metres, 0 = no reading
JUMP_PX = 1.0  # of disparity between neighbours: an edge
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)  # a pixel and its neighbours


def jittered(depth_m: Depth, sigma_px: float, rng: np.random.Generator) -> Depth:
    """Each pixel takes the depth of one beside it, ``sigma_px`` away along x and along y.

    Lateral noise: Nguyen, Izadi and Lovell, "Modeling Kinect Sensor Noise", 3DIMPVT 2012, find
    0.8 px for Kinect v1; Barron and Malik, "Intrinsic Scene Properties from a Single RGB-D Image",
    CVPR 2013, and after them Handa et al., ICRA 2014, use 0.5. Independent from pixel to pixel.
    """
    if not sigma_px:
        return depth_m
    height, width = depth_m.shape
    off = np.rint(np.float32(sigma_px) * rng.standard_normal((2, height, width), dtype=np.float32))
    off = off.astype(np.int32)
    rows = np.clip(off[0] + np.arange(height, dtype=np.int32)[:, None], 0, height - 1)
    columns = np.clip(off[1] + np.arange(width, dtype=np.int32), 0, width - 1)
    return np.asarray(depth_m.ravel()[rows * width + columns])


def fattened(depth_m: Depth, window_px: int, fb: float) -> Depth:
    """Near things grow by half a window over what is behind them, holes included.

    A window that matches the near thing's pattern gives its depth to the pixel in the middle
    (Hirschmüller, Innocent and Garibaldi, "Real-Time Correlation-Based Stereo Vision with Reduced
    Border Errors", IJCV 47, 2002). Slanted surfaces without an edge stay as they are.
    """
    if window_px < 2:
        return depth_m
    side = 2 * (window_px // 2) + 1
    disparity = _disparity(depth_m, fb)
    edge = disparity - cv2.erode(disparity, CROSS) > JUMP_PX
    nearest = np.asarray(cv2.dilate(disparity * edge, np.ones((side, side), np.uint8)), np.float32)
    grown = nearest - disparity > JUMP_PX
    return np.where(grown, np.float32(fb) / np.maximum(nearest, JUMP_PX), depth_m)


def flown(depth_m: Depth, share: float, fb: float, rng: np.random.Generator) -> Depth:
    """A ``share`` of the pixels on an edge read something between its two depths.

    The pixels on both sides of the edge count as on it. In between is meant in disparity, evenly:
    a window that sees two surfaces finds a mean of what it matches.
    """
    if not share:
        return depth_m
    disparity = _disparity(depth_m, fb)
    near = cv2.dilate(disparity, CROSS)
    far = cv2.erode(np.where(depth_m > 0, disparity, np.float32(np.inf)), CROSS)
    on_edge = (depth_m > 0) & (near - far > JUMP_PX)
    chosen, mix = rng.random((2, *depth_m.shape), dtype=np.float32)
    on_edge &= chosen < share
    flying = np.where(on_edge, far + mix * (near - np.where(on_edge, far, 0)), 1)
    return np.where(on_edge, np.float32(fb) / flying, depth_m)


def _disparity(depth_m: Depth, fb: float) -> Depth:
    """Pixels (H, W); 0 without a reading, as for what is infinitely far."""
    return np.divide(np.float32(fb), depth_m, out=np.zeros_like(depth_m), where=depth_m > 0)
