"""What a camera gives an agent: pictures of uint8, and what is needed to measure in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.render.renderer import Frame
from simenv.scene import Camera, Scene, View
from simenv.spec.environment import Environment
from simenv.spec.task import TaskSpec

__all__ = ["DEPTH_FAR_M", "Pictures", "has_display"]

PICTURES = ("rgb", "depth", "instance")
DEPTH_FAR_M = 2.55  # what the largest depth means: a step of uint8 is 1 cm, 0 is no surface
LENS_HIGH = 1e4  # bound of the numbers of K, pixels
PLACE_HIGH = 100.0  # and of X_WC


class Pictures:
    """Pictures of one camera.

    ``rgb`` (H, W, 3); ``depth`` (H, W, 1): metres along z times 100, cut at 2.55 m, 0 = no surface;
    ``instance`` (H, W, 1): body ids, cut at 255. With any of them come ``K`` (9,) and ``X_WC``
    (16,), row by row.
    """

    def __init__(self, spec: TaskSpec, env: Environment, observe: Sequence[str]) -> None:
        known = ("state", *PICTURES)
        for name in observe:
            if name not in known:
                raise InputError(f"cannot observe {name!r}; there is {', '.join(known)}")
        if not observe:
            raise InputError(f"observe is empty; name some of {', '.join(known)}")
        self.name = env.camera or next(iter(spec.cameras))
        self.state = "state" in observe
        self.kinds = [name for name in PICTURES if name in observe]
        width, height = spec.cameras[self.name].resolution
        self.boxes: dict[str, spaces.Box] = {}
        for kind in self.kinds:
            shape = (height, width, 3 if kind == "rgb" else 1)
            self.boxes[kind] = spaces.Box(0, 255, shape, np.uint8)
        if self.kinds:
            self.boxes["K"] = spaces.Box(-LENS_HIGH, LENS_HIGH, (9,), np.float32)
            self.boxes["X_WC"] = spaces.Box(-PLACE_HIGH, PLACE_HIGH, (16,), np.float32)
        self._window: str | None = None

    def camera(self, scene: Scene) -> Camera:
        """The camera as the scene has it."""
        return next(camera for camera in scene.cameras if camera.name == self.name)

    def write(self, frame: Frame, view: View) -> dict[str, NDArray[Any]]:
        """What is observed of a frame."""
        found: dict[str, NDArray[Any]] = {}
        if "rgb" in self.kinds:
            found["rgb"] = frame.rgb.copy()
        if "depth" in self.kinds:
            units = np.minimum(frame.depth_m * np.float32(100.0) + np.float32(0.5), 255.0)
            found["depth"] = units.astype(np.uint8)[:, :, None]
        if "instance" in self.kinds:
            found["instance"] = np.minimum(frame.instance, 255).astype(np.uint8)[:, :, None]
        found["K"] = view.K.ravel().astype(np.float32)
        found["X_WC"] = view.X_WC.ravel().astype(np.float32)
        return found

    def show(self, title: str, rgb: NDArray[np.uint8]) -> None:
        """Put the picture into a window."""
        import cv2

        cv2.imshow(title, rgb[:, :, ::-1])
        cv2.waitKey(1)
        self._window = title

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            import cv2

            cv2.destroyWindow(self._window)
            self._window = None


def has_display() -> bool:
    """Whether a window can be shown; asked first, since OpenCV's toolkit aborts without one."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
