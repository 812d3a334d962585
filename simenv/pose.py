"""How rigid poses are written: X_AB is the pose of frame B in frame A, (4, 4) float64.

Adjacent letters cancel: ``X_CB = inverse(X_WC) @ X_WB``. Quaternions appear only at borders, xyzw.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]  # (4, 4) pose, or (3, 3) rotation where named R_AB
Vector = NDArray[np.float64]  # (3,)

__all__ = [
    "Matrix",
    "Vector",
    "apply",
    "from_quaternion",
    "from_rpy_deg",
    "interpolate",
    "inverse",
    "look_at",
    "pose",
    "quaternion",
    "rotation_vector",
]


def pose(R_AB: ArrayLike | None = None, p_AB: ArrayLike = (0.0, 0.0, 0.0)) -> Matrix:
    """X_AB from a rotation (3, 3) (default: identity) and a position (3,) in metres."""
    X_AB = np.eye(4)
    if R_AB is not None:
        X_AB[:3, :3] = R_AB
    X_AB[:3, 3] = p_AB
    return X_AB


def inverse(X_AB: Matrix) -> Matrix:
    """X_BA of one pose (4, 4) or a stack (..., 4, 4)."""
    R_BA = np.swapaxes(X_AB[..., :3, :3], -1, -2)
    X_BA = np.zeros_like(X_AB)
    X_BA[..., :3, :3] = R_BA
    X_BA[..., :3, 3] = -(R_BA @ X_AB[..., :3, 3, None])[..., 0]
    X_BA[..., 3, 3] = 1.0
    return X_BA


def apply(X_AB: Matrix, p_B: ArrayLike) -> NDArray[np.float64]:
    """Points (N, 3) given in frame B, expressed in frame A, (N, 3)."""
    return np.asarray(p_B, dtype=np.float64) @ X_AB[:3, :3].T + X_AB[:3, 3]


def from_quaternion(xyzw: ArrayLike, p_AB: ArrayLike = (0.0, 0.0, 0.0)) -> Matrix:
    """X_AB from a quaternion (4,) xyzw, normalised here, and a position (3,)."""
    x, y, z, w = np.asarray(xyzw, dtype=np.float64) / np.linalg.norm(xyzw)
    R_AB = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return pose(R_AB, p_AB)


def quaternion(X_AB: Matrix) -> NDArray[np.float64]:
    """The rotation of X_AB as a unit quaternion (4,) xyzw with w >= 0."""
    R = X_AB[:3, :3]
    # The largest of the four squared components is at least 1/4: dividing by it is always safe.
    squares = np.array(
        [
            1 + R[0, 0] - R[1, 1] - R[2, 2],
            1 - R[0, 0] + R[1, 1] - R[2, 2],
            1 - R[0, 0] - R[1, 1] + R[2, 2],
            1 + R[0, 0] + R[1, 1] + R[2, 2],
        ]
    )
    products = np.array(
        [
            [squares[0], R[0, 1] + R[1, 0], R[0, 2] + R[2, 0], R[2, 1] - R[1, 2]],
            [R[0, 1] + R[1, 0], squares[1], R[1, 2] + R[2, 1], R[0, 2] - R[2, 0]],
            [R[0, 2] + R[2, 0], R[1, 2] + R[2, 1], squares[2], R[1, 0] - R[0, 1]],
            [R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1], squares[3]],
        ]
    )
    xyzw = products[int(np.argmax(squares))]
    xyzw = xyzw / np.linalg.norm(xyzw)
    return np.asarray(-xyzw if xyzw[3] < 0 else xyzw)


def rotation_vector(R_AB: ArrayLike) -> NDArray[np.float64]:
    """Axis times angle in radians, 0..pi, of a rotation (3, 3): its matrix logarithm, (3,)."""
    x, y, z, w = quaternion(pose(R_AB))
    axis = np.array([x, y, z]) * (1.0 if w >= 0 else -1.0)
    sine = float(np.linalg.norm(axis))
    return axis * (2.0 if sine < 1e-12 else 2.0 * np.arctan2(sine, abs(w)) / sine)


def from_rpy_deg(rpy_deg: Sequence[float], p_AB: ArrayLike = (0.0, 0.0, 0.0)) -> Matrix:
    """X_AB from roll, pitch, yaw in degrees: R = Rz(yaw) Ry(pitch) Rx(roll), as in URDF."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(np.radians(rpy_deg)), np.sin(np.radians(rpy_deg))
    R_AB = np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )
    return pose(R_AB, p_AB)


def look_at(eye: ArrayLike, target: ArrayLike, up: ArrayLike = (0.0, 0.0, 1.0)) -> Matrix:
    """X_WC of an OpenCV camera (x right, y down, z forward) at ``eye`` that looks at ``target``.

    ``up`` points to the top of the image. When it is parallel to the view (straight down), world +y
    is taken instead.

    Raises:
        ValueError: if ``eye`` and ``target`` coincide.
    """
    forward = np.asarray(target, dtype=np.float64) - np.asarray(eye, dtype=np.float64)
    distance = np.linalg.norm(forward)
    if distance == 0.0:
        raise ValueError("eye and target are the same point, so the camera has no direction")
    forward = forward / distance
    right = np.cross(forward, np.asarray(up, dtype=np.float64))
    if np.linalg.norm(right) < 1e-9 * np.linalg.norm(up):
        right = np.cross(forward, (0.0, 1.0, 0.0))
    right = right / np.linalg.norm(right)
    return pose(np.column_stack([right, np.cross(forward, right), forward]), eye)


def interpolate(times: NDArray[np.float64], X_AB: NDArray[np.float64], time: float) -> Matrix:
    """The pose at ``time`` between key poses (P, 4, 4) at increasing ``times`` (P,).

    Positions are linear in time, rotations slerp (Shoemake 1985); constant outside the keys.
    """
    after = int(np.searchsorted(times, time, side="right"))
    if after in (0, len(times)):
        return np.array(X_AB[min(after, len(times) - 1)])
    fraction = (time - times[after - 1]) / (times[after] - times[after - 1])
    q0, q1 = quaternion(X_AB[after - 1]), quaternion(X_AB[after])
    q1 = -q1 if q0 @ q1 < 0 else q1
    angle = np.arccos(min(1.0, float(q0 @ q1)))
    weights = (
        np.array([np.sin((1 - fraction) * angle), np.sin(fraction * angle)]) / np.sin(angle)
        if angle > 1e-9
        else np.array([1 - fraction, fraction])
    )
    position = (1 - fraction) * X_AB[after - 1, :3, 3] + fraction * X_AB[after, :3, 3]
    return from_quaternion(weights @ np.stack([q0, q1]), position)
