"""Where single points of a body are in the picture: corners of its box, and keypoints.

What "visible" means for a keypoint: nothing stands before it. Its depth is compared with the clean
depth of the picture at its place between the pixels, and it is visible when it is not behind that
by more than DEPTH_SLACK_M. So

- a point on the surface is visible where the camera sees that place, from whichever side;
- a point in free space (the centre of a hole's mouth) is visible unless something is before it;
- a point that the camera's own near_m or far_m cuts away is hidden;
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
    depth = _depth_at(frame, exact[inside])
    z = p_C[inside][:, 2]
    free = ((depth == 0) | (z <= depth + DEPTH_SLACK_M)) & ~_cut(z, view)
    state[inside] = np.where(free, VISIBLE, HIDDEN)
    return uv, state


def _cut(z: NDArray[np.float64], view: View) -> NDArray[np.bool_]:
    """Which depths (P,) lie outside the planes that the camera itself sets."""
    near, far = view.near_m or 0.0, np.inf if view.far_m is None else view.far_m
    return np.asarray((z < near - DEPTH_SLACK_M) | (z > far + DEPTH_SLACK_M))


def _depth_at(frame: Frame, uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth (P,) of the surface at places between the pixels; 0 where there is none.

    That of the nearest pixel, carried on as a plane, on which 1/z is linear; the farther of both,
    for surfaces also bend away. Seen at a grazing angle half a pixel is millimetres of depth.
    """
    height, width = frame.depth_m.shape
    u, v = np.clip(np.rint(uv), 0, [width - 1, height - 1]).astype(np.int64).T
    depth = frame.depth_m[v, u].astype(np.float64)
    right, left = _step(frame, u, v, 1, 0), -_step(frame, u, v, -1, 0)
    down, up = _step(frame, u, v, 0, 1), -_step(frame, u, v, 0, -1)
    slope = np.column_stack([_flatter(right, left), _flatter(down, up)])
    nearness = 1 / np.where(depth > 0, depth, np.inf)
    carried = nearness + ((uv - np.column_stack([u, v])) * slope).sum(axis=1)
    return np.where(depth > 0, np.maximum(depth, 1 / np.maximum(carried, 1e-9)), 0.0)


def _step(
    frame: Frame, u: NDArray[np.int64], v: NDArray[np.int64], right: int, down: int
) -> NDArray[np.float64]:
    """Change of 1/z (P,) to a neighbour of the same id; infinite where there is none."""
    height, width = frame.depth_m.shape
    x, y = np.clip(u + right, 0, width - 1), np.clip(v + down, 0, height - 1)
    there, here = frame.depth_m[y, x].astype(np.float64), frame.depth_m[v, u].astype(np.float64)
    same = (frame.instance[y, x] == frame.instance[v, u]) & ((x != u) | (y != v))
    same &= (there > 0) & (here > 0)
    return np.where(same, 1 / np.where(same, there, 1.0) - 1 / np.where(same, here, 1.0), np.inf)


def _flatter(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The slope (P,) to the side where it is less: the step to another surface is none."""
    less = np.where(np.abs(a) <= np.abs(b), a, b)
    return np.where(np.isinf(less), 0.0, less)
