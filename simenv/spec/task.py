"""What a task file may say: the nominal scene, and the one table of everything that varies."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from simenv import pose
from simenv.spec.model import (
    Color,
    Misplaced,
    Name,
    Pair,
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

__all__ = [
    "PROCEDURAL_TEXTURES",
    "Actors",
    "AxisSpec",
    "Belt",
    "Bin",
    "CameraPose",
    "CameraSpec",
    "Capture",
    "Distribution",
    "Intrinsics",
    "Look",
    "Physics",
    "SceneSpec",
    "Spawn",
    "Table",
    "TaskSpec",
    "Waypoint",
    "Zone",
]


ProceduralTexture = Literal[
    "rubber", "green_pvc", "concrete", "wood", "plastic", "steel", "cardboard", "checker"
]
PROCEDURAL_TEXTURES: tuple[str, ...] = get_args(ProceduralTexture)


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
    texture: Name | None = visual(None)
    """A variant that the object lists."""
    color: Color | None = visual(None)
    """Multiplies the texture."""

    @model_validator(mode="after")
    def _some_objects(self) -> Actors:
        if not self.objects:
            raise Misplaced(("objects",), "is empty; name at least one object")
        return self


class _Furniture(Spec):
    center: Pair = (0.0, 0.0)
    """Middle of the footprint, world x, y in metres."""
    yaw_deg: float = 0.0
    friction: Friction = Friction(lateral=0.6)
    color: Color = visual((1.0, 1.0, 1.0))


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


class Zone(Spec):
    """A horizontal rectangle in the world."""

    center: Triple
    size_m: tuple[Positive, Positive]
    yaw_deg: float = 0.0


class SceneSpec(Spec):
    """What stands still or runs: furniture and zones."""

    gravity_m_s2: Unsigned = 9.81
    floor: Floor | None = Floor()
    belts: dict[Name, Belt] = {}
    tables: dict[Name, Table] = {}
    bins: dict[Name, Bin] = {}
    zones: dict[Name, Zone]


class Intrinsics(Spec):
    """K in OpenCV's convention: pixel centres at integers. Default principal point: the centre."""

    fx: Positive
    fy: Positive
    cx: float | None = None
    cy: float | None = None
    s: float = 0.0


class CameraPose(Spec):
    """X_WC as ``eye`` + ``target`` (+ ``up``), or as ``p`` + ``rotation`` (OpenCV camera axes)."""

    eye: Triple | None = None
    target: Triple | None = None
    up: Triple = (0.0, 0.0, 1.0)
    p: Triple | None = None
    rotation: Rotation | None = None

    @model_validator(mode="after")
    def _one_form(self) -> CameraPose:
        looking = (self.eye is not None, self.target is not None)
        placed = (self.p is not None, self.rotation is not None)
        if (looking, placed) not in {((True, True), (False, False)), ((False,) * 2, (True,) * 2)}:
            raise ValueError("must have eye and target, or p and rotation; remove or add keys")
        if self.eye == self.target and self.eye is not None:
            raise Misplaced(("target",), "is the same point as eye; move one of them")
        return self

    @property
    def X_WC(self) -> pose.Matrix:
        """The pose of the camera (x right, y down, z forward) in the world, (4, 4)."""
        if self.p is not None and self.rotation is not None:
            return self.rotation.X_AB(self.p)
        assert self.eye is not None
        assert self.target is not None
        return pose.look_at(self.eye, self.target, self.up)


class Waypoint(CameraPose):
    """A camera pose at ``time_s`` after the first frame."""

    time_s: Unsigned


Pixels = Annotated[int, Field(ge=8, le=8192)]


class CameraSpec(Spec):
    """A pinhole camera, still (``X_WC``) or moving (``path``)."""

    resolution: tuple[Pixels, Pixels] = fixed()
    """Width and height."""
    K: Intrinsics | None = None
    fov_y_deg: Annotated[float, Field(gt=1, lt=170)] | None = None
    X_WC: CameraPose | None = None
    path: tuple[Waypoint, ...] = ()
    near_m: Positive | None = None
    """Default: fitted to the scene, which gives the finest depth."""
    far_m: Positive | None = None
    depth_scale_m: Annotated[float, Field(ge=1e-6, le=0.1)] = fixed(1e-4)
    """Metres of one depth unit."""

    @model_validator(mode="after")
    def _consistent(self) -> CameraSpec:
        if (self.K is None) == (self.fov_y_deg is None):
            raise ValueError("must have one of K and fov_y_deg; remove or add one")
        if (self.X_WC is None) == (not self.path):
            text = "must have one of X_WC (still) and path (moving); remove or add one"
            raise ValueError(text)
        times = [waypoint.time_s for waypoint in self.path]
        if any(b <= a for a, b in pairwise(times)):
            raise Misplaced(("path",), "time_s must increase from waypoint to waypoint; sort them")
        if self.near_m is not None and self.far_m is not None and self.near_m >= self.far_m:
            text = f"must be below far_m {self.far_m}, got {self.near_m}; lower it"
            raise Misplaced(("near_m",), text)
        return self


class Capture(Spec):
    """When frames are taken: the first when the parts have settled, then at ``fps``."""

    fps: Annotated[float, Field(gt=0, le=1000)] = 2.0
    frames: Annotated[int, Field(ge=1, le=10000)] = 1


