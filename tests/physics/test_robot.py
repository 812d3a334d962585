"""A robot in Bullet moves as its URDF says, as far as it is told, and no stronger than it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.physics.robot import RobotBody
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Robot, Scene
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import RobotModel
from simenv.spec.task import Physics
from tests.physics.build import at, scene

PAIRS = {"panda": None, "iiwa": "wsg50", "arm6": "jaw85", "floating": "jaw85"}
G = 9.81
SOLVED = Physics(solver_iterations=200, residual_threshold=0.0)  # then motors are exact

BEAM = """<robot name="beam">
  <link name="base"/>
  <link name="beam">
    <inertial><origin xyz="0.5 0 0"/><mass value="2"/>
      <inertia ixx="0.01" iyy="0.1" izz="0.1"/></inertial>
    <collision><origin xyz="0.5 0 0"/><geometry><box size="1 0.05 0.05"/></geometry></collision>
  </link>
  <joint name="hinge" type="revolute"><parent link="base"/><child link="beam"/>
    <axis xyz="0 1 0"/><limit lower="-3" upper="3" effort="EFFORT" velocity="2"/></joint>
</robot>
"""
BEAM_YAML = """format: simenv-robot-1
name: beam
urdf: beam.urdf
arm: {joints: [hinge], home: [0]}
flange: {link: beam}
"""
TORQUE = 2 * G * 0.5  # N m, of the beam's weight when it is level


@cache
def load(arm: str) -> RobotModel:
    return load_robot(arm, PAIRS[arm])


def beam(folder: Path, effort: float) -> RobotModel:
    """A heavy beam on a weak hinge, level."""
    (folder / "beam").mkdir()
    (folder / "beam/beam.urdf").write_text(BEAM.replace("EFFORT", str(effort)))
    (folder / "beam/robot.yaml").write_text(BEAM_YAML)
    return load_robot(folder / "beam")


def undamped(model: RobotModel) -> RobotModel:
    """Without friction in its joints."""
    joints = tuple(replace(joint, damping=0.0) for joint in model.urdf.joints)
    return replace(model, urdf=replace(model.urdf, joints=joints))


def alone(model: RobotModel, X_WR: Matrix | None = None, *, gravity_m_s2: float = G) -> Scene:
    """Nothing but a robot, high over the floor."""
    X_WR = at(0, 0, 3) if X_WR is None else X_WR
    own = Robot(model, X_WR, model.start(), rows={})
    return replace(scene(gravity_m_s2=gravity_m_s2, physics=SOLVED), robot=own)


@contextmanager
def standing(own: Scene, rate_hz: float = 240.0) -> Iterator[tuple[Simulation, RobotBody]]:
    """A world with that scene; 240 commands a second are one time step each."""
    with World() as world:
        simulation = world.begin(own, rate_hz)
        assert simulation.robot is not None
        yield simulation, simulation.robot


def drive(simulation: Simulation, speed: NDArray[np.float64], steps: int) -> None:
    """The same speeds for some commands."""
    assert simulation.robot is not None
    for _ in range(steps):
        simulation.robot.drive(speed)
        simulation.step()


@pytest.mark.parametrize("arm", PAIRS)
def test_the_base_stays_where_it_is_bolted_however_hard_the_arm_swings(arm: str) -> None:
    X_WR, rng = at(0.3, -0.2, 1.0, (0, 0, 30)), np.random.default_rng(1)
    with standing(alone(load(arm), X_WR)) as (simulation, robot):
        for _ in range(12):
            drive(simulation, rng.uniform(-20, 20, len(robot.joints)), 20)
        p, turn = pybullet.getBasePositionAndOrientation(robot.bullet, robot.client)
        np.testing.assert_array_equal(p, X_WR[:3, 3])
        np.testing.assert_allclose(pose.from_quaternion(turn, p), X_WR, atol=1e-12)
        linear, angular = pybullet.getBaseVelocity(robot.bullet, robot.client)
        assert (*linear, *angular) == (0.0,) * 6
        # Bullet's changeDynamics(link, mass, collisionMargin) writes the mass into the base.
        assert pybullet.getDynamicsInfo(robot.bullet, -1, robot.client)[0] == 0.0


@pytest.mark.parametrize("arm", PAIRS)
def test_pieces_have_their_mass_and_inertia_in_the_engine(arm: str) -> None:
    with standing(alone(load(arm))) as (_, robot):
        for row, piece in enumerate(robot.pieces[1:]):
            info = pybullet.getDynamicsInfo(robot.bullet, row, robot.client)
            assert info[0] == pytest.approx(piece.inertial.mass_kg)
            np.testing.assert_allclose(info[2], np.diag(piece.inertial.inertia), rtol=1e-9)
            np.testing.assert_allclose(info[3], piece.inertial.X_LI[:3, 3], atol=1e-12)


@pytest.fixture(scope="module")
def judge() -> Iterator[tuple[int, int]]:
    """Bullet's own loader's Panda: body and client."""
    spec = find_spec("pybullet_data")
    assert spec is not None
    assert spec.origin is not None
    client = pybullet.connect(pybullet.DIRECT)
    pybullet.setGravity(0, 0, -G, physicsClientId=client)
    body = pybullet.loadURDF(
        str(Path(spec.origin).parent / "franka_panda/panda.urdf"),
        basePosition=(0, 0, 3),
        useFixedBase=True,
        flags=pybullet.URDF_USE_INERTIA_FROM_FILE,
        physicsClientId=client,
    )
    yield body, client
    pybullet.disconnect(client)


def movable(body: int, client: int) -> dict[str, int]:
    """Bullet's number of each joint that moves."""
    count = pybullet.getNumJoints(body, client)
    infos = [pybullet.getJointInfo(body, k, client) for k in range(count)]
    return {info[1].decode(): info[0] for info in infos if info[2] != pybullet.JOINT_FIXED}


