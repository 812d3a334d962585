"""Every folder of robots/ keeps what its robot.yaml promises, by itself and mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.engine import pybullet
from simenv.physics.robot import RobotBody
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.scene import Scene
from simenv.spec import catalog
from simenv.spec.load import Task, task_from_text
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import Jaw, RobotModel

NAMES = catalog.names("robots")
PAIRS = {
    "panda": ("panda", None),
    "iiwa+wsg50": ("iiwa", "wsg50"),
    "arm6+jaw85": ("arm6", "jaw85"),
    "arm6+cup": ("arm6", "cup"),
    "floating+jaw85": ("floating", "jaw85"),
}
USES = {**{name: (name, None) for name in NAMES}, **PAIRS}
JAWS = ["panda", "iiwa+wsg50", "arm6+jaw85", "floating+jaw85", "jaw85", "wsg50"]
SPDX = re.compile(r"NOASSERTION|[A-Za-z0-9.-]+( (AND|OR|WITH) [A-Za-z0-9.-]+)*")
CLEAR_M = 1e-3  # between pieces that do not hang on each other, at home
OPENING_M = 1e-3
FITS_M = 0.02  # reach of what touches against what is seen, along the axes
RATE_HZ = 20.0

TASK = """
format: simenv-task-1
name: alone
actors: {{}}
scene:
  floor: {{z_m: -2.0}}
  zones: {{}}
  robot: {{use: {use}, gripper: {gripper}, X_WR: {{p: [0.2, -0.1, 0.3], rpy_deg: [0, 0, 40]}}}}
cameras:
  eye: {{resolution: [32, 24], fov_y_deg: 40, X_WC: {{eye: [2, 0, 1], target: [0, 0, 0]}}}}
