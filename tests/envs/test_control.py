"""What an action says is what the gripper does."""

from __future__ import annotations

import numpy as np
import pytest

from tests.envs.build import opened

ROBOTS = {"panda": None, "iiwa": "wsg50", "arm6": "jaw85", "floating": "jaw85"}
FREE = {"env.control.low_m": None, "env.control.high_m": None}


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_delta_moves_the_gripper_by_itself_and_turns_nothing(robot: str) -> None:
    use = {"scene.robot.use": robot, "scene.robot.gripper": ROBOTS[robot]}
    with opened("table_pick", values={**use, **FREE}) as env:
        env.reset(seed=0)
        before = env.state.tool.X_WG.copy()
        move = np.array([0.4, -0.3, -0.2, 0.0, 1.0], dtype=np.float32)
        for _ in range(5):
            env.step(move)
        for _ in range(4):
            env.step(np.array([0, 0, 0, 0, 1], dtype=np.float32))
        after = env.state.tool.X_WG
        assert after[:3, 3] - before[:3, 3] == pytest.approx(5 * 0.05 * move[:3], abs=5e-4)
        assert np.allclose(after[:3, :3], before[:3, :3], atol=3e-3)


def test_yaw_turns_about_the_vertical() -> None:
    with opened("table_pick") as env:
        env.reset(seed=0)
        before = env.state.tool.X_WG.copy()
        for _ in range(2):
            env.step(np.array([0, 0, 0, 1, 1], dtype=np.float32))
        for _ in range(8):
            env.step(np.array([0, 0, 0, 0, 1], dtype=np.float32))
        turn = env.state.tool.X_WG[:3, :3] @ before[:3, :3].T
        assert np.degrees(np.arctan2(turn[1, 0], turn[0, 0])) == pytest.approx(30.0, abs=0.3)


def test_a_joint_position_is_reached() -> None:
    with opened("table_pick", values={"env.control.kind": "joint_position"}) as env:
        env.reset(seed=0)
        lower, upper = env.driver.model.chain.lower, env.driver.model.chain.upper
        goal = env.state.tool.q + np.array([0.2, -0.1, 0.1, 0.15, -0.1, 0.1, 0.3])
        action = np.append(2 * (goal - lower) / (upper - lower) - 1, 1.0).astype(np.float32)
        for _ in range(8):
            env.step(action)
        assert env.state.tool.q == pytest.approx(goal, abs=5e-3)


def test_a_joint_velocity_is_held_exactly() -> None:
    with opened("table_pick", values={"env.control.kind": "joint_velocity"}) as env:
        env.reset(seed=0)
        start = env.state.tool.q.copy()
        action = np.zeros(8, dtype=np.float32)
        action[0] = 0.2
        for _ in range(10):
            env.step(action)
        moved = env.state.tool.q - start
        assert moved[0] == pytest.approx(0.2 * env.driver.model.speed[0] * 0.5, rel=2e-2)
        assert moved[1:] == pytest.approx(0.0, abs=4e-3)  # the start shakes them


def test_limits_of_joints_and_of_the_box_are_kept() -> None:
    with opened("table_pick") as env:
        env.reset(seed=0)
        assert env.env.control.low_m is not None
        chain = env.driver.model.chain
        for _ in range(40):
            env.step(np.array([1, 1, -1, 1, 1], dtype=np.float32))
            q = env.state.tool.q
            assert (q > chain.lower - 1e-2).all()
            assert (q < chain.upper + 1e-2).all()
            assert env.driver.X_WG[2, 3] >= env.env.control.low_m[2]
