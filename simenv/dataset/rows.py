"""How a record becomes rows, and the digests that name its content whatever file it is in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.layout import Layout
from simenv.dataset.param import Param
from simenv.dataset.record import Record
from simenv.dataset.schema import IMAGES, TABLES, TEXT, Field
from simenv.dataset.tables import Surface, Tables, empty
from simenv.label.reach import GraspsSeen
from simenv.label.seen import Seen
from simenv.spec.object import ObjectModel

__all__ = ["Digests", "Images", "content_hash", "digests", "images_of", "tables_of"]

Images = Mapping[str, Mapping[str, Sequence[NDArray[Any]]]]  # camera -> image -> frames


@dataclass(frozen=True)
class Digests:
    """SHA-256 (hex) of a scene's decoded values: free of compression, file and worker."""

    labels: str  # everything but what is visual: rgb, textures, axes of kind visual
    all: str


def content_hash(record: Record, layout: Layout) -> Digests:
    """The digests of ``record``; equal values on disk have equal digests."""
    return digests(tables_of(record, layout), images_of(record), layout)


def digests(tables: Tables, images: Images, layout: Layout) -> Digests:
    """The digests of one scene from its own tables and pictures."""
    labels, visual = hashlib.sha256(), hashlib.sha256()
    for name, field in sorted(layout.fields.items()):
        if field.hashed:
            _feed(visual if field.visual else labels, name, tables[name])
    for camera in sorted(layout.cameras):
        for image in layout.cameras[camera].images:
            kind = IMAGES[image]
            name = f"cameras/{camera}/{image}"
            shape = (kind.dtype, layout.cameras[camera].shape(image))
            _feed_frames(visual if kind.visual else labels, name, *shape, images[camera][image])
    both = hashlib.sha256(labels.digest() + visual.digest())
    return Digests(labels.hexdigest(), both.hexdigest())


def _feed(digest: Any, name: str, column: NDArray[Any]) -> None:
    """Name, dtype and shape first, so that no two different columns feed the same bytes."""
    if column.dtype == object:
        digest.update(json.dumps([name, TEXT, *column]).encode())
        return
    digest.update(json.dumps([name, column.dtype.str, *column.shape]).encode())
    digest.update(np.ascontiguousarray(column))


def _feed_frames(
    digest: Any, name: str, dtype: str, shape: tuple[int, ...], frames: Sequence[NDArray[Any]]
) -> None:
    """The same bytes as `_feed` of the frames as one array, which is never made."""
    digest.update(json.dumps([name, dtype, len(frames), *shape]).encode())
    for frame in frames:
        digest.update(np.ascontiguousarray(frame))


def images_of(record: Record) -> Images:
    """The pictures by camera and name."""
    return {name: camera.images for name, camera in record.cameras.items()}


def tables_of(record: Record, layout: Layout) -> Tables:
    """The rows of ``record``, numbered from 0.

    Raises:
        ValueError: if the record does not have the cameras and axes of ``layout``.
    """
    _check(record, layout)
    parts = _parts(record, layout)
    on_disk = record.body_object if len(record.time_s) else [record.body_object[i] for i in parts]
    names = sorted(set(on_disk))
    number = {name: row for row, name in enumerate(names)}
    objects = np.array([number.get(name, -1) for name in record.body_object], dtype="<i8")
    models = [record.objects[name] for name in names]
    columns = _object_columns(models, names) | _scene_columns(record)
    columns |= _part_columns(record, parts, objects) | _body_columns(record, objects)
    columns |= _param_columns(record, parts, layout) | _contact_columns(record)
    columns |= _grasp_columns(record, layout) if layout.gripper else {}
    for camera in layout.cameras:
        columns |= _camera_columns(record, camera)
    typed = {name: _cast(columns[name], field) for name, field in layout.fields.items()}
    return Tables(typed, tuple(_surface(model) for model in models))


