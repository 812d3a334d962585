"""What a gripper holds, and when it lets go: friction between pads, vacuum under a lip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.envs.env import TaskEnv
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Robot
from simenv.spec.catalog import load_object
from simenv.spec.load_robot import load_robot
from simenv.spec.object import ObjectModel
from simenv.spec.robot import Jaw, RobotModel, Vacuum
from simenv.spec.task import Physics
from tests.physics.build import at, block, part, scene

G = 9.81
RATE_HZ = 20.0
ROBOTS = {"panda": ("panda", None), "jaw85": ("arm6", "jaw85")}
STEP_M = 0.005  # of the gripper in one command: 0.1 m/s
CREEP_M = 5e-4  # of a part in the gripper, while it is lifted by 0.2 m in 2 s
UP = np.array([0.0, 0.0, 1.0])
GRASP = Physics(solver_iterations=50, residual_threshold=3e-5)  # as tasks have it that grasp
APART_M = 3e-4  # between two fingers that one spindle moves


@cache
def load(arm: str, gripper: str) -> RobotModel:
    return load_robot(arm, gripper)


# Fingers -----------------------------------------------------------------------------------------


@contextmanager
def flying(gripper: str, *items: Any, rate_hz: float = RATE_HZ, floor_z_m: float = -1.0,
           q: Mapping[str, float] | None = None) -> Iterator[Simulation]:  # fmt: skip
    """A gripper on a flange that flies, over the items; 0.5 m in front of the origin."""
    model = load("floating", gripper)
    own = Robot(model, np.eye(4), {**model.start(), **(q or {})}, rows={})
    with World() as world:
        yield world.begin(
            replace(scene(*items, floor_z_m=floor_z_m, physics=GRASP), robot=own), rate_hz
        )


def fly(simulation: Simulation, width: float, steps: int, *, up_m_s: float = 0.0) -> None:
    """Drive the flange upwards, and the gripper to a width."""
    robot, grip = simulation.robot, simulation.grip
    assert robot is not None
    assert grip is not None
    for _ in range(steps):
        fingers = robot.read().q[6:]
        closing = grip.close(width, fingers, 1 / RATE_HZ)
        robot.drive([0.0, 0.0, up_m_s, 0.0, 0.0, 0.0, *closing])
        simulation.step()


@pytest.mark.parametrize("gripper", ["jaw85", "wsg50"])
@pytest.mark.parametrize(("share", "steps"), [(0.7, 24), (1.5, 24), (2.6, 4)])
@pytest.mark.parametrize("finger", [0, 1])
def test_a_push_against_one_finger_moves_both_or_none(
    gripper: str, share: float, steps: int, finger: int
) -> None:
    """The motors of both fingers hold against it: twice the force of one."""
    model = load("floating", gripper)
    jaw = model.gripper
    assert isinstance(jaw, Jaw)
    q = {name: 0.3 * opened for name, (_, opened) in jaw.joints.items()}
    with flying(gripper, rate_hz=240.0, q=q) as simulation:
        robot = simulation.robot
        assert robot is not None
        start = robot.read().q[6:]
        link = robot.piece_of(jaw.pads[finger])[0]
        joint = model.urdf.joint(list(jaw.joints)[finger])
        apart = 0.0
        for _ in range(steps):
            X_WL, _ = robot.link_poses([joint.child])
            force = share * jaw.force_n * (X_WL[0, :3, :3] @ joint.axis)  # opens it
            place = pybullet.getLinkState(robot.bullet, link, physicsClientId=robot.client)[0]
            pybullet.applyExternalForce(
                robot.bullet, link, force.tolist(), place, pybullet.WORLD_FRAME, robot.client
            )
            robot.drive(np.zeros(8))
            simulation.step()
            one, other = robot.read().q[6:] - start
            apart = max(apart, abs(one - other))
        assert apart < APART_M
        moved = robot.read().q[6:] - start
        if share < 2.0:
            assert np.abs(moved).max() < 2 * APART_M
        else:
            assert moved.min() > 5e-3


# Parts between pads ------------------------------------------------------------------------------


PARTS = [(hand, name) for hand in ROBOTS for name in ("carton_small", "gear")]


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    for env in OPEN:
        env.close()
    OPEN.clear()
    held_part.cache_clear()


OPEN: list[TaskEnv] = []


@cache
def held_part(hand: str, name: str, rate_hz: float = 240.0) -> TaskEnv:
    """One part in the middle of the table; its environment is kept for all tests."""
    values = {
        "scene.robot.use": ROBOTS[hand][0],
        "scene.robot.gripper": ROBOTS[hand][1],
        "actors.parts.objects": name,
        "actors.parts.spawn.position": [0.5, 0.5],
        "actors.parts.spawn.orientation": {"rpy_deg": [0, 0, 0]},
        "physics.rate_hz": rate_hz,
        "domain": {},
    }
    OPEN.append(TaskEnv("table_pick", values=values))
    return OPEN[-1]


def go(env: TaskEnv, goal_W: ArrayLike, width: float, steps: int, step_m: float) -> list[Matrix]:
    """Move the gripper straight to a point; X_GB of the part after each step."""
    found = []
    for _ in range(steps):
        X_WG = env.driver.X_WG.copy()
        way = np.asarray(goal_W) - X_WG[:3, 3]
        X_WG[:3, 3] += way * min(1.0, step_m / max(float(np.linalg.norm(way)), 1e-9))
        env.step(env.driver.encode(X_WG, width))
        parts = env.state.parts
        X_WB = pose.pose(parts.R_WB[0], parts.p_WB[0])
        found.append(pose.inverse(env.state.tool.X_WG) @ X_WB)
    return found


def grasp(env: TaskEnv, offset: ArrayLike = (0.0, 0.0, 0.0)) -> NDArray[np.float64]:
    """Close the jaw on the part, ``offset`` off its centre; where that is."""
    point: NDArray[np.float64] = env.state.parts.com[0] + np.asarray(offset)
    point[2] = max(point[2], env.driver.model.tip_m + 0.002)  # pads do not touch the table
    go(env, point + 0.1 * UP, 1.0, 30, 0.03)
    go(env, point, 1.0, 30, STEP_M)
    go(env, point, 0.0, 16, STEP_M)
    return point


def slide(env: TaskEnv, friction: float) -> None:
    """Let pads and part have this friction together: Bullet takes the product of both."""
    assert env.simulation is not None
    robot, (bullet,) = env.driver.robot, env.simulation.stage.bullets
    jaw = robot.robot.model.gripper
    assert isinstance(jaw, Jaw)
    own = {"physicsClientId": robot.client, "rollingFriction": 0.0, "spinningFriction": 0.0}
    pybullet.changeDynamics(bullet, -1, lateralFriction=friction, **own)
    for pad in jaw.pads:
        link = robot.piece_of(pad)[0]
        pybullet.changeDynamics(robot.bullet, link, lateralFriction=1.0, **own)


def unslide(env: TaskEnv) -> None:
    """The next scene is built around the same robot: its pads are as its file says."""
    robot = env.driver.robot
    for row, piece in enumerate(robot.pieces):
        robot._tune(robot.bullet, row - 1, piece)


# A carton in rubber pads on a light arm needs shorter time steps: at 240 Hz it tilts by 4 degrees.
RATES = {("jaw85", "carton_small"): 480.0}


@pytest.mark.parametrize(("hand", "name"), PARTS)
def test_a_part_that_is_lifted_does_not_creep_out_of_the_grip(hand: str, name: str) -> None:
    env = held_part(hand, name, RATES.get((hand, name), 240.0))
    env.reset(seed=0)
    point = grasp(env)
    assert env.state.held == 0
    low = env.state.parts.com[0, 2]
    (before,) = go(env, point, 0.0, 1, STEP_M)
    X_GB = np.array(go(env, point + 0.2 * UP, 0.0, 40, STEP_M))
    assert env.state.parts.com[0, 2] - low > 0.19
    assert np.linalg.norm(X_GB[:, :3, 3] - before[:3, 3], axis=1).max() < CREEP_M
    assert env.state.held == 0


PLACEMENTS = [(x, y, z) for x in (-0.004, 0.004) for y in (-0.008, 0.008) for z in (-0.004, 0.004)]
FRICTIONS = (0.6, 0.3, 0.15, 0.05, 0.01)


def lifts(env: TaskEnv, friction: float, offset: ArrayLike) -> bool:
    """Whether a part comes along when it is held this far off its centre, and lifted by 60 mm."""
    env.reset(seed=0)
    slide(env, friction)
    low = env.state.parts.com[0, 2]
    point = grasp(env, offset)
    go(env, point + 0.06 * UP, 0.0, 14, STEP_M)
    unslide(env)
    # A slippery part may also be squeezed out, and jump.
    return env.state.held == 0 and bool(env.state.parts.com[0, 2] > low + 0.05)


def test_the_less_friction_the_fewer_lifts() -> None:
    env = held_part("panda", "carton_small")
    counts = [sum(lifts(env, mu, offset) for offset in PLACEMENTS) for mu in FRICTIONS]
    assert counts[0] == len(PLACEMENTS)
    assert counts[-1] == 0
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("hand", ROBOTS)
def test_no_grip_lifts_more_than_friction_carries(hand: str) -> None:
    """Coulomb: both pads together carry 2 mu F. Far above that, a part must come along.

    A carton has flat faces; a gear can also hang by its teeth.
    """
    model, env = load_robot(*ROBOTS[hand]), held_part(hand, "carton_small")
    assert isinstance(model.gripper, Jaw)
    enough = env.task.objects["carton_small"].spec.mass_kg * G / (2 * model.gripper.force_n)
    for share, lifted in ((0.5, False), (0.8, False), (16.0, True)):
        assert lifts(env, share * enough, (0.0, 0.0, 0.0)) == lifted


def test_an_open_jaw_holds_nothing() -> None:
    env = held_part("jaw85", "carton_small")
    env.reset(seed=0)
    point = grasp(env)
    go(env, point + 0.05 * UP, 0.0, 12, STEP_M)
    assert env.state.held == 0
    go(env, point + 0.05 * UP, 1.0, 10, STEP_M)
    assert env.state.held == -1
    assert env.state.parts.com[0, 2] < point[2] + 0.01


# The cup -----------------------------------------------------------------------------------------

GAP_M = 0.001  # between the lip and the part at the start
LOW_Z_M = 0.325  # of the lip at home


def under(model: ObjectModel, x_m: float = 0.0, y_m: float = 0.0) -> tuple[Any, float]:
    """The part with its top under the lip, and the floor that it stands on."""
    low, high = model.mesh.vertices[:, 2].min(), model.mesh.vertices[:, 2].max()
    z = LOW_Z_M - GAP_M - high
    return part(model, at(0.5 + x_m, y_m, z)), z + low


def force_n() -> float:
    cup = load("floating", "cup").gripper
    assert isinstance(cup, Vacuum)
    return cup.force_n


def sucked(model: ObjectModel, x_m: float = 0.0, y_m: float = 0.0) -> bool:
    """Whether the cup seals on it at once, and lifts it."""
    item, floor_z_m = under(model, x_m, y_m)
    with flying("cup", item, floor_z_m=floor_z_m) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 2)
        sealed = simulation.grip.held() == 0
        before = simulation.motion().com[0, 2]
        fly(simulation, 0.0, 20, up_m_s=0.1)
        lifted = simulation.motion().com[0, 2] - before
        assert lifted == pytest.approx(0.1 if sealed else 0.0, abs=5e-3)
        return sealed


def test_the_lip_is_where_these_tests_say() -> None:
    X_RG = load("floating", "cup").chain.forward(load("floating", "cup").home)
    np.testing.assert_allclose(X_RG[:3, 3], (0.5, 0.0, LOW_Z_M), atol=1e-6)
    np.testing.assert_allclose(X_RG[:3, 2], (0.0, 0.0, -1.0), atol=1e-6)


@pytest.mark.parametrize(("share", "holds"), [(0.6, True), (1.5, False)])
def test_a_cup_holds_what_weighs_less_than_its_force(share: float, holds: bool) -> None:
    mass = share * force_n() / G
    item, floor_z_m = under(block(0.06, 0.06, 0.04, mass=mass))
    with flying("cup", item, floor_z_m=floor_z_m) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 2)
        assert simulation.grip.held() == 0
        before = simulation.motion().com[0, 2]
        fly(simulation, 0.0, 20, up_m_s=0.1)
        fly(simulation, 0.0, 20)
        lifted = simulation.motion().com[0, 2] - before
        assert simulation.grip.held() == (0 if holds else -1)
        assert lifted == pytest.approx(0.1 if holds else 0.0, abs=5e-3)


def test_a_part_that_is_too_heavy_in_the_air_falls() -> None:
    """The seal breaks for good: it is not put together again by the way."""
    item, floor_z_m = under(block(0.06, 0.06, 0.04, mass=0.5))
    with flying("cup", item, floor_z_m=floor_z_m) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 2)
        fly(simulation, 0.0, 20, up_m_s=0.1)
        assert simulation.grip.held() == 0
        (bullet,) = simulation.stage.bullets
        pull = (0.0, 0.0, -1.5 * force_n())
        for _ in range(6):
            p = simulation.motion().com[0].tolist()
            client = simulation.stage.client
            pybullet.applyExternalForce(bullet, -1, pull, p, pybullet.WORLD_FRAME, client)
            fly(simulation, 0.0, 1)
        assert simulation.grip.held() == -1
        fly(simulation, 0.0, 20)
        assert simulation.motion().com[0, 2] == pytest.approx(floor_z_m + 0.02, abs=2e-3)


def test_a_cup_seals_on_the_top_of_a_carton() -> None:
    assert sucked(load_object("carton_small"))


def test_a_cup_does_not_seal_over_a_hole() -> None:
    assert not sucked(load_object("spacer"))


@pytest.mark.parametrize("x_m", [-0.006, 0.006])
def test_a_cup_does_not_seal_on_half_a_ring(x_m: float) -> None:
    assert not sucked(load_object("spacer"), x_m)


@pytest.mark.parametrize(("x_m", "seals"), [(0.015, True), (0.025, False), (0.05, False)])
def test_a_cup_needs_its_whole_lip_on_the_part(x_m: float, seals: bool) -> None:
    """The lip is 9.5 mm wide each way, the part 30 mm."""
    assert sucked(block(0.06, 0.06, 0.04), x_m) == seals
    assert sucked(block(0.06, 0.06, 0.04), 0.0, -x_m) == seals


def test_a_cup_does_not_seal_across_two_parts() -> None:
    one, floor_z_m = under(block(0.04, 0.06, 0.04), -0.0205)
    other, _ = under(block(0.04, 0.06, 0.04), 0.0205)
    with flying("cup", one, other, floor_z_m=floor_z_m) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 4)
        assert simulation.grip.held() == -1


def test_a_cup_does_not_seal_on_the_floor_or_out_of_its_gap() -> None:
    with flying("cup", floor_z_m=LOW_Z_M - GAP_M) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 3)
        assert simulation.grip.held() == -1
    item, floor_z_m = under(block(0.06, 0.06, 0.04))
    with flying("cup", item, floor_z_m=floor_z_m, q={"z": 0.455}) as simulation:
        assert simulation.grip is not None
        fly(simulation, 0.0, 3)
        assert simulation.grip.held() == -1
        fly(simulation, 0.0, 2, up_m_s=-0.05)  # down to it
        fly(simulation, 0.0, 1)
        assert simulation.grip.held() == 0


def test_a_released_part_falls_and_can_be_taken_again() -> None:
    item, floor_z_m = under(block(0.06, 0.06, 0.04))
    with flying("cup", item, floor_z_m=floor_z_m) as simulation:
        grip = simulation.grip
        assert grip is not None
        before = simulation.motion().com[0, 2]
        assert grip.width_at(np.zeros(0)) == 1.0
        fly(simulation, 0.0, 10, up_m_s=0.1)
        assert grip.held() == 0
        assert grip.width_at(np.zeros(0)) == 0.0
        fly(simulation, 1.0, 10)
        assert grip.held() == -1
        assert grip.width_at(np.zeros(0)) == 1.0
        assert simulation.motion().com[0, 2] == pytest.approx(before, abs=2e-3)
        fly(simulation, 0.0, 10, up_m_s=-0.1)
        fly(simulation, 0.0, 10, up_m_s=0.1)
        assert grip.held() == 0
        assert simulation.motion().com[0, 2] > before + 0.03
