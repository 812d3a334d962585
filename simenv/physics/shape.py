"""How an object becomes collision shapes: its inertial frame, and its solids expressed there.

Bullet wants a body's origin at its centre of mass and its axes along the principal ones. Everything
is therefore expressed in that frame I before Bullet sees it: a single solid then stays a bare
shape, which collides faster than the compound that an offset would make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.errors import EngineError, StorageError
from simenv.pose import Matrix
from simenv.spec.object import Box, Cylinder, ObjectModel, Primitive

__all__ = ["MARGIN_M", "Solid", "create_hulls", "create_primitives", "movable_solid", "solids"]

MARGIN_M = 2e-4  # Bullet wraps every hull in this skin; parts hover by it (its own default is 1e-3)
ALIGNED = 1e-6  # relative; products of inertia below this leave a primitive's own axes principal


@dataclass(frozen=True, eq=False)
class Solid:
    """What touches, as one Bullet body: primitives or hulls, expressed in the frame I."""

    X_BI: Matrix  # (4, 4) centre of mass and principal axes, in the body frame
    inertia: NDArray[np.float64]  # (3,) kg m^2 along the axes of I
    primitives: tuple[tuple[Primitive, Matrix], ...]  # with X_IP (4, 4)
    hulls: tuple[NDArray[np.float64], ...]  # (V, 3) each, in I; empty where there are primitives


def movable_solid(model: ObjectModel) -> Solid:
    """The one body of a part, with its mass properties."""
    com, inertia = model.mass_properties
    X_BI, diagonal = _principal_frame(com, inertia)
    if not isinstance(model.spec.collision, str) and len(model.spec.collision) == 1:
        X_BP = model.spec.collision[0].X_BP
        in_P = X_BP[:3, :3].T @ inertia @ X_BP[:3, :3]
        mixed = np.abs(in_P - np.diag(np.diag(in_P))).max()
        if mixed < ALIGNED * np.trace(inertia) and np.allclose(X_BP[:3, 3], com, atol=1e-7):
            X_BI, diagonal = X_BP, np.diag(in_P)
    return _expressed(model, X_BI, diagonal)


def solids(model: ObjectModel) -> tuple[Solid, ...]:
    """The bodies of furniture: one for each primitive or hull, so that none is a compound."""
    if isinstance(model.spec.collision, str):
        return tuple(Solid(np.eye(4), np.zeros(3), (), (hull,)) for hull in model.hulls)
    return tuple(
        Solid(shape.X_BP, np.zeros(3), ((shape, np.eye(4)),), ()) for shape in model.spec.collision
    )


def _principal_frame(
    com: NDArray[np.float64], inertia: NDArray[np.float64]
) -> tuple[Matrix, NDArray[np.float64]]:
    diagonal, axes = np.linalg.eigh(inertia)
    axes = axes * np.array([1.0, 1.0, np.linalg.det(axes)])  # right-handed
    return pose.pose(axes, com), diagonal


def _expressed(model: ObjectModel, X_BI: Matrix, inertia: NDArray[np.float64]) -> Solid:
    X_IB = pose.inverse(X_BI)
    if isinstance(model.spec.collision, str):
        hulls = tuple(pose.apply(X_IB, hull) for hull in model.hulls)
        return Solid(X_BI, inertia, (), hulls)
    placed = tuple((shape, X_IB @ shape.X_BP) for shape in model.spec.collision)
    return Solid(X_BI, inertia, placed, ())


def create_primitives(solid: Solid, *, client: int) -> int:
    """The Bullet shape of boxes, cylinders and spheres; several become a compound."""
    arrays: dict[str, list[Any]] = {"shapeTypes": [], "radii": [], "halfExtents": [], "lengths": []}
    for shape, _ in solid.primitives:
        kind, radius, half, length = _bullet_arguments(shape)
        for column, value in zip(arrays.values(), (kind, radius, half, length), strict=True):
            column.append(value)
    poses = [X_IP for _, X_IP in solid.primitives]
    if len(poses) > 1 or not np.allclose(poses[0], np.eye(4), atol=1e-12):
        # Given at all, a frame makes a compound, even when it is the identity.
        arrays["collisionFramePositions"] = [X_IP[:3, 3].tolist() for X_IP in poses]
        arrays["collisionFrameOrientations"] = [pose.quaternion(X_IP).tolist() for X_IP in poses]
    return _created(pybullet.createCollisionShapeArray(**arrays, physicsClientId=client))


def _bullet_arguments(shape: Primitive) -> tuple[int, float, list[float], float]:
    """Type, radius, half extents, length; every column is filled, as the array call demands."""
    if isinstance(shape, Box):
        return pybullet.GEOM_BOX, 1.0, [side / 2 for side in shape.size_m], 1.0
    if isinstance(shape, Cylinder):
        return pybullet.GEOM_CYLINDER, shape.radius_m, [1.0, 1.0, 1.0], shape.length_m
    return pybullet.GEOM_SPHERE, shape.radius_m, [1.0, 1.0, 1.0], 1.0


def create_hulls(solid: Solid, path: Path, *, client: int) -> int:
    """The Bullet shape of convex hulls. A single one comes from memory; several need a file.

    Bullet makes a compound of hulls only from an OBJ file with groups, written to ``path`` once.
    """
    if len(solid.hulls) == 1:
        vertices = solid.hulls[0].tolist()
        created = pybullet.createCollisionShape(
            pybullet.GEOM_MESH, vertices=vertices, physicsClientId=client
        )
    else:
        if not path.exists():
            _write(path, _grouped_points(solid.hulls))
        created = pybullet.createCollisionShape(
            pybullet.GEOM_MESH, fileName=str(path), physicsClientId=client
        )
    return _created(created)


def _grouped_points(hulls: tuple[NDArray[np.float64], ...]) -> str:
    """OBJ text with one group a hull; Bullet takes the points that faces use and hulls them."""
    lines, first = [], 1
    for number, hull in enumerate(hulls):
        lines.append(f"o hull_{number}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in hull]
        last = first + len(hull) - 1
        lines += [f"f {i} {i + 1} {i + 2}" for i in range(first, last - 1)]
        first = last + 1
    return "\n".join(lines) + "\n"


def _created(shape: int) -> int:
    if shape < 0:
        raise EngineError("Bullet refused a collision shape")
    return shape


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        said = f"cannot write {len(text)} bytes: {error.strerror}"
        raise StorageError(f"{path}: {said}; the physics engine needs room there") from None
