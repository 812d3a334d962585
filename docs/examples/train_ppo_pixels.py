"""Train PPO from pictures alone: the policy sees 64 x 64 RGB and the goal, nothing else.

    pip install "simenv[rl]"
    python docs/examples/train_ppo_pixels.py --steps 100000 --out out/ppo_push

Figures of this very command are in docs/environments.md.
"""

import argparse
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv

import simenv.envs  # noqa: F401  registers the environments

VALUES = {
    "env.camera": "top",
    "cameras.top.resolution": [64, 64],
    "cameras.top.fov_y_deg": 34,
    "env.reward.kind": "shaped",
    "env.reward.reach": 1.0,
    "env.reward.goal": 0.5,
    "env.reward.success": 5.0,
}
STILL = 0.6  # about what a step without a move earns: taken off, a new critic says zero


def make() -> gymnasium.Env:
    """One environment; each worker process has a renderer of its own."""
    env = gymnasium.make("simenv/TablePush-v0", observe=("rgb",), values=VALUES, renderer="tiny")
    env = gymnasium.wrappers.FilterObservation(env, ["rgb", "goal"])
    return Monitor(gymnasium.wrappers.TransformReward(env, lambda reward: reward - STILL))


def main() -> None:
    """Train, save, and say how much better the last episodes are than the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--envs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/ppo_pixels"))
    words = parser.parse_args()

    torch.set_num_threads(1)
    env = SubprocVecEnv([make] * words.envs)
    model = PPO(
        "MultiInputPolicy",
        env,
        policy_kwargs={"log_std_init": -1.0},  # full steps at random bring no box anywhere
        n_steps=512,
        batch_size=128,
        n_epochs=10,
        learning_rate=3e-4,
        gamma=0.9,
        ent_coef=0.0,
        target_kl=0.05,
        stats_window_size=50,
        seed=words.seed,
        verbose=1,
    )
    returns: list[float] = []

    def remember(local: dict, _: dict) -> bool:
        returns.extend(info["episode"]["r"] for info in local["infos"] if "episode" in info)
        return True

    wall = time.perf_counter()
    model.learn(words.steps, callback=remember, log_interval=5)
    wall = time.perf_counter() - wall
    words.out.mkdir(parents=True, exist_ok=True)
    model.save(words.out / "model")
    tenth = max(1, len(returns) // 10)
    ends = [np.array(returns[:tenth]), np.array(returns[-tenth:])]
    first, last = (f"{end.mean():.2f} +- {end.std() / np.sqrt(tenth):.2f}" for end in ends)
    print(
        f"{words.steps} steps, {wall:.0f} s: mean return of the first tenth of episodes {first},"
        f" of the last {last} (standard errors)"
    )
    env.close()


if __name__ == "__main__":
    main()
