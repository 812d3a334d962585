"""What a task file may say: the nominal scene, and the one table of everything that varies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from simenv.spec.audit import AuditSpec
from simenv.spec.camera import CameraSpec, Mount, check_lens
from simenv.spec.domain import AxisSpec
from simenv.spec.edge import EdgeCase
from simenv.spec.environment import Environment, Sorted, Stacked, Success
from simenv.spec.explain import suggest
from simenv.spec.look import Look, ProceduralTexture
from simenv.spec.model import (
    Color,
    Misplaced,
    Name,
    Pair,
    Placement,
    Positive,
    Rotation,
    Spec,
    Triple,
    Unit,
    Unsigned,
    fixed,
    visual,
)
from simenv.spec.object import Friction
from simenv.spec.timeline import Change, check_days

__all__ = [
    "FURNITURE",
    "LABELS",
    "ROBOT",
    "Actors",
    "Belt",
    "Bin",
    "Capture",
    "Floor",
    "Label",
    "Physics",
    "RobotUse",
    "SceneSpec",
    "Settle",
    "Spawn",
    "Table",
    "TaskSpec",
    "Zone",
]

Label = Literal[
    "amodal",
    "boxes_3d",
    "contacts",
    "flow",
    "grasps",
    "keypoints",
    "nocs",
    "normals",
    "semantic",
    "truncation",
]
LABELS: tuple[Label, ...] = get_args(Label)


class Spawn(Spec):
    """Where and how parts enter: above a zone, never overlapping each other."""

    zone: Name
    height_m: Unsigned = 0.05
    """From the zone's plane to the lowest point of the part."""
    position: Literal["scatter"] | tuple[Unit, Unit] = "scatter"
    """Anywhere in the zone, or at (x, y) as fractions of it, 0..1."""
    orientation: Rotation = Rotation(rpy_deg=(0.0, 0.0, 0.0))
    stack_m: Unsigned = 1.5
    """Scattered parts stack up to this much higher where the zone is full."""


class Actors(Spec):
    """A group of parts whose poses are wanted."""

    objects: tuple[Name, ...] | Name
    """Dealt in turn: part k is objects[k % n]."""
    count: Annotated[int, Field(ge=0, le=500)] = 1
    spawn: Spawn
    role: Literal["part", "distractor"] = fixed("part")
    """Distractors lie and hide like parts, but nobody wants their poses: exports leave them out."""
    texture: Name | None = visual(None)
    """A variant that the object lists, or a procedural texture."""
    color: Color | None = visual(None)
    """Multiplies the texture."""
    roughness: Unit | None = visual(None)
    """Of the surface: 0 a mirror, 1 chalk. Default: the object's."""
    metallic: Unit | None = visual(None)
    from_day: Unsigned = fixed(0.0)
    """Of the timeline: there is no part of the group before."""
    until_day: Positive | None = fixed(None)
    """From this day on there is none; default: it stays."""

    @model_validator(mode="after")
    def _some_objects(self) -> Actors:
        if not self.objects:
            raise Misplaced(("objects",), "is empty; name at least one object")
        check_days(self.from_day, self.until_day)
        return self

    @property
    def comes_or_goes(self) -> bool:
        """Whether there are days without the group."""
        return self.from_day > 0 or self.until_day is not None

    def present(self, day: float) -> bool:
        """Whether the group is there on ``day``."""
        return self.from_day <= day and (self.until_day is None or day < self.until_day)


class _Furniture(Spec):
    center: Pair = (0.0, 0.0)
    """Middle of the footprint, world x, y in metres."""
    yaw_deg: float = 0.0
    friction: Friction = Friction(lateral=0.6)
    color: Color = visual((1.0, 1.0, 1.0))
    roughness: Unit = visual(0.7)
    metallic: Unit = visual(0.0)


class Belt(_Furniture):
    """A straight conveyor that carries parts along its own +x."""

    length_m: Positive
    width_m: Positive
    top_z_m: float
    thickness_m: Annotated[float, Field(ge=0.02)] = 0.08
    speed_m_s: Annotated[float, Field(ge=-5, le=5)]
    profile: tuple[Pair, ...] = ((0.0, 1.0),)
    """(time_s, factor of speed), linear in between."""
    profile_from: Literal["drop", "capture"] = "drop"
    """What time 0 of the profile is."""
    texture: ProceduralTexture | None = visual("rubber")

    @model_validator(mode="after")
    def _profile_in_order(self) -> Belt:
        times = [time for time, _ in self.profile]
        if not times or any(b <= a for a, b in pairwise(times)):
            text = "needs at least one (time_s, factor), in the order of time; sort the points"
            raise Misplaced(("profile",), text)
        return self


