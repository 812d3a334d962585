"""Demonstrations out of nothing: valid arrays of random numbers, no physics."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.demo import Episode, write_episode

TASK = """\
format: simenv-task-1
name: pick_demo
summary: Pick the bolt from the belt.
"""
ENV_ID = "simenv/PickDemo-v0"
ENV_SPEC = json.dumps(
    {
        "id": ENV_ID,
        "entry_point": "simenv.envs:TaskEnv",
        "reward_threshold": None,
        "nondeterministic": False,
        "max_episode_steps": 50,
        "order_enforce": True,
        "disable_env_checker": False,
        "kwargs": {"task": "pick_demo"},
        "additional_wrappers": [],
        "vector_entry_point": None,
    }
)


def demo(number: int = 0, *, steps: int = 0, success: bool = True, **changes: Any) -> Episode:
    """Episode ``number``: 5 + number steps by default, terminated if it is a success."""
    rng, steps = np.random.default_rng(number), steps or 5 + number
    last = np.arange(steps) == steps - 1
    episode = Episode(
        observations=seen(rng, steps + 1),
        actions=rng.uniform(-1, 1, (steps, 4)).astype(np.float32),
        rewards=rng.normal(size=steps),
        terminations=last & success,
        truncations=last & (not success),
        successes=last & success,
        terms={"reach": rng.normal(size=steps), "grasp": rng.normal(size=steps)},
        env_id=ENV_ID,
        env_spec=ENV_SPEC,
        seed=100 + number,
        scene=number,
        success=success,
        task=TASK,
        rate_hz=10.0,
    )
    return replace(episode, **changes)


def seen(rng: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
    """Of all kinds: vectors, a number, a flag, a class, pictures, depth, a matrix."""
    return {
        "rgb_top": rng.integers(0, 256, (rows, 48, 48, 3), dtype=np.uint8),
        "mask": rng.integers(0, 256, (rows, 32, 40, 1), dtype=np.uint8),
        "depth": rng.uniform(0, 2, (rows, 24, 32)).astype(np.float32),
        "X_WG": rng.normal(size=(rows, 4, 4)),
        "q": rng.normal(size=(rows, 7)).astype(np.float32),
        "time_s": np.arange(rows) / 10.0,
        "held": rng.integers(0, 2, (rows, 1)).astype(bool),
        "target": rng.integers(0, 9, (rows,)),
    }


def demos(folder: Path, count: int = 3, **changes: Any) -> list[Episode]:
    """A folder of episodes, of which every second one failed; what it holds."""
    episodes = [demo(k, success=k % 2 == 0, **changes) for k in range(count)]
    for number, episode in enumerate(episodes):
        write_episode(folder, number, episode)
    return episodes
