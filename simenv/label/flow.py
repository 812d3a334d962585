"""How the picture moves: to the next frame, and at this instant.

Every pixel shows a point of some body's surface, and points keep their place on their body: where
the bodies and the camera go says where the points go. Belts are bodies that stand still while their
surface runs, so their flow is that of a still body; what rides on them moves as itself. The floor
and furniture move with their own poses, too.
"""

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.label.optics import image_points
from simenv.label.place import Points, camera_poses
from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View

__all__ = ["flow", "velocity"]

Array = NDArray[np.float64]

STEP = 1e-5  # of x/z, y/z: over which a lens is taken for straight


def flow(
    snapshot: Snapshot, view: View, frame: Frame, following: Snapshot, following_view: View
) -> NDArray[np.float32]:
    """Pixels (H, W, 2) from where a surface point is in ``frame`` to where it is in the next.

    In u and v, through both lenses, whether or not something hides the point by then. 0 where there
    is no surface, and where the next view can have no pixel of the point: it is behind the camera,
    or farther off the axis than its lens reaches.
    """
    points = Points.of(snapshot.scene, view, frame)
    X_CC = camera_poses(following, following_view) @ pose.inverse(camera_poses(snapshot, view))
    uv = image_points(points.carried(X_CC), following_view)
    return _picture(points, uv - np.column_stack([points.u, points.v]), view)


def velocity(
    snapshot: Snapshot, view: View, frame: Frame, camera_velocity: Array | None = None
) -> NDArray[np.float32]:
    """Pixels per second (H, W, 2) at which the surface points of ``frame`` move in the picture.

    The bodies move with ``snapshot.velocity``, the camera with ``camera_velocity`` (6,): linear m/s
    of its centre and angular rad/s, world axes; None: it stands still. 0 where there is no surface.
    """
    points = Points.of(snapshot.scene, view, frame)
    own = np.zeros(6) if camera_velocity is None else camera_velocity
    moving = points.carried(_rates(snapshot, view, own))
    rate = (moving[:, :2] - points.xy * moving[:, 2:]) / points.z_m[:, None]  # of x/z, y/z
    if view.distortion is None:
        return _picture(points, rate @ view.K[:2, :2].T, view)
    step = STEP / max(float(np.abs(rate).max(initial=0.0)), 1e-300)
    ahead, behind = (image_points(_ahead(points.xy + d * rate), view) for d in (step, -step))
    return _picture(points, (ahead - behind) / (2 * step), view)


def _ahead(xy: Array) -> Array:
    """Points (P, 3) in directions (P, 2)."""
    return np.column_stack([xy, np.ones(len(xy))])


def _rates(snapshot: Snapshot, view: View, camera_velocity: Array) -> Array:
    """(N, 4, 4) that take points on each body to their velocities, both in the camera's frame.

    For p on a body whose origin o moves at v and that turns at w, seen by a camera at c that moves
    at V and turns at W: R_CW (v + w x (p - o) - V - W x (p - c)), which is linear in p_C.
    """
    R_CW, c_W = view.X_WC[:3, :3].T, view.X_WC[:3, 3]
    linear, angular = snapshot.velocity[:, :3], snapshot.velocity[:, 3:]
    relative = angular - camera_velocity[3:]
    at_camera = linear + np.cross(angular, c_W - snapshot.X_WB[:, :3, 3]) - camera_velocity[:3]
    rates = np.zeros((len(linear), 4, 4))
    rates[:, :3, :3] = R_CW @ _cross_matrices(relative) @ R_CW.T
    rates[:, :3, 3] = at_camera @ R_CW.T
    return rates


def _cross_matrices(w: Array) -> Array:
    """(N, 3, 3) so that each times p is w x p."""
    found = np.zeros((len(w), 3, 3))
    found[:, [2, 0, 1], [1, 2, 0]] = w
    found[:, [1, 2, 0], [2, 0, 1]] = -w
    return found


def _picture(points: Points, values: Array, view: View) -> NDArray[np.float32]:
    found = np.zeros((view.height, view.width, 2), dtype=np.float32)
    found[points.v, points.u] = np.where(np.isfinite(values), values, 0.0)
    return found
