"""What a URDF file says: links with mass, surfaces and collision shapes, and the joints between.

Bullet's own loader splits long lines, guesses at malformed numbers and says nothing but "Cannot
load". So the file is read here, strictly, and the engine is told the result. Meanings follow
http://wiki.ros.org/urdf/XML; SI units, angles in radians.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast
from xml.parsers.expat import ErrorString

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.reading import read_bytes

__all__ = ["Inertial", "Joint", "Link", "Shape", "Urdf", "UrdfError", "parse"]

Kind = Literal["fixed", "revolute", "prismatic"]

MAX_FILE_BYTES = 10_000_000
FARTHEST_M = 1e3  # of an origin or a size; no robot reaches it
HEAVIEST_KG = 1e6
LARGEST = 1e18  # of any other number; its square is still one in single precision
MAX_LINKS = 128  # what Bullet takes in one body
MESHES = (".obj", ".stl")
LEAST_MOMENT = -1e-9  # of the largest one; a flat body's least moment may round to below zero
ROUND_SEGMENTS = 24  # of the hull that stands for a cylinder or a sphere


class UrdfError(ValueError):
    """What is wrong with the file: ``line N: what; the way out``, or without a line."""


@dataclass(frozen=True, eq=False)
class Inertial:
    """Mass properties of a link."""

    mass_kg: float
    X_LI: Matrix  # (4, 4) frame of the inertia: its origin is the centre of mass
    inertia: NDArray[np.float64]  # (3, 3) kg m^2 about the centre of mass, axes of I


@dataclass(frozen=True, eq=False)
class Shape:
    """One ``visual`` or ``collision`` of a link."""

    X_LS: Matrix  # (4, 4)
    kind: Literal["mesh", "box", "cylinder", "sphere"]
    size: tuple[float, ...]  # sides; radius and length; radius; scale of a mesh
    file: str | None  # of a mesh, as the URDF writes it
    path: Path | None  # where that file is
    color: tuple[float, float, float] | None

    def surface(self) -> Mesh:
        """The surface in the link's frame, metres."""
        if self.kind == "box":
            return mesh.box((self.size[0], self.size[1], self.size[2])).moved(self.X_LS)
        if self.kind == "cylinder":
            return mesh.cylinder(self.size[0], self.size[1]).moved(self.X_LS)
        if self.kind == "sphere":
            return mesh.sphere(self.size[0]).moved(self.X_LS)
        return mesh.join(*self._groups()).moved(self.X_LS)

    def hulls(self) -> list[NDArray[np.float64]]:
        """What touches: corners (V, 3) of one convex hull for each group of the mesh, link frame.

        Bullet gives a mesh the hull of each of its groups, too. Round shapes become prisms that
        enclose them within 1 %.
        """
        if self.kind == "mesh":
            groups = self._groups()
            return [pose.apply(self.X_LS, mesh.hull(group.vertices)) for group in groups]
        if self.kind == "box":
            surface = mesh.box((self.size[0], self.size[1], self.size[2]))
        elif self.kind == "cylinder":
            surface = mesh.cylinder(self.size[0], self.size[1], ROUND_SEGMENTS)
        else:
            surface = mesh.sphere(self.size[0], ROUND_SEGMENTS)
        return [pose.apply(self.X_LS, mesh.hull(surface.vertices))]

    def _groups(self) -> list[Mesh]:
        """What the file of a mesh holds, as large as the URDF says."""
        assert self.path is not None
        try:
            state = self.path.stat()
            groups = _load(self.path, state.st_mtime_ns, state.st_size)
            return [group.scaled(self.size) for group in groups]
        except Exception as error:  # trimesh has many ways to say no
            reason = " ".join(str(error).split())
            raise UrdfError(f"mesh {self.file!r}: {reason}; export it anew") from None


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid piece."""

    name: str
    inertial: Inertial | None
    visuals: tuple[Shape, ...]
    collisions: tuple[Shape, ...]


@dataclass(frozen=True, eq=False)
class Joint:
    """What holds a link to its parent."""

    name: str
    kind: Kind
    parent: str
    child: str
    X_PJ: Matrix  # (4, 4) the child's frame in the parent's, at position zero
    axis: NDArray[np.float64]  # (3,) unit, in the child's frame
    lower: float = -math.inf
    upper: float = math.inf
    effort: float = 0.0  # N or N m
    velocity: float = 0.0  # rad/s or m/s
    damping: float = 0.0


@dataclass(frozen=True, eq=False)
class Urdf:
    """A tree of links: parents come before children."""

    links: tuple[Link, ...]
    joints: tuple[Joint, ...]  # joint k - 1 carries link k

    @property
    def root(self) -> str:
        """The link that no joint carries."""
        return self.links[0].name

    def link(self, name: str) -> Link:
        """The link of that name; KeyError if there is none."""
        return {link.name: link for link in self.links}[name]

    def joint(self, name: str) -> Joint:
        """The joint of that name; KeyError if there is none."""
        return {joint.name: joint for joint in self.joints}[name]

    def path_to(self, link: str) -> list[Joint]:
        """The joints from the root to ``link``, in that order."""
        carrying = {joint.child: joint for joint in self.joints}
        path: list[Joint] = []
        while link in carrying:
            path.append(carrying[link])
            link = path[-1].parent
        return path[::-1]

    def poses(self, q: Mapping[str, float]) -> dict[str, Matrix]:
        """X_RL (4, 4) of every link for joint positions by name; joints left out are at zero."""
        found = {self.root: np.eye(4)}
        for joint in self.joints:
            found[joint.child] = found[joint.parent] @ joint.X_PJ @ moved(joint, q)
        return found

    def bare(self, link: str) -> Urdf:
        """This tree without what hangs on ``link``."""
        gone: set[str] = set()
        for joint in self.joints:
            if joint.parent == link or joint.parent in gone:
                gone.add(joint.child)
        return Urdf(
            tuple(own for own in self.links if own.name not in gone),
            tuple(joint for joint in self.joints if joint.child not in gone),
        )

    def beyond(self, link: str) -> Urdf:
        """``link`` and what hangs on it, as a tree of its own."""
        kept = {link}
        for joint in self.joints:
            if joint.parent in kept:
                kept.add(joint.child)
        return Urdf(
            tuple(own for own in self.links if own.name in kept),
            tuple(joint for joint in self.joints if joint.parent in kept),
        )

    def with_tool(self, link: str, X_LT: Matrix, tool: Urdf, prefix: str) -> Urdf:
        """This tree with the root of ``tool`` welded to ``link`` at X_LT; its names prefixed."""
        named = {own.name: f"{prefix}{own.name}" for own in tool.links}
        links = tuple(replace(own, name=named[own.name]) for own in tool.links)
        weld = Joint(
            f"{prefix}mount", "fixed", link, links[0].name, X_LT, np.array([0.0, 0.0, 1.0])
        )
        joints = tuple(
            replace(j, name=f"{prefix}{j.name}", parent=named[j.parent], child=named[j.child])
            for j in tool.joints
        )
        return Urdf(self.links + links, (*self.joints, weld, *joints))


@lru_cache(maxsize=MAX_LINKS)
def _load(path: Path, mtime_ns: int, size: int) -> list[Mesh]:
    """The groups of a file as it was then: a robot is loaded anew for each variant of a task."""
    return mesh.load_groups(path)


def moved(joint: Joint, q: Mapping[str, float]) -> Matrix:
    """What the joint's position does: (4, 4) in its own frame."""
    value = q.get(joint.name, 0.0)
    if joint.kind == "fixed" or value == 0.0:
        return np.eye(4)
    if joint.kind == "prismatic":
        return pose.pose(p_AB=joint.axis * value)
    x, y, z = joint.axis * math.sin(value / 2)
    return pose.from_quaternion((x, y, z, math.cos(value / 2)))


