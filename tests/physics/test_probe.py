"""A probe says how far a robot that is put somewhere is from what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from simenv import pose
from simenv.physics.probe import TOUCH_M, Probe
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Robot
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import RobotModel
from tests.physics.build import Item, at, block, part, scene, table

ROUGH_M = 3e-4  # Bullet keeps hulls 0.2 mm apart
FAR_M = 0.05  # how far the tests look


@cache
def hand() -> RobotModel:
    """jaw85 without an arm."""
    return load_robot("jaw85").hand


def tip_at(z_m: float, x_m: float = 0.0) -> Matrix:
    """X_WR of the hand that points down, its lowest point at this height."""
    X_WG = pose.from_rpy_deg((180.0, 0.0, 0.0), (x_m, 0.0, z_m + hand().tip_m))
    return X_WG @ pose.inverse(hand().chain.forward(hand().home))


@contextmanager
def probing(*items: Item, robot: Robot | None = None) -> Iterator[Probe]:
    """A probe in a scene without a floor."""
    own = robot or Robot(hand(), np.eye(4), hand().start(), {})
    with World() as world:
        begun = world.begin(replace(scene(*items, floor_z_m=None), robot=own), 60.0)
        yield Probe(begun)


@pytest.mark.parametrize("gap_m", [0.02, 0.005, 0.001])
def test_the_gap_over_a_table_is_the_height_of_the_tips(gap_m: float) -> None:
    with probing(table()) as probe:
        probe.stand(hand().start(), tip_at(0.4 + gap_m))
        assert probe.gap(FAR_M) == pytest.approx(gap_m, abs=ROUGH_M)


def test_what_is_farther_is_not_looked_at() -> None:
    with probing(table()) as probe:
        probe.stand(hand().start(), tip_at(0.42))
        assert probe.gap(0.01) == np.inf
        assert probe.gap(0.03) == pytest.approx(0.02, abs=ROUGH_M)


def test_a_hand_in_the_table_is_deeper_than_a_touch() -> None:
    with probing(table()) as probe:
        probe.stand(hand().start(), tip_at(0.4 - 0.003))
        assert probe.gap(FAR_M) < -TOUCH_M
        probe.stand(hand().start(), tip_at(0.4))
        assert abs(probe.gap(FAR_M)) < TOUCH_M


def test_a_part_may_be_left_out_and_all_of_them() -> None:
    """Between the pads the part that the hand is to take, and one beside it."""
    own = part(block(0.02, 0.02, 0.04), at(0.0, 0.0, 0.42))
    other = part(block(0.03, 0.02, 0.04), at(0.0, 0.015, 0.42))
    with probing(own, other, table()) as probe:
        probe.stand(hand().start(), tip_at(0.4 + 0.035))
        nearer, farther = ((0.085 - width) / 2 for width in (0.03, 0.02))
        assert probe.gap(FAR_M) == pytest.approx(nearer, abs=ROUGH_M)
        assert probe.gap(FAR_M, part=0) == pytest.approx(nearer, abs=ROUGH_M)
        assert probe.gap(FAR_M, part=1) == pytest.approx(farther, abs=ROUGH_M)
        assert probe.gap(FAR_M, parts=False) == pytest.approx(0.035, abs=ROUGH_M)


def test_fingers_close_upon_what_is_between_them() -> None:
    with probing(part(block(0.04, 0.02, 0.04), at(0.0, 0.0, 0.42))) as probe:
        gaps = []
        for opening in (1.0, 0.8, 0.6, 0.3):
            probe.stand(hand().start(opening), tip_at(0.41))
            gaps.append(probe.gap(FAR_M))
        beside = [(0.085 * opening - 0.04) / 2 for opening in (1.0, 0.8, 0.6)]
        assert gaps[:3] == pytest.approx(beside, abs=1e-3)
        assert gaps[3] < -TOUCH_M


def test_it_forgets_where_it_stood_before() -> None:
    with probing(table()) as probe:
        places = [tip_at(0.4 + gap) for gap in (0.02, -0.01, 0.01)]
        found = []
        for X_WR in [*places, *reversed(places)]:
            probe.stand(hand().start(), X_WR)
            found.append(probe.gap(FAR_M))
        assert found[:3] == found[:2:-1]


def test_links_of_the_arm_are_those_between_base_and_gripper() -> None:
    """A Panda on a table: its base touches it, its wrist carries the hand."""
    model = load_robot("panda")
    robot = Robot(model, at(0.0, 0.0, 0.4), model.start(), {})
    wall = replace(part(block(0.02, 1.0, 1.0), at(0.3, 0.0, 0.9)), group="bins")
    with probing(table(), robot=robot) as probe:
        links = probe.arm_links()
        joints = [probe.robot.pieces[link + 1].joint for link in links]
        assert [joint.name[-1] for joint in joints if joint is not None] == list("123456")
        assert probe.gap(FAR_M) < TOUCH_M  # the base stands on the table
        assert probe.gap(FAR_M, links=links) == np.inf
    with probing(table(), wall, robot=robot) as probe:
        assert probe.gap(FAR_M, links=links) < -TOUCH_M
        away = model.home.copy()
        away[0] = np.radians(160.0)  # turned about its base
        probe.stand(dict(zip(model.arm_joints, away.tolist(), strict=True)))
        assert probe.gap(FAR_M, links=links) > TOUCH_M


def test_an_arm_without_any_shape_is_near_nothing() -> None:
    model = load_robot("floating", "jaw85")
    robot = Robot(model, at(0.0, 0.0, 0.4), model.start(), {})
    with probing(table(), robot=robot) as probe:
        assert probe.arm_links() == []
        assert probe.gap(FAR_M, links=[]) == np.inf
