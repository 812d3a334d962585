"""What a generated robot is, and how it becomes robots/<name>/: a URDF, its meshes, robot.yaml."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.parts.part import LICENSE, SOURCE, yaml_text
from simenv.pose import Matrix

__all__ = ["At", "Joint", "Link", "Robot", "Shape", "write"]

Triple = tuple[float, float, float]
Color = tuple[float, float, float]


@dataclass(frozen=True)
class At:
    """Where a frame stands in another: metres; roll, pitch, yaw in degrees (URDF's order)."""

    p: Triple = (0.0, 0.0, 0.0)
    rpy_deg: Triple = (0.0, 0.0, 0.0)

    @property
    def X_AB(self) -> Matrix:
        """The pose, (4, 4)."""
        return pose.from_rpy_deg(self.rpy_deg, self.p)

    def on(self, link: str) -> dict[str, Any]:
        """This frame on a link, as robot.yaml says it."""
        return {"link": link, "p": list(self.p), "rpy_deg": list(self.rpy_deg)}


@dataclass(frozen=True)
class Shape:
    """A box (its sides), a cylinder (radius, length) or a mesh file (its scale) on a link."""

    kind: str
    size: tuple[float, ...]
    at: At = At()
    file: str = ""

    def element(self) -> str:
        """The URDF's geometry element."""
        if self.kind == "mesh":
            scale = "" if self.size == (1.0, 1.0, 1.0) else f' scale="{_row(self.size)}"'
            return f'<mesh filename="{self.file}"{scale}/>'
        if self.kind == "box":
            return f'<box size="{_row(self.size)}"/>'
        return f'<cylinder radius="{_text(self.size[0])}" length="{_text(self.size[1])}"/>'


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid piece: how it looks, what it touches with, what it weighs."""

    name: str
    mass_kg: float = 0.0  # 0: without inertia, a base that is fixed to the world
    filled: Mesh | None = None  # what the mass fills evenly
    surface: Mesh | None = None  # the visual, written as ``<drawn>.obj``; fills, too, by default
    drawn: str = ""  # name of that file; default: the link's name
    shown: Sequence[Shape] = ()  # visuals of other files
    touch: Sequence[Shape] = ()
    color: Color | None = None

    @property
    def visuals(self) -> list[Shape]:
        """What is seen."""
        own = Shape("mesh", (1.0, 1.0, 1.0), file=f"{self.drawn or self.name}.obj")
        return [*([own] if self.surface is not None else []), *self.shown]

    def mass_properties(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre of mass (3,), and inertia (3, 3) about it, kg m^2."""
        body = self.surface if self.filled is None else self.filled
        assert body is not None, f"link {self.name} has mass and no body"
        _, com, unit = mesh.mass_properties(body)
        return com, self.mass_kg * unit


@dataclass(frozen=True)
class Joint:
    """What carries a link; without limits it is fixed."""

    name: str
    kind: str  # revolute, prismatic or fixed
    parent: str
    child: str
    at: At = At()
    axis: Triple = (0.0, 0.0, 1.0)
    limits: tuple[float, float] = (0.0, 0.0)
    effort: float = 0.0
    velocity: float = 0.0


@dataclass(frozen=True, eq=False)
class Robot:
    """A robot before it is written. The first link is the root."""

    name: str
    summary: str
    links: Sequence[Link]
    joints: Sequence[Joint]
    arm: Mapping[str, Any] = field(default_factory=dict)  # as robot.yaml says it
    flange: Mapping[str, Any] = field(default_factory=dict)
    gripper: Mapping[str, Any] = field(default_factory=dict)
    friction: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    source: str = SOURCE
    license: str = LICENSE

    def description(self) -> dict[str, Any]:
        """What robot.yaml says, as plain values in the order of the file."""
        sections = {
            "arm": dict(self.arm),
            "flange": dict(self.flange),
            "gripper": dict(self.gripper),
            "friction": {link: dict(values) for link, values in self.friction.items()},
        }
        return {
            "format": "simenv-robot-1",
            "name": self.name,
            "summary": self.summary,
            "urdf": f"{self.name}.urdf",
            **{key: value for key, value in sections.items() if value},
            "source": self.source,
            "license": self.license,
        }

    def urdf(self) -> str:
        """The URDF file."""
        lines = ['<?xml version="1.0"?>', f"<!-- {self.source}; {self.license} -->"]
        lines += [f'<robot name="{self.name}">']
        for link in self.links:
            lines += _link(link)
        for joint in self.joints:
            lines += _joint(joint)
        return "\n".join([*lines, "</robot>", ""])


def write(robot: Robot, folder: Path) -> None:
    """Write ``folder``: robot.yaml, the URDF and its meshes; the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    for link in robot.links:
        if link.surface is not None:
            mesh.save_obj(folder / f"{link.drawn or link.name}.obj", link.surface)
    (folder / f"{robot.name}.urdf").write_text(robot.urdf(), encoding="utf-8")
    (folder / "robot.yaml").write_text(yaml_text(robot.description()), encoding="utf-8")


def _link(link: Link) -> Iterator[str]:
    shapes = [("visual", shape) for shape in link.visuals]
    shapes += [("collision", shape) for shape in link.touch]
    if not shapes and not link.mass_kg:
        yield f'  <link name="{link.name}"/>'
        return
    yield f'  <link name="{link.name}">'
    if link.mass_kg:
        yield from _inertial(link)
    for tag, shape in shapes:
        yield f"    <{tag}>"
        if shape.at != At():
            yield f"      {_origin(shape.at)}"
        yield f"      <geometry>{shape.element()}</geometry>"
        if tag == "visual" and link.color is not None:
            yield f'      <material name="{link.name}">'
            yield f'        <color rgba="{_row((*link.color, 1.0))}"/>'
            yield "      </material>"
        yield f"    </{tag}>"
    yield "  </link>"


def _inertial(link: Link) -> Iterator[str]:
    com, inertia = link.mass_properties()
    terms = " ".join(
        f'i{"xyz"[i]}{"xyz"[j]}="{_text(inertia[i, j], 9)}"'
        for i, j in itertools.combinations_with_replacement(range(3), 2)
    )
    yield "    <inertial>"
    yield f'      <origin xyz="{_row(com)}"/>'
    yield f'      <mass value="{_text(link.mass_kg)}"/>'
    yield f"      <inertia {terms}/>"
    yield "    </inertial>"


def _joint(joint: Joint) -> Iterator[str]:
    yield f'  <joint name="{joint.name}" type="{joint.kind}">'
    yield f"    {_origin(joint.at)}"
    yield f'    <parent link="{joint.parent}"/>'
    yield f'    <child link="{joint.child}"/>'
    if joint.kind != "fixed":
        yield f'    <axis xyz="{_row(joint.axis)}"/>'
        values = (*joint.limits, joint.effort, joint.velocity)
        named = zip(("lower", "upper", "effort", "velocity"), values, strict=True)
        limits = " ".join(f'{key}="{_text(value)}"' for key, value in named)
        yield f"    <limit {limits}/>"
    yield "  </joint>"


def _origin(at: At) -> str:
    rpy = " ".join(_text(radians(angle), 12) for angle in at.rpy_deg)
    turned = f' rpy="{rpy}"' if any(at.rpy_deg) else ""
    return f'<origin xyz="{_row(at.p)}"{turned}/>'


def _row(values: Sequence[float] | NDArray[np.float64]) -> str:
    return " ".join(map(_text, values))


def _text(value: float, decimals: int = 6) -> str:
    """A number without a tail of rounding errors."""
    return f"{round(float(value), decimals) + 0.0:.12g}"
