"""The numbers that a picture's shaders read: matrices, lamps and maps, laid out as std140."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix, Vector
from simenv.render import camera
from simenv.render.camera import Tile
from simenv.render.raster.lighting import Lamp
from simenv.render.raster.planes import frustum
from simenv.render.raster.shadow import Fit
from simenv.scene import View

__all__ = ["clip_from_stage", "frame_block", "seen_corners"]

LAMP_ROWS, FIXED_ROWS = 6, 14  # of four floats
NORMAL_OFFSET_TEXELS = 1.2  # that look-ups in a shadow map keep off the surface
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV's camera axes to OpenGL's
UPSIDE_DOWN = np.diag([1.0, -1.0, 1.0, 1.0])  # the first row that OpenGL stores is the top one


def clip_from_stage(
    view: View, tile: Tile, near_far_m: tuple[float, float], X_CS: Matrix
) -> NDArray[np.float64]:
    """Clip matrix (4, 4) with y downwards; its w is the camera's z in metres."""
    P = np.array(camera.projection(view.K, tile, near_far_m)).reshape(4, 4).T
    return np.asarray(UPSIDE_DOWN @ P @ FLIP @ X_CS)


def seen_corners(view: View, near_far_m: tuple[float, float], X_SC: Matrix) -> NDArray[np.float64]:
    """The corners (8, 3) of what a camera sees, stage coordinates."""
    _, rays = frustum(view)
    return pose.apply(X_SC, np.concatenate([rays * z for z in near_far_m]))


def frame_block(
    clip: NDArray[np.float64],
    X_CS: Matrix,
    ambient: Vector,
    lamps: Sequence[Lamp],
    fits: Sequence[Fit | None],
) -> NDArray[np.float32]:
    """The uniform block ``Frame`` of `shaders`."""
    block = np.zeros((FIXED_ROWS + LAMP_ROWS * max(len(lamps), 1), 4), np.float32)
    block[0:4] = clip.T
    block[4:8] = X_CS.T
    if not lamps:
        return block
    R_LW = lamps[0].R_LW
    eye = -X_CS[:3, :3].T @ X_CS[:3, 3]
    block[8:11, :3] = R_LW.T
    block[11, :3] = -R_LW @ eye
    block[12, :3] = ambient
    block[12, 3] = NORMAL_OFFSET_TEXELS * max([f.texel_m for f in fits if f is not None], default=0)
    block[13, :3] = R_LW[:, 2]
    for k, (lamp, fitted) in enumerate(zip(lamps, fits, strict=True)):
        rows = block[FIXED_ROWS + LAMP_ROWS * k :][:LAMP_ROWS]
        rows[:3, :3] = lamp.R_LW @ R_LW.T
        rows[0, 3] = lamp.shadow
        rows[3, :3] = lamp.radiance
        rows[3, 3] = lamp.tangent
        if fitted is not None:
            rows[4, :3], rows[5, :3] = fitted.lookup(lamp.R_LW @ eye)
            rows[5, 3] = fitted.texel_m
    return block
