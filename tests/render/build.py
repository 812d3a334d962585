"""Scenes for the tests of rendering: a list of things, where they stand, and a camera."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import pose
from simenv.mesh import Mesh, save_obj
from simenv.pose import Matrix
from simenv.render.renderer import Frame
from simenv.scene import Body, Scene, Snapshot, View
from simenv.spec.look import Backdrop, Light, Look
from simenv.spec.object import Box, Cylinder, Friction, ObjectModel, ObjectSpec, Primitive, Sphere
from simenv.spec.task import Capture, Physics


@dataclass(frozen=True, eq=False)
class Thing:
    """A body before it has a place in a scene."""

    model: ObjectModel
    X_WB: Matrix
    texture: str | None = None
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    floor: bool = False


def of_primitives(*shapes: Primitive, repeat_m: float | None = None) -> ObjectModel:
    """An object of primitives, without files."""
    spec = ObjectSpec(
        name="thing", class_="thing", mesh=shapes, collision=shapes, mass_kg=0.1,
        texture_repeat_m=repeat_m,
    )  # fmt: skip
    return ObjectModel(spec)


def block(x: float, y: float, z: float, repeat_m: float | None = None) -> ObjectModel:
    """A box about the origin."""
    return of_primitives(Box(shape="box", size_m=(x, y, z)), repeat_m=repeat_m)


def ball(radius: float) -> ObjectModel:
    """A sphere about the origin."""
    return of_primitives(Sphere(shape="sphere", radius_m=radius))


def can(radius: float, length: float) -> ObjectModel:
    """A cylinder along z."""
    return of_primitives(Cylinder(shape="cylinder", radius_m=radius, length_m=length))


def of_file(folder: Path, surface: Mesh, textures: Mapping[str, str] | None = None) -> ObjectModel:
    """An object whose surface is an OBJ file in ``folder``, as users' are."""
    save_obj(folder / "visual.obj", surface)
    spec = ObjectSpec(
        name="thing", class_="thing", mesh="visual.obj", collision="visual.obj", mass_kg=0.1,
        textures=dict(textures or {}),
    )  # fmt: skip
    return ObjectModel(spec, folder)


def at(x: float, y: float, z: float, *rpy_deg: float) -> Matrix:
    """X_WB at a point, with an optional roll, pitch, yaw."""
    return pose.from_rpy_deg(rpy_deg or (0.0, 0.0, 0.0), (x, y, z))


def ground(texture: str | None = "concrete", size: float = 6.0) -> Thing:
    """A floor whose top is z = 0; instance 0."""
    return Thing(block(size, size, 0.1, repeat_m=1.0), at(0, 0, -0.05), texture, floor=True)


def snapshot(
    *things: Thing,
    light: tuple[float, float] = (60.0, 30.0),
    backdrop: tuple[float, float, float] = (0.7, 0.7, 0.7),
) -> Snapshot:
    """The things at rest; ids 1, 2, ... in order, 0 for a floor."""
    ids = iter(range(1, len(things) + 1))
    bodies = tuple(
        Body(
            0 if thing.floor else next(ids), f"things/{row}", "things", f"thing{row}", thing.X_WB,
            False, Friction(), thing.texture, thing.color,
        )
        for row, thing in enumerate(things)
    )  # fmt: skip
    look = Look(
        light=Light(elevation_deg=light[0], azimuth_deg=light[1]), backdrop=Backdrop(color=backdrop)
    )
    scene = Scene(
        0, 0, "core", 9.81, None, Friction(), bodies,
        {f"thing{row}": thing.model for row, thing in enumerate(things)},
        (), (), Capture(), look, Physics(),
    )  # fmt: skip
    X_WB = np.array([thing.X_WB for thing in things]).reshape(-1, 4, 4)
    return Snapshot(scene, 0.0, 0, 0.0, X_WB, np.zeros((len(things), 6)))


def intrinsics(fx: float, fy: float, cx: float, cy: float, s: float = 0.0) -> NDArray[np.float64]:
    """K (3, 3)."""
    return np.array([[fx, s, cx], [0, fy, cy], [0, 0, 1.0]])


def looking(
    eye: ArrayLike,
    target: ArrayLike,
    K: NDArray[np.float64] | None = None,
    size: tuple[int, int] = (320, 240),
    near_m: float | None = None,
    far_m: float | None = None,
) -> View:
    """A camera at ``eye``; by default with 53 degrees of vertical view, centred."""
    width, height = size
    if K is None:
        K = intrinsics(height, height, (width - 1) / 2, (height - 1) / 2)
    return View("camera", width, height, K, pose.look_at(eye, target), near_m, far_m)


def digest(frame: Frame) -> str:
    """Of every bit of a frame."""
    total = hashlib.sha256(repr(frame.near_far_m).encode())
    for pixels in (frame.rgb, frame.depth_m, frame.instance):
        total.update(pixels.tobytes())
    return total.hexdigest()