def _check(record: Record, layout: Layout) -> None:
    """Refuse a record that the columns cannot hold."""
    where = f"scene {record.scene}"
    if set(record.cameras) != set(layout.cameras):
        have, want = sorted(record.cameras), sorted(layout.cameras)
        raise ValueError(f"{where}: cameras are {have}; the task has {want}")
    known = {param.path for param in layout.params.values()}
    if extra := (set(record.scene_values) | set(record.part_values)) - known:
        raise ValueError(f"{where}: {sorted(extra)[0]} has a value but is no axis of the domain")
    frames = len(record.time_s)
    for name, camera in layout.cameras.items():
        seen = record.cameras[name]
        if set(seen.images) != set(camera.images):
            have, want = sorted(seen.images), sorted(camera.images)
            raise ValueError(f"{where}: {name} has {have}; {want} were planned")
        for image, pixels in seen.images.items():
            shapes = [frame.shape for frame in pixels]
            if shapes != [camera.shape(image)] * frames:
                raise ValueError(f"{where}: {name}/{image} is {shapes}; {camera} was planned")
        if seen.depth_scale_m != camera.depth_scale_m:
            raise ValueError(f"{where}: {name} has depth_scale_m {seen.depth_scale_m}")


def _parts(record: Record, layout: Layout) -> NDArray[np.int64]:
    """The bodies that are parts, in id order."""
    return np.flatnonzero([group in layout.groups for group in record.body_group])


def _cast(rows: Any, field: Field) -> NDArray[Any]:
    """The column with its dtype on disk; numpy refuses to make integers of other numbers."""
    if len(rows) == 0:
        return empty(field)
    if field.dtype == TEXT:
        return np.array([str(row) for row in rows], dtype=object)
    array = np.asarray(rows).reshape(len(rows), *field.shape)
    return array.astype(field.dtype, casting="same_kind")


def _scene_columns(record: Record) -> dict[str, Any]:
    tries = record.attempts
    return {
        "scenes/index": [record.scene],
        "scenes/tier": [record.tier],
        "scenes/time_days": [record.time_days],
        "scenes/outcome": [record.outcome],
        "scenes/attempts": [len(tries)],
        "scenes/labels_sha256": [""],
        "scenes/all_sha256": [""],
        "attempts/scene": np.full(len(tries), record.scene),
        "attempts/attempt": np.arange(len(tries)),
        "attempts/outcome": [attempt.outcome for attempt in tries],
        "attempts/reason": [attempt.reason for attempt in tries],
        "attempts/duration_s": np.array([attempt.duration_s for attempt in tries]),
        "frames/scene": np.full(len(record.time_s), record.scene),
        "frames/time_s": record.time_s,
    }


def _part_columns(
    record: Record, parts: NDArray[np.int64], objects: NDArray[np.int64]
) -> dict[str, Any]:
    return {
        "parts/scene": np.full(len(parts), record.scene),
        "parts/id": record.body_id[parts],
        "parts/group": [record.body_group[i] for i in parts],
        "parts/object": objects[parts],
    }


def _body_columns(record: Record, objects: NDArray[np.int64]) -> dict[str, Any]:
    """One row a body in a frame: what does not move is repeated."""
    frames, bodies = record.X_WB.shape[:2]
    return {
        "bodies/frame": np.repeat(np.arange(frames), bodies),
        "bodies/id": np.tile(record.body_id, frames),
        "bodies/object": np.tile(objects, frames),
        "bodies/group": record.body_group * frames,
        "bodies/role": record.body_role * frames,
        "bodies/texture": record.body_texture * frames,
        "bodies/X_WB": record.X_WB.reshape(-1, 4, 4),
        "bodies/velocity": record.velocity.reshape(-1, 6),
    }


def _param_columns(record: Record, parts: NDArray[np.int64], layout: Layout) -> dict[str, Any]:
    columns = {}
    for name, param in layout.params.items():
        if name.startswith("scenes/"):
            columns[name] = param.encode([record.scene_values.get(param.path)])
        else:
            columns[name] = param.encode(_part_values(record, parts, param))
    return columns


