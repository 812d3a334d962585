"""Grasps made by hand: antipodal ones of a box, whose trials end by chance."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.dataset.grasps import write_grasps
from simenv.grasp.model import OUTCOMES, GraspSet
from simenv.mesh import Mesh

SIZE_M = (0.09, 0.06, 0.04)  # of carton_small
OPENINGS_M = {"jaw85": 0.085, "wsg50": 0.104, "panda": 0.08}


def surface(size_m: tuple[float, float, float] = SIZE_M) -> Mesh:
    return mesh.box(size_m)


def box_grasps(
    count: int = 24,
    trials: int = 20,
    *,
    gripper: str = "jaw85",
    object: str = "carton_small",
    size_m: tuple[float, float, float] = SIZE_M,
    seed: int = 0,
) -> GraspSet:
    """Grasps across the box; the nearer to its middle, the more often they hold."""
    rng, vacuum = np.random.default_rng(seed), gripper not in OPENINGS_M
    fits = np.flatnonzero(np.asarray(size_m) < OPENINGS_M.get(gripper, 1.0) - 0.005)
    closing = rng.choice(fits, count)
    half = np.asarray(size_m)[closing] / 2
    X_BG, contacts, normals = np.tile(np.eye(4), (count, 1, 1)), [], []
    for i, axis in enumerate(closing):
        x = np.eye(3)[axis] * rng.choice([-1.0, 1.0])
        side = np.eye(3)[(axis + 1) % 3]
        turned = rng.uniform(0, 2 * np.pi)
        z = np.cos(turned) * side + np.sin(turned) * np.cross(x, side)
        offset = rng.uniform(-0.45, 0.45, 3) * np.asarray(size_m)
        offset[axis] = 0.0
        if vacuum:  # the lip on a face, seen along its normal
            X_BG[i] = pose.pose(np.column_stack([side, np.cross(-x, side), -x]), offset)
            X_BG[i, :3, 3] += half[i] * x
            contacts.append([X_BG[i, :3, 3]])
            normals.append([x])
        else:
            X_BG[i] = pose.pose(np.column_stack([x, np.cross(z, x), z]), offset)
            contacts.append([offset - half[i] * x, offset + half[i] * x])
            normals.append([-x, x])
    off = np.linalg.norm(X_BG[:, :3, 3] / np.asarray(size_m), axis=1)
    holds = rng.random((count, trials)) < np.clip(1.25 - 1.6 * off, 0, 1)[:, None]
    outcome = np.where(holds, 0, rng.integers(1, len(OUTCOMES), (count, trials))).astype(np.int8)
    held = (outcome == 0).any(axis=1)
    width = np.zeros(count) if vacuum else 2 * half

    def measured(scale: float) -> NDArray[np.float32]:
        return np.where(held, scale * rng.random(count), np.nan).astype(np.float32)

    return GraspSet(
        object=object,
        gripper=gripper,
        kind="vacuum" if vacuum else "jaw",
        X_BG=X_BG,
        width_m=width,
        opening_m=np.zeros(count) if vacuum else np.minimum(width + 0.02, OPENINGS_M[gripper]),
        contacts_B=np.array(contacts).reshape(count, 1 if vacuum else 2, 3),
        normals_B=np.array(normals).reshape(count, 1 if vacuum else 2, 3),
        quality=np.clip(1 - off, 0, 1),
        outcome=outcome,
        motion_m=measured(2e-3),
        slip_m=measured(1e-3),
        turn_rad=measured(0.05),
        settings={"seed": seed, "friction": 0.5},
    )


def box_file(path: Path, grasps: GraspSet | None = None) -> Path:
    """A file of them."""
    box = surface()
    return write_grasps(path, box_grasps() if grasps is None else grasps, box.vertices, box.faces)