class Table(_Furniture):
    """A thick slab with a flat top."""

    size_m: tuple[Positive, Positive]
    top_z_m: float
    thickness_m: Annotated[float, Field(ge=0.02)] = 0.05
    texture: ProceduralTexture | None = visual("wood")


class Bin(_Furniture):
    """An open box (tote): five thick boxes. ``inner_size_m`` is the free room inside."""

    inner_size_m: tuple[Positive, Positive, Positive]
    base_z_m: float = 0.0
    """Height of the outer bottom."""
    wall_m: Annotated[float, Field(ge=0.01)] = 0.02
    texture: ProceduralTexture | None = visual("plastic")


class Floor(Spec):
    """The ground: an endless plane for physics, a square for the picture (instance 0)."""

    z_m: float = 0.0
    size_m: Positive = 6.0
    friction: Friction = Friction(lateral=0.8)
    texture: ProceduralTexture | None = visual("concrete")
    color: Color = visual((1.0, 1.0, 1.0))
    roughness: Unit = visual(0.9)
    metallic: Unit = visual(0.0)


class Zone(Spec):
    """A horizontal rectangle in the world."""

    center: Triple
    size_m: tuple[Positive, Positive]
    yaw_deg: float = 0.0


class RobotUse(Spec):
    """Which robot stands where; it keeps still unless somebody drives it."""

    use: Name = fixed()
    """A name in robots/."""
    gripper: Name | None = fixed(None)
    """Another name in robots/, mounted on the flange; default: the gripper that it comes with."""
    X_WR: Placement = Placement()
    """Its base in the world."""
    home: tuple[float, ...] | None = None
    """Joint positions at the start, rad or m; default: the robot's own."""


class SceneSpec(Spec):
    """What stands still or runs: furniture, zones, the robot."""

    gravity_m_s2: Unsigned = 9.81
    floor: Floor | None = Floor()
    belts: dict[Name, Belt] = {}
    tables: dict[Name, Table] = {}
    bins: dict[Name, Bin] = {}
    zones: dict[Name, Zone]
    robot: RobotUse | None = None
    mounts: dict[Name, Mount] = {}


class Capture(Spec):
    """When frames are taken: the first when the parts have settled, then at ``fps``."""

    fps: Annotated[float, Field(gt=0, le=1000)] = 2.0
    frames: Annotated[int, Field(ge=1, le=10000)] = 1


class Settle(Spec):
    """When a scene counts as resting: slower than both speeds, against its support, for hold_s."""

    speed_m_s: Positive = 0.01
    angular_rad_s: Positive = 0.1
    hold_s: Positive = 0.3
    limit_s: Positive = 6.0


class Physics(Spec):
    """How the world is stepped. The defaults are measured; see docs/physics.md."""

    rate_hz: Annotated[float, Field(ge=60, le=4000)] = 240.0
    solver_iterations: Annotated[int, Field(ge=1, le=1000)] = 24
    residual_threshold: Unsigned = 1e-5
    """The solver stops early below this."""
    settle: Settle = Settle()
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    max_penetration_m: Positive = 0.003


ROBOT = "robot"  # the group of a robot's links
FURNITURE = ("belts", "tables", "bins")  # keys of `scene:` whose items are bodies with an id


class TaskSpec(Spec):
    """tasks/<name>.yaml, complete: without ``domain`` it is one nominal scene."""

    format: Literal["simenv-task-1"]
    name: Name
    summary: str = ""
    actors: dict[Name, Actors]
    scene: SceneSpec
    cameras: dict[Name, CameraSpec]
    capture: Capture = Capture()
    labels: tuple[Label, ...] = ()
    """Beside pose, instance, depth, boxes and visible fraction, which are always there."""
    look: Look = visual(Look())
    physics: Physics = Physics()
    domain: dict[str, AxisSpec] = {}
    edge_cases: dict[Name, EdgeCase] = {}
    """What can go wrong, built on purpose and checked on the labels; drawn for edge tiers only."""
    timeline: tuple[Change, ...] = ()
    """How axes move with the days; day 0 is the task as it stands."""
    success: Success | None = None
    """What an agent is to reach."""
    env: Environment | None = None
    """How it acts; needs scene.robot and success."""
    audit: AuditSpec = AuditSpec()
    """From where on its datasets are not fine."""

    @model_validator(mode="after")
    def _names_exist(self) -> TaskSpec:
        if not self.cameras:
            raise Misplaced(("cameras",), "is empty; a task needs at least one camera")
        for group, actors in self.actors.items():
            if group in (*FURNITURE, "floor", ROBOT):
                text = f"{group} is the name of furniture; choose another name, such as parts"
                raise Misplaced(("actors", group), text)
            if actors.spawn.zone not in self.scene.zones:
                zones = ", ".join(self.scene.zones)
                way_out = f"there is {zones}" if zones else "add it to scene.zones"
                text = f"no zone {actors.spawn.zone}; {way_out}"
                raise Misplaced(("actors", group, "spawn", "zone"), text)
        for name, camera in self.cameras.items():
            _check_camera(self, name, camera)
        if self.success is not None:
            _check_success(self, self.success)
        if self.env is not None:
            _check_environment(self, self.env)
        if "grasps" in self.labels and self.scene.robot is None:
            text = "grasps needs scene.robot; add for example `robot: {use: panda}`"
            raise Misplaced(("labels",), text)
        if repeated := {label for label in self.labels if self.labels.count(label) > 1}:
            raise Misplaced(("labels",), f"names {min(repeated)} twice; remove one")
        return self