Latitude = Annotated[float, Field(ge=-90, le=90)]


class Light(Spec):
    """The direction the light comes from: elevation above the horizon, azimuth from world +x."""

    elevation_deg: Annotated[float, Field(ge=1, le=90)] = 60.0
    azimuth_deg: float = 30.0


class Backdrop(Spec):
    """What is seen where there is no surface."""

    color: Color = (0.7, 0.7, 0.7)


class Look(Spec):
    """What changes the picture and, by construction, no label."""

    light: Light = visual(Light())
    backdrop: Backdrop = visual(Backdrop())


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


Ends = tuple[float | tuple[float, ...], float | tuple[float, ...]]


class OnSphere(Spec):
    """Points around ``center``, even in area: ranges of radius, elevation and azimuth."""

    center: Triple
    radius_m: tuple[Positive, Positive]
    elevation_deg: tuple[Latitude, Latitude] = (-90.0, 90.0)
    azimuth_deg: Pair = (0.0, 360.0)

    @model_validator(mode="after")
    def _in_order(self) -> OnSphere:
        for key in ("radius_m", "elevation_deg", "azimuth_deg"):
            low, high = getattr(self, key)
            if low > high:
                raise Misplaced((key,), f"low {low} is above high {high}; swap them")
        return self


class Distribution(Spec):
    """What an axis draws from: exactly one of these."""

    uniform: Ends | None = None
    """Low and high: numbers, or two lists of the same length."""
    log_uniform: tuple[Positive, Positive] | None = None
    integers: tuple[int, int] | None = None
    """Low and high, both included."""
    choice: Literal["all"] | tuple[Any, ...] | dict[str, Unsigned] | None = None
    """Values, or values with weights, or all that the objects offer."""
    so3: Literal["uniform"] | None = None
    on_sphere: OnSphere | None = None

    @property
    def form(self) -> str:
        """Which of the distributions it is: the name of the key."""
        return next(key for key in FORMS if getattr(self, key) is not None)

    @model_validator(mode="after")
    def _one_form(self) -> Distribution:
        given = [key for key in FORMS if getattr(self, key) is not None]
        if len(given) != 1:
            known = ", ".join(FORMS)
            got = " and ".join(given) or "none"
            raise ValueError(f"must have exactly one of {known}, got {got}; keep one")
        return self

    @model_validator(mode="after")
    def _not_empty(self) -> Distribution:
        for key in ("uniform", "log_uniform", "integers"):
            if (ends := getattr(self, key)) is not None:
                _check_range(key, *ends)
        if isinstance(self.choice, dict) and not any(self.choice.values()):
            raise Misplaced(("choice",), "all weights are zero; raise one")
        if self.choice == ():
            raise Misplaced(("choice",), "is empty; list at least one value")
        return self


FORMS = tuple(Distribution.model_fields)


def _check_range(key: str, low: Any, high: Any) -> None:
    lows, highs = (end if isinstance(end, tuple) else (end,) for end in (low, high))
    if len(lows) != len(highs) or isinstance(low, tuple) != isinstance(high, tuple):
        raise Misplaced((key,), "low and high differ in length; give both as many numbers")
    if any(a > b for a, b in zip(lows, highs, strict=True)):
        raise Misplaced((key,), f"low {_text(low)} is above high {_text(high)}; swap them")
    if lows == highs and key != "integers":
        text = f"low and high are both {_text(low)}; widen the range or remove the axis"
        raise Misplaced((key,), text)


def _text(end: float | tuple[float, ...]) -> str:
    return str(list(end) if isinstance(end, tuple) else end)


class AxisSpec(Distribution):
    """One row of ``domain:``; its key is the path of what varies."""

    kind: Literal["semantic", "visual"]
    """Semantic variance changes labels; visual variance must not."""
    each: Literal["actor"] | None = None
    """An own draw for every part of the group."""
    dim: Annotated[int, Field(ge=0, lt=64)] | None = None
    """Pins the first Sobol dimension."""
    edge: dict[Name, Distribution] = {}
    """Ranges of what can go wrong, drawn for edge tiers only."""


FURNITURE_GROUPS = ("belts", "tables", "bins", "floor")  # what bodies that are no parts are called


class TaskSpec(Spec):
    """tasks/<name>.yaml, complete: without ``domain`` it is one nominal scene."""

    format: Literal["simenv-task-1"]
    name: Name
    summary: str = ""
    actors: dict[Name, Actors]
    scene: SceneSpec
    cameras: dict[Name, CameraSpec]
    capture: Capture = Capture()
    look: Look = visual(Look())
    physics: Physics = Physics()
    domain: dict[str, AxisSpec] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> TaskSpec:
        if not self.cameras:
            raise Misplaced(("cameras",), "is empty; a task needs at least one camera")
        for group, actors in self.actors.items():
            if group in FURNITURE_GROUPS:
                text = f"{group} is the name of furniture; choose another name, such as parts"
                raise Misplaced(("actors", group), text)
            if actors.spawn.zone not in self.scene.zones:
                zones = ", ".join(self.scene.zones)
                way_out = f"there is {zones}" if zones else "add it to scene.zones"
                text = f"no zone {actors.spawn.zone}; {way_out}"
                raise Misplaced(("actors", group, "spawn", "zone"), text)
        return self
