"""Datasets on disk whose labels are known: records of analytic spheres, put into shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.dataset.index import write_index
from simenv.dataset.lock import identify
from simenv.dataset.record import Attempt, CameraRecord, Record
from simenv.dataset.schema import Header
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import commit_shard
from simenv.label.rle import encode
from simenv.label.seen import Seen
from simenv.scene import Contacts
from simenv.spec import yaml
from simenv.spec.object import ObjectModel, ObjectSpec, Sphere
from simenv.spec.task import LABELS, TaskSpec
from tests.view.spheres import (
    KEYPOINTS,
    LENS,
    RADIUS_M,
    STEP_M,
    Cast,
    box,
    cast_all,
    corners,
    poses,
)
from tests.view.spheres import keypoints as keypoints_of

TASK = """
format: simenv-task-1
name: spheres
summary: {summary}
actors:
  parts: {{objects: ball, count: 3, spawn: {{zone: here}}}}
scene:
  zones: {{here: {{center: [0, 0, 0], size_m: [0.2, 0.2]}}}}
cameras:
  left: {left}
  right: {right}
domain:
  actors.parts.count: {{kind: semantic, integers: [1, 9]}}
  scene.gravity_m_s2: {{kind: semantic, uniform: [9, 10]}}
  look.backdrop.color: {{kind: visual, uniform: [[0, 0, 0], [1, 1, 1]]}}
