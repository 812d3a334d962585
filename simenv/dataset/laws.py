"""Which laws labels obey, whatever made them: counted again from the masks, composed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.label_laws import contact_problems, grasp_problems, label_problems
from simenv.dataset.layout import Layout
from simenv.dataset.links import is_measured, link_problems
from simenv.dataset.rows import Images
from simenv.dataset.tables import Tables, body_offset
from simenv.pose import inverse

__all__ = ["scene_problems", "table_problems"]

ROTATION_TOLERANCE = 1e-6  # largest entry of R^T R - I; poses are computed in float64
POSE_TOLERANCE = 1e-6  # metres or radians between X_CB and inverse(X_WC) X_WB
MOST_UNITS = 65535  # of a 16-bit depth; what is farther is stored as 0


def table_problems(tables: Tables, layout: Layout, offset: NDArray[np.int64]) -> Iterator[str]:
    """What keeps rows from being followed, and what is said twice and differs."""
    problems = [
        problem
        for table in layout.tables
        for problem in link_problems(
            table,
            {name: tables[name] for name in layout.columns(table)},
            layout.fields,
            tables.count,
            lambda: tables["scenes/index"],
        )
    ]
    if problems:
        yield from problems
        return
    if not np.array_equal(offset, body_offset(tables)):
        yield "/frames/body_offset disagrees with /bodies/frame"
    for camera in layout.cameras:
        seen = f"cameras/{camera}/seen"
        if not np.array_equal(tables[f"{seen}/body"], np.arange(tables.count("bodies"))):
            yield f"/{seen}/body is not one row for each row of /bodies"
        elif not np.array_equal(tables[f"{seen}/frame"], tables["bodies/frame"]):
            yield f"/{seen}/frame disagrees with /bodies/frame"
    for row, (vertices, faces) in enumerate(tables.meshes):
        found = hashlib.sha256(vertices.astype("<f4").tobytes() + faces.astype("<i4").tobytes())
        if found.hexdigest() != tables["objects/mesh_sha256"][row]:
            yield f"/objects: the mesh of {tables['objects/name'][row]} is not the one named"


def scene_problems(tables: Tables, images: Images, layout: Layout) -> Iterator[str]:
    """What is wrong in one scene (its own tables, row numbers from 0)."""
    for name, field in layout.fields.items():
        if not is_measured(name, field, tables[name]):
            yield f"/{name} is not finite"
            return
    yield from _story_problems(tables)
    yield from _pose_problems("bodies/X_WB", tables["bodies/X_WB"])
    offset = body_offset(tables)
    for frame in range(tables.count("frames")):
        ids = tables["bodies/id"][offset[frame] : offset[frame + 1]]
        if len(np.unique(ids)) < len(ids) or np.any(ids == 0):
            yield f"frame {frame}: /bodies/id has an id twice, or id 0"
    if "contacts" in layout.labels:
        yield from contact_problems(tables)
    if layout.gripper:
        yield from grasp_problems(tables, layout)
    for camera in layout.cameras:
        yield from _camera_problems(tables, images[camera], layout, camera, offset)


def _story_problems(tables: Tables) -> Iterator[str]:
    """The scene's row against its attempts and frames."""
    outcome = tables["scenes/outcome"][0]
    if tables["scenes/attempts"][0] != tables.count("attempts"):
        yield f"/scenes/attempts is not {tables.count('attempts')}, the rows of /attempts"
    if [outcome] != tables["attempts/outcome"][-1:].tolist():
        yield f"/scenes/outcome {outcome!r} is not that of the last attempt"
    if (outcome == "accepted") != (tables.count("frames") > 0):
        yield f"outcome is {outcome!r} with {tables.count('frames')} frames"
    if np.any(np.diff(tables["frames/time_s"]) <= 0):
        yield "/frames/time_s does not increase"


def _pose_problems(name: str, X_AB: NDArray[np.float64]) -> Iterator[str]:
    R_AB = X_AB[:, :3, :3]
    error = np.abs(np.swapaxes(R_AB, 1, 2) @ R_AB - np.eye(3)).max(initial=0.0)
    if error > ROTATION_TOLERANCE or np.any(np.linalg.det(R_AB) < 0):
        yield f"/{name} has a rotation that is none (off by {error:.1e})"
    if np.any(X_AB[:, 3] != (0.0, 0.0, 0.0, 1.0)):
        yield f"/{name} has a last row other than 0 0 0 1"


