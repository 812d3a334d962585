"""What a robot is: robots/<name>/robot.yaml, its URDF, and the gripper that is mounted on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simenv import kinematics, mesh, pose
from simenv.kinematics import Chain
from simenv.pose import Matrix
from simenv.spec.model import Color, Misplaced, Name, Pair, Placement, Positive, Spec
from simenv.spec.object import Friction, ObjectModel, ObjectSpec
from simenv.spec.urdf import Inertial, Joint, Link, Urdf

__all__ = ["Arm", "Gripper", "Jaw", "Piece", "RobotModel", "RobotSpec", "Vacuum"]

LEAST_KG = 1e-4  # Bullet takes a link without mass for one that cannot move
LEAST_INERTIA = 1e-8  # kg m^2


class LinkFrame(Placement):
    """A frame fixed to a link."""

    link: str


class Arm(Spec):
    """The joints that move the gripper about."""

    joints: Annotated[tuple[str, ...], Field(min_length=1)]
    """From the base to the flange."""
    home: tuple[float, ...]
    """Where the robot starts, rad or m: free of collision, away from limits."""
    speed: tuple[Positive, ...] | None = None
    """rad/s or m/s that the controller may use; default: what the URDF allows."""

    @model_validator(mode="after")
    def _one_each(self) -> Arm:
        for key in ("home", "speed"):
            row = getattr(self, key)
            if row is not None and len(row) != len(self.joints):
                text = f"has {len(row)} numbers for {len(self.joints)} joints; give one for each"
                raise Misplaced((key,), text)
        return self


class Jaw(Spec):
    """Two fingers that close on a part; they move together, as by one spindle."""

    kind: Literal["jaw"]
    grasp: LinkFrame
    """G: where a part is held, z out of the hand, x along the closing direction."""
    joints: dict[str, Pair]
    """Each finger's joint: its position when closed, and when open."""
    opening_m: Pair
    """Between the pads, when closed and when open."""
    force_n: Positive
    """Of each finger."""
    speed_m_s: Positive = 0.1
    """Of each finger."""
    pads: tuple[str, ...]
    """The links that touch a part."""

    def share(self, opening_m: float) -> float:
        """How far it is open (0 closed, 1 open) when so much is between its pads."""
        closed, opened = self.opening_m
        return (opening_m - closed) / (opened - closed)

    def mounted(self, prefix: str) -> Jaw:
        """With the names that links and joints get when it is mounted on an arm."""
        return self.model_copy(
            update={
                "grasp": self.grasp.model_copy(update={"link": prefix + self.grasp.link}),
                "joints": {prefix + name: ends for name, ends in self.joints.items()},
                "pads": tuple(prefix + link for link in self.pads),
            }
        )

    @model_validator(mode="after")
    def _opens(self) -> Jaw:
        if self.opening_m[0] >= self.opening_m[1]:
            raise Misplaced(("opening_m",), "closed is not below open; swap the two")
        for joint, (closed, opened) in self.joints.items():
            if closed == opened:
                raise Misplaced(("joints", joint), "does not move; closed and open are equal")
        if not self.joints:
            raise Misplaced(("joints",), "is empty; name the joint of each finger")
        if not self.pads:
            raise Misplaced(("pads",), "is empty; name the links that touch a part")
        return self


class Vacuum(Spec):
    """A suction cup."""

    kind: Literal["vacuum"]
    grasp: LinkFrame
    """G: the centre of the lip, z out of it."""
    radius_m: Positive
    """Of the lip."""
    force_n: Positive
    """The seal breaks where the part pulls harder than this."""
    gap_m: Positive = 0.003
    """How far from the lip a surface may be, all around, to be sealed."""

    def mounted(self, prefix: str) -> Vacuum:
        """With the names that links get when it is mounted on an arm."""
        grasp = self.grasp.model_copy(update={"link": prefix + self.grasp.link})
        return self.model_copy(update={"grasp": grasp})


Gripper = Annotated[Jaw | Vacuum, Field(discriminator="kind")]


class RobotSpec(Spec):
    """robots/<name>/robot.yaml, complete."""

    format: Literal["simenv-robot-1"]
    name: Name
    summary: str = ""
    urdf: str
    """A file of this folder, or ``pybullet_data/...``."""
    arm: Arm | None = None
    flange: LinkFrame | None = None
    """F: where a gripper is mounted, z outwards."""
    gripper: Gripper | None = None
    friction: dict[str, Friction] = {}
    """Of single links; the others have the default."""
    color: Color = (0.8, 0.8, 0.8)
    """Of links whose material the URDF does not say."""
    source: str = "unknown"
    license: str = "NOASSERTION"
    """An SPDX identifier."""

    @model_validator(mode="after")
    def _is_something(self) -> RobotSpec:
        if self.arm is None and self.gripper is None:
            raise Misplaced((), "has neither arm nor gripper; describe one of them")
        if self.arm is not None and self.gripper is None and self.flange is None:
            raise Misplaced((), "an arm without a gripper needs a flange to mount one on; add it")
        return self