def parse(path: Path, folders: Mapping[str, Path]) -> Urdf:
    """The tree that ``path`` describes.

    Args:
        path: a URDF file.
        folders: where ``package://<name>/`` leads; other packages are folders beside the file.

    Raises:
        UrdfError: if the file is no URDF, or says something that no robot has.
    """
    try:
        data = read_bytes(path, most=MAX_FILE_BYTES)
    except OSError as error:
        raise UrdfError(f"{error.strerror}; that is no robot") from None
    if b"<!DOCTYPE" in data or b"\0" in data:  # entities multiply, and name other files
        raise UrdfError("has a DOCTYPE, or NUL bytes; save it as plain XML in UTF-8")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        line, _ = error.position
        reason = ErrorString(error.code)
        raise UrdfError(f"line {line}: is no XML: {reason}; mend the file") from None
    except (LookupError, ValueError) as error:
        raise UrdfError(f"is no XML: {error}; save it as UTF-8") from None
    if root.tag != "robot":
        raise UrdfError(f"starts with <{root.tag}>, not <robot>; convert it to URDF")
    return _Reader(root, path.parent, folders).urdf()


class _Reader:
    """The elements of one file."""

    def __init__(self, root: ET.Element, folder: Path, folders: Mapping[str, Path]) -> None:
        self.root, self.folder, self.folders = root, folder, folders
        self.colors = {
            str(m.get("name")): color
            for m in root.iter("material")
            if (color := self._rgb(m)) is not None
        }

    def urdf(self) -> Urdf:
        links = {link.name: link for link in map(self._link, self.root.findall("link"))}
        joints = list(map(self._joint, self.root.findall("joint")))
        if len(links) != len(self.root.findall("link")):
            raise UrdfError("two links have the same name; rename one")
        if not 0 < len(links) <= MAX_LINKS:
            raise UrdfError(f"has {len(links)} links; between 1 and {MAX_LINKS} are taken")
        children: set[str] = set()
        for joint in joints:
            for end in (joint.parent, joint.child):
                if end not in links:
                    raise UrdfError(f"joint {joint.name}: there is no link {end}; add it")
            if joint.child in children:
                raise UrdfError(f"link {joint.child} hangs on two joints; remove one")
            children.add(joint.child)
        roots = [name for name in links if name not in children]
        if len(roots) != 1:
            shown = " and ".join(roots) or "none"
            way_out = "join them" if roots else "open the loop"
            text = f"must have one link that no joint carries, has {shown}; {way_out}"
            raise UrdfError(text)
        ordered = list(_downwards(roots[0], joints))
        if len(ordered) != len(joints):
            raise UrdfError("some joints form a loop; open it")
        if len({joint.name for joint in joints}) != len(joints):
            raise UrdfError("two joints have the same name; rename one")
        return Urdf((links[roots[0]], *(links[joint.child] for joint in ordered)), tuple(ordered))

    def _link(self, element: ET.Element) -> Link:
        name = _name(element)
        inertial = element.find("inertial")
        return Link(
            name,
            None if inertial is None else self._inertial(name, inertial),
            tuple(self._shape(name, shape) for shape in element.findall("visual")),
            tuple(self._shape(name, shape) for shape in element.findall("collision")),
        )

    def _inertial(self, link: str, element: ET.Element) -> Inertial:
        mass = _child(element, "mass", link)
        tensor = _child(element, "inertia", link)
        xx, yy, zz = (_number(tensor, key, link) for key in ("ixx", "iyy", "izz"))
        xy, xz, yz = (_number(tensor, key, link, 0.0) for key in ("ixy", "ixz", "iyz"))
        inertia = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        mass_kg = _number(mass, "value", link, most=HEAVIEST_KG)
        moments = np.linalg.eigvalsh(inertia)
        if mass_kg < 0 or moments.min() < LEAST_MOMENT * abs(moments.max()):
            raise UrdfError(f"link {link}: mass and inertia must not be negative")
        return Inertial(mass_kg, _origin(element, link), inertia)

    def _shape(self, link: str, element: ET.Element) -> Shape:
        geometry = _child(element, "geometry", link)
        if len(geometry) != 1:
            raise UrdfError(f"link {link}: <geometry> needs one shape, has {len(geometry)}")
        (own,) = geometry
        X_LS, color = _origin(element, link), self._color(element)
        if own.tag == "box":
            size = _numbers(own, "size", link, 3, most=FARTHEST_M)
        elif own.tag == "cylinder":
            keys = ("radius", "length")
            size = tuple(_number(own, key, link, most=FARTHEST_M) for key in keys)
        elif own.tag == "sphere":
            size = (_number(own, "radius", link, most=FARTHEST_M),)
        elif own.tag == "mesh":
            file = own.get("filename") or ""
            scale = _numbers(own, "scale", link, 3, (1.0, 1.0, 1.0))
            if min(scale) <= 0:
                text = f"link {link}: mesh {file!r} of scale {scale}; make all factors positive"
                raise UrdfError(text)
            return Shape(X_LS, "mesh", scale, file, self._path(link, file), color)
        else:
            raise UrdfError(
                f"link {link}: <{own.tag}> is no shape; use box, cylinder, sphere or mesh"
            )
        if min(size) <= 0:
            raise UrdfError(f"link {link}: a {own.tag} of size {size}; make all sides positive")
        kind = cast(Literal["box", "cylinder", "sphere"], own.tag)
        return Shape(X_LS, kind, size, None, None, color)

    def _path(self, link: str, file: str) -> Path:
        folder, name = self.folder, file
        if file.startswith("package://"):
            package, _, rest = file.removeprefix("package://").partition("/")
            if package in self.folders:
                folder, name = self.folders[package], rest
            else:
                name = f"{package}/{rest}"
        parts = Path(name).parts
        if not name or Path(name).is_absolute() or ".." in parts or "\0" in name:
            raise UrdfError(f"link {link}: mesh {file!r} leaves the folder; copy the file into it")
        path = folder / name
        try:
            inside, there = path.resolve().is_relative_to(folder.resolve()), path.is_file()
        except (OSError, RuntimeError):  # a name too long; links that lead to each other
            inside = there = False
        if there and not inside:
            raise UrdfError(
                f"link {link}: mesh {file!r} is a link out of the folder; copy the file"
            )
        if not there:
            raise UrdfError(f"link {link}: there is no file {file!r} beside the URDF")
        if path.suffix.lower() not in MESHES:
            text = f"link {link}: mesh {file!r} is neither OBJ nor STL; export it as one of them"
            raise UrdfError(text)
        return path

    def _joint(self, element: ET.Element) -> Joint:
        name, kind = _name(element), element.get("type", "")
        if kind not in ("fixed", "revolute", "continuous", "prismatic"):
            raise UrdfError(
                f"joint {name}: type {kind!r} is not taken; use fixed, revolute, continuous or"
                " prismatic"
            )
        where = f"joint {name}"
        parent = _child(element, "parent", where).get("link", "")
        child = _child(element, "child", where).get("link", "")
        X_PJ = _origin(element, where)
        if kind == "fixed":
            return Joint(name, "fixed", parent, child, X_PJ, np.array([0.0, 0.0, 1.0]))
        limit, dynamics = element.find("limit"), element.find("dynamics")
        if limit is None and kind != "continuous":
            raise UrdfError(f"joint {name}: has no <limit>; add lower, upper, effort and velocity")
        lower, upper = -math.inf, math.inf
        if kind != "continuous":
            assert limit is not None
            lower, upper = _number(limit, "lower", where, 0.0), _number(limit, "upper", where, 0.0)
            if lower >= upper:
                text = f"joint {name}: lower {lower} is not below upper {upper}; mend its <limit>"
                raise UrdfError(text)
        return Joint(
            name=name,
            kind="prismatic" if kind == "prismatic" else "revolute",
            parent=parent,
            child=child,
            X_PJ=X_PJ,
            axis=_axis(element, where),
            lower=lower,
            upper=upper,
            effort=_unsigned(limit, "effort", where),
            velocity=_unsigned(limit, "velocity", where),
            damping=_unsigned(dynamics, "damping", where),
        )

    def _color(self, element: ET.Element) -> tuple[float, float, float] | None:
        material = element.find("material")
        if material is None:
            return None
        return self._rgb(material) or self.colors.get(str(material.get("name")))

    def _rgb(self, material: ET.Element) -> tuple[float, float, float] | None:
        color = material.find("color")
        if color is None:
            return None
        where = f"material {material.get('name')}"
        red, green, blue, alpha = _numbers(color, "rgba", where, 4)
        if not 0.0 <= min(red, green, blue, alpha) <= max(red, green, blue, alpha) <= 1.0:
            raise UrdfError(f"{where}: rgba {color.get('rgba')} is not in 0..1; divide by 255")
        return (red, green, blue)


