"""How K, a pose and a resolution become OpenGL matrices, tiles and clipping planes.

K is OpenCV's (pixel centres at integers, y down); OpenGL's clip space has y up and looks along -z.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.scene import View

__all__ = [
    "Tile",
    "depth_range",
    "frustum",
    "near_far",
    "planes",
    "projection",
    "tiles",
    "view_matrix",
]

NEAREST_M = 0.005  # a surface closer than this to the camera is clipped away
MARGIN = 0.002  # the planes stand this far outside the surfaces: more than rounding, relative
PLANE_DIGITS = 4  # planes are rounded outwards to 0.1 mm, so that the last bits of a pose vanish
PLANE_STEP_M = 10.0**-PLANE_DIGITS
EMPTY_NEAR_FAR_M = (0.1, 10.0)  # where no surface is in view


@dataclass(frozen=True)
class Tile:
    """A part of the image that is rendered in one go, in pixels."""

    x: int
    y: int
    width: int
    height: int


def tiles(width: int, height: int, largest: tuple[int, int] | None) -> tuple[Tile, ...]:
    """The image cut into the fewest, most equal tiles of at most ``largest`` (width, height).

    The layout depends on nothing but the resolution: shading of a pixel may differ by a grey level
    between layouts.
    """
    if largest is None:
        return (Tile(0, 0, width, height),)
    columns, rows = -(-width // largest[0]), -(-height // largest[1])
    xs = [width * i // columns for i in range(columns + 1)]
    ys = [height * i // rows for i in range(rows + 1)]
    return tuple(Tile(x, y, x1 - x, y1 - y) for y, y1 in pairwise(ys) for x, x1 in pairwise(xs))


def view_matrix(X_WC: Matrix) -> list[float]:
    """World to OpenGL camera (y up, z backward), column-major, 16 numbers."""
    X_WGl = X_WC @ np.diag([1.0, -1.0, -1.0, 1.0])
    return [float(x) for x in pose.inverse(X_WGl).T.ravel()]


def projection(
    K: NDArray[np.float64], tile: Tile, near_far: tuple[float, float], centre: float = 0.0
) -> list[float]:
    """Clip matrix of ``tile``, column-major, 16 numbers.

    From u = fx x/z + s y/z + cx, v = fy y/z + cy and pixel (u, v) = (0, 0) centred half a pixel
    inside the corner. ``centre`` is where in its square a renderer samples a pixel, as an offset
    in (right, down) pixels from OpenCV's centre to the renderer's: 0 for OpenGL.
    """
    fx, s, cx = K[0]
    fy, cy = K[1, 1], K[1, 2]
    cx, cy = cx - tile.x - centre, cy - tile.y + centre
    w, h = tile.width, tile.height
    n, f = near_far
    P = np.zeros((4, 4))
    P[0, :3] = 2 * fx / w, -2 * s / w, (w - 1 - 2 * cx) / w
    P[1, 1:3] = 2 * fy / h, (2 * cy - (h - 1)) / h
    P[2, 2:] = -(f + n) / (f - n), -2 * f * n / (f - n)
    P[3, 2] = -1.0
    return [float(x) for x in P.T.ravel()]


def near_far(view: View, triangles_C: NDArray[np.float64]) -> tuple[float, float]:
    """Clipping planes in metres that just hold the visible part of triangles (T, 3, 3).

    ``view.near_m`` and ``view.far_m`` win where they are given.
    """
    return planes(view, depth_range(view, triangles_C))


def planes(view: View, depths: tuple[float, float] | None) -> tuple[float, float]:
    """Clipping planes in metres that just hold surfaces between two depths; None for no surface."""
    low, high = depths or EMPTY_NEAR_FAR_M
    near, far = view.near_m, view.far_m
    if near is None:
        near = max(round(low * (1 - MARGIN) - PLANE_STEP_M / 2, PLANE_DIGITS), NEAREST_M)
    if far is None:
        far = round(high * (1 + MARGIN) + PLANE_STEP_M / 2, PLANE_DIGITS)
    return near, far if far > near else 2 * near


def depth_range(view: View, triangles_C: NDArray[np.float64]) -> tuple[float, float] | None:
    """Smallest and largest z of the part of triangles (T, 3, 3) inside the image; None for nothing.

    The clipped pieces are convex, so z is extreme at a triangle's corner inside the view, where an
    edge crosses a side of the frustum, or where a corner ray of the frustum meets a triangle.
    """
    sides, rays = frustum(view)
    distance = triangles_C @ sides.T  # (T, 3, 4) positive inside
    inside: NDArray[np.bool_] = distance >= 0
    corners = triangles_C[inside.all(axis=2)]
    cut = np.all(np.any(inside, axis=1), axis=1) & ~np.all(inside, axis=(1, 2))
    crossings = _crossings(triangles_C[cut], distance[cut], sides)
    z = np.concatenate([corners[:, 2], crossings[:, 2], _pierced(triangles_C[cut], rays)])
    z = z[z > 0]
    return (float(z.min()), float(z.max())) if len(z) else None


def _crossings(
    triangles: NDArray[np.float64], distance: NDArray[np.float64], sides: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points (P, 3) where edges cross a side within the other sides."""
    ends, end_distance = np.roll(triangles, -1, axis=1), np.roll(distance, -1, axis=1)
    triangle, edge, side = np.nonzero((distance >= 0) != (end_distance >= 0))
    before, after = distance[triangle, edge, side], end_distance[triangle, edge, side]
    t = (before / (before - after))[:, None]
    points = (1 - t) * triangles[triangle, edge] + t * ends[triangle, edge]
    within = points @ sides.T
    within[np.arange(len(side)), side] = 0.0
    return np.asarray(points[(within >= 0).all(axis=1)])


def _pierced(triangles: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depths (P,) where rays (4, 3) from the eye, of unit z, go through triangles (T, 3, 3).

    A ray is inside the three planes through the eye and an edge, or outside all three.
    """
    ends = np.roll(triangles, -1, axis=1)
    side = np.cross(triangles, ends) @ rays.T  # (T, 3, 4)
    through = (side >= 0).all(axis=1) | (side <= 0).all(axis=1)
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    along = normal @ rays.T  # (T, 4)
    height = (normal * triangles[:, 0]).sum(axis=1)
    triangle, ray = np.nonzero(through & (along != 0))
    return np.asarray(height[triangle] / along[triangle, ray])


def frustum(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inward normals (4, 3) of the image's sides through the eye, and its corner rays (4, 3)."""
    w, h = view.width - 0.5, view.height - 0.5
    corners = np.array([[-0.5, -0.5, 1], [w, -0.5, 1], [w, h, 1], [-0.5, h, 1]])
    rays = corners @ np.linalg.inv(view.K).T
    return np.cross(rays, np.roll(rays, -1, axis=0)), rays
