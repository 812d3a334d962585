"""What a frame means: (snapshot, view, frame) -> Seen. Pure numpy, no engine."""

import functools

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.label.seen import Seen
from simenv.label.spans import Outline, mask_spans, silhouettes
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
    """Where every body is for this camera and how much of it is seen."""
    bodies = [snapshot.scene.bodies[row] for row in labelled_rows(snapshot.scene)]
    X_CB = pose.inverse(view.X_WC) @ snapshot.X_WB[labelled_rows(snapshot.scene)]
    outlines = [outline(snapshot.scene.objects[body.object]) for body in bodies]
    alone = silhouettes(outlines, X_CB, view)
    ids = np.array([body.id for body in bodies], dtype=np.int64)
    seen = mask_spans(frame.instance, ids)
    # A renderer may round an outline to its own sub-pixel grid; what it shows is there.
    px_all = np.maximum(alone.px, seen.px)
    return Seen(
        X_CB=X_CB,
        px_visible=seen.px,
        px_all=px_all,
        visible_fraction=(seen.px / np.maximum(px_all, 1)).astype(np.float32),
        box_visible=seen.boxes,
        box_all=_enclose(alone.boxes, seen.boxes),
    )


@functools.lru_cache(maxsize=1024)
def outline(model: ObjectModel) -> Outline:
    """The welded surface of an object; kept, since every frame asks for it."""
    return Outline.of(model.mesh)


def _enclose(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    """The smallest boxes around both, row by row; a box with width -1 is empty."""
    empty_a, empty_b = a[:, 2:3] < 0, b[:, 2:3] < 0
    low = np.minimum(np.where(empty_a, b, a)[:, :2], np.where(empty_b, a, b)[:, :2])
    a_end, b_end = a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:]
    high = np.maximum(np.where(empty_a, b_end, a_end), np.where(empty_b, a_end, b_end))
    return np.where(empty_a & empty_b, -1, np.column_stack([low, high - low])).astype(np.int32)
