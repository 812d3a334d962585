"""Isaac's grasp file: what Isaac Sim, Isaac ROS and GraspGen read. See docs/export.md.

The format is that of docs.isaacsim.omniverse.nvidia.com (Grasp Editor) and, with the meaning of
each key, of nvidia-isaac-ros.github.io (concepts, Isaac Grasp File): the pose of a link of the
gripper in the object's frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.export.folder import Folder
from simenv.export.grasps import GraspSource, Tried

__all__ = ["KINDS", "frames", "write"]

KINDS = ("jaw", "vacuum")
DIGITS = 9  # after the point: YAML 1.1 takes 1e-05 for a word


def write(source: GraspSource, folder: Folder) -> int:
    """Write one ``*.yaml`` a file, and ``meshes/*.obj``; how many grasps they have."""
    count = 0
    for tried in source:
        folder.write(f"meshes/{tried.object}.obj", tried.mesh)
        folder.write(f"{tried.name}.yaml", "".join(_lines(tried)).encode())
        count += len(tried.rows)
    return count


def frames(tried: Tried) -> NDArray[np.float64]:
    """(M, 4, 4) the gripper's link in the frame of the object."""
    return np.asarray(tried.grasps.X_BG[tried.rows] @ pose.inverse(tried.hand.X_LG))


def _lines(tried: Tried) -> Iterator[str]:
    yield "format: isaac_grasp\nformat_version: 1.0\n\n"
    yield f"object_frame_link: {tried.object}\n"
    yield f"gripper_frame_link: {tried.hand.model.grasp.link}\n\ngrasps:\n"
    for row, X_BL in zip(tried.rows.tolist(), frames(tried), strict=True):
        x, y, z, w = pose.quaternion(X_BL).tolist()
        yield f"  grasp_{row}:\n"
        yield f"    confidence: {_number(tried.grasps.success_probability[row])}\n"
        yield f"    position: {_row(X_BL[:3, 3].tolist())}\n"
        yield f"    orientation: {{w: {_number(w)}, xyz: {_row([x, y, z])}}}\n"
        yield f"    cspace_position: {_joints(tried, tried.grasps.width_m[row])}\n"
        yield f"    pregrasp_cspace_position: {_joints(tried, tried.grasps.opening_m[row])}\n"


def _joints(tried: Tried, between_m: float) -> str:
    found = tried.hand.joints(between_m)
    return "{" + ", ".join(f"{name}: {_number(q)}" for name, q in found.items()) + "}"


def _row(values: list[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _number(value: float) -> str:
    return f"{round(float(value), DIGITS) + 0.0:.{DIGITS}f}"
