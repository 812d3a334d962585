"""How a task is an environment: reset composes scene after scene, step drives the robot in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.domain.timeline import check_day
from simenv.envs.control import Driver, action_size
from simenv.envs.easel import Easel
from simenv.envs.observe import Layout, most_parts
from simenv.envs.picture import Pictures, has_display
from simenv.envs.reward import Judge, Verdict
from simenv.envs.rules import Rule, rule_of
from simenv.envs.state import State
from simenv.errors import EngineError, InputError
from simenv.label.label import label
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.render.renderer import Frame
from simenv.scene import Scene, Snapshot, View
from simenv.spec.load import Task, load_task, vary, with_values

__all__ = ["GoalEnv", "TaskEnv"]

KEPT_SCENES = 512  # scenes whose rest is remembered, so that they need not fall again
SKIPPED = 100  # scenes in a row that may be rejected before the task is taken to be impossible

Observation = dict[str, NDArray[Any]]


class TaskEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """A task file as a Gymnasium environment.

    The episodes after ``reset(seed=s)`` are the scenes 0, 1, 2, ... of the dataset with seed s: the
    same domain, evenly covered. ``reset(options={"scene": 7, "tier": "edge"})`` picks one.
    An episode is a function of its seed, its scene and the actions alone.

    Example:
        env = gymnasium.make("simenv/TablePick-v0")
        observation, info = env.reset(seed=0)
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    """

    def __init__(
        self,
        task: str | Path | Task,
        *,
        observe: Sequence[str] = ("state",),
        render_mode: str | None = None,
        renderer: str = "auto",
        tier: str = "core",
        at_day: float = 0.0,
        values: Mapping[str, Any] | None = None,
        labels: bool = False,
    ) -> None:
        """Read the task; nothing falls yet.

        Args:
            task: a name in the catalog, a task file, or a task; its `env:` section says the rest.
            observe: what is seen: ``state``, and pictures of `env.camera`: ``rgb``, ``depth``,
                ``instance``.
            render_mode: ``rgb_array`` or ``human``.
            renderer: ``auto``, ``egl``, ``tiny`` or ``raster``.
            tier: ``core``, ``edge`` or ``all``, as in `simenv generate`.
            at_day: where on the task's timeline.
            values: other values for the task, by dotted path: ``{"env.reward.kind": "shaped"}``.
            labels: whether ``info["labels"]`` has what a dataset would say of the camera's picture.

        Raises:
            InputError: if the task has no `env:`, or anything in it or here is wrong.
        """
        loaded = task if isinstance(task, Task) else load_task(task)
        self.task = with_values(loaded, values) if values else loaded
        spec = self.task.spec
        if spec.env is None or spec.success is None or self.task.robot is None:
            raise InputError(
                f"{self.task.path or self.task.name}: has no env section; add scene.robot,"
                " success and env"
            )
        check_day(at_day)
        self.env, self.tier, self.render_mode = spec.env, tier, render_mode
        self.at_day = at_day
        self.metadata = {"render_modes": _render_modes(), "render_fps": spec.env.rate_hz}
        _check_render_mode(render_mode)
        self.rule: Rule = rule_of(self.task, most_parts(self.task, spec.success.rule.actors))
        self.judge = Judge(self.env.reward, self.rule)
        self.layout = Layout(
            self.task, self.rule, len(self.task.robot.arm_joints), len(self.rule.tolerance)
        )
        self.pictures = Pictures(spec, self.env, observe)
        self.easel = Easel(renderer)
        self._labels = labels
        size = action_size(self.env.control, self.task.robot)
        self.action_space = spaces.Box(-1.0, 1.0, (size,), np.float32)
        self._dict = self._space()
        self.observation_space = self._dict  # type: ignore[assignment]  # narrower than Env's
        self.world: World | None = None
        self._seed: int | None = None
        self._next_scene = 0
        self._rests: dict[tuple[int, int, str, float], Scene] = {}
        self.simulation: Simulation | None = None
        self._taken: tuple[Snapshot, View, Frame] | None = None  # the picture of this moment

    def _space(self) -> spaces.Dict:
        own = self.layout.boxes if self.pictures.state else {"goal": self.layout.boxes["goal"]}
        return spaces.Dict({**own, **self.pictures.boxes})

    # Reset -------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """The next scene; with ``seed`` the first one of that seed.

        Args:
            seed: of the domain, as in `simenv generate --seed`.
            options: ``scene`` (a number), ``tier`` and ``at_day``, if not the next one in the env's
                own tier, on its own day.
        """
        super().reset(seed=seed)
        if seed is not None or self._seed is None:
            self._seed = seed if seed is not None else int(self.np_random.integers(2**31))
            self._next_scene = 0
        options = options or {}
        tier, day = options.get("tier", self.tier), float(options.get("at_day", self.at_day))
        scene = self._accepted(int(options.get("scene", self._next_scene)), tier, day)
        self._next_scene = scene.index + 1
        self._begin(scene)
        return self._observe(), self._info(self._verdict)

    def _accepted(self, index: int, tier: str, day: float) -> Scene:
        """Scene ``index``, or the first one after it that comes to rest, as the agent finds it."""
        for number in range(index, index + SKIPPED):
            scene = self._rested(number, tier, day)
            if scene is not None:
                return scene
        raise EngineError(f"{self.task.name}: {SKIPPED} scenes in a row did not come to rest")

    def _rested(self, index: int, tier: str, day: float) -> Scene | None:
        assert self._seed is not None
        key = (self._seed, index, tier, day)
        if key not in self._rests:
            scene = self._fallen(index, tier, day)
            if scene is None:
                return None
            if len(self._rests) >= KEPT_SCENES:
                del self._rests[next(iter(self._rests))]
            self._rests[key] = scene
        return self._rests[key]

    def _fallen(self, index: int, tier: str, day: float) -> Scene | None:
        """The scene when its parts rest, by the first attempt that is accepted."""
        assert self._seed is not None
        for attempt in range(self.task.spec.physics.max_attempts):
            drawn = sample(self.task, self._seed, index, attempt=attempt, tier=tier, at_day=day)
            scene = compose(self.task, drawn, seed=self._seed)
            if not self.env.settle:
                if not scene.crowded:
                    return scene
                continue
            still = replace(scene, capture=scene.capture.model_copy(update={"frames": 1}))
            outcome = self._world().run(still)
            if not outcome.reason:
                return scene.at(outcome.snapshots[0])
        return None

    def _world(self) -> World:
        if self.world is None:
            self.world = World()
        return self.world

    def _begin(self, scene: Scene) -> None:
        self.scene = scene
        varied = vary(self.task, {**scene.scene_values, **scene.set_values})
        self.simulation = self._world().begin(scene, self.env.rate_hz)
        self.driver = Driver(self.simulation, self.env.control, 1.0 / self.env.rate_hz)
        self.steps = 0
        self.state = self._look()
        self.rule.begin(scene, varied, self.state, self._seed or 0)
        self.layout.begin(scene)
        self.judge.begin(scene)
        self._verdict = self.judge(self.state)

    # Step --------------------------------------------------------------------------------------

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One action, ``1 / env.rate_hz`` seconds."""
        if self.simulation is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        self.driver.apply(action)
        self.simulation.step()
        self.driver.look()
        self.steps += 1
        self.state = self._look()
        self._verdict = verdict = self.judge(self.state)
        if self.render_mode == "human":
            self.render()
        ended = self._ended(verdict)
        return self._observe(), self._reward(verdict), ended, self._timed_out(), self._info(verdict)

    def _timed_out(self) -> bool:
        """Past the task's own limit, where Gymnasium's TimeLimit does not count."""
        counted = self.spec is not None and self.spec.max_episode_steps is not None
        return not counted and self.steps >= self.env.max_steps

    def _ended(self, verdict: Verdict) -> bool:
        return verdict.ended

    def _look(self) -> State:
        self._taken = None
        simulation = self.simulation
        assert simulation is not None
        held = -1 if simulation.grip is None else simulation.grip.held()
        return State(simulation.motion(), self.driver.tool, held, simulation.time_s)

    def _reward(self, verdict: Verdict) -> float:
        return verdict.reward

    def _observe(self) -> Observation:
        found: Observation = {**self._written(), **self._drawn()}
        if not self.pictures.state:
            return {key: found[key] for key in self._dict.spaces}
        return found

    def _written(self) -> dict[str, NDArray[np.float32]]:
        assert self.simulation is not None
        belts = self.simulation.stage.belts
        return self.layout.write(self.state, [belt.speed_m_s for belt in belts])

    def _drawn(self) -> Observation:
        if not self.pictures.boxes:
            return {}
        _, view, frame = self._shot()
        return self.pictures.write(frame, view)

    def _shot(self) -> tuple[Snapshot, View, Frame]:
        """The camera's picture of this moment, drawn once whoever asks for it."""
        if self._taken is None:
            assert self.simulation is not None
            snapshot = self.simulation.snapshot()
            view = snapshot.view(self.pictures.camera(self.scene))
            self._taken = snapshot, view, self.easel.draw(snapshot, view)
        return self._taken

    def _info(self, verdict: Verdict) -> dict[str, Any]:
        info: dict[str, Any] = {
            "is_success": verdict.success,
            "failure": verdict.failure,
            "terms": verdict.terms,
            "scene": self.scene.index,
            "tier": self.scene.tier,
            "time_s": self.state.time_s,
        }
        if self._labels:
            info["labels"] = label(*self._shot())
        return info

    # Pictures ----------------------------------------------------------------------------------

    def render(self) -> NDArray[np.uint8] | None:
        """The camera's picture (H, W, 3), or a window with it."""
        if self.render_mode is None or self.simulation is None:
            return None
        rgb = self._shot()[2].rgb
        if self.render_mode == "human":
            self.pictures.show(self.task.name, rgb)
            return None
        return rgb.copy()

    def close(self) -> None:
        """Give both engines back."""
        self.easel.close()
        self.pictures.close()
        if self.world is not None:
            self.world.close()
        self.world = self.simulation = None


