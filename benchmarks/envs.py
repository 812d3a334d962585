"""Steps and resets per CPU second, beside panda-gym where it is installed; what is left, by part.

    python benchmarks/envs.py                       # simenv alone
    python benchmarks/envs.py --profile
    python benchmarks/envs.py --processes 1 2 --pictures

Beside panda-gym, in an environment of its own (it wants numpy 1.26):

    python3.11 -m venv pg && pg/bin/pip install "numpy==1.26.4" panda-gym . && \
        OPENBLAS_NUM_THREADS=1 pg/bin/python benchmarks/envs.py --panda-gym

Both have a Panda, one object on a table over a floor, 20 substeps of 1/500 s a step, the gripper's
position and width as action; both get the same random actions, in turns, in one process.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import simenv.envs  # noqa: F401  registers the environments
from simenv.envs.env import TaskEnv

LIKE_PANDA_GYM = {
    "actors.parts.objects": ("carton_small",),
    "domain": {},
    "physics.rate_hz": 500.0,
    "env.rate_hz": 25.0,
    "env.control.rotation": "none",
}
TEN_OBJECTS = {"actors.parts.count": 10, "scene.zones.work.size_m": (0.6, 0.8)}
STEPS = 49  # an episode of panda-gym is cut at 50


def cpu_ms(call: Callable[[], Any], count: int) -> float:
    """CPU milliseconds of one call."""
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count * 1e3


def step_ms(env: Any, actions: NDArray[np.float32]) -> float:
    """CPU milliseconds of one step, over given actions (N, A)."""
    each = iter(actions)
    return cpu_ms(lambda: env.step(next(each)), len(actions))


def beside_panda_gym(rounds: int) -> None:
    """Interleaved episodes of both."""
    import panda_gym  # noqa: F401  registers its environments

    envs: dict[str, Any] = {
        "panda-gym": gymnasium.make("PandaPickAndPlace-v3").unwrapped,
        "simenv": TaskEnv("table_pick", values=LIKE_PANDA_GYM),
    }
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {name: [] for name in envs}
    for round_ in range(rounds):
        actions = rng.uniform(-1, 1, (STEPS, 4)).astype(np.float32)
        for name in rng.permutation(list(envs)):
            env = envs[str(name)]
            env.reset(seed=round_)
            found[str(name)].append(step_ms(env, actions))
    ratios = np.array(found["panda-gym"]) / np.array(found["simenv"])
    for name, row in found.items():
        print(f"{name:12s} {np.median(row):.3f} CPU ms a step (least {min(row):.3f})")
    low, high = np.percentile(ratios, [25, 75])
    print(f"panda-gym / simenv: {np.median(ratios):.2f} (quartiles {low:.2f} to {high:.2f})")


def alone() -> None:
    """Every task's step, and resets."""
    from simenv.envs.register import TASKS

    for name, (task, _) in TASKS.items():
        env = TaskEnv(task)
        env.reset(seed=0)
        rng = np.random.default_rng(0)
        assert env.action_space.shape is not None
        actions = rng.uniform(-1, 1, (200, *env.action_space.shape)).astype(np.float32)
        step = step_ms(env, actions)
        assert env.simulation is not None
        print(f"{name:14s} {step:.3f} CPU ms a step of {env.simulation.substeps} substeps")
        env.close()
    env = TaskEnv("table_pick", values=TEN_OBJECTS)
    env.reset(seed=0)
    cpu_ms(env.reset, 20)
    print(f"reset, robot and 10 objects: {cpu_ms(env.reset, 100):.2f} CPU ms")
    env.close()


def in_processes(counts: list[int], observe: tuple[str, ...]) -> None:
    """Steps a second of wall time of vector environments."""
    for count in counts:
        vec = gymnasium.make_vec(
            "simenv/TablePick-v0", num_envs=count, vectorization_mode="async", observe=observe
        )
        vec.reset(seed=0)
        steps = 200 if observe == ("state",) else 40
        actions = np.random.default_rng(0).uniform(-1, 1, (steps, count, 5)).astype(np.float32)
        start = time.perf_counter()
        for row in actions:
            vec.step(row)
        wall = time.perf_counter() - start
        vec.close()
        print(f"{count} processes, {'+'.join(observe)}: {count * steps / wall:.0f} steps a second")


def profile() -> None:
    """Where a step's time goes."""
    env = TaskEnv("table_pick", values=LIKE_PANDA_GYM)
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (1000, 4)).astype(np.float32)
    watch = cProfile.Profile()
    watch.enable()
    for action in actions:
        env.step(action)
    watch.disable()
    pstats.Stats(watch).sort_stats("tottime").print_stats(16)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--panda-gym", action="store_true")
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--processes", type=int, nargs="*", default=[])
    parser.add_argument("--pictures", action="store_true")
    words = parser.parse_args()
    if words.panda_gym:
        beside_panda_gym(words.rounds)
    elif words.profile:
        profile()
    elif words.processes:
        in_processes(words.processes, ("state",))
        if words.pictures:
            in_processes(words.processes, ("rgb",))
    else:
        alone()


if __name__ == "__main__":
    main()