def _downwards(root: str, joints: list[Joint]) -> Iterator[Joint]:
    """Every joint below ``root``, parents first, siblings in the order of the file."""
    for joint in joints:
        if joint.parent == root:
            yield joint
            yield from _downwards(joint.child, joints)


def _name(element: ET.Element) -> str:
    name = element.get("name")
    if not name:
        raise UrdfError(f"a <{element.tag}> has no name; give it one")
    return name


def _child(element: ET.Element, tag: str, where: str) -> ET.Element:
    found = element.find(tag)
    if found is None:
        raise UrdfError(f"{where}: <{element.tag}> has no <{tag}>; add it")
    return found


def _axis(element: ET.Element, where: str) -> NDArray[np.float64]:
    own = element.find("axis")
    axis = np.array((1.0, 0.0, 0.0) if own is None else _numbers(own, "xyz", where, 3))
    length = float(np.linalg.norm(axis))
    if length == 0.0:
        raise UrdfError(f"{where}: <axis> has no direction; write for example 0 0 1")
    return axis / length


def _origin(element: ET.Element, where: str) -> Matrix:
    own = element.find("origin")
    if own is None:
        return np.eye(4)
    xyz = _numbers(own, "xyz", where, 3, (0.0, 0.0, 0.0), most=FARTHEST_M)
    roll, pitch, yaw = _numbers(own, "rpy", where, 3, (0.0, 0.0, 0.0))
    return pose.from_rpy_deg((math.degrees(roll), math.degrees(pitch), math.degrees(yaw)), xyz)