def _camera_problems(
    tables: Tables,
    images: Mapping[str, Sequence[NDArray[Any]]],
    layout: Layout,
    camera: str,
    offset: NDArray[np.int64],
) -> Iterator[str]:
    yield from _pose_problems(f"cameras/{camera}/X_WC", tables[f"cameras/{camera}/X_WC"])
    scale = layout.cameras[camera].depth_scale_m
    for frame in range(tables.count("frames")):
        rows = slice(offset[frame], offset[frame + 1])
        problems = [
            *_seen_problems(tables, f"cameras/{camera}", frame, rows),
            *_mask_problems(tables, f"cameras/{camera}/seen", rows, images["instance"][frame]),
            *label_problems(tables, images, layout, camera, frame, rows),
            *_depth_problems(
                images["depth"][frame],
                images["instance"][frame],
                tables[f"cameras/{camera}/near_far"][frame],
                scale,
            ),
        ]
        yield from (f"{camera}, frame {frame}: {what}" for what in problems)


def _seen_problems(tables: Tables, camera: str, frame: int, rows: slice) -> Iterator[str]:
    """The table against itself and the poses."""
    X_CB = inverse(tables[f"{camera}/X_WC"][frame]) @ tables["bodies/X_WB"][rows]
    if np.abs(X_CB - tables[f"{camera}/seen/X_CB"][rows]).max(initial=0.0) > POSE_TOLERANCE:
        yield "X_CB is not inverse(X_WC) X_WB"
    px_visible, px_all, fraction, inner, outer = (
        tables[f"{camera}/seen/{name}"][rows]
        for name in ("px_visible", "px_all", "visible_fraction", "box_visible", "box_all")
    )
    if np.any(px_visible > px_all):
        yield "px_visible is larger than px_all"
    if np.abs(fraction - px_visible / np.maximum(px_all, 1)).max(initial=0.0) > 1e-6:
        yield "visible_fraction is not px_visible / px_all"
    shown = px_visible > 0
    inside = (inner[:, :2] >= outer[:, :2]) & (
        inner[:, :2] + inner[:, 2:] <= outer[:, :2] + outer[:, 2:]
    )
    if not np.all(inside[shown]):
        yield "box_visible reaches outside box_all"


def _mask_problems(
    tables: Tables, seen: str, rows: slice, instance: NDArray[np.uint16]
) -> Iterator[str]:
    """The mask, counted again."""
    ids = tables["bodies/id"][rows]
    counts = np.bincount(instance.reshape(-1), minlength=1 << 16)
    if strangers := set(np.flatnonzero(counts).tolist()) - {0, *ids.tolist()}:
        yield f"instance has id {min(strangers)}, which is no body"
    if not np.array_equal(counts[ids], tables[f"{seen}/px_visible"][rows]):
        yield "px_visible is not the count of the mask's pixels"
    if not np.array_equal(_boxes(instance)[ids], tables[f"{seen}/box_visible"][rows]):
        yield "box_visible is not the bounds of the mask"


def _boxes(instance: NDArray[np.uint16]) -> NDArray[np.int64]:
    """x, y, width, height of every id's pixels (65536, 4); -1 where there are none."""
    y, x = np.nonzero(instance)
    ids, points = instance[y, x], np.column_stack([x, y])
    low = np.full((1 << 16, 2), np.iinfo(np.int64).max)
    high = np.full((1 << 16, 2), -1)
    np.minimum.at(low, ids, points)
    np.maximum.at(high, ids, points)
    return np.where(high[:, :1] < 0, -1, np.column_stack([low, high - low + 1]))


def _depth_problems(
    depth: NDArray[np.uint16],
    instance: NDArray[np.uint16],
    near_far: NDArray[np.float64],
    scale: float,
) -> Iterator[str]:
    near, far = near_far
    there = depth[depth > 0]
    # Half a unit of rounding, and the float32 of the depth before it.
    slack = 0.51 * scale + 1e-6 * far
    if there.size and not near - slack <= there.min() * scale <= there.max() * scale <= far + slack:
        yield f"depth leaves near_far, {near:.4g} to {far:.4g} m"
    if far <= MOST_UNITS * scale and np.any((depth == 0) & (instance > 0)):
        yield "depth is 0 where instance is not"
