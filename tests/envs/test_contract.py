"""Gymnasium's and stable-baselines3's own checkers have nothing to say, on every id."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_sb3

import simenv.envs
from simenv.envs.env import GoalEnv
from simenv.envs.register import TASKS
from simenv.spec.load import load_task
from tests.envs.build import opened

assert simenv.envs  # importing it registers the environments
NAMES = [f"simenv/{name}{goal}-v0" for name in TASKS for goal in ("", "Goal")]


@pytest.mark.parametrize("name", NAMES)
def test_both_checkers_are_silent(name: str) -> None:
    env = gymnasium.make(name, renderer="tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
        check_sb3(env.unwrapped)
    env.close()


def test_they_are_silent_about_pictures_too() -> None:
    observe = ("state", "rgb", "depth", "instance")
    env = gymnasium.make("simenv/TablePick-v0", observe=observe, renderer="tiny")
    check_env(env.unwrapped)
    check_sb3(env.unwrapped)
    observation, _ = env.reset(seed=0)
    assert observation["rgb"].shape == (240, 320, 3)
    assert observation["depth"].shape == observation["instance"].shape == (240, 320, 1)
    assert observation["K"].reshape(3, 3)[2, 2] == 1.0
    X_WC = observation["X_WC"].reshape(4, 4).astype(np.float64)
    assert np.allclose(X_WC[:3, :3] @ X_WC[:3, :3].T, np.eye(3), atol=1e-6)
    env.close()


@pytest.mark.parametrize(("name", "task", "steps"), [(n, *row) for n, row in TASKS.items()])
def test_the_registry_says_what_the_task_files_say(name: str, task: str, steps: int) -> None:
    own = load_task(task).spec.env
    assert own is not None
    assert own.id == f"simenv/{name}-v0"
    assert own.max_steps == steps


@pytest.mark.parametrize("task", [task for task, _ in TASKS.values()])
def test_rewards_of_goals_are_those_of_the_steps_over_any_leading_axes(task: str) -> None:
    with opened(task, goal=True) as env:
        assert isinstance(env, GoalEnv)
        env.reset(seed=0)
        rows = [env.step(env.action_space.sample()) for _ in range(6)]
        achieved = np.stack([row[0]["achieved_goal"] for row in rows])
        desired = np.stack([row[0]["desired_goal"] for row in rows])
        rewards = [row[1] for row in rows]
        infos = [row[4] for row in rows]
        assert env.compute_reward(achieved, desired, infos).tolist() == rewards
        both = env.compute_reward(achieved.reshape(2, 3, -1), desired.reshape(2, 3, -1), {})
        assert both.shape == (2, 3)
        for row, a, d in zip(rows, achieved, desired, strict=True):
            assert env.compute_reward(a, d, row[4]) == row[1]
        assert (env.compute_reward(desired, desired, infos) == 0.0).all()


def test_every_term_of_the_reward_is_named_and_a_share() -> None:
    with opened("table_pick", values={"env.reward.kind": "shaped"}) as env:
        env.reset(seed=0)
        for _ in range(5):
            _, reward, _, _, info = env.step(env.action_space.sample())
            terms, weights = info["terms"], env.env.reward
            assert set(terms) == {"reach", "grasp", "goal", "success"}
            assert all(0.0 <= value <= 1.0 for value in terms.values())
            assert reward == pytest.approx(
                sum(getattr(weights, name) * value for name, value in terms.items())
            )


def test_a_task_is_cut_off_at_its_own_limit() -> None:
    with opened("table_push", values={"env.max_steps": 3}) as env:
        env.reset(seed=0)
        still = np.zeros(3, dtype=np.float32)
        assert [env.step(still)[3] for _ in range(3)] == [False, False, True]


def test_labels_on_request_are_those_of_the_picture() -> None:
    with opened("table_pick", renderer="tiny", labels=True, observe=("state", "instance")) as env:
        observation, info = env.reset(seed=0)
        seen = info["labels"]
        counts = np.bincount(observation["instance"].ravel(), minlength=len(seen.px_visible) + 1)
        assert counts[1 : len(seen.px_visible) + 1].tolist() == seen.px_visible.tolist()


def test_two_environments_share_a_renderer_and_draw_the_same() -> None:
    with (
        opened("table_pick", render_mode="rgb_array", renderer="tiny") as one,
        opened("table_pick", render_mode="rgb_array", renderer="tiny") as two,
    ):
        one.reset(seed=1)
        two.reset(seed=2)
        first = one.render()
        assert first is not None
        second = two.render()
        assert second is not None
        assert not np.array_equal(first, second)
        two.close()
        again = one.render()
        assert again is not None
        assert np.array_equal(first, again)
