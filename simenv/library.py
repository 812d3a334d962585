"""The grasps that are at hand: ``grasps/<gripper>/<object>.h5``, made once, found by name.

They are looked for beside the task's own folders, in the working folder, in ``$SIMENV_PATH`` and
among the built-in content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from simenv import pose
from simenv.dataset.grasps import read_grasps, write_grasps
from simenv.errors import InputError
from simenv.grasp.find import Progress, Wish, digest, find
from simenv.grasp.model import GraspSet
from simenv.spec import catalog
from simenv.spec.check import group_of, named_objects
from simenv.spec.load import Task
from simenv.spec.object import ObjectModel
from simenv.spec.robot import Jaw, RobotModel

__all__ = ["hand_digest", "make_grasps", "sets_digest", "stock", "task_stock"]

FOLDER = "grasps"
DIGITS = 5  # of a metre that hulls are compared to


def make_grasps(
    part: ObjectModel,
    hand: RobotModel,
    out: str | Path,
    wish: Wish,
    *,
    jobs: int,
    progress: Progress = lambda done, total: None,
) -> tuple[Path, GraspSet]:
    """Find and verify the grasps of one part; they are at ``out/<gripper>/<object>.h5`` then.

    Raises:
        StorageError: the disk refused; what was there before is untouched.
    """
    found = find(hand, part, wish, jobs=jobs, progress=progress)
    settings = {**found.settings, "hand_sha256": hand_digest(hand)}
    found = GraspSet(**{**vars(found), "settings": settings})
    path = Path(out) / hand.gripper_name / f"{part.spec.name}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh = part.mesh
    write_grasps(path, found, mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    return path, found


@lru_cache(maxsize=64)
def hand_digest(robot: RobotModel) -> str:
    """SHA-256 of what a grasp depends on: the gripper's numbers and hulls, its pads' friction.

    The same gripper has the same digest by itself and on any arm.
    """
    hand, gripper = robot.hand, robot.gripper
    assert gripper is not None
    touching = gripper.pads if isinstance(gripper, Jaw) else (gripper.grasp.link,)
    said = {
        "gripper": gripper.model_dump(mode="json", exclude={"grasp", "joints", "pads"}),
        "friction": [hand.friction[k].lateral for k in touching if k in hand.friction],
    }
    own = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    X_GR = pose.inverse(hand.chain.forward(hand.home))
    poses = hand.urdf.poses(hand.start())
    for link in hand.urdf.links:
        for hull in (hull for shape in link.collisions for hull in shape.hulls()):
            points = np.round(pose.apply(X_GR @ poses[link.name], hull), DIGITS) + 0.0
            own.update(np.ascontiguousarray(points).tobytes())
    return own.hexdigest()


def stock(
    parts: Mapping[str, ObjectModel], robot: RobotModel, *, near: Path | None = None
) -> dict[str, GraspSet]:
    """The grasps of each part with the gripper of ``robot``, by the keys of ``parts``.

    Raises:
        InputError: some are not there, or are those of another version of the part or gripper; the
            line says the command that makes them.
    """
    hand = robot.hand
    found, missing = {}, []
    for key, part in parts.items():
        path = _path(hand.gripper_name, part.spec.name, near)
        if path is None:
            missing.append(part.spec.name)
            continue
        own = read_grasps(path).grasps
        if own.settings.get("part_sha256") != digest(part):
            raise InputError(f"{path}: is of another {part.spec.name}; {_way_out(hand, [key])}")
        if own.settings.get("hand_sha256") != hand_digest(hand):
            way_out = _way_out(hand, [key])
            raise InputError(f"{path}: is of another {hand.gripper_name}; {way_out}")
        found[key] = own
    if missing:
        raise InputError(
            f"labels: no grasps of {', '.join(missing)} with {hand.gripper_name}; "
            f"{_way_out(hand, missing)}"
        )
    return found


def task_stock(task: Task) -> dict[str, GraspSet]:
    """The grasps of all parts that a task names, with the gripper of its robot; see `stock`.

    Distractors have none: nobody wants to take them.
    """
    assert task.robot is not None
    if task.robot.gripper is None:
        raise InputError(f"labels: grasps needs a gripper, and {task.robot.name} has none")
    groups = {name for name, group in task.spec.actors.items() if group.role == "part"}
    named = named_objects(task.spec).items()
    keys = {key for path, key in named if group_of(path, task.spec) in groups}
    parts = {key: task.objects[key] for key in sorted(keys)}
    return stock(parts, task.robot, near=task.folder)


def sets_digest(sets: Mapping[str, GraspSet]) -> str:
    """SHA-256 of what the sets say, whatever file they are in."""
    own = hashlib.sha256()
    for key, grasps in sorted(sets.items()):
        own.update(key.encode())
        for values in (grasps.X_BG, grasps.opening_m, grasps.contacts_B, grasps.outcome):
            own.update(np.ascontiguousarray(values).tobytes())
    return own.hexdigest()


def _way_out(hand: RobotModel, names: list[str]) -> str:
    return f"run simenv grasps {' '.join(names)} --gripper {hand.gripper_name}"


def _path(gripper: str, name: str, near: Path | None) -> Path | None:
    roots = [*catalog.roots(near), Path.cwd()]
    paths = (root / FOLDER / gripper / f"{name}.h5" for root in roots)
    return next((path for path in paths if path.is_file()), None)
