"""Small scenes for the tests of physics: a few parts, a belt, a table, a bin, a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.scene import BeltMotion, Body, Scene
from simenv.spec.look import Look
from simenv.spec.object import Box, Cylinder, Friction, ObjectModel, ObjectSpec, Primitive, Sphere
from simenv.spec.task import Capture, Physics, Settle

PLAIN = Friction()
AT_ONCE = Settle(speed_m_s=1e3, angular_rad_s=1e3, hold_s=1e-3, limit_s=1.0)


@dataclass(frozen=True, eq=False)
class Item:
    """A body and what it is, before it has a place in a scene."""

    model: ObjectModel
    X_WB: Matrix
    group: str = "parts"
    friction: Friction = PLAIN
    speed_m_s: float | None = None  # of a belt
    profile: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    profile_from: str = "drop"


def model(
    name: str,
    *shapes: Primitive,
    mass: float = 0.1,
    restitution: float = 0.0,
    inertia: tuple[float, float, float, float, float, float] | None = None,
) -> ObjectModel:
    """An object of primitives."""
    return ObjectModel(
        ObjectSpec(
            name=name,
            class_=name,
            mesh=shapes,
            collision=shapes,
            mass_kg=mass,
            restitution=restitution,
            inertia_kg_m2=inertia,
        )
    )


def block(
    x: float, y: float, z: float, *, mass: float = 0.1, restitution: float = 0.0
) -> ObjectModel:
    """A box."""
    shape = Box(shape="box", size_m=(x, y, z))
    return model("block", shape, mass=mass, restitution=restitution)


def can(radius: float, length: float) -> ObjectModel:
    """A cylinder."""
    return model("can", Cylinder(shape="cylinder", radius_m=radius, length_m=length))


def ball(radius: float) -> ObjectModel:
    """A sphere."""
    return model("ball", Sphere(shape="sphere", radius_m=radius))


def prism(radius: float, length: float, sides: int = 32) -> NDArray[np.float64]:
    """Corners (2 * sides, 3) of an upright prism."""
    angle = np.arange(sides) * 2 * np.pi / sides
    x, y, z = radius * np.cos(angle), radius * np.sin(angle), np.full(sides, length / 2)
    return np.concatenate([np.column_stack([x, y, -z]), np.column_stack([x, y, z])])


def hulled(folder: Path, name: str, *hulls: NDArray[np.float64], mass: float = 0.1) -> ObjectModel:
    """An object whose surface and collision are convex hulls, read from a file as users' are."""
    from scipy.spatial import ConvexHull

    lines, first = [], 1
    for number, points in enumerate(hulls):
        lines.append(f"o hull_{number}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points]
        centre = points.mean(axis=0)
        for a, b, c in ConvexHull(points).simplices:
            outward = np.cross(points[b] - points[a], points[c] - points[a])
            if outward @ (points[a] - centre) < 0:
                b, c = c, b
            lines.append(f"f {a + first} {b + first} {c + first}")
        first += len(points)
    (folder / f"{name}.obj").write_text("\n".join(lines) + "\n")
    spec = ObjectSpec(
        name=name,
        class_=name,
        mesh=f"{name}.obj",
        collision=f"{name}.obj",
        mass_kg=mass,
        restitution=0.0,
    )
    return ObjectModel(spec, folder)


def part(model: ObjectModel, X_WB: Matrix, friction: Friction = PLAIN) -> Item:
    """Something that moves."""
    return Item(model, X_WB, friction=friction)


def belt(
    *,
    speed_m_s: float = 0.0,
    length_m: float = 4.0,
    center: tuple[float, float] = (0.0, 0.0),
    yaw_deg: float = 0.0,
    top_z_m: float = 0.4,
    profile: tuple[tuple[float, float], ...] = ((0.0, 1.0),),
    profile_from: str = "drop",
) -> Item:
    """A belt 0.5 m wide and 80 mm thick."""
    X_WB = pose.from_rpy_deg((0, 0, yaw_deg), (*center, top_z_m - 0.04))
    shape = model("belt", Box(shape="box", size_m=(length_m, 0.5, 0.08)), mass=0.0)
    return Item(shape, X_WB, "belts", Friction(lateral=0.6), speed_m_s, profile, profile_from)


def table(top_z_m: float = 0.4, rpy_deg: tuple[float, float, float] = (0, 0, 0)) -> Item:
    """A slab 1 m by 1 m by 50 mm, turned about the middle of its top."""
    shape = model("table", Box(shape="box", size_m=(1.0, 1.0, 0.05)), mass=0.0)
    X_WT = pose.from_rpy_deg(rpy_deg, (0, 0, top_z_m))
    return Item(shape, X_WT @ pose.pose(p_AB=(0, 0, -0.025)), "tables", Friction(lateral=0.6))


def tote(inner_m: float = 0.2, height_m: float = 0.3, wall_m: float = 0.02) -> Item:
    """A square bin on the ground, inner bottom at ``wall_m``."""
    outer, rim, middle = inner_m + 2 * wall_m, wall_m + height_m / 2, (inner_m + wall_m) / 2

    def board(size: tuple[float, float, float], p: tuple[float, float, float]) -> Box:
        return Box(shape="box", size_m=size, p=p)

    shapes = (
        board((outer, outer, wall_m), (0, 0, wall_m / 2)),
        board((wall_m, outer, height_m), (middle, 0, rim)),
        board((wall_m, outer, height_m), (-middle, 0, rim)),
        board((inner_m, wall_m, height_m), (0, middle, rim)),
        board((inner_m, wall_m, height_m), (0, -middle, rim)),
    )
    return Item(model("tote", *shapes, mass=0.0), np.eye(4), "bins", Friction(lateral=0.6))


def scene(
    *items: Item,
    floor_z_m: float | None = 0.0,
    fps: float = 10.0,
    frames: int = 1,
    physics: Physics | None = None,
    settle: Settle | None = None,
    gravity_m_s2: float = 9.81,
) -> Scene:
    """A scene of ``items``, parts first."""
    items = tuple(sorted(items, key=lambda item: item.group != "parts"))
    physics = physics or Physics()
    return Scene(
        index=0,
        attempt=0,
        tier="core",
        gravity_m_s2=gravity_m_s2,
        floor_z_m=floor_z_m,
        floor_friction=Friction(lateral=0.8),
        bodies=tuple(
            Body(
                id=row + 1,
                name=f"{item.group}/{row}",
                group=item.group,
                object=str(row),
                X_WB=item.X_WB,
                fixed=item.group != "parts",
                friction=item.friction,
            )
            for row, item in enumerate(items)
        ),
        objects={str(row): item.model for row, item in enumerate(items)},
        belts=_belts(items),
        cameras=(),
        capture=Capture(fps=fps, frames=frames),
        look=Look(),
        physics=physics if settle is None else physics.model_copy(update={"settle": settle}),
    )


def _belts(items: Sequence[Item]) -> tuple[BeltMotion, ...]:
    return tuple(
        BeltMotion(row, item.X_WB[:3, 0], item.speed_m_s, item.profile, item.profile_from)
        for row, item in enumerate(items)
        if item.speed_m_s is not None
    )


def at(x: float, y: float, z: float, rpy_deg: tuple[float, float, float] = (0, 0, 0)) -> Matrix:
    """A pose."""
    return pose.from_rpy_deg(rpy_deg, (x, y, z))


def lowest(item: Item, X_WB: Matrix) -> float:
    """World z of the lowest point of the surface."""
    return float(pose.apply(X_WB, item.model.mesh.vertices)[:, 2].min())
