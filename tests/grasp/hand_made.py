"""A table, a gripper that flies, a post of 40 x 50 x 140 mm, and grasps of it made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.grasps import write_grasps
from simenv.grasp.find import digest
from simenv.grasp.model import OUTCOMES, GraspSet
from simenv.library import hand_digest
from simenv.pose import Matrix
from simenv.spec.catalog import load_object
from simenv.spec.load import Task, load_task
from simenv.spec.load_robot import load_robot

FLYING, GRIPPER = "floating, gripper: jaw85", "jaw85"  # few links: a task is read in no time
SIZE_M = (0.04, 0.05, 0.14)
POST = f"""format: simenv-object-1
name: post
class: post
mesh: [{{shape: box, size_m: {list(SIZE_M)}}}]
collision: [{{shape: box, size_m: {list(SIZE_M)}}}]
mass_kg: 0.1
"""
TASK = """format: simenv-task-1
name: post_pick
actors:
  parts:
    objects: [post]
    count: 1
    spawn: {zone: work, height_m: 0.0005, orientation: {rpy_deg: [0, 0, 0]}}
scene:
  floor: {z_m: -0.70}
  tables: {bench: {size_m: [1.30, 1.10], center: [-0.15, 0.0], top_z_m: 0.0, thickness_m: 0.05}}
  zones: {work: {center: [0.0, 0.0, 0.0], size_m: [0.20, 0.20]}}
  robot: {use: ROBOT, X_WR: {p: [-0.60, 0.0, 0.0]}}
cameras:
  side: {resolution: [80, 60], fov_y_deg: 45, X_WC: {eye: [0.9, 0, 0.12], target: [0, 0, 0.12]}}
  top: {resolution: [120, 90], fov_y_deg: 40, X_WC: {eye: [0, 0, 1.15], target: [0, 0, 0], up: [1, 0, 0]}}
labels: [grasps]
"""  # noqa: E501
# x of G is the closing direction, z the approach; columns in the frame of the post.
DOWN = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])  # closes along y
UP = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
AHEAD = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # along x, closes along y
HELD, LIFT, ROTATE = (OUTCOMES.index(word) for word in ("held", "lift", "rotate"))
TRIALS = (HELD,) * 5 + (ROTATE,) * 3 + (LIFT,) * 2  # half held, 0.8 lifted and shaken


def grasp(R_BG: NDArray[np.float64], z_m: float) -> Matrix:
    """G on the axis of the post, so far above its middle."""
    return pose.pose(R_BG, (0.0, 0.0, z_m))


ABOVE, BELOW, SIDE = grasp(DOWN, 0.055), grasp(UP, -0.055), grasp(AHEAD, 0.03)
FOUR = (ABOVE, BELOW, SIDE, ABOVE @ pose.from_rpy_deg((0, 0, 180)))


def post_set(
    X_BG: Sequence[Matrix] = FOUR,
    *,
    gripper: str = GRIPPER,
    kind: str = "jaw",
    trials: Sequence[int] = TRIALS,
    opening_m: float = 0.07,
    settings: dict[str, str] | None = None,
) -> GraspSet:
    """Grasps of the post, each with the same trials."""
    n, touches = len(X_BG), {"jaw": 2, "vacuum": 1}[kind]
    stack = np.array(X_BG).reshape(-1, 4, 4)
    half = SIZE_M[1] / 2 if kind == "jaw" else 0.0
    sides = np.array([[-half, 0, 0], [half, 0, 0]])[:touches]
    contacts = np.einsum("nij,cj->nci", stack[:, :3, :3], sides) + stack[:, None, :3, 3]
    return GraspSet(
        object="post",
        gripper=gripper,
        kind=kind,
        X_BG=stack,
        width_m=np.full(n, 2 * half),
        opening_m=np.full(n, opening_m if kind == "jaw" else 0.0),
        contacts_B=contacts,
        normals_B=np.tile((0.0, 0.0, 1.0), (n, touches, 1)),
        quality=np.ones(n),
        outcome=np.tile(np.array(trials, dtype=np.int8), (n, 1)),
        motion_m=np.zeros(n, dtype=np.float32),
        slip_m=np.zeros(n, dtype=np.float32),
        turn_rad=np.zeros(n, dtype=np.float32),
        settings=settings or {},
    )


def project(
    folder: Path,
    X_BG: Sequence[Matrix] | None = FOUR,
    *,
    robot: str = FLYING,
    gripper: str = GRIPPER,
    kind: str = "jaw",
) -> Task:
    """A folder with the task, its object, and its grasps where there are any, as a user has it."""
    (folder / "objects/post").mkdir(parents=True)
    (folder / "objects/post/object.yaml").write_text(POST)
    (folder / "task.yaml").write_text(TASK.replace("ROBOT", robot))
    if X_BG is not None:
        save(folder, X_BG, gripper=gripper, kind=kind)
    return load_task(folder / "task.yaml")


def save(
    folder: Path, X_BG: Sequence[Matrix], *, gripper: str = GRIPPER, kind: str = "jaw"
) -> Path:
    """The grasps as `simenv grasps` leaves them, with the digests of what they are of."""
    part = load_object("post", near=folder)
    settings = {"part_sha256": digest(part), "hand_sha256": hand_digest(load_robot(gripper))}
    own = post_set(X_BG, gripper=gripper, kind=kind, settings=settings)
    path = folder / f"grasps/{gripper}/post.h5"
    return write_grasps(path, own, part.mesh.vertices, part.mesh.faces)
