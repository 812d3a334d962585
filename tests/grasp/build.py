"""What the tests of grasps share: hands, round parts, poses above a part, a judge of surfaces."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from simenv import pose
from simenv.mesh import Mesh, weld
from simenv.pose import Matrix
from simenv.spec.load_robot import load_robot
from simenv.spec.object import ContinuousSymmetry, Friction, ObjectModel, Primitive, Symmetry
from simenv.spec.robot import RobotModel
from tests.physics.build import model

__all__ = ["across", "down", "hand", "off_surface", "part"]

Floats = NDArray[np.float64]
ROUND = Symmetry(continuous=(ContinuousSymmetry(axis=(0.0, 0.0, 1.0)),))


@cache
def hand(name: str) -> RobotModel:
    """A gripper by itself."""
    return load_robot(name).hand


def part(
    shape: Primitive,
    *,
    mass: float = 0.1,
    friction: float = 0.5,
    com: tuple[float, float, float] | None = None,
) -> ObjectModel:
    """One primitive, of a mass and with a friction; ``com``: elsewhere than in its middle."""
    spec = model("part", shape, mass=mass).spec
    own = {"friction": Friction(lateral=friction), "com_m": com}
    return ObjectModel(spec.model_copy(update=own))


def down(x_m: float = 0.0, y_m: float = 0.0, z_m: float = 0.0) -> Matrix:
    """X_BG of a gripper that points along -z of the part, closing along x."""
    return pose.pose(np.diag([1.0, -1.0, -1.0]), (x_m, y_m, z_m))


def across(X_BG: Floats, points_B: Floats) -> Floats:
    """Points (N, C, 3) of the part, seen from each gripper (N, 4, 4)."""
    off = points_B - X_BG[:, None, :3, 3]
    return np.asarray(np.einsum("nji,ncj->nci", X_BG[:, :3, :3], off))


def off_surface(surface: Mesh, points: Floats) -> Floats:
    """How far points (N, 3) are from a surface; trimesh judges."""
    vertices, faces = weld(surface)
    own = trimesh.Trimesh(vertices, faces, process=False)
    closest: Any = trimesh.proximity.closest_point_naive  # has no types
    _, distance, _ = closest(own, points)
    return np.asarray(distance)
