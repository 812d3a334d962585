"""Datasets on disk whose labels are known: records of analytic spheres, put into shards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.index import write_index
from simenv.dataset.record import Attempt, CameraRecord, Record
from simenv.dataset.schema import Header
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import commit_shard
from simenv.label.seen import Seen
from simenv.spec import yaml
from simenv.spec.object import ObjectModel, ObjectSpec, Sphere
from simenv.spec.task import TaskSpec
from tests.view.spheres import RADIUS_M, box, cast, poses

TASK = """
format: simenv-task-1
name: spheres
summary: {summary}
actors:
  parts: {{objects: ball, count: 3, spawn: {{zone: here}}}}
scene:
  zones: {{here: {{center: [0, 0, 0], size_m: [0.2, 0.2]}}}}
cameras:
  left: {camera}
  right: {camera}
domain:
  actors.parts.count: {{kind: semantic, integers: [1, 9]}}
  scene.gravity_m_s2: {{kind: semantic, uniform: [9, 10]}}
  look.backdrop.color: {{kind: visual, uniform: [[0, 0, 0], [1, 1, 1]]}}
"""
CAMERA = "{{resolution: [{}, {}], fov_y_deg: 43.6, X_WC: {{eye: [0, 0, 1.2], target: [0, 0, 0]}}}}"
SCALE_M = 1e-4  # CameraSpec's default
X_WC = pose.look_at((0.0, 0.0, 1.2), (0.0, 0.0, 0.0))
APART_M = 0.08  # the right camera stands so far to the right of the left one
STEP_M = 0.03  # the parts move so far to the right from frame to frame
SHELF_ROWS = 30  # the lowest rows of each mask are furniture


def ball(name: str = "ball") -> ObjectModel:
    """A sphere as a part; any name, as in a file that somebody else wrote."""
    shapes = (Sphere(shape="sphere", radius_m=RADIUS_M),)
    spec = ObjectSpec(name="ball", class_="ball", mesh=shapes, collision=shapes, mass_kg=0.1)
    return ObjectModel(spec.model_copy(update={"name": name}))


def intrinsics(shape: tuple[int, int]) -> NDArray[np.float64]:
    """K with the same field of view for any size, 600 px at 640x480."""
    height, width = shape
    focal = height * 600 / 480
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])


def record(
    scene: int,
    *,
    parts: int = 3,
    frames: int = 2,
    shape: tuple[int, int] = (60, 80),
    reasons: Sequence[str] = (),
    name: str = "ball",
) -> Record:
    """Scene ``scene``; ``frames`` = 0 is a rejected one. ``reasons`` are of the failed attempts."""
    attempts = tuple(Attempt("rejected", reason, 0.5) for reason in reasons)
    attempts += (Attempt("accepted", "", 0.5),) if frames else ()
    X_WB = np.stack([_bodies(scene, parts, frame) for frame in range(max(frames, 1))])[:frames]
    return Record(
        scene=scene,
        tier="core",
        outcome=attempts[-1].outcome,
        attempts=attempts,
        scene_values={
            "actors.parts.count": parts,
            "scene.gravity_m_s2": 9.8123456,
            "look.backdrop.color": (0.25, 0.5, 0.75),
        },
        part_values={},
        body_id=np.arange(1, parts + 2, dtype=np.uint16),
        body_group=("parts",) * parts + ("tables",),
        body_role=("part",) * parts + ("furniture",),
        body_object=(name,) * parts + ("shelf",),
        body_texture=("",) * (parts + 1),
        objects={name: ball(name), "shelf": ball("shelf")},
        time_s=0.5 * np.arange(frames, dtype=np.float64),
        X_WB=X_WB,
        velocity=np.zeros((frames, parts + 1, 6)),
        cameras={
            "left": _camera(X_WC, X_WB, shape),
            "right": _camera(X_WC @ pose.pose(None, (APART_M, 0, 0)), X_WB, shape),
        },
    )


def _bodies(scene: int, parts: int, frame: int) -> NDArray[np.float64]:
    """X_WB of the spheres and of the shelf."""
    step = pose.pose(None, (STEP_M * frame, 0, 0))
    shelf = pose.pose(None, (0, 0.4, 1.2))
    return np.asarray(X_WC @ np.concatenate([step @ poses(parts, scene), shelf[None]]))


def _camera(
    X_WC: NDArray[np.float64], X_WB: NDArray[np.float64], shape: tuple[int, int]
) -> CameraRecord:
    K, frames = intrinsics(shape), len(X_WB)
    X_CB = pose.inverse(X_WC) @ X_WB
    seen, pictures = [], []
    for frame in range(frames):
        rgb, depth_m, instance = cast(X_CB[frame, :-1], shape=shape, K=K)
        instance[-shape[0] * SHELF_ROWS // 480 :] = X_CB.shape[1]
        pictures.append((rgb, np.rint(depth_m / SCALE_M).astype(np.uint16), instance))
        seen.append(_seen(X_CB[frame], instance, K))
    near_far = np.tile([0.5, 2.0], (frames, 1))
    return CameraRecord(
        images={
            "rgb": [rgb for rgb, _, _ in pictures],
            "depth": [depth for _, depth, _ in pictures],
            "instance": [instance for _, _, instance in pictures],
        },
        depth_scale_m=SCALE_M,
        distortion=np.zeros((frames, 8)),
        K=np.tile(K, (frames, 1, 1)),
        X_WC=np.tile(X_WC, (frames, 1, 1)),
        near_far=near_far,
        seen=tuple(seen),
    )


def _seen(X_CB: NDArray[np.float64], instance: NDArray[np.uint16], K: NDArray[np.float64]) -> Seen:
    count = len(X_CB)
    masks = [instance == index for index in range(1, count + 1)]
    px_visible = np.array([mask.sum() for mask in masks], dtype=np.int32)
    alone = [cast(X_CB[i : i + 1], shape=instance.shape, K=K)[2] > 0 for i in range(count - 1)]
    px_all = np.array([*(mask.sum() for mask in alone), px_visible[-1]], dtype=np.int32)
    px_all = np.maximum(px_all, px_visible)
    boxes = np.array([box(mask) or (-1,) * 4 for mask in masks], dtype=np.int32)
    fraction = (px_visible / np.maximum(px_all, 1)).astype(np.float32)
    return Seen(X_CB, px_visible, px_all, fraction, boxes, boxes)


def save(
    out: Path,
    records: Sequence[Record],
    *,
    shape: tuple[int, int] = (60, 80),
    summary: str = "Spheres before a wall.",
    gl: str = "analytic",
) -> Path:
    """A dataset of one shard in the folder ``out``."""
    camera = CAMERA.format(shape[1], shape[0])
    text = TASK.format(summary=yaml.flow(summary), camera=camera)
    task = TaskSpec.model_validate(yaml.parse(text, name="spheres.yaml").value)
    builder = ShardBuilder(
        Header(task=task, task_text=text, catalog_sha256="0" * 64, seed=7, renderer="tiny",
               tier="core", shard_scenes=64, gl=gl)
    )  # fmt: skip
    for each in records:
        builder.add(each)
    commit_shard(out, 0, builder)
    write_index(out)
    return out