"""


@cache
def task(key: str) -> Task:
    """A task with nothing but the robot."""
    use, gripper = USES[key]
    return task_from_text(TASK.format(use=use, gripper=gripper or "null"))


def model_of(key: str) -> RobotModel:
    model = task(key).robot
    assert model is not None
    return model


@cache
def composed(key: str) -> Scene:
    return compose(task(key), sample(task(key), 0, 0), seed=0)


@contextmanager
def standing(key: str) -> Iterator[tuple[Simulation, RobotBody]]:
    """The robot at home in Bullet, 20 commands a second."""
    with World() as world:
        simulation = world.begin(composed(key), RATE_HZ)
        assert simulation.robot is not None
        yield simulation, simulation.robot


def test_there_are_arms_and_grippers() -> None:
    assert sorted(NAMES) == NAMES
    assert {"arm6", "cup", "floating", "iiwa", "jaw85", "panda", "wsg50"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_names_its_source_and_licence(name: str) -> None:
    spec = load_robot(name).spec
    assert spec.summary.endswith(".")
    assert spec.source not in ("", "unknown")
    assert SPDX.fullmatch(spec.license)
    if spec.license == "NOASSERTION":  # what has no licence that can be named is never copied
        folder = catalog.content_root() / "robots" / name
        assert {path.suffix for path in folder.iterdir()} <= {".yaml", ".urdf"}
        assert "never copied" in spec.source


@pytest.mark.parametrize("key", USES)
def test_home_is_inside_the_limits(key: str) -> None:
    model = model_of(key)
    for name, value in model.start().items():
        joint = model.urdf.joint(name)
        assert joint.lower - 1e-9 <= value <= joint.upper + 1e-9
    assert (model.speed > 0).all()


@pytest.mark.parametrize("key", PAIRS)
def test_at_home_the_gripper_points_down(key: str) -> None:
    model = model_of(key)
    X_RG = model.chain.forward(model.home)
    np.testing.assert_allclose(X_RG[:3, 2], (0.0, 0.0, -1.0), atol=2e-3)
    assert X_RG[2, 3] > model.tip_m  # over the plane that it stands on


def gap(robot: RobotBody, one: int, other: int, within_m: float) -> float:
    """Between two pieces of the robot, metres; negative: one is in the other; inf: far away."""
    body, client = robot.bullet, robot.client
    rows = pybullet.getClosestPoints(body, body, within_m, one, other, physicsClientId=client)
    return min((float(row[8]) for row in rows), default=np.inf)


@pytest.mark.parametrize("key", USES)
def test_at_home_it_is_clear_of_itself(key: str) -> None:
    with standing(key) as (_, robot):
        for one, other in combinations(range(len(robot.pieces)), 2):
            pieces = robot.pieces
            if pieces[other].parent == one or not (pieces[one].hulls and pieces[other].hulls):
                continue
            assert gap(robot, one - 1, other - 1, 0.01) > CLEAR_M, (one, other)


def moved(simulation: Simulation, width: float, steps: int) -> NDArray[np.float64]:
    """Drive the jaw for some steps; where its joints then are."""
    assert simulation.robot is not None
    assert simulation.grip is not None
    n = len(simulation.robot.robot.model.arm_joints)
    for _ in range(steps):
        q = simulation.robot.read().q[n:]
        closing = simulation.grip.close(width, q, 1 / RATE_HZ)
        simulation.robot.drive([*np.zeros(n), *closing])
        simulation.step()
    return simulation.robot.read().q[n:]


@pytest.mark.parametrize("key", JAWS)
def test_a_jaw_closes_until_its_pads_meet_and_opens_as_far_as_it_says(key: str) -> None:
    with standing(key) as (simulation, robot):
        jaw = robot.robot.model.gripper
        assert isinstance(jaw, Jaw)
        assert simulation.grip is not None
        left, right = (robot.piece_of(pad)[0] for pad in jaw.pads)
        for width in (0.0, 1.0, 0.0, 0.5):
            q = moved(simulation, width, 30)
            expected = jaw.opening_m[0] + width * (jaw.opening_m[1] - jaw.opening_m[0])
            assert gap(robot, left, right, 0.5) == pytest.approx(expected, abs=OPENING_M)
            assert simulation.grip.width_at(q) == pytest.approx(width, abs=0.01)
            shares = [
                (value - closed) / (opened - closed)
                for value, (closed, opened) in zip(q, jaw.joints.values(), strict=True)
            ]
            assert max(shares) - min(shares) < 0.005  # both fingers do


@pytest.mark.parametrize("key", JAWS)
def test_a_jaw_is_as_fast_as_it_says(key: str) -> None:
    with standing(key) as (simulation, robot):
        jaw = robot.robot.model.gripper
        assert isinstance(jaw, Jaw)
        n = len(robot.robot.model.arm_joints)
        start = robot.read().q[n:]
        way = np.abs(moved(simulation, 0.0, 4) - start)
        assert way == pytest.approx(jaw.speed_m_s * 4 / RATE_HZ, rel=0.02)


@pytest.mark.parametrize("key", USES)
def test_every_visible_link_is_a_body_of_the_scene(key: str) -> None:
    scene, model = composed(key), model_of(key)
    links = {body.name: body for body in scene.bodies if body.group == "robot"}
    visible = [link.name for link in model.urdf.links if link.visuals]
    assert list(links) == [f"robot/{name}" for name in visible]
    ids = [body.id for body in scene.bodies]
    assert len(set(ids)) == len(ids)
    assert all(body.id > 0 for body in links.values())  # 0 is the floor
    for body in links.values():
        assert body.fixed
        assert body.role == "robot"
        assert scene.objects[body.object].spec.class_ == "robot"
        assert all(0.0 <= value <= 1.0 for value in body.color)
    assert ("robot" in scene.classes) == bool(visible)


@pytest.mark.parametrize("key", USES)
def test_links_are_where_forward_kinematics_has_them(key: str) -> None:
    model, rng = model_of(key), np.random.default_rng(12)
    with standing(key) as (simulation, robot):
        for command in range(4):
            snapshot = simulation.snapshot()
            values = robot.read().q.tolist() if robot.joints else []  # a cup has none
            q = dict(zip(robot.joints, values, strict=True))
            X_RL = model.urdf.poses(q)
            for link, row in robot.robot.rows.items():
                expected = robot.robot.X_WR @ X_RL[link]
                np.testing.assert_allclose(snapshot.X_WB[row], expected, atol=1e-6)
                if command == 0:  # where the scene says, to begin with
                    np.testing.assert_allclose(expected, simulation.scene.bodies[row].X_WB)
            robot.drive(rng.uniform(-0.5, 0.5, len(robot.joints)))
            simulation.step()


@pytest.mark.parametrize("key", PAIRS)
def test_the_reading_of_g_is_that_of_the_chain(key: str) -> None:
    model, rng = model_of(key), np.random.default_rng(13)
    with standing(key) as (simulation, robot):
        for _ in range(3):
            robot.drive(rng.uniform(-0.5, 0.5, len(robot.joints)))
            simulation.step()
        reading = robot.reading()
        q = reading.joints.q[: len(model.arm_joints)]
        X_WR = robot.robot.X_WR
        X_RG, J = model.chain.jacobian(q)
        np.testing.assert_allclose(reading.X_WG, X_WR @ X_RG, atol=1e-6)
        turned = np.concatenate([X_WR[:3, :3] @ J[:3], X_WR[:3, :3] @ J[3:]])
        np.testing.assert_allclose(reading.jacobian, turned, atol=1e-6)


@pytest.mark.parametrize("key", PAIRS)
def test_the_surface_of_a_piece_is_where_it_touches(key: str) -> None:
    model = model_of(key)
    for piece in model.pieces:
        seen = [
            pose.apply(X_PL, model.links[name].mesh.vertices)
            for name, X_PL in piece.links
            if name in model.links
        ]
        assert bool(seen) == bool(piece.hulls)
        if seen:
            surface, touch = np.concatenate(seen), np.concatenate(piece.hulls)
            for end in (np.min, np.max):
                off = end(surface, axis=0) - end(touch, axis=0)
                assert np.abs(off).max() < FITS_M
