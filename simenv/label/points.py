"""Where single points of a body are in the picture: corners of its box, and keypoints.

What "visible" means for a keypoint: nothing stands before it. Its depth is compared with the clean
depth of the picture around its pixel, and it is visible when it is not behind that by more than
DEPTH_SLACK_M and what the surface's slope makes of half a pixel. So

- a point on the surface is visible where the camera sees that place, from whichever side;
- a point in free space (the centre of a hole's mouth) is visible unless something is before it;
- a point inside the material (the centre of a ball) is hidden by the body's own surface, as is a
  point on the far side. Walls thinner than DEPTH_SLACK_M hide nothing that is just behind them.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.label.optics import image_points
from simenv.render.renderer import Frame
from simenv.scene import View
from simenv.spec.object import ObjectModel

__all__ = ["HIDDEN", "MISSING", "OUTSIDE", "VISIBLE", "box_corners", "keypoint_states", "keypoints"]

MISSING, OUTSIDE, HIDDEN, VISIBLE = range(4)  # no such keypoint; not in the image; see above
DEPTH_SLACK_M = 1.5e-3  # keypoints lie this close to a surface, meshes to what they stand for


@lru_cache(maxsize=1024)
def box_corners(model: ObjectModel) -> NDArray[np.float64]:
    """The corners (8, 3) of the tight box of an object, body frame, metres.

    Corner i is at the upper x where bit 0 of i is set, upper y for bit 1, upper z for bit 2.
    """
    upper = np.array([[i >> axis & 1 for axis in range(3)] for i in range(8)], dtype=bool)
    vertices = model.mesh.vertices
    return np.asarray(np.where(upper, vertices.max(axis=0), vertices.min(axis=0)))


@lru_cache(maxsize=1024)
def keypoints(model: ObjectModel) -> NDArray[np.float64]:
    """The keypoints (k, 3) of an object in the order of their names, body frame, metres."""
    named = model.spec.keypoints
    return np.array([named[name] for name in sorted(named)], dtype=np.float64).reshape(-1, 3)


def keypoint_states(
    p_C: NDArray[np.float64], view: View, frame: Frame
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Pixels (N, K, 2) and states (N, K) of points (N, K, 3), camera frame; NaN: no such point.

    Pixels are NaN where the camera cannot have the point at all: no such point, behind the camera,
    or farther off the axis than the lens reaches. Outside the image they are true.
    """
    exact = image_points(p_C, view)
    uv = exact.astype(np.float32)
    state = np.where(np.isnan(p_C[..., 0]), MISSING, OUTSIDE).astype(np.uint8)
    size = np.array([view.width, view.height])
    inside = np.all((uv >= -0.5) & (uv < size - np.float32(0.5)), axis=-1)
    depth, slope = _depth_around(frame, exact[inside])
    z = p_C[inside][:, 2]
    free = (depth == 0) | (z <= depth + DEPTH_SLACK_M + slope)
    state[inside] = np.where(free, VISIBLE, HIDDEN)
    return uv, state


def _depth_around(
    frame: Frame, uv: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth (P,) at the nearest pixels, and how much it changes over half a pixel in u and in v.

    Of the two neighbours along each axis the more even one counts, and only of the same id: the
    step from one body to the next is no slope.
    """
    height, width = frame.depth_m.shape
    u, v = np.clip(np.rint(uv), 0, [width - 1, height - 1]).astype(np.int64).T
    across = np.minimum(_step(frame, u, v, -1, 0), _step(frame, u, v, 1, 0))
    down = np.minimum(_step(frame, u, v, 0, -1), _step(frame, u, v, 0, 1))
    slope = sum(np.where(np.isinf(step), 0.0, step / 2) for step in (across, down))
    return frame.depth_m[v, u].astype(np.float64), np.asarray(slope)


def _step(
    frame: Frame, u: NDArray[np.int64], v: NDArray[np.int64], right: int, down: int
) -> NDArray[np.float64]:
    """Change of depth (P,) to a neighbour of the same id, metres; infinite where there is none."""
    height, width = frame.depth_m.shape
    x, y = np.clip(u + right, 0, width - 1), np.clip(v + down, 0, height - 1)
    there = frame.depth_m[y, x].astype(np.float64)
    same = (frame.instance[y, x] == frame.instance[v, u]) & ((x != u) | (y != v)) & (there > 0)
    return np.where(same, np.abs(there - frame.depth_m[v, u]), np.inf)