def _unsigned(element: ET.Element | None, key: str, where: str) -> float:
    """Zero where the file does not say."""
    found = 0.0 if element is None else _number(element, key, where, 0.0)
    if found < 0:
        raise UrdfError(f"{where}: {key} {found} is negative; write how large it is")
    return found


def _number(
    element: ET.Element,
    key: str,
    where: str,
    default: float | None = None,
    *,
    most: float = LARGEST,
) -> float:
    return _numbers(element, key, where, 1, None if default is None else (default,), most=most)[0]


def _numbers(
    element: ET.Element,
    key: str,
    where: str,
    count: int,
    default: tuple[float, ...] | None = None,
    *,
    most: float = LARGEST,
) -> tuple[float, ...]:
    text = element.get(key)
    if text is None and default is not None:
        return default
    try:
        found = tuple(float(word) for word in (text or "").replace("_", "?").split())
    except ValueError:
        found = ()
    if len(found) == count and max(map(abs, found)) > most and math.isfinite(sum(found)):
        raise UrdfError(f"{where}: <{element.tag}> {key} is {text!r}, beyond {most:g}; check it")
    if len(found) != count or not all(map(math.isfinite, found)):
        wanted = "a number" if count == 1 else f"{count} numbers"
        raise UrdfError(f"{where}: <{element.tag}> {key} must be {wanted}, is {text!r}")
    return found
