"""Many poses solved at once: what is found is right, and hardly anything is missed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.kinematics import Chain, Reach, pose_error, solve_all
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import RobotModel

ARMS = {"panda": None, "arm6": "jaw85", "iiwa": "wsg50"}
CLOSE_M, CLOSE_RAD = 2e-4, 2e-3  # of solve_all
COUNT, FEW = 200, 30  # poses; those that are solved one by one, which is slow
FOUND = 0.95
HALF_TURN = pose.from_rpy_deg((0.0, 0.0, 180.0))


@cache
def load(arm: str) -> RobotModel:
    return load_robot(arm, ARMS[arm])


def drawn(chain: Chain, count: int) -> NDArray[np.float64]:
    """Joints (count, n) anywhere between the limits."""
    low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
    return np.random.default_rng(0).uniform(low, high, (count, len(low)))


def over_a_table(count: int) -> NDArray[np.float64]:
    """Poses (count, 4, 4) of a hand that points down within 50 degrees, in front of the base."""
    rng, found = np.random.default_rng(1), []
    for _ in range(count):
        turn, side, yaw = rng.uniform(-180, 180, 3)
        R = pose.from_rpy_deg((0, 0, side)) @ pose.from_rpy_deg((0, rng.uniform(0, 50), 0))
        R = R @ pose.from_rpy_deg((0, 0, -side)) @ pose.from_rpy_deg((180, 0, turn))
        away, aside = rng.uniform(0.35, 0.6), np.radians(yaw / 3)
        at = (away * np.cos(aside), away * np.sin(aside), rng.uniform(0.02, 0.3))
        found.append(pose.pose(R[:3, :3], at))
    return np.array(found)


def faced(model: RobotModel, X_RG: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts (N, n): home, turned about the base towards each pose."""
    starts = np.repeat(model.home[None], len(X_RG), axis=0)
    here = model.chain.forward(model.home)
    ahead = np.arctan2(X_RG[:, 1, 3], X_RG[:, 0, 3]) - np.arctan2(here[1, 3], here[0, 3])
    starts[:, 0] += (ahead + np.pi) % (2 * np.pi) - np.pi
    return starts


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_found_is_there_and_within_the_limits(arm: str) -> None:
    chain = load(arm).chain
    wanted = np.array([chain.forward(q) for q in drawn(chain, COUNT)])
    q, done = solve_all(chain, wanted, faced(load(arm), wanted))
    assert 0.6 < done.mean()
    for own, X in zip(q[done], wanted[done], strict=True):
        error = pose_error(chain.forward(own), X)
        assert np.linalg.norm(error[:3]) <= CLOSE_M
        assert np.linalg.norm(error[3:]) <= CLOSE_RAD
    assert (q >= chain.lower).all()
    assert (q <= chain.upper).all()


@pytest.mark.parametrize("arm", ARMS)
def test_from_near_by_nearly_every_pose_is_found(arm: str) -> None:
    chain = load(arm).chain
    q = drawn(chain, COUNT)
    wanted = np.array([chain.forward(own) for own in q])
    starts = q + np.random.default_rng(2).normal(0.0, 0.1, q.shape)
    assert solve_all(chain, wanted, starts)[1].mean() >= FOUND


@pytest.mark.parametrize("arm", ARMS)
def test_over_a_table_it_finds_what_one_by_one_is_found(arm: str) -> None:
    """Either way round, as the jaw is the same after half a turn."""
    model, wanted = load(arm), over_a_table(FEW)
    reach = Reach(model.chain, model.home)
    ways = (wanted, wanted @ HALF_TURN)
    found = np.logical_or(*(solve_all(model.chain, X, faced(model, X))[1] for X in ways))
    known = np.array([any(reach.solve(X[k]) is not None for X in ways) for k in range(FEW)])
    assert known.mean() > 0.7
    assert found[known].mean() >= FOUND
    assert not (found & ~known).any()


def test_where_the_start_is_the_answer_nothing_moves() -> None:
    chain = load("panda").chain
    q = drawn(chain, 20)
    same, done = solve_all(chain, np.array([chain.forward(own) for own in q]), q)
    assert done.all()
    np.testing.assert_array_equal(same, q)


def test_what_is_out_of_reach_is_not_found_and_the_others_are() -> None:
    model = load("panda")
    wanted = np.repeat(model.chain.forward(model.home)[None], 3, axis=0)
    wanted[1, 0, 3] += 3.0
    q, done = solve_all(model.chain, wanted, faced(model, wanted))
    assert done.tolist() == [True, False, True]
    np.testing.assert_array_equal(q[0], q[2])
    nothing, none = solve_all(model.chain, np.zeros((0, 4, 4)), np.zeros((0, 7)))
    assert nothing.shape == (0, 7)
    assert none.shape == (0,)
