"""How often the scripted experts succeed, core and edges, and how well they meet moving parts.

python benchmarks/experts.py --seeds 100
python benchmarks/experts.py --seeds 100 --edges
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from simenv.envs.env import TaskEnv
from simenv.envs.expert import Expert
from simenv.envs.register import TASKS

# What the domains' tables call an edge, set for a whole run: name -> task, values.
EDGES: dict[str, tuple[str, dict[str, Any]]] = {
    "belt at 0.6 m/s": ("conveyor_pick", {"scene.belts.main.speed_m_s": 0.6}),
    "25 parts on the belt": ("conveyor_pick", {"actors.parts.count": 25}),
    "45 parts in the tote": ("bin_pick", {"actors.parts.count": 45}),
    "3 parts in the tote": ("bin_pick", {"actors.parts.count": 3}),
    "8 parts to sort": ("conveyor_sort", {"actors.parts.count": 8, "env.max_steps": 1200}),
    "sorting at 0.12 m/s": ("conveyor_sort", {"scene.belts.main.speed_m_s": 0.12}),
    "parts lie": ("table_pick", {}),
}


def pinned(task: str, values: dict[str, Any]) -> TaskEnv:
    """The task with values that its domain does not vary."""
    from simenv.spec.load import load_task

    domain = load_task(task).spec.domain
    rest = {
        path: axis.model_dump(exclude_none=True)
        for path, axis in domain.items()
        if path not in values
    }
    return TaskEnv(task, values={**values, "domain": rest})


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion."""
    share, square = hits / trials, z * z / trials
    half = z * np.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return (share + square / 2 - half) / (1 + square), (share + square / 2 + half) / (1 + square)


def measure(name: str, env: TaskEnv, seeds: int, tier: str = "core") -> None:
    """Play one episode a seed and print a line."""
    expert, solved, steps = Expert(env), 0, 0
    failed: list[int] = []
    cpu = time.process_time()
    for seed in range(seeds):
        env.reset(seed=seed, options={"tier": tier})
        expert.begin()
        ended = False
        while not ended:
            _, _, terminated, truncated, info = env.step(expert.act())
            ended = terminated or truncated
            steps += 1
        solved += info["is_success"]
        if not info["is_success"]:
            failed.append(seed)
    cpu = time.process_time() - cpu
    low, high = wilson(solved, seeds)
    errors = np.array([i.error_m for i in expert.interceptions if i.speed_m_s > 0.02]) * 1e3
    met = ""
    if len(errors):
        met = f"; met {len(errors)} moving parts within {errors.mean():.1f} mm"
        met += f" (95 %: {np.percentile(errors, 95):.1f}, worst {errors.max():.1f})"
    print(
        f"{name:24s} {solved:4d}/{seeds} ({100 * low:.0f}-{100 * high:.0f} %)"
        f" {steps / seeds:6.1f} steps, {1e3 * cpu / steps:.2f} CPU ms a step{met}"
        + (f"; failed: {failed[:12]}" if failed else ""),
        flush=True,
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--edges", action="store_true", help="the edges instead of the core")
    words = parser.parse_args()
    if words.edges:
        for name, (task, values) in EDGES.items():
            env = pinned(task, values)
            measure(name, env, words.seeds, "edge" if name == "parts lie" else "core")
            env.close()
        return
    for name, (task, _) in TASKS.items():
        env = TaskEnv(task)
        measure(name, env, words.seeds)
        env.close()


if __name__ == "__main__":
    main()
