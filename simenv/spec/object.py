"""What a part is: objects/<name>/object.yaml, its meshes, and the mass properties they imply."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.spec.model import (
    Color,
    Misplaced,
    Name,
    Placement,
    Positive,
    Spec,
    Triple,
    Unit,
    Unsigned,
)

__all__ = [
    "Box",
    "ContinuousSymmetry",
    "Cylinder",
    "Friction",
    "ObjectModel",
    "ObjectSpec",
    "Primitive",
    "Sphere",
    "Symmetry",
]


class _Placed(Placement):
    @property
    def X_BP(self) -> pose.Matrix:
        """Pose of the primitive in the body frame, (4, 4)."""
        return self.X_AB


class Box(_Placed):
    """A box centred on its own frame."""

    shape: Literal["box"]
    size_m: tuple[Positive, Positive, Positive]

    def mesh(self, repeat_m: float | None = None) -> Mesh:
        """The surface in the body frame; ``repeat_m`` is the period of the texture."""
        return mesh.box(self.size_m, repeat_m).moved(self.X_BP)


class Cylinder(_Placed):
    """A cylinder along the z axis of its own frame."""

    shape: Literal["cylinder"]
    radius_m: Positive
    length_m: Positive

    def mesh(self, repeat_m: float | None = None) -> Mesh:
        """The surface in the body frame; the texture goes once around."""
        return mesh.cylinder(self.radius_m, self.length_m).moved(self.X_BP)


class Sphere(_Placed):
    """A sphere centred on its own frame."""

    shape: Literal["sphere"]
    radius_m: Positive

    def mesh(self, repeat_m: float | None = None) -> Mesh:
        """The surface in the body frame; the texture goes once around."""
        return mesh.sphere(self.radius_m).moved(self.X_BP)


Primitive = Annotated[Box | Cylinder | Sphere, Field(discriminator="shape")]


class Friction(Spec):
    """Coulomb coefficients; rolling and spinning in metres, as Bullet multiplies them."""

    lateral: Unsigned = 0.5
    rolling: Unsigned = 0.001
    """Below about 1e-3 a lying cylinder never stops."""
    spinning: Unsigned = 0.001


class ContinuousSymmetry(Spec):
    """Any rotation about ``axis`` through ``offset_m`` leaves the part as it is (BOP meaning)."""

    axis: Triple
    offset_m: Triple = (0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _has_direction(self) -> "ContinuousSymmetry":
        if not any(self.axis):
            raise Misplaced(("axis",), "has no direction; write for example [0, 0, 1]")
        return self


class DiscreteSymmetry(Spec):
    """One rigid motion that leaves the part as it is."""

    rpy_deg: Triple
    offset_m: Triple = (0.0, 0.0, 0.0)


class Symmetry(Spec):
    """The rigid motions that a picture without texture cannot tell from standing still."""

    continuous: tuple[ContinuousSymmetry, ...] = ()
    discrete: tuple[DiscreteSymmetry, ...] = ()


class ObjectSpec(Spec):
    """objects/<name>/object.yaml, complete. File names are relative to that folder."""

    format: Literal["simenv-object-1"] = "simenv-object-1"
    name: Name
    class_: Name = Field(alias="class")
    summary: str = ""
    mesh: str | tuple[Primitive, ...]
    """What is seen: an OBJ file, or primitives."""
    collision: str | tuple[Primitive, ...]
    """What touches: an OBJ of convex groups, or primitives."""
    mass_kg: Unsigned
    """Zero: fixed to the world."""
    com_m: Triple | None = None
    """Centre of mass in the body frame; default: of the mesh, filled evenly."""
    inertia_kg_m2: tuple[float, float, float, float, float, float] | None = None
    """xx, yy, zz, xy, xz, yz about the centre of mass; default: of the mesh, filled evenly."""
    friction: Friction = Friction()
    restitution: Annotated[float, Field(ge=0, le=1)] = 0.05
    color: Color = (0.7, 0.7, 0.7)
    roughness: Unit = 0.5
    """Of the surface: 0 a mirror, 1 chalk."""
    metallic: Unit = 0.0
    textures: dict[Name, str] = {}
    """Variant -> PNG or JPEG file."""
    texture_repeat_m: Positive | None = None
    """Period of the texture on primitive boxes, in metres."""
    symmetry: Symmetry = Symmetry()
    keypoints: dict[Name, Triple] = {}
    """Points in the body frame, metres."""
    tags: tuple[Name, ...] = ()
    source: str = "unknown"
    license: str = "NOASSERTION"
    """An SPDX identifier."""

    @model_validator(mode="after")
    def _shapes_present(self) -> "ObjectSpec":
        for key in ("mesh", "collision"):
            if not getattr(self, key):
                raise Misplaced((key,), "is empty; name an OBJ file or list primitives")
        return self


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """An object with its files read: what physics, renderers and labels need to know of a part."""

    spec: ObjectSpec
    folder: Path | None = None  # where its files are; None for fixtures made of primitives
    surface: Mesh | None = None  # given instead of a file: the link of a robot

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        assert self.folder is not None, f"{self.spec.name} has no folder, so no file {name}"
        return self.folder / name

    @cached_property
    def mesh(self) -> Mesh:
        """The visual surface in the body frame, metres."""
        if self.surface is not None:
            return self.surface
        if isinstance(self.spec.mesh, str):
            return mesh.load_obj(self.file(self.spec.mesh))
        return mesh.join(*(shape.mesh(self.spec.texture_repeat_m) for shape in self.spec.mesh))

    @cached_property
    def hulls(self) -> tuple[NDArray[np.float64], ...]:
        """Vertices (V, 3) of each convex collision hull; empty where collision is primitives."""
        if not isinstance(self.spec.collision, str) or self.surface is not None:
            return ()
        groups = mesh.load_obj_groups(self.file(self.spec.collision))
        return tuple(np.unique(group.vertices, axis=0) for group in groups)

    @cached_property
    def pieces(self) -> tuple[NDArray[np.float64], ...]:
        """Corners (V, 3) of the convex pieces that touch, body frame; of primitives, too."""
        if isinstance(self.spec.collision, str) or self.surface is not None:
            return self.hulls
        return tuple(shape.mesh().vertices for shape in self.spec.collision)

    @cached_property
    def mass_properties(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre of mass (3,) in metres and inertia (3, 3) in kg m^2 about it, body axes."""
        _, com, unit_inertia = mesh.mass_properties(self.mesh)
        if self.spec.com_m is not None:
            com = np.array(self.spec.com_m)
        inertia = unit_inertia * self.spec.mass_kg
        if self.spec.inertia_kg_m2 is not None:
            xx, yy, zz, xy, xz, yz = self.spec.inertia_kg_m2
            inertia = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        return com, inertia

    @cached_property
    def diameter_m(self) -> float:
        """Largest distance between two points of the surface (BOP's diameter)."""
        return mesh.diameter(self.mesh.vertices)