def draws(count: int) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Positions, speeds and accelerations (9,) of the Panda's joints."""
    rng = np.random.default_rng(2)
    model = load("panda")
    joints = [model.urdf.joint(name) for name in model.start()]
    for _ in range(count):
        q = np.array([rng.uniform(joint.lower, joint.upper) for joint in joints])
        yield q, rng.uniform(-2, 2, 9), rng.uniform(-9, 9, 9)


def test_it_has_the_forward_kinematics_of_bullets_own_loader(judge: tuple[int, int]) -> None:
    body, client = judge
    numbers = movable(body, client)
    count = pybullet.getNumJoints(body, client)
    names = [pybullet.getJointInfo(body, k, client)[12].decode() for k in range(count)]
    with standing(alone(load("panda"))) as (_, robot):
        for q, _, _ in draws(5):
            for name, value in zip(robot.joints, q, strict=True):
                pybullet.resetJointState(body, numbers[name], value, physicsClientId=client)
            robot._place(dict(zip(robot.joints, q.tolist(), strict=True)))
            X_WL, _ = robot.link_poses(names)
            for number, X in enumerate(X_WL):
                state = pybullet.getLinkState(
                    body, number, computeForwardKinematics=1, physicsClientId=client
                )
                np.testing.assert_allclose(X, pose.from_quaternion(state[5], state[4]), atol=1e-6)


