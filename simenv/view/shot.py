"""What the page knows of one image and of a whole dataset: plain values, free of any file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import body_color
from simenv.view.overlay import Mark, project_axes

__all__ = ["About", "Part", "Rejection", "Shot", "Value"]


@dataclass(frozen=True)
class Value:
    """What one axis of the domain was in a scene."""

    path: str
    text: str
    visual: bool


@dataclass(frozen=True, eq=False)
class Part:
    """A part as one camera sees it."""

    id: int
    object: str
    diameter_m: float
    X_CB: NDArray[np.float64]  # (4, 4)
    visible_fraction: float
    box: tuple[int, int, int, int] | None  # of the visible pixels: x, y, width, height

    @property
    def distance_m(self) -> float:
        """From the camera's centre to the origin of the part."""
        return float(np.linalg.norm(self.X_CB[:3, 3]))

    def mark(self, K: NDArray[np.float64]) -> Mark:
        """What is drawn over the picture; a part that nothing is seen of has no box and no axes."""
        axes = None if self.box is None else project_axes(self.X_CB, K, self.diameter_m)
        return Mark(self.id, f"{self.id} {self.object}", body_color(self.id), self.box, axes)


@dataclass(frozen=True, eq=False)
class Shot:
    """One image with its labels."""

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

    @property
    def fixed(self) -> frozenset[int]:
        """The ids in the mask that are no part: furniture."""
        present = {int(i) for i in np.unique(self.instance)}
        return frozenset(present - {0} - {part.id for part in self.parts})

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is drawn over the picture, in id order."""
        return tuple(part.mark(self.K) for part in self.parts)


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
