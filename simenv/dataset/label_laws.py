"""Which laws the labels obey that a task asks for: each against the masks, poses and ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.layout import Layout
from simenv.dataset.schema import STEPS, TABLES
from simenv.dataset.tables import Tables
from simenv.label.points import HIDDEN, VISIBLE
from simenv.label.rle import decode

__all__ = ["contact_problems", "grasp_problems", "label_problems"]

UNIT_TOLERANCE = 2e-4  # of a normal's length: three numbers in steps of 1/32767
CORNER_TOLERANCE_M = 1e-6
GRASP_TOLERANCE = 1e-9

Images = Mapping[str, Sequence[NDArray[Any]]]


def label_problems(
    tables: Tables, images: Images, layout: Layout, camera: str, frame: int, rows: slice
) -> Iterator[str]:
    """What is wrong in one frame of one camera; ``rows`` are its bodies."""
    pictures = {name: frames[frame] for name, frames in images.items()}
    ids, seen = tables["bodies/id"][rows], f"cameras/{camera}/seen"
    if "semantic" in pictures:
        yield from _semantic_problems(tables, pictures, rows)
    if "normals" in pictures:
        yield from _normal_problems(pictures["normals"], pictures["instance"])
    if "nocs" in pictures and np.any(pictures["nocs"][pictures["instance"] == 0]):
        yield "nocs is not 0 0 0 where instance is 0"
    if "flow" in pictures and not np.all(np.isfinite(pictures["flow"])):
        yield "flow is not finite"
    if "amodal" in layout.labels:
        yield from _amodal_problems(tables, seen, rows, pictures["instance"])
    if "truncation" in layout.labels:
        outside = tables[f"{seen}/truncation"][rows]
        if np.any((outside < 0) | (outside > 1)):
            yield "truncation is not in 0..1"
    if "boxes_3d" in layout.labels:
        yield from _corner_problems(tables, seen, rows)
    if "keypoints" in layout.labels:
        yield from _keypoint_problems(tables, seen, rows, pictures["instance"].shape)
    if strangers := set(_ids_said(tables, seen, rows, layout)) - {0, *ids.tolist()}:
        yield f"occluder has id {min(strangers)}, which is no body"


def _semantic_problems(
    tables: Tables, pictures: Mapping[str, NDArray[Any]], rows: slice
) -> Iterator[str]:
    """One class has one number, and nothing has none."""
    instance, semantic = pictures["instance"], pictures["semantic"]
    if not np.array_equal(semantic == 0, instance == 0):
        yield "semantic is 0 elsewhere than instance"
    pairs = np.unique(instance.astype(np.int64) << 16 | semantic)
    number = {int(pair >> 16): int(pair & 0xFFFF) for pair in pairs}
    if len(number) < len(pairs):
        yield "semantic has two numbers inside one instance"
    classes = tables["objects/class"][tables["bodies/object"][rows]]
    named = dict(zip(tables["bodies/id"][rows].tolist(), classes, strict=True))
    told = {(named.get(identity), value) for identity, value in number.items() if identity}
    if len({name for name, _ in told}) < len(told) or len({v for _, v in told}) < len(told):
        yield "semantic is not one number a class"


def _normal_problems(normals: NDArray[np.int16], instance: NDArray[np.uint16]) -> Iterator[str]:
    length = np.linalg.norm(normals.astype(np.float64) / STEPS["normals"], axis=2)
    there = length > 0
    if np.any(np.abs(length[there] - 1) > UNIT_TOLERANCE):
        yield "normals are not of length 1"
    if np.any(~there & (instance > 0)):
        yield "normals are 0 0 0 where instance is not"


def _amodal_problems(
    tables: Tables, seen: str, rows: slice, instance: NDArray[np.uint16]
) -> Iterator[str]:
    """The silhouette holds the mask, and is no larger than what was counted."""
    for identity, text, px_all in zip(
        tables["bodies/id"][rows],
        tables[f"{seen}/amodal"][rows],
        tables[f"{seen}/px_all"][rows],
        strict=True,
    ):
        try:
            mask = decode(text, *instance.shape)
        except ValueError as error:
            yield f"amodal of body {identity}: {error}"
            continue
        if np.any((instance == identity) & ~mask):
            yield f"amodal of body {identity} lacks pixels that are visible"
        if int(mask.sum()) > px_all:
            yield f"amodal of body {identity} has more pixels than px_all"


def _corner_problems(tables: Tables, seen: str, rows: slice) -> Iterator[str]:
    """Corners are those of the object's box, at the body's pose."""
    objects = tables["bodies/object"][rows]
    signs = np.array([[(i >> axis & 1) - 0.5 for axis in range(3)] for i in range(8)])
    size, center = tables["objects/size_m"][objects], tables["objects/center_m"][objects]
    corners_B = center[:, None] + signs * size[:, None]
    X_CB = tables[f"{seen}/X_CB"][rows]
    corners_C = np.einsum("nij,nkj->nki", X_CB[:, :3, :3], corners_B) + X_CB[:, None, :3, 3]
    if np.abs(corners_C - tables[f"{seen}/corners_C"][rows]).max(initial=0.0) > CORNER_TOLERANCE_M:
        yield "corners_C are not those of the bounding box"


def _keypoint_problems(
    tables: Tables, seen: str, rows: slice, shape: tuple[int, ...]
) -> Iterator[str]:
    uv, state = tables[f"{seen}/keypoints_uv"][rows], tables[f"{seen}/keypoints_state"][rows]
    if state.max(initial=0) > VISIBLE:
        yield "keypoints_state has a value above 3"
    height, width = shape
    with np.errstate(invalid="ignore"):
        inside = np.all((uv >= -0.5) & (uv <= np.array([width, height]) - 0.5), axis=-1)
    if np.any((state >= HIDDEN) & ~inside):
        yield "a keypoint counts as inside the image and is not"


def _ids_said(tables: Tables, seen: str, rows: slice, layout: Layout) -> list[int]:
    return tables[f"{seen}/occluder"][rows].tolist() if "amodal" in layout.labels else []


def grasp_problems(tables: Tables, layout: Layout) -> Iterator[str]:
    """What is wrong with the grasps of one scene."""
    table = f"grasps/{layout.gripper}"
    own = {name: tables[f"{table}/{name}"] for name in TABLES["grasps/<g>"]}
    X_WB = tables["bodies/X_WB"][own["body"]]
    if not np.array_equal(own["frame"], tables["bodies/frame"][own["body"]]):
        yield f"/{table}/frame is not that of the body"
    if np.abs(X_WB @ own["X_BG"] - own["X_WG"]).max(initial=0.0) > GRASP_TOLERANCE:
        yield f"/{table}/X_WG is not X_WB @ X_BG"
    for name in ("object_probability", "success_probability"):
        if np.any((own[name] < 0) | (own[name] > 1)):
            yield f"/{table}/{name} is no probability"
    able = (own["free"] == 1) & (own["reachable"] == 1)
    if np.any(own["success_probability"][~able] > 0):
        yield f"/{table}/success_probability is not 0 of a grasp that is out of reach"
    if np.any((own["window_s"][:, 0] < 0) != (own["reachable"] == 0)):
        yield f"/{table}/window_s disagrees with reachable"
    for camera in layout.cameras:
        seen = f"cameras/{camera}/grasps"
        rows = np.arange(len(own["frame"]))
        same = np.array_equal(tables[f"{seen}/grasp"], rows)
        if not same or not np.array_equal(tables[f"{seen}/frame"], own["frame"]):
            yield f"/{seen} is not one row for each row of /{table}"
            continue
        X_WC = tables[f"cameras/{camera}/X_WC"][own["frame"]]
        if np.abs(X_WC @ tables[f"{seen}/X_CG"] - own["X_WG"]).max(initial=0.0) > GRASP_TOLERANCE:
            yield f"/{seen}/X_CG is not inverse(X_WC) @ X_WG"


def contact_problems(tables: Tables) -> Iterator[str]:
    """What is wrong with the contact points of one scene."""
    if np.any(tables["contacts/force_n"] <= 0):
        yield "/contacts/force_n is not positive"
    if np.abs(np.linalg.norm(tables["contacts/normal_W"], axis=1) - 1).max(initial=0.0) > 1e-6:
        yield "/contacts/normal_W is not of length 1"
    known = np.stack([tables["bodies/frame"], tables["bodies/id"]], axis=1)
    pairs = {tuple(row) for row in known.tolist()}
    for name in ("id_a", "id_b"):
        rows = zip(
            tables["contacts/frame"].tolist(), tables[f"contacts/{name}"].tolist(), strict=True
        )
        if any(row not in pairs for row in rows if row[1] or name == "id_a"):
            yield f"/contacts/{name} names a body that is not there"