@pytest.mark.parametrize("moves", [False, True], ids=["gravity", "dynamics"])
def test_it_has_the_torques_of_bullets_own_loader(judge: tuple[int, int], moves: bool) -> None:
    body, client = judge
    assert list(movable(body, client)) == list(load("panda").start())
    with standing(alone(load("panda"))) as (_, robot):
        for q, speed, acceleration in draws(5):
            rows = [(v * moves).tolist() for v in (speed, acceleration)]
            ours, theirs = (
                np.array(
                    pybullet.calculateInverseDynamics(own, q.tolist(), *rows, physicsClientId=where)
                )
                for own, where in ((robot.bullet, robot.client), (body, client))
            )
            assert np.abs(theirs).max() > 1.0
            np.testing.assert_allclose(ours, theirs, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("arm", PAIRS)
def test_a_motor_carries_a_joint_by_its_speed_times_the_time(arm: str) -> None:
    model = load(arm)
    n = len(model.arm_joints)
    for joint in range(n):
        with standing(alone(model), rate_hz=20.0) as (simulation, robot):
            speed = np.zeros(len(robot.joints))
            speed[joint] = 0.3
            drive(simulation, speed, 1)  # a motor needs some of this to speed up
            start = robot.read().q
            drive(simulation, speed, 2)  # 0.1 s
            moved = robot.read().q - start
            assert moved[joint] == pytest.approx(0.03, abs=1e-6)
            assert np.delete(moved, joint) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("arm", PAIRS)
def test_it_holds_still_against_gravity(arm: str) -> None:
    with standing(alone(load(arm)), rate_hz=20.0) as (simulation, robot):
        start = robot.read().q
        drive(simulation, np.zeros(len(robot.joints)), 20)
        np.testing.assert_allclose(robot.read().q, start, atol=1e-6)


def differs(model: RobotModel, largest: float) -> float:
    """By how much joints end elsewhere if a command's 12 time steps are one call, or 12."""
    found = []
    commands = np.random.default_rng(3).uniform(-largest, largest, (6, len(model.start())))
    for rate_hz, calls in ((20.0, 1), (240.0, 12)):
        with standing(alone(model), rate_hz) as (simulation, robot):
            for command in commands:
                drive(simulation, command, calls)
            found.append(np.concatenate(robot.read()))
            assert simulation.count == 12 * len(commands)
    return float(np.abs(found[0] - found[1]).max())


@pytest.mark.parametrize("arm", PAIRS)
def test_one_call_of_many_time_steps_is_many_calls_of_one(arm: str) -> None:
    """Also where the effort is not enough, so that it decides how far a joint gets."""
    assert differs(undamped(load(arm)), 30.0) < 1e-6


@pytest.mark.parametrize("arm", PAIRS)
def test_so_it_nearly_is_with_damping(arm: str) -> None:
    """Bullet takes the damping from the speed at the start of a call, for the whole of it."""
    assert differs(load(arm), 2.0) < 1e-3


@pytest.mark.parametrize("rate_hz", [240.0, 20.0])
def test_a_joint_gives_way_above_its_effort_and_holds_below(tmp_path: Path, rate_hz: float) -> None:
    steps = round(0.2 * rate_hz)
    for share, holds in ((1.02, True), (0.98, False)):
        folder = tmp_path / str(share)
        folder.mkdir()
        with standing(alone(beam(folder, share * TORQUE)), rate_hz) as (simulation, robot):
            drive(simulation, np.zeros(1), steps)
            assert (abs(robot.read().q[0]) < 1e-6) == holds


@pytest.mark.parametrize("rate_hz", [240.0, 20.0])
def test_a_joint_that_gives_way_falls_as_newton_says(tmp_path: Path, rate_hz: float) -> None:
    effort, time_s = 0.6 * TORQUE, 0.1
    about_hinge = 0.1 + 2 * 0.5**2  # kg m^2, parallel axes
    with standing(alone(beam(tmp_path, effort)), rate_hz) as (simulation, robot):
        drive(simulation, np.zeros(1), round(time_s * rate_hz))
        expected = (TORQUE - effort) / about_hinge * time_s
        assert robot.read().speed[0] == pytest.approx(expected, rel=0.01)


def test_a_hinge_without_gravity_speeds_up_by_its_effort(tmp_path: Path) -> None:
    with standing(alone(beam(tmp_path, 3.0), gravity_m_s2=0.0), 20.0) as (simulation, robot):
        assert robot.acceleration() == pytest.approx([3.0 / 0.6])
        drive(simulation, np.array([9.0]), 2)
        assert robot.read().speed[0] == pytest.approx(3.0 / 0.6 * 0.1, rel=1e-3)


@pytest.mark.parametrize("arm", PAIRS)
def test_a_joint_stops_at_its_limit(arm: str) -> None:
    model = load(arm)
    with standing(alone(model), rate_hz=20.0) as (simulation, robot):
        for joint in (0, 1):
            speed = np.zeros(len(robot.joints))
            speed[joint] = 4.0
            drive(simulation, speed, 45)
            assert robot.read().q[joint] < model.chain.upper[joint] + 0.01


def test_a_robot_that_starts_again_is_as_new() -> None:
    model = load("arm6")
    own, found = alone(model), []
    commands = np.random.default_rng(4).uniform(-2, 2, (8, len(model.start())))
    with World() as world:
        for _ in range(2):
            simulation = world.begin(own, 20.0)
            assert simulation.robot is not None
            for command in commands:
                drive(simulation, command, 1)
            found.append(np.concatenate(simulation.robot.read()))
            drive(simulation, commands[0], 5)
    np.testing.assert_array_equal(found[0], found[1])