labels: [{labels}]
"""
CAMERA = (
    "{{resolution: [{}, {}], fov_y_deg: 43.6, X_WC: {{eye: [0, 0, 1.2], target: [0, 0, 0]}}{}}}"
)
SENSOR = ", sensor: {rgb: {}, depth: {kind: stereo}}"
SCALE_M = 1e-4  # CameraSpec's default
X_WC = pose.look_at((0.0, 0.0, 1.2), (0.0, 0.0, 0.0))
APART_M = 0.08  # the right camera stands so far to the right of the left one
SHELF_ROWS = 30  # the lowest rows of each mask are furniture


def ball(name: str = "ball") -> ObjectModel:
    """A sphere as a part; any name, as in a file that somebody else wrote."""
    shapes = (Sphere(shape="sphere", radius_m=RADIUS_M),)
    spec = ObjectSpec(
        name="ball",
        class_="ball",
        mesh=shapes,
        collision=shapes,
        mass_kg=0.1,
        keypoints=KEYPOINTS,
    )
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
    labels: bool = False,
) -> Record:
    """Scene ``scene``; ``frames`` = 0 is a rejected one. ``reasons`` are of the failed attempts.

    With ``labels`` it has all of them, the left camera has devices and the right one a lens, and
    the last part is a distractor that touches the first one.
    """
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
        body_role=("part",) * (parts - labels) + ("distractor",) * labels + ("furniture",),
        body_object=(name,) * parts + ("shelf",),
        body_texture=("",) * (parts + 1),
        objects={name: ball(name), "shelf": ball("shelf")},
        time_s=0.5 * np.arange(frames, dtype=np.float64),
        X_WB=X_WB,
        velocity=np.zeros((frames, parts + 1, 6)),
        cameras={
            "left": _camera(X_WC, X_WB, shape, labels=labels, sensor=labels),
            "right": _camera(
                X_WC @ pose.pose(None, (APART_M, 0, 0)),
                X_WB,
                shape,
                labels=labels,
                distortion=LENS if labels else None,
            ),
        },
        contacts=(_contact(parts),) * frames if labels else (),
    )


def _contact(parts: int) -> Contacts:
    """The first part touches the last one and the floor."""
    return Contacts(
        id_a=np.array([1, 1], dtype=np.uint16),
        id_b=np.array([0, parts], dtype=np.uint16),
        p_W=np.zeros((2, 3)),
        normal_W=np.array([[0, 0, 1.0], [1.0, 0, 0]]),
        force_n=np.ones(2),
    )


def _bodies(scene: int, parts: int, frame: int) -> NDArray[np.float64]:
    """X_WB of the spheres and of the shelf."""
    step = pose.pose(None, (STEP_M * frame, 0, 0))
    shelf = pose.pose(None, (0, 0.4, 1.2))
    return np.asarray(X_WC @ np.concatenate([step @ poses(parts, scene), shelf[None]]))


def _camera(
    X_WC: NDArray[np.float64],
    X_WB: NDArray[np.float64],
    shape: tuple[int, int],
    *,
    labels: bool = False,
    sensor: bool = False,
    distortion: NDArray[np.float64] | None = None,
) -> CameraRecord:
    K, frames = intrinsics(shape), len(X_WB)
    X_CB = pose.inverse(X_WC) @ X_WB
    seen: list[Seen] = []
    images: dict[str, list[NDArray[Any]]] = {}
    for frame in range(frames):
        found = cast_all(X_CB[frame, :-1], shape=shape, K=K, distortion=distortion)
        found.instance[-shape[0] * SHELF_ROWS // 480 :] = X_CB.shape[1]
        for name, pixels in _pictures(found, labels=labels, sensor=sensor):
            images.setdefault(name, []).append(pixels)
        seen.append(_seen(X_CB[frame], found.instance, K, distortion, labels=labels))
    return CameraRecord(
        images=images or {name: [] for name in _names(labels=labels, sensor=sensor)},
        depth_scale_m=SCALE_M,
        distortion=np.tile(np.zeros(8) if distortion is None else distortion, (frames, 1)),
        K=np.tile(K, (frames, 1, 1)),
        X_WC=np.tile(X_WC, (frames, 1, 1)),
        near_far=np.tile([0.5, 2.0], (frames, 1)),
        seen=tuple(seen),
    )


def _names(*, labels: bool, sensor: bool) -> list[str]:
    none = cast_all(np.empty((0, 4, 4)), shape=(1, 1), K=np.eye(3))
    return [name for name, _ in _pictures(none, labels=labels, sensor=sensor)]


def _pictures(found: Cast, *, labels: bool, sensor: bool) -> Iterator[tuple[str, NDArray[Any]]]:
    """As they go to disk. The devices see half the light, and 1 cm too far up to 1.1 m."""
    yield "rgb", found.rgb
    yield "depth", np.rint(found.depth_m / SCALE_M).astype(np.uint16)
    yield "instance", found.instance
    if labels:
        shelf = found.instance.max()
        kind = np.where(found.instance == shelf, 2, 1)
        yield "semantic", np.where(found.instance, kind, 0).astype(np.uint16)
        yield "normals", np.rint(found.normals * 32767).astype(np.int16)
        nocs = np.where(found.instance[..., None], found.nocs, 0)
        yield "nocs", np.rint(nocs * 65535).astype(np.uint16)
        yield "flow", found.flow
    if sensor:
        measured_m = np.where(found.depth_m < 1.1, found.depth_m + 0.01, 0)
        yield "rgb_sensor", found.rgb // 2
        yield "depth_sensor", np.rint(measured_m / SCALE_M).astype(np.uint16)


def _seen(
    X_CB: NDArray[np.float64],
    instance: NDArray[np.uint16],
    K: NDArray[np.float64],
    distortion: NDArray[np.float64] | None = None,
    *,
    labels: bool = False,
) -> Seen:
    count = len(X_CB)
    masks = [instance == index for index in range(1, count + 1)]
    px_visible = np.array([mask.sum() for mask in masks], dtype=np.int32)
    alone = [
        cast_all(X_CB[i : i + 1], shape=instance.shape, K=K, distortion=distortion).instance > 0
        for i in range(count - 1)
    ]
    silhouettes = [*alone, masks[-1]]
    px_all = np.array([mask.sum() for mask in silhouettes], dtype=np.int32)
    px_all = np.maximum(px_all, px_visible)
    boxes = np.array([box(mask) or (-1,) * 4 for mask in masks], dtype=np.int32)
    fraction = (px_visible / np.maximum(px_all, 1)).astype(np.float32)
    plain = Seen(X_CB, px_visible, px_all, fraction, boxes, boxes)
    if not labels:
        return plain
    points = [keypoints_of(X, row + 1, instance, K, distortion) for row, X in enumerate(X_CB)]
    boxes_C = np.array([corners(X) for X in X_CB])
    return replace(
        plain,
        amodal=tuple(encode(mask) for mask in silhouettes),
        occluder=np.array(
            [_occluder(mask, instance, i + 1) for i, mask in enumerate(silhouettes)],
            dtype=np.uint16,
        ),
        truncation=np.linspace(0, 0.5, count).astype(np.float32),
        corners_C=boxes_C,
        corners_uv=lens.project(boxes_C, K, distortion).astype(np.float32),
        keypoints_uv=np.array([uv for uv, _ in points]),
        keypoints_state=np.array([state for _, state in points]),
    )


def _occluder(mask: NDArray[np.bool_], instance: NDArray[np.uint16], own: int) -> int:
    """The id that most of the hidden pixels of ``mask`` show."""
    counts = np.bincount(instance[mask & (instance != own) & (instance > 0)], minlength=1)
    return int(counts.argmax())


def save(
    out: Path,
    records: Sequence[Record],
    *,
    shape: tuple[int, int] = (60, 80),
    summary: str = "Spheres before a wall.",
    gl: str = "analytic",
    labels: bool = False,
    poses_sha256: str = "",
) -> Path:
    """A dataset of one shard in the folder ``out``; ``labels`` as those of its records."""
    text = TASK.format(
        summary=yaml.flow(summary),
        left=CAMERA.format(*shape[::-1], SENSOR if labels else ""),
        right=CAMERA.format(*shape[::-1], ""),
        labels=", ".join(sorted(set(LABELS) - {"grasps"})) if labels else "",  # no robot
    )
    task = TaskSpec.model_validate(yaml.parse(text, name="spheres.yaml").value)
    builder = ShardBuilder(
        Header(task=task, task_text=text, catalog_sha256="0" * 64, seed=7, renderer="tiny",
               tier="core", shard_scenes=64, gl=gl, poses_sha256=poses_sha256,
               keypoints=len(KEYPOINTS), classes=("ball", "shelf"))
    )  # fmt: skip
    for each in records:
        builder.add(each)
    identify(out, builder.header.identity)
    commit_shard(out, 0, builder)
    write_index(out)
    return out
