"""Of the grasps of a part, those count that its surroundings and the arm leave open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import pose
from simenv.grasp.scene import APPROACH_M, HORIZON_S, STEP_S, GraspFinder
from simenv.kinematics import Reach
from simenv.pose import Matrix
from simenv.scene import Robot, SceneGrasps, Snapshot
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import RobotModel
from tests.grasp.hand_made import ABOVE, BELOW, FOUR, SIDE, SIZE_M, TRIALS, grasp, post_set
from tests.physics.build import Item, at, block, part, scene, table

TOP_M = 0.4  # of the table
SHARE_DOWN, SHARE_ASIDE = 0.8, 0.5  # of TRIALS: lifted and shaken; turned over as well
HALF_TURN = pose.from_rpy_deg((0.0, 0.0, 180.0))
REACH_M = 2.0  # of the flange that flies, either way along x


@cache
def load(arm: str, gripper: str | None) -> RobotModel:
    return load_robot(arm, gripper)


FLYING, PANDA = ("floating", "jaw85"), ("panda", None)


def post(x: float = 0.0, y: float = 0.0, yaw_deg: float = 0.0, *, lift_m: float = 5e-4) -> Item:
    """The post upright on the table, or above it."""
    return part(block(*SIZE_M), at(x, y, TOP_M + SIZE_M[2] / 2 + lift_m, (0, 0, yaw_deg)))


def wall(x: float, *, thick_m: float = 0.02, high_m: float = 0.6) -> Item:
    """Something that does not move, across x."""
    shape = block(thick_m, 0.6, high_m)
    return replace(part(shape, at(x, 0.0, TOP_M + high_m / 2 + 0.001)), group="bins")


def snapshot(
    *items: Item,
    robot: Robot | None,
    velocity: Sequence[tuple[float, float, float]] = (),
) -> Snapshot:
    """The items where they are; the first parts move so many m/s."""
    own = replace(scene(*items, floor_z_m=None), robot=robot)
    speeds = np.zeros((len(own.bodies), 6))
    speeds[: len(velocity), :3] = np.reshape(velocity, (-1, 3))
    X_WB = np.array([body.X_WB for body in own.bodies])
    return Snapshot(own, 0.5, 0, 0.0, X_WB, speeds)


def standing(arm: tuple[str, str | None] = FLYING, x_m: float = -0.5) -> Robot:
    """A robot whose base is as high as the table."""
    model = load(*arm)
    return Robot(model, at(x_m, 0.0, TOP_M), model.start(), {})


@contextmanager
def finder(
    X_BG: Sequence[Matrix] = FOUR,
    arm: tuple[str, str | None] = FLYING,
    *,
    objects: Sequence[str] = ("0",),
    trials: Sequence[int] = TRIALS,
) -> Iterator[GraspFinder]:
    model = load(*arm)
    own = post_set(X_BG, gripper=model.gripper_name, trials=trials)
    made = GraspFinder(model, dict.fromkeys(objects, own))
    try:
        yield made
    finally:
        made.close()


def look(
    *items: Item,
    X_BG: Sequence[Matrix] = FOUR,
    arm: tuple[str, str | None] = FLYING,
    x_m: float = -0.5,
) -> SceneGrasps:
    """What is found of the first item."""
    with finder(X_BG, arm) as find:
        return find(snapshot(*items, robot=standing(arm, x_m)))


def test_from_above_a_post_on_a_table_can_be_taken_and_from_below_it_cannot() -> None:
    found = look(post(), table(TOP_M))
    assert found.free.tolist() == [True, False, True, True]
    assert found.reachable.tolist() == [True, False, True, True]
    shares = [SHARE_DOWN, 0.0, SHARE_ASIDE, SHARE_DOWN]
    np.testing.assert_allclose(found.success_probability, shares)
    np.testing.assert_allclose(found.object_probability, 0.5)
    assert found.trials.tolist() == [len(TRIALS)] * 4
    assert found.window_s.tolist() == [[0, HORIZON_S], [-1, -1], [0, HORIZON_S], [0, HORIZON_S]]


def test_an_arm_that_lies_on_the_table_to_get_there_does_not() -> None:
    """The wrist of a Panda is too thick to hold a hand level 10 cm over the table."""
    with_table, without = look(post(), table(TOP_M), arm=PANDA), look(post(), arm=PANDA)
    assert with_table.free.tolist() == [True, False, True, True]
    assert with_table.reachable.tolist() == [True, False, False, True]
    assert without.free[[0, 2, 3]].all()
    assert without.reachable[[0, 2, 3]].all()


@pytest.mark.parametrize(("arm", "least"), [(PANDA, 0.95), (("iiwa", "wsg50"), 0.85)])
def test_of_level_grasps_all_round_few_that_can_be_reached_are_missed(
    arm: tuple[str, str | None], least: float
) -> None:
    """Against a search from a dozen starts, one pose at a time."""
    around = [pose.from_rpy_deg((0, 0, yaw)) @ SIDE for yaw in range(0, 360, 20)]
    lifted = post(lift_m=0.1)
    found = look(lifted, X_BG=around, arm=arm, x_m=-0.5)
    assert found.free.all()
    robot, before = standing(arm, -0.5), pose.pose(p_AB=(0.0, 0.0, -APPROACH_M))
    reach = Reach(robot.model.chain, robot.model.home, starts=12)
    able = []
    for X_WG in found.X_WG:
        wanted = [pose.inverse(robot.X_WR) @ X_WG @ turn for turn in (np.eye(4), HALF_TURN)]
        q = [(X, reach.solve(X)) for X in wanted]
        able.append(
            any(a is not None and reach.solve(X @ before, near=a) is not None for X, a in q)
        )
    known = np.array(able)
    assert known.any()
    assert found.reachable[known].mean() >= least
    assert not found.reachable[~known].any()


def test_in_the_air_it_can_be_taken_from_below_as_well() -> None:
    found = look(post(lift_m=0.5), X_BG=(ABOVE, BELOW), x_m=0.0)
    assert found.free.all()


def test_a_wall_in_the_way_in_is_in_the_way() -> None:
    """The hand from the side comes from -x."""
    before = look(post(), wall(-0.08, high_m=0.3), table(TOP_M))
    assert before.free.tolist() == [True, False, False, True]
    np.testing.assert_allclose(before.success_probability, [SHARE_DOWN, 0.0, 0.0, SHARE_DOWN])
    behind = look(post(), wall(0.08, high_m=0.3), table(TOP_M))
    assert behind.free.tolist() == [True, False, True, True]


def test_a_neighbour_is_in_the_way_and_the_part_itself_is_not() -> None:
    beside = part(block(0.04, 0.02, 0.14), at(0.0, 0.045, TOP_M + 0.0705))
    found = look(post(), beside, table(TOP_M))
    assert found.free.tolist() == [False, False, False, False]  # a finger is to stand there
    assert found.success_probability.tolist() == [0.0] * 4
    away = replace(beside, X_WB=at(0.0, 0.25, TOP_M + 0.0705))
    assert look(post(), away, table(TOP_M)).free.tolist() == [True, False, True, True]


def test_the_nearer_a_neighbour_the_less_likely_it_is() -> None:
    """A finger of jaw85 that is off by a little hits what is near; what is 8 mm off is not near."""
    shares = []
    for gap in np.arange(0.055, 0.085, 0.002):
        beside = part(block(0.04, 0.02, 0.14), at(0.0, gap + 0.01, TOP_M + 0.0705))
        shares.append(look(post(), beside, table(TOP_M), X_BG=(ABOVE,)).success_probability[0])
    assert (np.diff(shares) >= 0).all()
    assert shares[0] < shares[-1] == SHARE_DOWN
    assert any(0.5 * SHARE_DOWN <= share < SHARE_DOWN for share in shares)


@pytest.mark.parametrize("arm", [FLYING, PANDA], ids=["floating", "panda"])
def test_far_away_nothing_is_reached(arm: tuple[str, str | None]) -> None:
    found = look(post(), table(TOP_M), arm=arm, x_m=-10.0)
    assert found.free.tolist() == [True, False, True, True]
    assert not found.reachable.any()
    assert (found.success_probability == 0.0).all()
    assert (found.window_s == -1.0).all()


def test_a_gripper_without_an_arm_gets_anywhere() -> None:
    with finder() as find:
        found = find(snapshot(post(), table(TOP_M), robot=None))
    assert found.reachable.tolist() == found.free.tolist() == [True, False, True, True]


def test_an_arm_reaches_nothing_through_a_wall() -> None:
    """The hand is free of it; the arm of the Panda would have to be in it."""
    high = wall(-0.3, high_m=1.4)
    found = look(post(), high, table(TOP_M), arm=PANDA, x_m=-0.5)
    assert found.free.tolist()[0]
    assert not found.reachable.any()
    assert (found.window_s == -1.0).all()


@pytest.mark.parametrize(
    ("trials", "down", "aside"),
    [
        ((0,) * 10, 1.0, 1.0),
        ((5,) * 10, 1.0, 0.0),  # lost when turned over
        ((3,) * 5 + (4,) * 5, 0.0, 0.0),  # lost when lifted, when shaken
        ((1, 2, 0, 5), 0.5, 0.25),
        ((0, 5, -1, -1), 1.0, 0.5),  # two were not tried
        ((-1,) * 3, 0.0, 0.0),
    ],
)
def test_pointing_down_it_need_not_be_turned_over(
    trials: tuple[int, ...], down: float, aside: float
) -> None:
    tilted = [
        ABOVE @ pose.pose(p_AB=(0, 0, -0.02)) @ pose.from_rpy_deg((angle, 0.0, 0.0))
        for angle in (40.0, 50.0)
    ]
    with finder((ABOVE, SIDE, *tilted), trials=trials) as find:
        found = find(snapshot(post(lift_m=0.3), robot=None))
    assert found.free.all()
    np.testing.assert_allclose(found.success_probability, [down, aside, down, aside])


@given(st.floats(0.05, 0.9), st.floats(0.2, 0.9))
@settings(max_examples=12, deadline=None)
def test_a_part_that_comes_is_in_reach_when_distance_over_speed_says(
    away_m: float, speed: float
) -> None:
    """The flange that flies stands at 0 and reaches 2 m; looked at each STEP_S."""
    with finder((ABOVE,)) as find:
        robot = standing(x_m=0.0)
        coming = snapshot(post(-REACH_M - away_m), robot=robot, velocity=[(speed, 0, 0)])
        going = snapshot(post(REACH_M - away_m), robot=robot, velocity=[(speed, 0, 0)])
        enters, leaves = find(coming).window_s[0], find(going).window_s[0]
    slack = 1e-3 / speed  # what counts as reached is 0.2 mm wide
    due = away_m / speed
    if due < HORIZON_S - STEP_S:
        assert due - slack <= enters[0] < due + STEP_S + slack
        if (away_m + 2 * REACH_M) / speed > HORIZON_S + STEP_S:  # else it is through by then
            assert enters[1] == HORIZON_S
        assert leaves[0] == 0.0
        assert due - STEP_S - slack < leaves[1] <= due + slack


def test_what_moves_away_is_never_in_reach_and_what_rests_always_is() -> None:
    with finder((ABOVE,)) as find:
        robot = standing(x_m=0.0)
        for velocity, window in (((-0.1, 0, 0), [-1, -1]), ((0.004, 0, 0), [-1, -1])):
            found = find(snapshot(post(-REACH_M - 0.05), robot=robot, velocity=[velocity]))
            assert found.window_s[0].tolist() == window
            assert found.success_probability.tolist() == [0.0]
        resting = find(snapshot(post(0.3), robot=robot, velocity=[(0.004, 0, 0)]))
        assert resting.window_s[0].tolist() == [0.0, HORIZON_S]


def test_the_place_before_the_grasp_has_to_be_reached_too() -> None:
    """From the side along x: in the grasp the flange is inside its reach, 6 cm before it is not."""
    hand = load(*FLYING).hand
    reach = hand.chain.forward(hand.home)[2, 3]  # from the flange to G, along z
    edge = -REACH_M + reach  # x of G where the flange cannot get further back
    with finder((SIDE,)) as find:
        robot = standing(x_m=0.0)
        inside, outside = (
            find(snapshot(post(edge + ahead, lift_m=0.4), robot=robot)).reachable[0]
            for ahead in (APPROACH_M + 0.01, APPROACH_M - 0.01)
        )
    assert (inside, outside) == (True, False)


def test_half_a_turn_of_a_jaw_is_the_same_grasp() -> None:
    """Joint 7 of the Panda does not turn all round; its hand is the same after half a turn."""
    turned = [ABOVE @ pose.from_rpy_deg((0.0, 0.0, yaw)) for yaw in range(0, 360, 30)]
    found = look(post(lift_m=0.2), X_BG=turned, arm=PANDA)
    half = len(turned) // 2
    for name in ("free", "reachable", "success_probability", "window_s"):
        values = getattr(found, name)
        np.testing.assert_array_equal(values[:half], values[half:], err_msg=name)
    assert found.reachable.all()
    twice = look(post(), table(TOP_M), X_BG=(ABOVE, ABOVE))
    assert len(set(twice.success_probability.tolist())) == 1


def test_rows_are_those_of_the_sets_part_by_part() -> None:
    """Two posts, a block without grasps, and a post that is there to hide others."""
    posts = (post(0.0, -0.2), post(0.1, 0.2, 40.0))
    others = (part(block(0.05, 0.05, 0.05), at(-0.2, 0.0, 0.43)), post(-0.2, 0.3))
    with finder(FOUR, objects=("0", "1", "3")) as find:
        shown = snapshot(*posts, *others, robot=None)
        bodies = list(shown.scene.bodies)
        bodies[3] = replace(bodies[3], role="distractor")
        found = find(replace(shown, scene=replace(shown.scene, bodies=tuple(bodies))))
    assert found.id.tolist() == [1] * 4 + [2] * 4
    assert found.grasp.tolist() == [0, 1, 2, 3] * 2
    own = post_set(FOUR, gripper="jaw85")
    for row, (k, n) in enumerate((k, n) for k in range(2) for n in range(4)):
        X_WB = posts[k].X_WB
        np.testing.assert_allclose(found.X_WG[row], X_WB @ own.X_BG[n], atol=1e-12)
        touching = pose.apply(X_WB, own.contacts_B[n])
        np.testing.assert_allclose(found.contacts_W[row], touching, atol=1e-12)
    np.testing.assert_allclose(found.width_m, SIZE_M[1])


def test_without_parts_there_are_no_grasps() -> None:
    with finder() as find:
        found = find(snapshot(table(TOP_M), robot=standing()))
        none = find(snapshot(part(block(0.1, 0.1, 0.1), at(0, 0, 0)), robot=standing()))
    assert found.X_WG.shape == (0, 4, 4)
    assert found.window_s.shape == (0, 2)
    assert len(none.id) == 4  # object "0" is any first part


def test_a_snapshot_has_the_same_grasps_whatever_was_looked_at_before() -> None:
    def values(found: SceneGrasps) -> list[NDArray[np.generic]]:
        return [found.free, found.reachable, found.success_probability, found.window_s, found.q]

    with finder(FOUR, PANDA) as find:
        shown = snapshot(post(), table(TOP_M), robot=standing(PANDA))
        other = snapshot(post(0.1, 0.1, 30.0), wall(-0.1), robot=standing(PANDA))
        first, _, again = find(shown), find(other), find(shown)
    for one, two in zip(values(first), values(again), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_arm_is_where_the_grasp_is() -> None:
    """The joints that are handed on bring G there, or half a turn off."""
    robot = standing(PANDA)
    with finder((ABOVE, SIDE, grasp(np.diag([1.0, -1, -1]), 0.055)), PANDA) as find:
        found = find(snapshot(post(), table(TOP_M), robot=robot))
    assert found.reachable[0]
    for q, X_WG in zip(found.q[found.reachable], found.X_WG[found.reachable], strict=True):
        X = robot.X_WR @ robot.model.chain.forward(q)
        np.testing.assert_allclose(X[:3, 3], X_WG[:3, 3], atol=2e-4)
        turns = [X_WG, X_WG @ HALF_TURN]
        assert min(np.abs(X[:3, :3] - own[:3, :3]).max() for own in turns) < 3e-3