def _part_values(record: Record, parts: NDArray[np.int64], param: Param) -> list[object]:
    """One value a part: those of the axis's group are given in order, all others have none."""
    group = param.path.split(".")[1]
    given = iter(record.part_values.get(param.path, ()))
    row = [next(given, None) if record.body_group[i] == group else None for i in parts]
    if rest := list(given):
        raise ValueError(
            f"scene {record.scene}: {param.path} has {len(rest)} more values than parts"
        )
    return row


def _contact_columns(record: Record) -> dict[str, Any]:
    """One row a contact point; columns that the layout does not have are left."""
    counts = [len(contacts.id_a) for contacts in record.contacts]
    columns: dict[str, Any] = {"contacts/frame": np.repeat(np.arange(len(counts)), counts)}
    for key in ("id_a", "id_b", "p_W", "normal_W", "force_n"):
        values = [getattr(contacts, key) for contacts in record.contacts]
        columns[f"contacts/{key}"] = np.concatenate(values) if values else []
    return columns


def _grasp_columns(record: Record, layout: Layout) -> dict[str, Any]:
    """One row a grasp in a frame, and one for each camera."""
    own, frames, start = record.grasps, len(record.time_s), f"grasps/{layout.gripper}"
    frame = np.repeat(np.arange(frames), [len(grasps.id) for grasps in own]).astype("<i8")
    row = {int(identity): k for k, identity in enumerate(record.body_id)}
    ids = np.concatenate([np.zeros(0, dtype="<u2"), *(grasps.id for grasps in own)])
    body = np.array([row[int(identity)] for identity in ids], dtype="<i8")
    columns: dict[str, Any] = {
        f"{start}/frame": frame,
        f"{start}/body": body + frame * len(record.body_id),
    }
    for key in TABLES["grasps/<g>"].keys() - {"frame", "body"}:
        values = [getattr(grasps, key) for grasps in own]
        columns[f"{start}/{key}"] = np.concatenate(values) if values else []
    for name, camera in record.cameras.items():
        seen = f"cameras/{name}/grasps"
        columns |= {f"{seen}/frame": frame, f"{seen}/grasp": np.arange(len(frame))}
        for field in fields(GraspsSeen):
            values = [getattr(grasps, field.name) for grasps in camera.grasps]
            columns[f"{seen}/{field.name}"] = np.concatenate(values) if values else []
    return columns


def _camera_columns(record: Record, name: str) -> dict[str, Any]:
    camera, (frames, bodies) = record.cameras[name], record.X_WB.shape[:2]
    start, rows = f"cameras/{name}", np.arange(frames * bodies)
    columns: dict[str, Any] = {
        f"{start}/K": camera.K,
        f"{start}/distortion": camera.distortion,
        f"{start}/X_WC": camera.X_WC,
        f"{start}/near_far": camera.near_far,
        f"{start}/seen/body": rows,
        f"{start}/seen/frame": rows // max(bodies, 1),
    }
    for field in fields(Seen):
        values = [getattr(seen, field.name) for seen in camera.seen]
        if not any(value is None for value in values):  # what no label asks for
            columns[f"{start}/seen/{field.name}"] = np.concatenate(values) if values else []
    return columns


def _object_columns(models: Sequence[ObjectModel], names: Sequence[str]) -> dict[str, Any]:
    specs = [model.spec for model in models]
    return {
        "objects/name": names,
        "objects/key": names,
        "objects/class": [spec.class_ for spec in specs],
        "objects/mass_kg": np.array([spec.mass_kg for spec in specs], dtype=float),
        "objects/size_m": np.array([model.mesh.extents for model in models]),
        "objects/center_m": np.array([model.mesh.center for model in models]),
        "objects/diameter_m": np.array([model.diameter_m for model in models], dtype=float),
        "objects/mesh_sha256": [model.mesh.sha256 for model in models],
        "objects/symmetry": [spec.symmetry.model_dump_json() for spec in specs],
        "objects/keypoints": [json.dumps(spec.keypoints, sort_keys=True) for spec in specs],
    }


def _surface(model: ObjectModel) -> Surface:
    return model.mesh.vertices.astype("<f4"), model.mesh.faces.astype("<i4")