@dataclass(frozen=True, eq=False)
class Piece:
    """Links that are welded: one rigid body of physics. Its frame P is that of its first link."""

    joint: Joint | None  # what carries it; None for the base
    parent: int  # row of the piece that the joint hangs on; -1 for the base
    X_PJ: Matrix  # (4, 4) the joint in the parent piece's frame
    inertial: Inertial
    hulls: tuple[NDArray[np.float64], ...]  # (V, 3) each, in P
    links: tuple[tuple[str, Matrix], ...]  # name and X_PL of each link


@dataclass(frozen=True, eq=False)
class RobotModel:
    """An arm with its gripper: one tree of links."""

    spec: RobotSpec  # of the arm, or of a gripper by itself
    urdf: Urdf  # with the gripper mounted
    gripper: Jaw | Vacuum | None  # with the names that its links and joints have in the tree
    friction: Mapping[str, Friction]  # by link
    colors: Mapping[str, Color]  # of links whose material the URDF does not say
    mounted: str | None = None  # the gripper on its flange, where that is another entry

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.spec.name

    @property
    def gripper_name(self) -> str:
        """The entry of the catalog that the gripper is from."""
        return self.spec.name if self.mounted is None else self.mounted

    @cached_property
    def hand(self) -> RobotModel:
        """The gripper without its arm: what is mounted, or begins at the flange.

        Of an arm without a flange, what its last joint moves.
        """
        if self.spec.arm is None:
            return self
        last = self.urdf.joint(self.arm_joints[-1]).child
        root = last if self.spec.flange is None else self.spec.flange.link
        if self.mounted is not None:
            root = self.urdf.joint(f"{self.mounted}_mount").child
        spec = self.spec.model_copy(update={"arm": None, "flange": None})
        return replace(self, spec=spec, urdf=self.urdf.beyond(root))

    @property
    def arm_joints(self) -> tuple[str, ...]:
        """Names, base to flange."""
        return () if self.spec.arm is None else self.spec.arm.joints

    @property
    def home(self) -> NDArray[np.float64]:
        """(n,) of the arm's joints."""
        return np.array(() if self.spec.arm is None else self.spec.arm.home, dtype=np.float64)

    @cached_property
    def speed(self) -> NDArray[np.float64]:
        """(n,) rad/s or m/s that each joint of the arm may use."""
        if self.spec.arm is None or self.spec.arm.speed is None:
            return np.array([self.urdf.joint(name).velocity for name in self.arm_joints])
        return np.array(self.spec.arm.speed)

    @cached_property
    def grasp(self) -> LinkFrame:
        """G; the flange where there is no gripper."""
        frame = self.spec.flange if self.gripper is None else self.gripper.grasp
        assert frame is not None  # the spec says so
        return frame

    @cached_property
    def chain(self) -> Chain:
        """From the base to G, over the joints of the arm; the others are at zero."""
        moving = set(self.arm_joints)
        rows, X = [], np.eye(4)
        for joint in self.urdf.path_to(self.grasp.link):
            X = X @ joint.X_PJ
            if joint.name in moving:
                rows.append((X, joint.axis, joint.kind, joint.lower, joint.upper))
                X = np.eye(4)
        return kinematics.chain(rows, X @ self.grasp.X_AB)

    @cached_property
    def tip_m(self) -> float:
        """How far the pads reach beyond G, along its z."""
        if not isinstance(self.gripper, Jaw):
            return 0.0
        X_RL = self.urdf.poses(self.start())
        X_GR = pose.inverse(X_RL[self.grasp.link] @ self.grasp.X_AB)
        ends = [
            pose.apply(X_GR @ X_RL[name], hull)[:, 2].max()
            for name in self.gripper.pads
            for shape in self.urdf.link(name).collisions
            for hull in shape.hulls()
        ]
        return float(max(ends, default=0.0))

    def start(self, opening: float = 1.0) -> dict[str, float]:
        """Joint positions at home, with the jaw open by this share (0..1)."""
        q = dict(zip(self.arm_joints, self.home.tolist(), strict=True))
        if isinstance(self.gripper, Jaw):
            for joint, (closed, opened) in self.gripper.joints.items():
                q[joint] = closed + opening * (opened - closed)
        return q

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The rigid bodies, parents before children."""
        return tuple(_pieces(self.urdf))

    @cached_property
    def links(self) -> dict[str, ObjectModel]:
        """Every link that can be seen, as an object: its surface in the link's own frame."""
        found: dict[str, ObjectModel] = {}
        for link in self.urdf.links:
            if link.visuals:
                others = {model.spec.name for model in found.values()}
                name = _object_name(f"{self.name}_{link.name}", others)
                found[link.name] = _visible(name, link, self.friction.get(link.name))
        return found

    def color(self, link: str) -> Color:
        """What the link is painted with."""
        visuals = self.urdf.link(link).visuals
        said = next((shape.color for shape in visuals if shape.color is not None), None)
        return said if said is not None else self.colors[link]


