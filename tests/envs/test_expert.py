"""The experts solve their tasks; see benchmarks/experts.py for all seeds and the edges."""

from __future__ import annotations

import numpy as np
import pytest

from simenv.envs.expert import Expert
from simenv.envs.register import TASKS
from tests.envs.build import opened

SEEDS = 6


@pytest.mark.parametrize("task", [task for task, _ in TASKS.values()])
def test_an_expert_solves_its_task(task: str) -> None:
    solved = 0
    with opened(task) as env:
        expert = Expert(env)
        for seed in range(SEEDS):
            env.reset(seed=1000 + seed)
            expert.begin()
            ended = False
            while not ended:
                action = expert.act()
                assert env.action_space.contains(action)
                _, _, terminated, truncated, info = env.step(action)
                ended = terminated or truncated
            solved += info["is_success"]
    assert solved >= SEEDS - 1


def test_a_moving_part_is_met_within_five_millimetres() -> None:
    with opened("conveyor_pick") as env:
        expert = Expert(env)
        for seed in range(4):
            env.reset(seed=seed)
            expert.begin()
            for _ in range(120):
                if env.step(expert.act())[2]:
                    break
        moving = [i for i in expert.interceptions if i.speed_m_s > 0.04]
        assert moving
        assert np.mean([i.error_m for i in moving]) < 0.005


def test_experts_act_through_joints_as_well() -> None:
    with opened("table_push", values={"env.control.kind": "joint_velocity"}) as env:
        expert = Expert(env)
        env.reset(seed=0)
        expert.begin()
        for _ in range(env.env.max_steps):
            _, _, ended, _, info = env.step(expert.act())
            if ended:
                break
        assert info["is_success"]
