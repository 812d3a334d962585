"""What one scene is: plain values that physics, renderers and labels agree on. No engine here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.pose import Matrix
from simenv.spec.look import Look
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.robot import RobotModel
from simenv.spec.sensor import Sensor
from simenv.spec.task import Capture, Physics

__all__ = [
    "BeltMotion",
    "Body",
    "Camera",
    "Contacts",
    "Robot",
    "Scene",
    "SceneGrasps",
    "Snapshot",
    "View",
]

INSTANT_S = 1e-4  # over which a camera's velocity is taken: where it goes from here


@dataclass(frozen=True, eq=False)
class Body:
    """One thing with a pose. ``id`` is its value in the instance mask; the floor alone has 0."""

    id: int
    name: str  # "parts/3", "belts/main"
    group: str  # "parts", "belts", "tables", "bins", "robot", "floor"
    object: str  # key of Scene.objects
    X_WB: Matrix  # (4, 4) at the start
    fixed: bool  # furniture and robots: do not move, whatever hits them
    friction: Friction
    texture: str | None = None  # a file of the object, or the name of a procedural texture
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)  # multiplies the texture
    roughness: float = 0.5  # of the surface: 0 a mirror, 1 chalk
    metallic: float = 0.0
    role: str = "part"  # "part", "distractor", "furniture", "robot"
    velocity: NDArray[np.float64] | None = (
        None  # (6,) at the start, as Snapshot has it; None: rests
    )
    mass_kg: float | None = None  # None: that of the object


@dataclass(frozen=True, eq=False)
class BeltMotion:
    """A body whose surface moves along ``direction`` at ``speed_m_s`` times the profile."""

    body: int  # index into Scene.bodies
    direction: NDArray[np.float64]  # (3,) unit, world
    speed_m_s: float
    profile: tuple[tuple[float, float], ...]  # (time_s, factor), linear in between, flat outside
    profile_from: str  # "drop" or "capture": what time 0 of the profile is

    def speed(self, time_s: float, capture_start_s: float | None) -> float:
        """Surface speed in m/s at ``time_s``; ``capture_start_s`` is None until the first frame."""
        if self.profile_from == "capture":
            time_s = -1.0 if capture_start_s is None else time_s - capture_start_s
        times, factors = zip(*self.profile, strict=True)
        return self.speed_m_s * float(np.interp(time_s, times, factors))


@dataclass(frozen=True, eq=False)
class Robot:
    """A robot as it stands when the scene begins."""

    model: RobotModel
    X_WR: Matrix  # (4, 4) its base
    q: Mapping[str, float]  # joint positions by name, rad or m
    rows: Mapping[str, int]  # link -> index into Scene.bodies, of links that can be seen


@dataclass(frozen=True, eq=False)
class View:
    """A camera at one moment: everything that a renderer needs to know of it."""

    camera: str
    width: int
    height: int
    K: NDArray[np.float64]  # (3, 3) OpenCV, pixel centres at integers
    X_WC: Matrix  # (4, 4) x right, y down, z forward
    near_m: float | None = None  # None: the renderer fits it to the scene
    far_m: float | None = None
    distortion: NDArray[np.float64] | None = None  # (8,) k1 k2 p1 p2 k3 k4 k5 k6; None: a pinhole


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera for the whole scene, fixed to a mount: a moving frame, or a body of the scene.

    A camera that stands alone is its own mount: ``X_MC`` is the identity.
    """

    name: str
    width: int
    height: int
    K: NDArray[np.float64]  # (3, 3)
    times_s: NDArray[np.float64]  # (P,) after the first frame
    X_WM: NDArray[np.float64]  # (P, 4, 4) of the mount; unused where a body carries it
    near_m: float | None = None
    far_m: float | None = None
    depth_scale_m: float = 1e-4  # of the stored 16-bit depth
    X_MC: Matrix = field(default_factory=lambda: np.eye(4))
    body: str | None = None  # name of the body that carries it
    distortion: NDArray[np.float64] | None = None  # (8,) as OpenCV has it; None: a pinhole
    sensor: Sensor = field(default_factory=Sensor)

    def view(self, time_s: float, X_WM: Matrix | None = None) -> View:
        """The camera ``time_s`` after the first frame: linear position, slerp rotation.

        ``X_WM`` (4, 4) is where the body is that carries it, if one does.
        """
        if X_WM is None:
            X_WM = pose.interpolate(self.times_s, self.X_WM, time_s)
        return View(
            self.name,
            self.width,
            self.height,
            self.K,
            X_WM @ self.X_MC,
            self.near_m,
            self.far_m,
            self.distortion,
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """Scene ``index`` of a task, one attempt at it: what stands where when the drop begins."""

    index: int
    attempt: int
    tier: str  # "core", or the name of the edge range it was drawn from
    gravity_m_s2: float
    floor_z_m: float | None
    floor_friction: Friction
    bodies: tuple[Body, ...]  # parts first (ids 1..), furniture, links of the robot, floor (id 0)
    objects: Mapping[str, ObjectModel]
    belts: tuple[BeltMotion, ...]
    cameras: tuple[Camera, ...]
    capture: Capture
    look: Look
    physics: Physics
    scene_values: Mapping[str, object] = field(default_factory=dict)  # axis path -> value
    part_values: Mapping[str, tuple[object, ...]] = field(default_factory=dict)  # one a part
    crowded: bool = False  # a part found no free place to start from, within its stack_m
    labels: frozenset[str] = frozenset()  # what is asked for beside the labels always there
    classes: tuple[str, ...] = ()  # of the whole task; value k of a semantic mask is classes[k - 1]
    keypoint_count: int = 0  # of the object of the task that has most
    visual_seed: int = 0  # of everything random that moves no label, such as sensor noise
    backdrop: Path | None = None  # the image file that look.backdrop names
    robot: Robot | None = None
    start_s: float = 0.0  # when this begins: seconds after the drop
    time_days: float = 0.0  # where on the task's timeline it was drawn
    set_values: Mapping[str, object] = field(default_factory=dict)  # of an edge case: no axes

    def at(self, snapshot: Snapshot) -> Scene:
        """The scene that begins where ``snapshot`` of this one was taken; the robot as it began."""
        bodies = tuple(
            body if body.fixed else replace(body, X_WB=X_WB, velocity=velocity)
            for body, X_WB, velocity in zip(
                self.bodies, snapshot.X_WB, snapshot.velocity, strict=True
            )
        )
        return replace(self, bodies=bodies, start_s=snapshot.time_s)

    @property
    def parts(self) -> tuple[Body, ...]:
        """The bodies that are free to move, in id order."""
        return tuple(body for body in self.bodies if not body.fixed)


@dataclass(frozen=True, eq=False)
class Contacts:
    """Where bodies touch at one moment: C points, each of a part with another body.

    Sorted by id_a, then id_b. Furniture does not touch furniture: it does not move.
    """

    id_a: NDArray[np.uint16]  # (C,) a part; of two parts, the one of smaller id
    id_b: NDArray[np.uint16]  # (C,) what it touches; 0 is the floor
    p_W: NDArray[np.float64]  # (C, 3) on the surface of b, metres
    normal_W: NDArray[np.float64]  # (C, 3) unit, out of b towards a
    force_n: NDArray[np.float64]  # (C,) along the normal, newtons


@dataclass(frozen=True, eq=False)
class SceneGrasps:
    """The grasps of all parts at one moment: M of them with C contacts, in the order of the ids."""

    id: NDArray[np.uint16]  # (M,) of the part
    grasp: NDArray[np.int32]  # (M,) row of the part's grasp set
    X_BG: NDArray[np.float64]  # (M, 4, 4) of the gripper in the part, when it closes
    X_WG: NDArray[np.float64]  # (M, 4, 4) and in the world
    width_m: NDArray[np.float64]  # (M,) of the part between the pads; 0 of a cup
    opening_m: NDArray[np.float64]  # (M,) of the pads on the way in; 0 of a cup
    contacts_W: NDArray[np.float64]  # (M, C, 3)
    trials: NDArray[np.int32]  # (M,) that the probabilities are from
    object_probability: NDArray[np.float64]  # (M,) of the part alone, lifted, shaken, turned over
    success_probability: NDArray[np.float64]  # (M,) here, lifted and shaken; 0 if out of reach
    free: NDArray[np.bool_]  # (M,) the open gripper meets nothing on its way in
    reachable: NDArray[np.bool_]  # (M,) the arm gets there, and is in nothing itself
    window_s: NDArray[np.float64]  # (M, 2) from when to when, after this moment; -1: never
    q: NDArray[np.float64]  # (M, n) the arm's joints at the first of these; 0 where there is none


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The world at one moment: all that a renderer or a label needs besides the scene itself."""

    scene: Scene
    time_s: float  # since the drop began
    frame: int  # 0 for the first captured frame
    capture_time_s: float  # since the first captured frame
    X_WB: NDArray[np.float64]  # (N, 4, 4) in the order of Scene.bodies
    velocity: NDArray[np.float64]  # (N, 6) linear m/s of the body origin, angular rad/s; world axes
    contacts: Contacts | None = None  # where the scene's labels ask for them

    def view(self, camera: Camera) -> View:
        """The camera as it stands at this moment."""
        if camera.body is None:
            return camera.view(self.capture_time_s)
        return camera.view(self.capture_time_s, self.X_WB[self._row(camera.body)])

    def _row(self, name: str) -> int:
        return [body.name for body in self.scene.bodies].index(name)

    def velocity_of(self, camera: Camera) -> NDArray[np.float64]:
        """(6,) linear m/s and angular rad/s of the camera, world axes."""
        X_WC = self.view(camera).X_WC
        if camera.body is not None:
            row = self._row(camera.body)
            arm = X_WC[:3, 3] - self.X_WB[row, :3, 3]
            linear, angular = self.velocity[row, :3], self.velocity[row, 3:]
            return np.concatenate([linear + np.cross(angular, arm), angular])
        later = camera.view(self.capture_time_s + INSTANT_S).X_WC
        turn = pose.rotation_vector(later[:3, :3] @ X_WC[:3, :3].T)
        return np.concatenate([later[:3, 3] - X_WC[:3, 3], turn]) / INSTANT_S
