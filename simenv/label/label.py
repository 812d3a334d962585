"""What a frame means: (snapshot, view, frame) -> Seen. Pure numpy, no engine."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.label.amodal import amodal, occluders, truncation
from simenv.label.optics import image_points
from simenv.label.outline import Outline
from simenv.label.points import box_corners, keypoint_states, keypoints
from simenv.label.seen import Seen
from simenv.label.silhouette import silhouettes
from simenv.label.spans import mask_spans
from simenv.render.renderer import Frame
from simenv.scene import Scene, Snapshot, View
from simenv.spec.object import ObjectModel

__all__ = ["label", "labelled_rows"]


def labelled_rows(scene: Scene) -> NDArray[np.int64]:
    """Rows of Scene.bodies that have an id, in id order: all but the floor, (N,)."""
    ids = np.array([body.id for body in scene.bodies], dtype=np.int64)
    rows = np.argsort(ids, kind="stable")
    return np.asarray(rows[ids[rows] > 0])


def label(snapshot: Snapshot, view: View, frame: Frame) -> Seen:
    """Where every body is for this camera and how much of it is seen; and what is asked for."""
    rows = labelled_rows(snapshot.scene)
    bodies = [snapshot.scene.bodies[row] for row in rows]
    X_CB = pose.inverse(view.X_WC) @ snapshot.X_WB[rows]
    models = [snapshot.scene.objects[body.object] for body in bodies]
    alone = silhouettes([outline(model) for model in models], X_CB, view)
    seen = mask_spans(frame.instance, np.array([body.id for body in bodies], dtype=np.int64))
    # A renderer may round an outline to its own sub-pixel grid; what it shows is there.
    whole = alone.joined(seen)
    px_visible, px_all = seen.px, whole.px
    asked = snapshot.scene.labels
    more: dict[str, Any] = {}
    if "amodal" in asked:
        more["amodal"] = amodal(whole, view)
        more["occluder"] = occluders(whole, rows, snapshot, view, frame)
    if "truncation" in asked:
        more["truncation"] = truncation(whole, view)
    if "boxes_3d" in asked:
        more |= _boxes_3d(models, X_CB, view)
    if "keypoints" in asked:
        more |= _keypoints(models, X_CB, view, frame, snapshot.scene.keypoint_count)
    return Seen(
        X_CB=X_CB,
        px_visible=px_visible,
        px_all=px_all,
        visible_fraction=(px_visible / np.maximum(px_all, 1)).astype(np.float32),
        box_visible=seen.boxes,
        box_all=whole.boxes,
        **more,
    )


@functools.lru_cache(maxsize=1024)
def outline(model: ObjectModel) -> Outline:
    """The welded surface of an object; kept, since every frame asks for it."""
    return Outline.of(model.mesh)


def _boxes_3d(
    models: list[ObjectModel], X_CB: NDArray[np.float64], view: View
) -> dict[str, NDArray[Any]]:
    corners_B = np.array([box_corners(model) for model in models]).reshape(-1, 8, 3)
    corners_C = _in_camera(X_CB, corners_B)
    return {"corners_C": corners_C, "corners_uv": image_points(corners_C, view).astype(np.float32)}


def _keypoints(
    models: list[ObjectModel], X_CB: NDArray[np.float64], view: View, frame: Frame, count: int
) -> dict[str, NDArray[Any]]:
    p_B = np.full((len(models), count, 3), np.nan)
    for row, model in enumerate(models):
        p_B[row, : len(model.spec.keypoints)] = keypoints(model)
    uv, state = keypoint_states(_in_camera(X_CB, p_B), view, frame)
    return {"keypoints_uv": uv, "keypoints_state": state}


def _in_camera(X_CB: NDArray[np.float64], p_B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (N, P, 3) of N bodies in the camera's frame."""
    return np.asarray(np.einsum("nij,npj->npi", X_CB[:, :3, :3], p_B) + X_CB[:, None, :3, 3])
