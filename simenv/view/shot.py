"""What the page knows of one image and of a whole dataset: plain values, free of any file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simenv.label.points import HIDDEN, VISIBLE
from simenv.view.color import body_color
from simenv.view.overlay import Mark
from simenv.view.project import box_edges, project_axes

__all__ = ["About", "Grasp", "Part", "Rejection", "Shot", "Value"]


@dataclass(frozen=True)
class Value:
    """What one axis of the domain was in a scene."""

    path: str
    text: str
    visual: bool


@dataclass(frozen=True, eq=False)
class Grasp:
    """One of the best grasps of a part."""

    id: int  # of the part
    diameter_m: float  # likewise
    X_CG: NDArray[np.float64]  # (4, 4) z approach, x closing; of a cup the middle of its lip
    width_m: float  # between the pads; 0 of a cup
    cup: bool
    probability: float  # of success, as the part lies


@dataclass(frozen=True, eq=False)
class Part:
    """A part as one camera sees it; what is None was not asked for."""

    id: int
    object: str
    diameter_m: float
    X_CB: NDArray[np.float64]  # (4, 4)
    visible_fraction: float
    box: tuple[int, int, int, int] | None  # of the visible pixels: x, y, width, height
    distractor: bool = False
    truncation: float | None = None  # of its pixels, outside the image
    occluder: int | None = None  # id of what hides most of it; 0 = nothing
    touches: tuple[int, ...] | None = None  # ids, in order; 0 = the floor
    outline: tuple[NDArray[np.float64], ...] = ()  # rings (P, 2) around its amodal mask
    corners_C: NDArray[np.float64] | None = None  # (8, 3) of its bounding box, metres
    corners_uv: NDArray[np.float32] | None = None  # (8, 2) NaN behind the camera
    keypoints_uv: NDArray[np.float32] | None = None  # (K, 2)
    keypoints_state: NDArray[np.uint8] | None = None  # (K,) of label/points.py
    grasps: tuple[int, int] | None = None  # that mostly succeed, and of how many

    @property
    def distance_m(self) -> float:
        """From the camera's centre to the origin of the part."""
        return math.hypot(*self.X_CB[:3, 3])

    def mark(self, K: NDArray[np.float64], distortion: NDArray[np.float64] | None = None) -> Mark:
        """What is drawn over the picture; of a part that nothing is seen of, nothing is."""
        text, color = f"{self.id} {self.object}", body_color(self.id)
        if self.box is None:
            return Mark(self.id, text, color, None, None)
        edges = (
            ()
            if self.corners_uv is None
            else box_edges(self.corners_uv, self.corners_C, K, distortion)
        )
        return Mark(
            id=self.id,
            text=text,
            color=color,
            box=self.box,
            axes=project_axes(self.X_CB, K, self.diameter_m, distortion),
            edges=edges,
            outline=self.outline,
            keypoints=self._keypoints(VISIBLE),
            hidden_keypoints=self._keypoints(HIDDEN),
        )

    def _keypoints(self, state: int) -> tuple[tuple[float, float], ...]:
        if self.keypoints_uv is None or self.keypoints_state is None:
            return ()
        return tuple(
            (float(u), float(v)) for u, v in self.keypoints_uv[self.keypoints_state == state]
        )


@dataclass(frozen=True, eq=False)
class Shot:
    """One image with its labels; what is None was not asked for."""

    image: int  # its number in the dataset
    scene: int
    tier: str
    camera: str
    frame: int  # of its scene
    time_s: float
    rgb: NDArray[np.uint8]  # (H, W, 3)
    depth_m: NDArray[np.float32]  # (H, W), 0 = no surface
    instance: NDArray[np.uint16]  # (H, W)
    K: NDArray[np.float64]  # (3, 3)
    parts: tuple[Part, ...]  # in id order
    values: tuple[Value, ...]  # of its scene
    distortion: NDArray[np.float64] | None = None  # (8,) of OpenCV; None: a pinhole
    semantic: NDArray[np.uint16] | None = None  # (H, W) value k is classes[k - 1]
    classes: tuple[str, ...] = ()
    normals: NDArray[np.float32] | None = None  # (H, W, 3) camera axes, 0 = no surface
    nocs: NDArray[np.float32] | None = None  # (H, W, 3) 0..1, 0 = no body
    flow: NDArray[np.float32] | None = None  # (H, W, 2) px
    rgb_sensor: NDArray[np.uint8] | None = None  # (H, W, 3)
    depth_sensor_m: NDArray[np.float32] | None = None  # (H, W), 0 = no reading
    grasps: tuple[Grasp, ...] | None = None  # a few of each part, the best first

    @cached_property
    def fixed(self) -> frozenset[int]:
        """The ids in the mask that are no part: furniture, links of a robot."""
        present = {int(i) for i in np.unique(self.instance)}
        return frozenset(present - {0} - {part.id for part in self.parts})

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is drawn over the picture, in id order."""
        return tuple(part.mark(self.K, self.distortion) for part in self.parts)


@dataclass(frozen=True)
class Rejection:
    """A scene that no attempt made."""

    scene: int
    tier: str
    reasons: tuple[str, ...]  # one an attempt


@dataclass(frozen=True)
class About:
    """What the head of the page says of a dataset."""

    name: str
    summary: str
    facts: tuple[tuple[str, str], ...]  # what, value
    attempts: tuple[tuple[str, int], ...]  # "accepted" or the reason, how often
    rejections: tuple[Rejection, ...]
