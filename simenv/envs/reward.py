"""What a state is worth: success, failure, and the named terms of the reward."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.envs.rules import Rule
from simenv.envs.state import State
from simenv.scene import Scene
from simenv.spec.environment import Reward

__all__ = ["Judge", "Verdict"]

NEAR_PER_M = 5.0  # slope of the shaped terms: half of a term is won within 11 cm
LYING_M = 0.01  # how far over the floor, beyond its own radius, the centre of a lost part may be
WILD_M_S = 20.0  # faster than anything in a cell: the solver has lost the part


@dataclass(frozen=True, eq=False)
class Verdict:
    """What one state is worth."""

    achieved: NDArray[np.float64]  # (3 K,)
    reached: bool  # the rule's points are where they should be
    success: bool  # and what must be let go is let go
    failure: str  # "", "lost", "wild"
    terms: dict[str, float]  # reach, grasp, goal, success: each 0..1
    reward: float

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return self.success or bool(self.failure)


class Judge:
    """Judges the states of one episode after another."""

    def __init__(self, reward: Reward, rule: Rule) -> None:
        self.reward, self.rule = reward, rule
        self._weights = {key: getattr(reward, key) for key in ("reach", "grasp", "goal", "success")}

    def begin(self, scene: Scene) -> None:
        """A new scene: where its parts are lost."""
        radii = np.array([scene.objects[b.object].diameter_m / 2 for b in scene.parts])
        self._lost_z = np.full(len(radii), -np.inf)
        if scene.floor_z_m is not None:
            on_floor = np.array([b.X_WB[2, 3] for b in scene.parts]) < scene.floor_z_m + 2 * radii
            low = scene.floor_z_m + radii + LYING_M
            self._lost_z = np.where(on_floor, -np.inf, low)

    def __call__(self, state: State) -> Verdict:
        """The verdict on a state."""
        achieved = self.rule.achieved(state)
        reached = bool(self.rule.reached(achieved, self.rule.desired))
        success = reached and self.rule.free(state)
        failure = "" if success else self._failure(state)
        terms = self._terms(state, success)
        if self.reward.kind == "sparse":
            reward = terms["success"]
        else:
            reward = sum(self._weights[name] * value for name, value in terms.items())
        return Verdict(achieved, reached, success, failure, terms, float(reward))

    def _failure(self, state: State) -> str:
        parts = state.parts
        fastest = np.abs(parts.linear).max(initial=0.0)
        if not fastest < WILD_M_S:  # NaN, too
            return "wild"
        # A part that a zone on the floor has taken in is not lost; the rule knows.
        lost = parts.com[:, 2] < self._lost_z  # (N,)
        return "lost" if lost.any() and self.rule.failed(lost, state) else ""

    def _terms(self, state: State, success: bool) -> dict[str, float]:
        row = self.rule.target(state)
        if row < 0:
            return {"reach": 1.0, "grasp": 0.0, "goal": 1.0, "success": float(success)}
        com = state.parts.com[row]
        to_part = math.dist(com, state.grip_W)
        to_goal = math.dist(com, self.rule.goal_W(state, row))
        return {
            "reach": 1.0 - math.tanh(NEAR_PER_M * to_part),
            "grasp": float(state.held == row),
            "goal": 1.0 - math.tanh(NEAR_PER_M * to_goal),
            "success": float(success),
        }
