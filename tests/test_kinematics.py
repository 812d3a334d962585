"""Laws of the chain from base to gripper: forward, derivative, and back."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from simenv import kinematics, pose
from simenv.kinematics import Chain, Reach
from simenv.pose import Matrix
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import RobotModel

ARMS = {"panda": None, "iiwa": "wsg50", "arm6": "jaw85", "floating": "jaw85"}
REDUNDANT = ["panda", "iiwa"]
DRAWS = 60
FOUND = 0.95  # of poses that the arm can reach; some need more than the eight starts


@cache
def load(arm: str) -> RobotModel:
    return load_robot(arm, ARMS[arm])


def drawn(chain: Chain, count: int, seed: int) -> NDArray[np.float64]:
    """Joint positions (count, n) anywhere between the limits."""
    low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
    return np.random.default_rng(seed).uniform(low, high, (count, len(low)))


def apart(X_one: Matrix, X_other: Matrix) -> tuple[float, float]:
    """Metres and radians between two poses, by scipy."""
    turn = Rotation.from_matrix(X_other[:3, :3] @ X_one[:3, :3].T).magnitude()
    return float(np.linalg.norm(X_other[:3, 3] - X_one[:3, 3])), float(turn)


@pytest.mark.parametrize("arm", ARMS)
def test_forward_is_the_product_along_the_tree(arm: str) -> None:
    model = load(arm)
    assert len(model.chain.axes) == len(model.arm_joints)
    for q in drawn(model.chain, 20, seed=1):
        X_RL = model.urdf.poses(dict(zip(model.arm_joints, q.tolist(), strict=True)))
        expected = X_RL[model.grasp.link] @ model.grasp.X_AB
        np.testing.assert_allclose(model.chain.forward(q), expected, atol=1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_the_jacobian_is_what_finite_differences_say(arm: str) -> None:
    chain, step = load(arm).chain, 1e-6
    for q in drawn(chain, 10, seed=2):
        X_RG, J = chain.jacobian(q)
        np.testing.assert_allclose(X_RG, chain.forward(q), atol=1e-12)
        for i, own in enumerate(np.eye(len(q)) * step):
            before, after = chain.forward(q - own), chain.forward(q + own)
            turn = Rotation.from_matrix(after[:3, :3] @ before[:3, :3].T).as_rotvec()
            linear = (after[:3, 3] - before[:3, 3]) / (2 * step)
            np.testing.assert_allclose(J[:3, i], linear, atol=1e-8)
            np.testing.assert_allclose(J[3:, i], turn / (2 * step), atol=1e-8)


@pytest.mark.parametrize("arm", ARMS)
def test_a_pose_error_is_the_motion_that_takes_it_away(arm: str) -> None:
    chain = load(arm).chain
    for q, other in zip(drawn(chain, 20, seed=3), drawn(chain, 20, seed=4), strict=True):
        X_RG, wanted = chain.forward(q), chain.forward(other)
        error = kinematics.pose_error(X_RG, wanted)
        R = Rotation.from_rotvec(error[3:]).as_matrix() @ X_RG[:3, :3]
        np.testing.assert_allclose(pose.pose(R, X_RG[:3, 3] + error[:3]), wanted, atol=1e-7)
        assert np.linalg.norm(error[3:]) < np.pi + 1e-9


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.0099, 0.0101, 0.5, 3.0, np.pi - 1e-6])
def test_a_pose_error_is_exact_for_small_and_large_turns(angle: float) -> None:
    vector = angle * np.array([0.6, 0.0, -0.8])
    wanted = pose.pose(Rotation.from_rotvec(vector).as_matrix())
    found = kinematics.pose_error(np.eye(4), wanted)[3:]
    np.testing.assert_allclose(found, vector, atol=1e-12, rtol=1e-4)


@pytest.mark.parametrize("arm", ARMS)
def test_no_step_leaves_the_limits(arm: str) -> None:
    chain, rest = load(arm).chain, load(arm).home
    for q, other in zip(drawn(chain, 40, seed=5), drawn(chain, 40, seed=6), strict=True):
        away = pose.pose(p_AB=(3.0, 0.0, 0.0)) @ chain.forward(other)  # out of reach: all stretch
        for _ in range(5):
            q, _ = chain.toward(q, away, rest=rest)
            assert (q >= chain.lower).all()
            assert (q <= chain.upper).all()


@pytest.mark.parametrize("arm", ARMS)
def test_steps_come_nearer_and_arrive(arm: str) -> None:
    model = load(arm)
    chain, rng = model.chain, np.random.default_rng(7)
    for _ in range(10):
        q = model.home + rng.uniform(-0.3, 0.3, len(model.home))
        wanted = chain.forward(model.home)
        first = np.linalg.norm(kinematics.pose_error(chain.forward(q), wanted))
        for _ in range(25):
            q, error = chain.toward(q, wanted, rest=model.home, null_gain=0.0)
        assert np.linalg.norm(error) < 1e-3 * first


@pytest.mark.parametrize("arm", REDUNDANT)
def test_the_free_motion_pulls_to_rest_and_g_stays(arm: str) -> None:
    model = load(arm)
    chain, J = model.chain, model.chain.jacobian(model.home)[1]
    free = np.linalg.svd(J)[2][-1]  # the motion of the elbow
    start = model.home + 0.3 * free
    wanted = chain.forward(start)
    q, gaps, off = start, [], 0.0
    for _ in range(60):
        q, error = chain.toward(q, wanted, rest=model.home)
        gaps.append(float(abs((q - model.home) @ free)))
        off = max(off, float(np.abs(error).max()))
    assert off < 2e-3  # metres and radians, of an elbow that moves by a third of a radian
    assert gaps[-1] < 0.2 * abs(float((start - model.home) @ free))
    assert all(later < sooner + 1e-9 for sooner, later in pairwise(gaps))


@pytest.mark.parametrize("arm", REDUNDANT)
def test_without_gain_nothing_moves_where_it_is_already(arm: str) -> None:
    chain = load(arm).chain
    for q in drawn(chain, 5, seed=8):
        new, _ = chain.toward(q, chain.forward(q), rest=load(arm).home, null_gain=0.0)
        np.testing.assert_allclose(new, q, atol=1e-9)


@pytest.mark.parametrize("arm", ARMS)
def test_what_can_be_reached_is_reached(arm: str) -> None:
    model = load(arm)
    reach, found = Reach(model.chain, model.home), 0
    for q in drawn(model.chain, DRAWS, seed=9):
        X_RG = model.chain.forward(q)
        solution = reach.solve(X_RG)
        if solution is None:
            continue
        found += 1
        metres, radians = apart(model.chain.forward(solution), X_RG)
        assert metres < 1e-5
        assert radians < 1e-4
        assert (solution >= model.chain.lower).all()
        assert (solution <= model.chain.upper).all()
    assert found >= FOUND * DRAWS


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_five_metres_away_is_not(arm: str) -> None:
    model = load(arm)
    X_RG = model.chain.forward(model.home)
    X_RG[:3, 3] += (5.0, 0.0, 0.0)
    assert Reach(model.chain, model.home, starts=3).solve(X_RG) is None


def test_near_the_solution_the_nearest_one_is_found() -> None:
    model = load("arm6")
    chain, rng = model.chain, np.random.default_rng(10)
    for _ in range(10):
        q = model.home + rng.uniform(-0.4, 0.4, 6)
        found = Reach(chain, model.home).solve(chain.forward(q), near=q + 0.02)
        assert found is not None
        np.testing.assert_allclose(found, q, atol=0.02)


def test_a_solution_that_is_not_clear_is_passed_over() -> None:
    model = load("arm6")
    X_RG = model.chain.forward(model.home)
    refused: list[NDArray[np.float64]] = []

    def clear(q: NDArray[np.float64]) -> bool:
        refused.append(q)
        return bool(np.linalg.norm(q - model.home) > 0.5)

    found = Reach(model.chain, model.home, clear, starts=30).solve(X_RG)
    assert found is not None
    assert np.linalg.norm(found - model.home) > 0.5
    assert len(refused) > 1  # home itself was the first to be found
    metres, _ = apart(model.chain.forward(found), X_RG)
    assert metres < 1e-5
    assert Reach(model.chain, model.home, lambda _: False, starts=3).solve(X_RG) is None


def test_the_same_seed_gives_the_same_solution() -> None:
    model = load("panda")
    reach, (q,) = Reach(model.chain, model.home), drawn(model.chain, 1, seed=11)
    X_RG = model.chain.forward(q)
    one, two = reach.solve(X_RG, seed=3), reach.solve(X_RG, seed=3)
    assert one is not None
    np.testing.assert_array_equal(one, two)


def test_a_chain_without_joints_is_what_is_rigid() -> None:
    model = load_robot("jaw85")
    np.testing.assert_allclose(model.chain.forward(()), model.grasp.X_AB)
