"""What every pixel means: class, normal and place on the object, as they go to disk."""

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import pose
from simenv.label.normals import normals
from simenv.label.place import Points, camera_poses
from simenv.render.renderer import Frame
from simenv.scene import Scene, Snapshot, View

__all__ = ["NOCS_STEPS", "NORMAL_STEPS", "nocs_to_body", "pictures"]

NORMAL_STEPS = 32767  # of a component of 1
NOCS_STEPS = 65535


def pictures(snapshot: Snapshot, view: View, frame: Frame) -> dict[str, NDArray[Any]]:
    """Those of "semantic", "normals" and "nocs" that the scene's labels ask for.

    - semantic (H, W) uint16: k for class k - 1 of ``scene.classes``; 0 for the floor and nothing.
    - normals (H, W, 3) int16: the unit normal of the shaded surface in camera axes (x right,
      y down, z forward), times 32767; 0 0 0 where there is no surface.
    - nocs (H, W, 3) uint16: see `nocs_to_body`; 0 0 0 where instance is 0.
    """
    makers = {"semantic": _semantic, "normals": _normals, "nocs": _nocs}
    asked = snapshot.scene.labels
    return {name: make(snapshot, view, frame) for name, make in makers.items() if name in asked}


def nocs_to_body(nocs: ArrayLike, center_m: ArrayLike, diagonal_m: float) -> NDArray[np.float64]:
    """Points (..., 3) in the body frame from stored normalised object coordinates (..., 3).

    NOCS (Wang et al. 2019) puts the middle of an object's tight bounding box at one half and
    scales by the box's diagonal, so that all fits into the unit cube. The axes are the body's.
    """
    unit = np.asarray(nocs, dtype=np.float64) / NOCS_STEPS
    return np.asarray((unit - 0.5) * diagonal_m + np.asarray(center_m))


def _semantic(snapshot: Snapshot, view: View, frame: Frame) -> NDArray[np.uint16]:
    return np.asarray(_class_numbers(snapshot.scene)[frame.instance])


@functools.lru_cache(maxsize=4)
def _class_numbers(scene: Scene) -> NDArray[np.uint16]:
    """The number of the class by body id."""
    numbers = np.zeros(1 + max((body.id for body in scene.bodies), default=0), dtype=np.uint16)
    for body in scene.bodies:
        if body.id > 0:
            numbers[body.id] = 1 + scene.classes.index(scene.objects[body.object].spec.class_)
    return numbers


def _normals(snapshot: Snapshot, view: View, frame: Frame) -> NDArray[np.int16]:
    drawn = normals(snapshot, view, frame) if frame.normals is None else frame.normals
    return np.asarray(np.rint(drawn * np.float32(NORMAL_STEPS)), dtype=np.int16)


def _nocs(snapshot: Snapshot, view: View, frame: Frame) -> NDArray[np.uint16]:
    points = Points.of(snapshot.scene, view, frame, floor=False)
    if frame.coordinates is None:
        p_B = points.carried(pose.inverse(camera_poses(snapshot, view)))
    else:
        p_B = frame.coordinates[points.v, points.u].astype(np.float64)
    scale, offset = _boxes(snapshot.scene)
    unit = np.clip(p_B * scale[points.body, None] + offset[points.body], 0.0, 1.0)
    found = np.zeros((*frame.instance.shape, 3), dtype=np.uint16)
    found[points.v, points.u] = np.rint(unit * NOCS_STEPS)
    return found


@functools.lru_cache(maxsize=4)
def _boxes(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What takes p_B to the unit cube, by row of the bodies: factor (N,), and summand (N, 3)."""
    surfaces = [scene.objects[body.object].mesh for body in scene.bodies]
    scale = np.array([1 / np.linalg.norm(surface.extents) for surface in surfaces])
    centers = np.array([surface.center for surface in surfaces]).reshape(-1, 3)
    return scale, 0.5 - centers * scale[:, None]
