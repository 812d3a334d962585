"""How pictures of a grasp are drawn: smooth edges, no ground, the gripper seen through the part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from simenv.render.choose import open_renderer
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from simenv.view.glyph import swarm, swarm_view
from simenv.view.grip import PART, Grip

__all__ = ["portraits", "swarms"]

Picture = NDArray[np.uint8]  # (H, W, 4) red, green, blue, alpha

SIZE = (400, 340)  # width and height of one grasp
SWARM_SIZE = (720, 560)  # of all of them
FINER = 2  # pixels drawn for each one shown, across and down
THROUGH = 0.38  # of the gripper that shows through the part


def swarms(grip: Grip) -> list[Picture]:
    """All grasps at once, from two opposite sides."""
    width, height = SWARM_SIZE
    found = []
    with _renderer() as renderer:
        for snapshot in swarm(grip):
            size = {"width": FINER * width, "height": FINER * height}
            frame = renderer.render(snapshot, swarm_view(snapshot, **size))
            found.append(_smooth(*_cut_out(frame)))
    return found


def portraits(grip: Grip, rows: Sequence[int]) -> Iterator[Picture]:
    """The gripper holding the part, grasp by grasp."""
    width, height = SIZE
    with _renderer() as renderer:
        for row in rows:
            view = grip.view(row, width=FINER * width, height=FINER * height)
            yield _portrait(renderer, grip.holding(row), grip.empty(row), view)


@contextmanager
def _renderer() -> Iterator[Renderer]:
    """TinyRenderer: it runs everywhere, and its pictures do not depend on a driver."""
    with open_renderer("tiny") as renderer:
        yield renderer


def _portrait(renderer: Renderer, holding: Snapshot, empty: Snapshot, view: View) -> Picture:
    front, behind = renderer.render(holding, view), renderer.render(empty, view)
    rgb, alpha = _cut_out(front)
    hidden = (front.instance == PART) & (behind.instance > PART)
    rgb[hidden] += THROUGH * (behind.rgb[hidden] - rgb[hidden])
    return _smooth(rgb, alpha)


def _cut_out(frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colour (H, W, 3), and 1 where there is a surface (H, W, 1)."""
    alpha = (frame.depth_m > 0).astype(np.float32)[..., None]
    return frame.rgb.astype(np.float32) * alpha, alpha


def _smooth(rgb: NDArray[np.float32], alpha: NDArray[np.float32]) -> Picture:
    """FINER times smaller; where a pixel is partly empty its colour is that of the rest."""
    import cv2  # slow to import

    size = (rgb.shape[1] // FINER, rgb.shape[0] // FINER)
    rgba = np.concatenate([rgb, alpha], axis=2)
    small = np.asarray(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA))
    share = small[..., 3:]
    color = small[..., :3] / np.maximum(share, 1e-6) * (share > 0)
    return np.asarray(np.rint(np.concatenate([color, 255 * share], axis=2)), dtype=np.uint8)
