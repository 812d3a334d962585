"""What one scene leaves behind: its arrays and tables, as they go to disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.label.reach import GraspsSeen
from simenv.label.seen import Seen
from simenv.scene import Contacts, SceneGrasps
from simenv.spec.object import ObjectModel

__all__ = ["QUARANTINED", "Attempt", "CameraRecord", "Record"]

QUARANTINED = "quarantined"  # the outcome of a scene that ended two workers, and was left out


@dataclass(frozen=True)
class Attempt:
    """One try at a scene. ``reason`` is empty where it was accepted."""

    outcome: str  # "accepted", "rejected", or QUARANTINED
    reason: str  # "", "unsettled", "exploded", "off_world", "penetration", "tunnelled", ...
    duration_s: float  # simulated seconds until the first frame or the rejection


@dataclass(frozen=True, eq=False)
class CameraRecord:
    """What one camera saw in the F frames of a scene."""

    images: Mapping[str, Sequence[NDArray[Any]]]  # schema.IMAGES by name, F of (H, W[, channels])
    depth_scale_m: float
    K: NDArray[np.float64]  # (F, 3, 3)
    distortion: NDArray[np.float64]  # (F, 8)
    X_WC: NDArray[np.float64]  # (F, 4, 4)
    near_far: NDArray[np.float64]  # (F, 2) metres
    seen: tuple[Seen, ...]  # one a frame, rows in the order of the bodies table
    grasps: tuple[GraspsSeen, ...] = ()  # one a frame where they are asked for


@dataclass(frozen=True, eq=False)
class Record:
    """One scene, whole. A rejected scene has attempts and values but no frames (F = 0)."""

    scene: int
    tier: str
    outcome: str  # of the last attempt
    attempts: tuple[Attempt, ...]
    scene_values: Mapping[str, object]  # axis path -> number, string or tuple of numbers
    part_values: Mapping[str, tuple[object, ...]]  # axis path -> one value a part, in id order
    body_id: NDArray[np.uint16]  # (N,) every body with an id > 0: parts, furniture, links
    body_group: tuple[str, ...]  # (N,) "parts", "belts", ...
    body_role: tuple[str, ...]  # (N,) "part", "distractor", "furniture", "robot"
    body_object: tuple[str, ...]  # (N,) key of objects
    body_texture: tuple[str, ...]  # (N,) variant, "" for none
    objects: Mapping[str, ObjectModel]  # every object that body_object names
    time_s: NDArray[np.float64]  # (F,) since the drop began
    X_WB: NDArray[np.float64]  # (F, N, 4, 4)
    velocity: NDArray[np.float64]  # (F, N, 6) m/s, rad/s
    cameras: Mapping[str, CameraRecord]
    contacts: tuple[Contacts, ...] = ()  # one a frame where they are asked for
    grasps: tuple[SceneGrasps, ...] = ()  # one a frame where they are asked for
    time_days: float = 0.0  # where on the timeline the scene was drawn
