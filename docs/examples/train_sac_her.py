"""Train SAC with hindsight replay on a goal environment, then measure success on unseen scenes.

    pip install "simenv[rl]"
    python docs/examples/train_sac_her.py --steps 50000 --out out/sac_push

Figures of this very command are in docs/environments.md.
"""

import argparse
import time
from pathlib import Path

import gymnasium
import numpy as np
import torch
from stable_baselines3 import SAC, HerReplayBuffer
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.monitor import Monitor

import simenv.envs  # noqa: F401  registers the environments


def main() -> None:
    """Train, save, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="simenv/TablePushGoal-v0")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=200, help="of the final evaluation")
    parser.add_argument("--out", type=Path, default=Path("out/sac_her"))
    words = parser.parse_args()

    torch.set_num_threads(1)  # nets this small are slower on more
    env = Monitor(gymnasium.make(words.env), info_keywords=("is_success",))
    model = SAC(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        learning_rate=1e-3,
        batch_size=256,
        gamma=0.95,
        tau=0.02,
        learning_starts=1_000,
        policy_kwargs={"net_arch": [256, 256]},
        seed=words.seed,
        verbose=1,
    )
    watch = EvalCallback(
        Monitor(gymnasium.make(words.env)), n_eval_episodes=20, eval_freq=5_000, verbose=1
    )
    wall, cpu = time.perf_counter(), time.process_time()
    model.learn(words.steps, callback=watch, log_interval=50)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    words.out.mkdir(parents=True, exist_ok=True)
    model.save(words.out / "model")

    solved = evaluate(model, words.env, words.episodes)
    low, high = wilson(solved, words.episodes)
    print(
        f"{words.steps} steps, {wall:.0f} s, {cpu:.0f} CPU s: success {solved}/{words.episodes}"
        f" = {solved / words.episodes:.3f} (95 % interval {low:.3f} to {high:.3f})"
    )


def evaluate(model: SAC, name: str, episodes: int) -> int:
    """How many scenes of a seed that training never saw are solved."""
    env = gymnasium.make(name)
    solved = 0
    for episode in range(episodes):
        observation, info = env.reset(seed=10_000_019 if episode == 0 else None)
        ended = False
        while not ended:
            action, _ = model.predict(observation, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
        solved += bool(info["is_success"])
    return solved


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion."""
    share = hits / trials
    middle = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (middle - half) / (1 + z * z / trials), (middle + half) / (1 + z * z / trials)


if __name__ == "__main__":
    main()
