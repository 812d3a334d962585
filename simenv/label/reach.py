"""Where grasps are for a camera, and whether it sees what the gripper would touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.label.points import keypoint_states
from simenv.render.renderer import Frame
from simenv.scene import SceneGrasps, View

__all__ = ["GraspsSeen", "grasps_seen"]


@dataclass(frozen=True, eq=False)
class GraspsSeen:
    """The M grasps of a moment with C contacts each, as one camera sees them."""

    X_CG: NDArray[np.float64]  # (M, 4, 4)
    contacts_uv: NDArray[np.float32]  # (M, C, 2) px; NaN where no lens shows the point
    contacts_state: NDArray[np.uint8]  # (M, C) as keypoints: 1 outside, 2 hidden, 3 visible


def grasps_seen(grasps: SceneGrasps, view: View, frame: Frame) -> GraspsSeen:
    """The grasps in the camera's frame; a contact is visible where nothing stands before it."""
    X_CW = pose.inverse(view.X_WC)
    contacts = np.einsum("ij,mcj->mci", X_CW[:3, :3], grasps.contacts_W) + X_CW[:3, 3]
    uv, state = keypoint_states(contacts, view, frame)
    return GraspsSeen(X_CW @ grasps.X_WG, uv, state)