def _check_success(task: TaskSpec, success: Success) -> None:
    """That the group and the zones exist."""
    rule = success.rule
    key = next(key for key in Success.model_fields if getattr(success, key) is rule)
    if rule.actors not in task.actors:
        text = f"no group {rule.actors}; {suggest(rule.actors, list(task.actors))}"
        raise Misplaced(("success", key, "actors"), text)
    zones = {("into", k): zone for k, zone in rule.into.items()} if isinstance(rule, Sorted) else {}
    if not isinstance(rule, Sorted | Stacked):
        zones = {("zone", ""): rule.zone}
    for (field, name), zone in zones.items():
        if zone not in task.scene.zones:
            path = ("success", key, field, *([name] if name else []))
            raise Misplaced(path, f"no zone {zone}; {suggest(zone, list(task.scene.zones))}")


def _check_environment(task: TaskSpec, env: Environment) -> None:
    """That there is something to drive, to reach and to look at."""
    if task.scene.robot is None:
        raise Misplaced(("env",), "needs scene.robot; add for example `robot: {use: panda}`")
    if task.success is None:
        raise Misplaced(("env",), "needs success; say what the agent is to reach")
    if env.camera is not None and env.camera not in task.cameras:
        text = f"no camera {env.camera}; {suggest(env.camera, list(task.cameras))}"
        raise Misplaced(("env", "camera"), text)


def _check_camera(task: TaskSpec, name: str, camera: CameraSpec) -> None:
    """That what a camera is carried by, or is a pair with, exists."""
    if camera.stereo_of is not None:
        left = task.cameras.get(camera.stereo_of)
        if left is None or left.stereo_of is not None:
            others = [key for key, other in task.cameras.items() if other.stereo_of is None]
            way_out = suggest(camera.stereo_of, others)
            text = f"no camera {camera.stereo_of} with a lens of its own; {way_out}"
            raise Misplaced(("cameras", name, "stereo_of"), text)
        if left.resolution != camera.resolution:
            text = f"must be that of {camera.stereo_of}; write {list(left.resolution)}"
            raise Misplaced(("cameras", name, "resolution"), text)
        try:
            K = camera.jitter.lens(left.matrix)
            check_lens(camera.resolution, K, left.distortion.coefficients)
        except Misplaced as error:
            text = f"with it, the distortion of {camera.stereo_of} {error}"
            raise Misplaced(("cameras", name, "jitter"), text) from None
    on_robot = task.scene.robot is not None and (camera.mount or "").startswith(f"{ROBOT}/")
    if on_robot:  # which links there are, only the robot's own files say
        return
    if camera.mount is not None and camera.mount not in (known := list(_carriers(task))):
        raise Misplaced(("cameras", name, "mount"), _no_carrier(task, camera.mount, known))


def _no_carrier(task: TaskSpec, mount: str, known: list[str]) -> str:
    group, _, part = mount.partition("/")
    if group not in task.actors or not part.isdecimal():
        return f"no mount or body {mount}; {suggest(mount, known)}"
    count = task.actors[group].count
    way_out = f"raise it, or let {group}/{count - 1} carry the camera" if count else "raise it"
    return f"no body {mount} where actors.{group}.count is {count}; {way_out}"


def _carriers(task: TaskSpec) -> Iterator[str]:
    """What a camera can stand on: mounts, parts, furniture; `domain:` may draw fewer parts."""
    yield from task.scene.mounts
    for group, actors in task.actors.items():
        yield from (f"{group}/{part}" for part in range(actors.count))
    for group in FURNITURE:
        yield from (f"{group}/{name}" for name in getattr(task.scene, group))
