"""Environments for tests: small, without waiting for heaps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.envs.env import GoalEnv, TaskEnv

__all__ = ["actions", "opened", "played", "same"]


@contextmanager
def opened(task: str, *, goal: bool = False, **kwargs: Any) -> Iterator[TaskEnv]:
    """An environment that is closed at the end."""
    env = (GoalEnv if goal else TaskEnv)(task, **kwargs)
    try:
        yield env
    finally:
        env.close()


def actions(env: TaskEnv, count: int, seed: int = 0) -> NDArray[np.float32]:
    """Random actions (count, A)."""
    rng = np.random.default_rng(seed)
    assert env.action_space.shape is not None
    return rng.uniform(-1, 1, (count, *env.action_space.shape)).astype(np.float32)


def played(env: TaskEnv, given: NDArray[np.float32], **reset: Any) -> list[Any]:
    """All that an episode returns, for given actions; it goes on where it would have ended."""
    found: list[Any] = [env.reset(**reset)]
    found += [env.step(action) for action in given]
    return found


def same(a: Any, b: Any) -> bool:
    """Whether two structures are equal to the last bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return bool(a == b)
