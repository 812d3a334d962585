"""Which environments Gymnasium knows by name once `simenv.envs` is imported."""

from __future__ import annotations

from typing import Any

import gymnasium

__all__ = ["TASKS", "make", "make_goal", "register_all"]

TASKS = {  # id without namespace and version -> task of the catalog, steps of an episode
    "ConveyorPick": ("conveyor_pick", 240),
    "ConveyorSort": ("conveyor_sort", 500),
    "BinPick": ("bin_pick", 150),
    "TablePick": ("table_pick", 100),
    "TablePush": ("table_push", 50),
    "TableStack": ("table_stack", 150),
}
NAMESPACE = "simenv"


def register_all() -> None:
    """Tell Gymnasium of every environment; a second call changes nothing."""
    for name, (task, steps) in TASKS.items():
        _register(f"{name}-v0", "make", steps, task=task)
        _register(f"{name}Goal-v0", "make_goal", steps, task=task)
    _register("Task-v0", "make", None)
    _register("TaskGoal-v0", "make_goal", None)


def _register(name: str, entry: str, steps: int | None, **kwargs: object) -> None:
    identity = f"{NAMESPACE}/{name}"
    if identity not in gymnasium.registry:
        gymnasium.register(
            identity,
            entry_point=f"simenv.envs.register:{entry}",
            max_episode_steps=steps,
            kwargs=kwargs,
        )


def make(**kwargs: Any) -> gymnasium.Env[Any, Any]:
    """A `TaskEnv`; the engine is imported only here."""
    from simenv.envs.env import TaskEnv

    return TaskEnv(**kwargs)


def make_goal(**kwargs: Any) -> gymnasium.Env[Any, Any]:
    """A `GoalEnv`."""
    from simenv.envs.env import GoalEnv

    return GoalEnv(**kwargs)
