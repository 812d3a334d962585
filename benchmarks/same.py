"""Whether episodes are the same to the last bit, at length: histories, neighbours, processes.

python benchmarks/same.py --steps 200 --seeds 10 --vector-steps 500
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import data_equivalence

import simenv.envs  # noqa: F401  registers the environments
from simenv.envs.env import TaskEnv
from simenv.envs.register import TASKS

HISTORIES = (0, 1, 5)  # other episodes before
HISTORY_STEPS = 20


def played(env: TaskEnv, seed: int, steps: int) -> list[Any]:
    """All that an episode returns, played on where it would have ended."""
    assert env.action_space.shape is not None
    rng = np.random.default_rng(seed)
    actions = rng.uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)
    return [env.reset(seed=seed), *(env.step(action) for action in actions)]


def compare(task: str, seeds: int, steps: int) -> int:
    """How many of the (seed, history) pairs differ from a fresh environment's episode."""
    wrong = 0
    used, neighbour = TaskEnv(task), TaskEnv("table_pick")
    neighbour.reset(seed=0)
    for seed in range(seeds):
        fresh = TaskEnv(task)
        expected = played(fresh, seed, steps)
        fresh.close()
        for history in HISTORIES:
            for episode in range(history):
                played(used, 1000 + 10 * seed + episode, HISTORY_STEPS)
                neighbour.step(neighbour.action_space.sample())
            wrong += not data_equivalence(expected, played(used, seed, steps), exact=True)
    used.close()
    neighbour.close()
    return wrong


def vectors(name: str, steps: int) -> int:
    """How many steps of an asynchronous vector environment differ from a synchronous one's."""
    both = [
        gymnasium.make_vec(name, num_envs=2, vectorization_mode=mode) for mode in ("sync", "async")
    ]
    one, two = (vec.reset(seed=3)[0] for vec in both)
    wrong = int(not data_equivalence(one, two, exact=True))
    shape = both[0].action_space.shape
    assert shape is not None
    rng = np.random.default_rng(0)
    for _ in range(steps):
        actions = rng.uniform(-1, 1, shape).astype(np.float32)
        row, other = (vec.step(actions)[:4] for vec in both)
        wrong += not data_equivalence(row, other, exact=True)
    for vec in both:
        vec.close()
    return wrong


def main() -> None:
    """Run it; exit status 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--vector-steps", type=int, default=500)
    words = parser.parse_args()
    differ = 0
    for name, (task, _) in TASKS.items():
        start = time.perf_counter()
        wrong = compare(task, words.seeds, words.steps)
        pairs = words.seeds * len(HISTORIES)
        print(
            f"{name:14s} {pairs - wrong} of {pairs} episodes of {words.steps} steps equal"
            f" ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
        differ += wrong
    for name in ("simenv/TablePick-v0", "simenv/ConveyorSort-v0"):
        wrong = vectors(name, words.vector_steps)
        print(
            f"{name}: async equals sync in {words.vector_steps + 1 - wrong} of"
            f" {words.vector_steps + 1} steps",
            flush=True,
        )
        differ += wrong
    raise SystemExit(int(differ > 0))


if __name__ == "__main__":
    main()
