"""Is a robot what its files say? Reach, home, what touches what, and whether its gripper holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.line import Line
from simenv.physics.robot import RobotBody
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Body, Robot, Scene
from simenv.spec.load_robot import load_robot
from simenv.spec.look import Look
from simenv.spec.object import Box, Friction, ObjectModel, ObjectSpec
from simenv.spec.robot import Jaw, RobotModel, Vacuum
from simenv.spec.task import Capture, Physics

__all__ = ["examine_robot"]

CARRIER = "floating"  # of a gripper that is examined by itself
EXACT = Physics(solver_iterations=50, residual_threshold=0.0)  # a solver that stops early lets sag
SAMPLES = 2000  # random joint positions that the reach is found from
UPRIGHT_DEG = 1.0  # at home G points down within this
MARGIN = 0.03  # of a joint's range that home keeps to either limit
CLEAR_M = 1e-3  # between pieces that do not hang on each other
OPENING_M = 1e-3  # how well a jaw opens and closes
RATE_HZ = 20.0
HOLD_S = 1.0
GRAVITY_M_S2 = 9.81
CUBE_M, CUBE_KG = 0.030, 0.1
SHARE = 0.6  # of a smaller jaw's opening that its cube takes
LIPS = 3.0  # radii of a wider cup that its cube measures
SLIP_M = 2e-3  # of the cube in the gripper, in that time
SAG_M = 1e-3  # of an arm that holds itself up, in that time

Floats = NDArray[np.float64]


def examine_robot(name: str | Path, gripper: str | Path | None = None) -> Iterator[Line]:
    """What holds of a robot of the catalog and what does not, one line each.

    Raises:
        InputError: one line for each problem of its files.
    """
    model = load_robot(name, gripper, near=Path.cwd())
    yield Line("ok", _what(model))
    yield from _joints(model)
    if model.arm_joints:
        yield _reach(model)
        yield _home(model)
    yield from _hidden(model)
    standing = model if model.arm_joints else load_robot(CARRIER, name, near=Path.cwd())
    robot = Robot(standing, np.eye(4), standing.start(), rows={})
    with World() as world:
        yield from _collisions(_body(world.begin(_scene(robot), RATE_HZ)))
        if model.arm_joints:
            yield _weight(world.begin(_scene(robot), RATE_HZ))
        if isinstance(standing.gripper, Jaw):
            yield _opening(world.begin(_scene(robot), RATE_HZ), standing.gripper)
        if standing.gripper is not None:
            yield _hold(world, robot, standing.gripper)


def _what(model: RobotModel) -> str:
    links, kilograms = model.urdf.links, sum(p.inertial.mass_kg for p in model.pieces)
    return (
        f"{model.name}: {len(links)} links, {len(model.links)} of them can be seen, "
        f"{len(model.pieces)} rigid pieces, {kilograms:.1f} kg; licence {model.spec.license}"
    )


def _joints(model: RobotModel) -> Iterator[Line]:
    """Each joint that is driven: limits, speed, effort, and where it starts."""
    speeds = dict(zip(model.arm_joints, model.speed, strict=True))
    start = model.start()
    for name, q in start.items():
        joint = model.urdf.joint(name)
        turns = joint.kind == "revolute"
        scale, unit = (np.degrees(1.0), "deg") if turns else (1e3, "mm")
        low, high = joint.lower, joint.upper
        spare = min(q - low, high - q)
        near = name in speeds and spare < MARGIN * (high - low) < np.inf
        text = f"{name}: {low * scale:.4g} to {high * scale:.4g} {unit}, starts at {q * scale:.4g}"
        if name in speeds:
            text += f", {speeds[name] * scale:.4g} {unit}/s"
            if joint.effort > 0:
                text += f", {joint.effort:.4g} {'N m' if turns else 'N'}"
        if near:
            text += f"; {spare * scale:.3g} {unit} from a limit: choose a home further inside"
        yield Line("note" if near else "ok", text)


def _reach(model: RobotModel) -> Line:
    chain, rng = model.chain, np.random.default_rng(0)
    low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
    q = rng.uniform(low, high, (SAMPLES, len(low)))
    far = max(float(np.linalg.norm(chain.forward(row)[:3, 3])) for row in q)
    return Line("ok", f"reach: G comes as far as {far:.3f} m from the base ({SAMPLES} positions)")


def _home(model: RobotModel) -> Line:
    """Where G is at home, and whether it points down, in front of the base."""
    X_RG = model.chain.forward(model.home)
    x, y, z = X_RG[:3, 3]
    off = float(np.degrees(np.arccos(np.clip(-X_RG[2, 2], -1.0, 1.0))))
    text = f"home: G at ({x:.3f}, {y:.3f}, {z:.3f}) m, {off:.1f} deg off straight down"
    if off > UPRIGHT_DEG:
        return Line("note", f"{text}; tasks start from it: change arm.home, or the frame of G")
    if z <= model.tip_m:
        return Line("note", f"{text}; below what the robot stands on: raise arm.home")
    return Line("ok", text)


def _hidden(model: RobotModel) -> Iterator[Line]:
    """Pieces that can be seen and pass through everything, or the other way round."""
    for piece in model.pieces:
        seen = [name for name, _ in piece.links if name in model.links]
        first = piece.links[0][0]
        if seen and not piece.hulls:
            yield Line("note", f"{seen[0]} can be seen but touches nothing: add a collision shape")
        if piece.hulls and not seen:
            yield Line("note", f"{first} touches but cannot be seen: add a visual shape")


def _scene(robot: Robot, cube: ObjectModel | None = None, X_WB: Matrix | None = None) -> Scene:
    """The robot in empty space without weight, and a cube that floats there."""
    bodies: tuple[Body, ...] = ()
    if cube is not None and X_WB is not None:
        bodies = (Body(1, "parts/0", "parts", "cube", X_WB, False, cube.spec.friction),)
    return Scene(
        index=0,
        attempt=0,
        tier="core",
        gravity_m_s2=0.0,
        floor_z_m=None,
        floor_friction=Friction(),
        bodies=bodies,
        objects={} if cube is None else {"cube": cube},
        belts=(),
        cameras=(),
        capture=Capture(),
        look=Look(),
        physics=EXACT,
        robot=robot,
    )


def _body(simulation: Simulation) -> RobotBody:
    assert simulation.robot is not None
    return simulation.robot


def _gap(robot: RobotBody, one: int, other: int, within_m: float) -> float:
    """Between two pieces, metres; negative: one is in the other; inf: far away."""
    rows = pybullet.getClosestPoints(
        robot.bullet, robot.bullet, within_m, one, other, physicsClientId=robot.client
    )
    return min((float(row[8]) for row in rows), default=np.inf)


def _collisions(robot: RobotBody) -> Iterator[Line]:
    """Which pieces touch at home; neighbours do, they share a joint."""
    touching = 0
    for (row, one), (other_row, other) in combinations(enumerate(robot.pieces), 2):
        if row in (other.parent, one.parent) or not (one.hulls and other.hulls):
            continue
        gap = _gap(robot, row - 1, other_row - 1, CLEAR_M)
        if gap < CLEAR_M:
            touching += 1
            names = f"{one.links[0][0]} and {other.links[0][0]}"
            how = f"{-gap * 1e3:.1f} mm deep" if gap < 0 else f"{gap * 1e3:.1f} mm apart"
            yield Line("FAIL", f"at home {names} touch ({how}): change arm.home or their shapes")
    if not touching:
        yield Line("ok", "at home nothing of it touches itself")


def _opening(simulation: Simulation, jaw: Jaw) -> Line:
    """Between the pads, when the jaw has closed and when it has opened again."""
    robot = _body(simulation)
    pads = sorted({robot.piece_of(link)[0] for link in jaw.pads})
    if len(pads) < 2:
        return Line("FAIL", "all pads are one rigid piece: name a link of each finger in pads")
    found = []
    for width in (0.0, 1.0):
        _drive(simulation, width, _closing_s(jaw))
        gaps = [_gap(robot, one, other, 1.0) for one, other in combinations(pads, 2)]
        found.append(min(gaps))
    text = f"jaw: {found[0] * 1e3:.1f} mm between the pads when closed, {found[1] * 1e3:.1f} open"
    low, high = jaw.opening_m
    if max(abs(found[0] - low), abs(found[1] - high)) > OPENING_M:
        said = f"opening_m says {low * 1e3:.1f} and {high * 1e3:.1f}"
        return Line("FAIL", f"{text}, but {said}: correct it, or the pads' collision shapes")
    return Line("ok", text)


def _closing_s(jaw: Jaw) -> float:
    """Time enough to close or to open."""
    return max(abs(b - a) for a, b in jaw.joints.values()) / jaw.speed_m_s + 0.5


def _drive(simulation: Simulation, width: float, seconds: float) -> None:
    """Hold the arm still and bring the gripper to a width."""
    robot, grip = _body(simulation), simulation.grip
    still = [0.0] * len(robot.robot.model.arm_joints)
    for _ in range(round(seconds * RATE_HZ)):
        fingers = robot.read().q[len(still) :]
        closing = [] if grip is None else grip.close(width, fingers, 1 / RATE_HZ)
        robot.drive([*still, *closing])
        simulation.step()


def _weight(simulation: Simulation) -> Line:
    """Whether the motors hold the arm at home, against its own weight."""
    start = _body(simulation).reading().X_WG
    _fall(simulation, 1.0)
    sag = float(np.linalg.norm(_body(simulation).reading().X_WG[:3, 3] - start[:3, 3]))
    if sag > SAG_M:
        text = f"the arm sags by {sag * 1e3:.1f} mm in {HOLD_S:g} s under its own weight"
        return Line("FAIL", f"{text}: the URDF's efforts are too small for its masses")
    return Line("ok", "its motors carry it at home")


def _fall(simulation: Simulation, width: float) -> None:
    """Give everything its weight, and wait."""
    pybullet.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=_body(simulation).client)
    _drive(simulation, width, HOLD_S)


def _hold(world: World, robot: Robot, gripper: Jaw | Vacuum) -> Line:
    """Whether the gripper takes a cube that floats at G, and holds it when it gets its weight."""
    side, closing_s = _grasped(gripper)
    X_RG = robot.model.chain.forward(robot.model.home)
    ahead = 0.0 if isinstance(gripper, Jaw) else side / 2 + gripper.gap_m / 2
    X_WB = robot.X_WR @ X_RG @ pose.pose(p_AB=(0.0, 0.0, ahead))
    simulation = world.begin(_scene(robot, _cube(side), X_WB), RATE_HZ)
    _drive(simulation, 0.0, closing_s)
    before = _place(simulation)
    _fall(simulation, 0.0)
    slip = float(np.linalg.norm(_place(simulation) - before))
    assert simulation.grip is not None
    what = f"a cube of {side * 1e3:.0f} mm and {CUBE_KG:g} kg"
    if simulation.grip.held() == 0 and slip <= SLIP_M:
        return Line("ok", f"{what} is held: it slips by {slip * 1e3:.2f} mm in {HOLD_S:g} s")
    look = "force_n, pads, their friction and G"
    if isinstance(gripper, Vacuum):
        look = "force_n, radius_m, G and whether anything is in the way of the lip"
    return Line("FAIL", f"{what} is not held, {slip * 1e3:.0f} mm in {HOLD_S:g} s: check {look}")


def _grasped(gripper: Jaw | Vacuum) -> tuple[float, float]:
    """The side of the cube that a gripper is tried with, metres, and the time it takes to close."""
    if isinstance(gripper, Jaw):
        return min(CUBE_M, SHARE * gripper.opening_m[1]), _closing_s(gripper)
    return max(CUBE_M, LIPS * gripper.radius_m), 0.5


def _cube(side: float) -> ObjectModel:
    shape = Box(shape="box", size_m=(side, side, side))
    spec = {"name": "cube", "class": "cube", "mesh": (shape,), "collision": (shape,)}
    return ObjectModel(ObjectSpec.model_validate({**spec, "mass_kg": CUBE_KG}))


def _place(simulation: Simulation) -> Floats:
    """Where the cube is in G, (3,) metres."""
    X_WG = _body(simulation).reading().X_WG
    return np.asarray(pose.apply(pose.inverse(X_WG), simulation.motion().com)[0])