def _render_modes() -> list[str]:
    return ["rgb_array", *(["human"] if has_display() else [])]


def _check_render_mode(mode: str | None) -> None:
    if mode not in (None, "rgb_array", "human"):
        raise InputError(f"no render_mode {mode!r}; there is rgb_array, human")
    if mode == "human" and not has_display():
        raise InputError("render_mode human needs a display, and there is none; use rgb_array")


class GoalEnv(TaskEnv):
    """The same environment with goals apart, for hindsight replay (HER).

    Observations are ``observation`` (all of the state in one row), ``achieved_goal`` and
    ``desired_goal``. The reward is ``compute_reward``'s: 0 where reached, else -1; shaped: minus
    the distance in tolerances. Failure does not end an episode: under a reward of -1 a step, an
    agent would learn to fail early.
    """

    def _space(self) -> spaces.Dict:
        size, goal = self.layout.flat_size, self.layout.boxes["goal"]
        high = np.concatenate(
            [box.high for key, box in self.layout.boxes.items() if key != "goal"]
        ).astype(np.float32)
        assert len(high) == size
        own = {
            "observation": spaces.Box(-high, high, dtype=np.float32),
            "achieved_goal": goal,
            "desired_goal": goal,
        }
        return spaces.Dict({**own, **self.pictures.boxes})

    def _observe(self) -> Observation:
        named = self._written()
        return {
            "observation": self.layout.flat(named),
            "achieved_goal": self._goal(self._verdict.achieved),
            "desired_goal": named["goal"],
            **self._drawn(),
        }

    def _reward(self, verdict: Verdict) -> float:
        achieved = self._goal(verdict.achieved)
        return float(self.compute_reward(achieved, self._goal(self.rule.desired), {}))

    def _ended(self, verdict: Verdict) -> bool:
        return bool(self._reached(verdict)) or verdict.failure == "wild"

    def _info(self, verdict: Verdict) -> dict[str, Any]:
        return {**super()._info(verdict), "is_success": self._reached(verdict)}

    def _reached(self, verdict: Verdict) -> bool:
        achieved, desired = self._goal(verdict.achieved), self._goal(self.rule.desired)
        return bool(self.rule.reached(achieved, desired))

    def _goal(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Goals as they are observed."""
        box = self.layout.boxes["goal"]
        return np.clip(values.astype(np.float32), box.low, box.high)

    def compute_reward(
        self, achieved_goal: NDArray[Any], desired_goal: NDArray[Any], info: Any
    ) -> Any:
        """What goals of any leading shape (..., 3 K) are worth, (...); ``info`` is not needed."""
        violation = self.rule.violation(
            np.asarray(achieved_goal, dtype=np.float32), np.asarray(desired_goal, dtype=np.float32)
        )
        if self.env.reward.kind == "shaped":
            return -violation.astype(np.float32)
        return (violation <= 1.0).astype(np.float32) - np.float32(1.0)

    def compute_terminated(
        self, achieved_goal: NDArray[Any], desired_goal: NDArray[Any], info: Any
    ) -> Any:
        """Whether goals are reached, (...)."""
        return self.rule.reached(np.asarray(achieved_goal), np.asarray(desired_goal))
