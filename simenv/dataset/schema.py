"""What the names on disk are: tables, columns, dtypes, units and axes of `simenv-dataset-1`.

This is the one module that owns them; docs/format.md says what each one means. A column's full name
is its path in the file ("bodies/X_WB"). Columns of a table have one row for each of the table's
things; a column that ``refers`` to a table holds row numbers of it, all others hold plain values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

import simenv
from simenv.dataset.param import Param
from simenv.label.pictures import NOCS_STEPS, NORMAL_STEPS
from simenv.spec.task import TaskSpec

__all__ = [
    "BODY_OFFSET",
    "CONVENTIONS",
    "DEPTHS",
    "FORMAT",
    "IDENTITY",
    "IMAGES",
    "KEYPOINTS",
    "SHARDS",
    "STEPS",
    "TABLES",
    "TEXT",
    "TOUCHES",
    "Field",
    "Header",
    "Image",
]

FORMAT = "simenv-dataset-1"
CONVENTIONS = (
    "SI units and radians; X_AB is the pose of frame B in frame A, p_A = X_AB p_B; W world (z up), "
    "B body (model frame), C camera (OpenCV: x right, y down, z forward); quaternions xyzw; "
    "K with pixel centres at integers; depth along camera z, 0 = no surface; "
    "instance 0 = background, otherwise bodies/id"
)
TEXT = "str"  # variable-length UTF-8
KEYPOINTS = -1  # in a shape: as many as the object of the task that has most of them
TOUCHES = -2  # in a shape: contacts of a grasp: two of a jaw, one of a cup


@dataclass(frozen=True)
class Field:
    """A column: what one row holds."""

    dtype: str  # numpy's, little-endian, or TEXT
    shape: tuple[int, ...] = ()  # of one row
    axes: tuple[str, ...] = ()  # one word for each dimension of ``shape``
    unit: str = ""
    refers: str = ""  # the table whose rows the values are
    visual: bool = False  # may change without any label changing
    hashed: bool = True  # part of the scene's digests
    param: Param | None = None  # how a value of the domain is encoded
    label: str = ""  # there only where the task's `labels:` ask for it; "" is always there


@dataclass(frozen=True)
class Image:
    """A picture of a camera: (F, H, W) or (F, H, W, channels), one frame a chunk."""

    dtype: str
    channels: int = 0
    unit: str = ""
    visual: bool = False
    label: str = ""  # there only where the task's `labels:` ask for it
    sensor: str = ""  # there only for cameras whose `sensor:` has this key


_text = Field(TEXT)
_pose = Field("<f8", (4, 4), ("row", "column"), "m")
_box = Field("<i4", (4,), ("x_y_width_height",), "px")

TABLES: Mapping[str, Mapping[str, Field]] = {
    "objects": {
        "name": _text,
        "key": Field(TEXT, hashed=False),
        "class": _text,
        "mass_kg": Field("<f8", unit="kg"),
        "size_m": Field("<f8", (3,), ("xyz",), "m"),
        "center_m": Field("<f8", (3,), ("xyz",), "m"),
        "diameter_m": Field("<f8", unit="m"),
        "mesh_sha256": _text,
        "symmetry": _text,
        "keypoints": _text,
    },
    "scenes": {
        "index": Field("<i8"),
        "tier": _text,
        "time_days": Field("<f8", unit="d"),
        "outcome": _text,
        "attempts": Field("<i4"),
        "labels_sha256": Field(TEXT, hashed=False),
        "all_sha256": Field(TEXT, hashed=False),
    },
    "attempts": {
        "scene": Field("<i8"),
        "attempt": Field("<i4"),
        "outcome": _text,
        "reason": _text,
        "duration_s": Field("<f8", unit="s"),
    },
    "parts": {
        "scene": Field("<i8"),
        "id": Field("<u2"),
        "group": _text,
        "object": Field("<i8", refers="objects"),
    },
    "frames": {
        "scene": Field("<i8"),
        "time_s": Field("<f8", unit="s"),
    },
    "bodies": {
        "frame": Field("<i8", refers="frames"),
        "id": Field("<u2"),
        "object": Field("<i8", refers="objects"),
        "group": _text,
        "role": _text,
        "texture": Field(TEXT, visual=True),
        "X_WB": _pose,
        "velocity": Field("<f8", (6,), ("linear_xyz_angular_xyz",), "m/s, rad/s"),
    },
    "contacts": {
        "frame": Field("<i8", refers="frames", label="contacts"),
        "id_a": Field("<u2", label="contacts"),
        "id_b": Field("<u2", label="contacts"),
        "p_W": Field("<f8", (3,), ("xyz",), "m", label="contacts"),
        "normal_W": Field("<f8", (3,), ("xyz",), label="contacts"),
        "force_n": Field("<f8", unit="N", label="contacts"),
    },
    "grasps/<g>": {
        "frame": Field("<i8", refers="frames", label="grasps"),
        "body": Field("<i8", refers="bodies", label="grasps"),
        "grasp": Field("<i4", label="grasps"),
        "X_BG": replace(_pose, label="grasps"),
        "X_WG": replace(_pose, label="grasps"),
        "width_m": Field("<f8", unit="m", label="grasps"),
        "opening_m": Field("<f8", unit="m", label="grasps"),
        "contacts_W": Field("<f8", (TOUCHES, 3), ("contact", "xyz"), "m", label="grasps"),
        "trials": Field("<i4", label="grasps"),
        "object_probability": Field("<f8", unit="1", label="grasps"),
        "success_probability": Field("<f8", unit="1", label="grasps"),
        "free": Field("|u1", label="grasps"),
        "reachable": Field("|u1", label="grasps"),
        "window_s": Field("<f8", (2,), ("from_to",), "s", label="grasps"),
    },
    "cameras/<c>": {
        "K": Field("<f8", (3, 3), ("row", "column"), "px"),
        "distortion": Field("<f8", (8,), ("k1_k2_p1_p2_k3_k4_k5_k6",)),
        "X_WC": _pose,
        "near_far": Field("<f8", (2,), ("near_far",), "m"),
    },
    "cameras/<c>/seen": {
        "body": Field("<i8", refers="bodies"),
        "frame": Field("<i8", refers="frames"),
        "X_CB": _pose,
        "px_visible": Field("<i4", unit="px"),
        "px_all": Field("<i4", unit="px"),
        "visible_fraction": Field("<f4", unit="1"),
        "box_visible": _box,
        "box_all": _box,
        "amodal": Field(TEXT, label="amodal"),
        "occluder": Field("<u2", label="amodal"),
        "truncation": Field("<f4", unit="1", label="truncation"),
        "corners_C": Field("<f8", (8, 3), ("corner", "xyz"), "m", label="boxes_3d"),
        "corners_uv": Field("<f4", (8, 2), ("corner", "uv"), "px", label="boxes_3d"),
        "keypoints_uv": Field("<f4", (KEYPOINTS, 2), ("keypoint", "uv"), "px", label="keypoints"),
        "keypoints_state": Field("|u1", (KEYPOINTS,), ("keypoint",), label="keypoints"),
    },
    "cameras/<c>/grasps": {
        "frame": Field("<i8", refers="frames", label="grasps"),
        "grasp": Field("<i8", refers="grasps/<g>", label="grasps"),
        "X_CG": replace(_pose, label="grasps"),
        "contacts_uv": Field("<f4", (TOUCHES, 2), ("contact", "uv"), "px", label="grasps"),
        "contacts_state": Field("|u1", (TOUCHES,), ("contact",), label="grasps"),
    },
}
IMAGES: Mapping[str, Image] = {
    "rgb": Image("|u1", channels=3, visual=True),
    "depth": Image("<u2", unit="scale_m"),
    "instance": Image("<u2"),
    "semantic": Image("<u2", label="semantic"),
    "normals": Image("<i2", channels=3, unit="1/32767", label="normals"),
    "nocs": Image("<u2", channels=3, unit="1/65535", label="nocs"),
    "flow": Image("<f4", channels=2, unit="px", label="flow"),
    "rgb_sensor": Image("|u1", channels=3, visual=True, sensor="rgb"),
    "depth_sensor": Image("<u2", unit="scale_m", visual=True, sensor="depth"),
}
STEPS = {
    "normals": NORMAL_STEPS,
    "nocs": NOCS_STEPS,
}  # images whose numbers stand for fractions of this
DEPTHS = ("depth", "depth_sensor")  # images with the attribute scale_m
SHARDS: Mapping[str, Field] = {  # in dataset.h5 alone: one row a shard, in order
    "file": _text,
    "frames": Field("<i8"),
    "bytes": Field("<i8", unit="B"),
    "sha256": _text,
}
BODY_OFFSET = "frames/body_offset"  # (F + 1,): the bodies of frame f are rows [f] to [f + 1]


IDENTITY = (
    "format",
    "task_name",
    "task_sha256",
    "catalog_sha256",
    "seed",
    "look_seed",
    "renderer",
    "tier",
    "at_day",
    "shard_scenes",
    "poses_sha256",
    "grasps_sha256",
)


ATTRIBUTES: Mapping[str, type] = {  # of the root, in every file; see `Header`
    "task_name": str,
    "task_sha256": str,
    "catalog_sha256": str,
    "seed": int,
    "look_seed": int,
    "renderer": str,
    "tier": str,
    "at_day": float,
    "labels": str,
    "classes": str,
    "gl": str,
    "simenv_version": str,
    "conventions": str,
}


@dataclass(frozen=True)
class Header:
    """What a whole run has in common; the root attributes of its files."""

    task: TaskSpec
    task_text: str  # the complete task as YAML
    catalog_sha256: str  # of the objects that the task names
    seed: int
    renderer: str  # "egl", "tiny"
    tier: str  # "core", "edge", "all"
    shard_scenes: int  # scenes of a full shard
    keypoints: int = 0  # that the object of the task with most of them has
    classes: tuple[str, ...] = ()  # value k of the semantic image is classes[k - 1]
    poses_sha256: str = ""  # of the dataset whose physics was drawn again; "": it was simulated
    gl: str = ""  # what the driver says it is
    look_seed: int | None = None  # where the visual axes were redrawn
    at_day: float = 0.0  # where on the task's timeline
    gripper: str = ""  # whose grasps are labelled; "": none are
    touches: int = 0  # contacts of each of its grasps
    grasps_sha256: str = ""  # of the grasp sets

    @property
    def identity(self) -> dict[str, str | int | float | None]:
        """What two runs must share to write into one folder."""
        values = (
            FORMAT,
            self.task.name,
            hashlib.sha256(self.task_text.encode()).hexdigest(),
            self.catalog_sha256,
            self.seed,
            self.look_seed,
            self.renderer,
            self.tier,
            self.at_day,
            self.shard_scenes,
            self.poses_sha256 or None,
            self.grasps_sha256 or None,
        )
        return dict(zip(IDENTITY, values, strict=True))

    @property
    def attributes(self) -> dict[str, str | int | float]:
        """The root attributes, in order; look_seed is -1 where the look was not redrawn."""
        redrawn = -1 if self.look_seed is None else self.look_seed
        return {
            **{key: value for key, value in self.identity.items() if value is not None},
            "look_seed": redrawn,
            "labels": " ".join(self.task.labels),
            "classes": " ".join(self.classes),
            "gl": self.gl,
            "simenv_version": simenv.__version__,
            "pybullet_version": version("pybullet"),
            "conventions": CONVENTIONS,
        }