def _pieces(urdf: Urdf) -> Iterator[Piece]:
    home: dict[str, tuple[int, Matrix]] = {}  # link -> row of its piece, X_PL
    members: list[list[tuple[str, Matrix]]] = []
    carried: list[tuple[Joint | None, int, Matrix]] = []
    for link, joint in zip(urdf.links, (None, *urdf.joints), strict=True):
        if joint is not None and joint.kind == "fixed":
            row, X_PL = home[joint.parent]
            home[link.name] = (row, X_PL @ joint.X_PJ)
            members[row].append((link.name, X_PL @ joint.X_PJ))
            continue
        row, X_PL = (-1, np.eye(4)) if joint is None else home[joint.parent]
        X_PJ = np.eye(4) if joint is None else X_PL @ joint.X_PJ
        carried.append((joint, row, X_PJ))
        members.append([(link.name, np.eye(4))])
        home[link.name] = (len(members) - 1, np.eye(4))
    by_name = {link.name: link for link in urdf.links}
    for (joint, row, X_PJ), links in zip(carried, members, strict=True):
        own = [(by_name[name], X_PL) for name, X_PL in links]
        hulls = tuple(
            pose.apply(X_PL, hull)
            for link, X_PL in own
            for shape in link.collisions
            for hull in shape.hulls()
        )
        yield Piece(joint, row, X_PJ, _welded(own), hulls, tuple(links))


def _welded(links: list[tuple[Link, Matrix]]) -> Inertial:
    """The mass properties of rigidly joined links, in the frame P (parallel axes)."""
    parts = [(link.inertial, X_PL) for link, X_PL in links if link.inertial is not None]
    mass = sum(own.mass_kg for own, _ in parts)
    if mass < LEAST_KG:
        return Inertial(LEAST_KG, np.eye(4), np.eye(3) * LEAST_INERTIA)
    frames = [X_PL @ own.X_LI for own, X_PL in parts]
    com = sum(own.mass_kg * X[:3, 3] for (own, _), X in zip(parts, frames, strict=True)) / mass
    inertia = np.zeros((3, 3))
    for (own, _), X in zip(parts, frames, strict=True):
        arm = X[:3, 3] - com
        shifted = (arm @ arm) * np.eye(3) - np.outer(arm, arm)
        inertia += X[:3, :3] @ own.inertia @ X[:3, :3].T + own.mass_kg * shifted
    diagonal, axes = np.linalg.eigh(inertia)
    axes = axes * np.array([1.0, 1.0, np.linalg.det(axes)])  # right-handed
    diagonal = np.maximum(diagonal, LEAST_INERTIA)
    return Inertial(mass, pose.pose(axes, com), np.diag(diagonal))


def _object_name(text: str, others: set[str]) -> str:
    """As objects are called: one for each link, also of links that differ in case or far out."""
    name = re.sub(r"[^a-z0-9_]", "_", text.lower())
    ends = ("", *(f"_{number}" for number in range(2, len(others) + 2)))
    names = (name[: 64 - len(end)] + end for end in ends)
    return next(name for name in names if name not in others)


def _visible(name: str, link: Link, friction: Friction | None) -> ObjectModel:
    surface = mesh.join(*(shape.surface() for shape in link.visuals))
    spec = ObjectSpec(
        name=name,
        class_="robot",
        summary="A link of a robot.",
        mesh="visual",
        collision="collision",
        mass_kg=0.0 if link.inertial is None else link.inertial.mass_kg,
        friction=friction or Friction(),
        color=(1.0, 1.0, 1.0),
        source="the robot's URDF",
    )
    return ObjectModel(spec, surface=surface)
