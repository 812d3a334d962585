"""How a scripted expert solves each task: plans that say, step by step, where the gripper should be.

A plan is a generator: it looks at the environment's present state and yields the pose X_WG and the
width (0 closed or sucking, 1 open) that it wants by the end of the step. The environment's own
controller turns that into an action, so that a demonstration holds nothing an agent could not do.
Parts are followed in their own frames: a belt only adds its speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.envs.choose import Choice, fingers, points_W, suction
from simenv.envs.env import TaskEnv
from simenv.envs.rules import PlacedRule, PushedRule, SortedRule, StackedRule
from simenv.envs.state import State
from simenv.kinematics import Reach
from simenv.pose import Matrix
from simenv.spec.robot import Jaw, Vacuum

__all__ = ["Expert", "Interception"]

Step = tuple[Matrix, float]  # X_WG, width
Plan = Iterator[Step]

ABOVE_M = 0.09  # over the part, before going down and after closing
NEAR_M, NEAR_RAD = 0.012, 0.12  # close enough over the part to go down
AT_M = 0.004  # close enough to close
CLOSE_STEPS = 14  # at most, until the fingers hold
HOLD_STEPS = 2  # more after they do
PATIENCE = 60  # steps over or down to a part before another one is chosen
AHEAD_S = 1.5  # a moving part is taken if it can still be reached after this
RELEASE_STEPS = 5
DROP_M = 0.02  # over the support, where a part is let go


@dataclass(frozen=True)
class Interception:
    """How well a moving part was met, when the gripper closed."""

    error_m: float  # between where the gripper was and where it should have been, in the part's frame
    speed_m_s: float  # of the part


class Expert:
    """Acts in one environment; `begin` after each reset."""

    def __init__(self, env: TaskEnv) -> None:
        self.env = env
        self.interceptions: list[Interception] = []

    def begin(self) -> None:
        """A new episode."""
        rule = self.env.rule
        driver = self.env.driver
        chain, home = driver.model.chain, driver.tool.q.copy()
        self._reach = Reach(chain, home, starts=1)
        self._X_RW = pose.inverse(driver.robot.robot.X_WR)
        self._plan = self._push() if isinstance(rule, PushedRule) else self._pick_and_place()

    def act(self) -> NDArray[np.float32]:
        """The action for the present state."""
        X_WG, width = next(self._plan)
        return self.env.driver.encode(X_WG, width)

    @property
    def _state(self) -> State:
        return self.env.state

    @property
    def _step_s(self) -> float:
        return self.env.driver.step_s

    # Picking -----------------------------------------------------------------------------------

    def _pick_and_place(self) -> Plan:
        while True:
            choice = self._choose()
            if choice is None:
                yield self._wait()
                continue
            yield from self._take(choice)
            if self._state.held == choice.row:
                yield from self._bring(choice.row)

    def _wait(self) -> Step:
        """Stay, above everything, with the gripper open."""
        return self.env.driver.X_WG, 1.0

    def _choose(self) -> Choice | None:
        rows = self._wanted()
        if not rows:
            return None
        gripper = self.env.driver.model.gripper
        state, scene = self._state, self.env.scene
        if isinstance(gripper, Jaw):
            return fingers(scene, state, gripper, rows)
        assert isinstance(gripper, Vacuum)
        clouds = np.concatenate([points_W(scene, state, row) for row in rows])
        low, high = clouds.min(axis=0), clouds.max(axis=0)
        assert self.env.simulation is not None
        found = suction(self.env.simulation, state, gripper, rows, low, high)
        return found[0] if found else None

    def _wanted(self) -> list[int]:
        """Parts that are to be moved next and can be reached."""
        rule, state = self.env.rule, self._state
        if isinstance(rule, PlacedRule | SortedRule):
            rows = [int(row) for row in rule.rows if not rule.inside(state, int(row))]
        else:
            rows = [rule.target(state)]
        return [row for row in rows if self._reachable(row)]

    def _reachable(self, row: int) -> bool:
        """Whether the gripper, as it is turned now, can be at the part, and at where it goes."""
        state, driver = self._state, self.env.driver
        now, speed = state.parts.com[row], state.parts.linear[row]
        if not _in_box(now, driver.control.low_m, driver.control.high_m):
            return False
        X_WG = state.tool.X_WG.copy()
        for ahead_s in (0.0, AHEAD_S):
            X_WG[:3, 3] = now + speed * ahead_s
            if self._reach.solve(self._X_RW @ X_WG, near=state.tool.q) is None:
                return False
        return True

    def _X_WG(self, choice: Choice) -> Matrix:
        """Where the gripper should be at the end of the step to be at the part then."""
        parts, row = self._state.parts, choice.row
        ahead = parts.p_WB[row] + parts.linear[row] * self._step_s
        return pose.pose(parts.R_WB[row], ahead) @ choice.X_BG

    def _take(self, choice: Choice) -> Plan:
        """Over the part, down, close, up; give up where it does not work out."""
        for _ in range(PATIENCE):
            X_WG = self._X_WG(choice)
            over = _raised(X_WG, ABOVE_M)
            if self._off(over) < NEAR_M and self._turned(over) < NEAR_RAD:
                break
            yield self._safely(over), choice.width or 1.0
        else:
            return
        for _ in range(PATIENCE):
            X_WG = self._X_WG(choice)
            if self._off(X_WG) < AT_M:
                break
            yield X_WG, choice.width or 1.0
            if choice.width == 0.0 and self._off(X_WG) < 0.015:
                break
        if choice.width == 0.0:
            yield from self._suck(choice)
        else:
            yield from self._close(choice)

    def _suck(self, choice: Choice) -> Plan:
        for k in range(CLOSE_STEPS):
            X_WG = self._X_WG(choice)
            if self._state.held >= 0:
                break
            # A little further each step: the lip must come to the surface.
            yield _raised(X_WG, -0.0005 * k), 0.0
        self._note(choice)
        yield from self._lift(0.0)

    def _close(self, choice: Choice) -> Plan:
        self._note(choice)
        held = 0
        for _ in range(CLOSE_STEPS):
            yield self._X_WG(choice), 0.0
            held = held + 1 if self._state.held == choice.row else 0
            if held > HOLD_STEPS:
                break
        yield from self._lift(0.0)

    def _note(self, choice: Choice) -> None:
        speed = float(np.linalg.norm(self._state.parts.linear[choice.row]))
        parts, row = self._state.parts, choice.row
        X_WG = pose.pose(parts.R_WB[row], parts.p_WB[row]) @ choice.X_BG
        error = float(np.linalg.norm((X_WG - self._state.tool.X_WG)[:3, 3]))
        self.interceptions.append(Interception(error, speed))

    def _lift(self, width: float) -> Plan:
        start = self.env.driver.X_WG.copy()
        top = start[2, 3] + ABOVE_M
        while self.env.driver.X_WG[2, 3] < top - 0.01:
            yield _at_height(start, min(top, self.env.driver.X_WG[2, 3] + 0.03)), width
            if self.env.driver.control.high_m and top > self.env.driver.control.high_m[2]:
                return

    def _safely(self, X_WG: Matrix) -> Matrix:
        """Stay high until over the place: no sideways sweep through other parts."""
        here = self._state.grip_W
        if np.linalg.norm((X_WG[:3, 3] - here)[:2]) > 0.06:
            return _at_height(X_WG, max(X_WG[2, 3], min(here[2], X_WG[2, 3] + 0.1)))
        return X_WG

    # Placing -----------------------------------------------------------------------------------

    def _bring(self, row: int) -> Plan:
        rule = self.env.rule
        if isinstance(rule, PlacedRule | SortedRule):
            yield from self._bring_to_zone(row)
        elif isinstance(rule, StackedRule):
            yield from self._bring_onto(row)
        else:
            while self._state.held == row:
                yield self._shifted(rule.goal_W(self._state, row) - self._state.parts.com[row]), 0.0

    def _shifted(self, move: NDArray[np.float64]) -> Matrix:
        X_WG = self.env.driver.X_WG.copy()
        X_WG[:3, 3] = self._state.grip_W + move
        return X_WG

    def _lowest(self, row: int) -> float:
        """World z of the part's lowest corner."""
        return float(points_W(self.env.scene, self._state, row)[:, 2].min())

    def _bring_to_zone(self, row: int) -> Plan:
        rule = self.env.rule
        assert isinstance(rule, PlacedRule | SortedRule)
        while self._state.held == row:
            move = rule.plane_W(row) - self._state.parts.com[row]
            clear = rule.plane_W(row)[2] + rule.height_m + 0.02 - self._lowest(row)
            far = np.linalg.norm(move[:2]) > 0.03
            # Up first, then across, then down.
            if far and clear > 0.01:
                yield self._shifted(np.array([*(0.3 * move[:2] * (clear < 0.05)), clear])), 0.0
            elif far:
                yield self._shifted(np.array([*move[:2], clear])), 0.0
            else:
                down = rule.plane_W(row)[2] + DROP_M - self._lowest(row)
                if down > -0.01 or rule.inside(self._state, row):
                    break
                yield self._shifted(np.array([*move[:2], max(down, -0.05)])), 0.0
        yield from self._release()

    def _bring_onto(self, row: int) -> Plan:
        rule = self.env.rule
        state = self._state
        while self._state.held == row:
            move = rule.goal_W(self._state, row) - self._state.parts.com[row]
            far = np.linalg.norm(move[:2]) > 0.008
            if far:
                yield self._shifted(np.array([*move[:2], max(move[2] + 0.05, 0.0)])), 0.0
            elif move[2] > -0.004:
                break
            else:
                yield self._shifted(np.array([*move[:2], max(move[2] + 0.001, -0.03)])), 0.0
        del state
        yield from self._release()

    def _release(self) -> Plan:
        start = self.env.driver.X_WG.copy()
        for _ in range(RELEASE_STEPS):
            yield start, 1.0
        yield from self._lift(1.0)

    # Pushing -----------------------------------------------------------------------------------

    def _push(self) -> Plan:
        rule = self.env.rule
        while True:
            state = self._state
            row = rule.target(state)
            com, goal = state.parts.com[row][:2], rule.goal_W(state, row)[:2]
            way = goal - com
            direction = way / max(float(np.linalg.norm(way)), 1e-9)
            radius = self._radius(row, direction)
            here = state.grip_W[:2]
            behind = com - direction * (radius + 0.035)
            aside = np.array([-direction[1], direction[0]])
            u, v = float((here - com) @ direction), float((here - com) @ aside)
            if u < -radius * 0.5 and abs(v) < 0.012:
                # In contact or about to be: go on along the line, a little at a time.
                step = min(0.04, float(np.linalg.norm(way)) + 0.01)
                wanted = here + direction * step - aside * v
            elif u < -(radius + 0.015) or abs(v) > radius + 0.04:
                wanted = behind
            else:  # around the part, on the nearer side
                side = 1.0 if v >= 0 else -1.0
                wanted = here + aside * side * 0.05 - direction * 0.02
            X_WG = self.env.driver.X_WG.copy()
            X_WG[:2, 3] = wanted
            yield X_WG, 0.0

    def _radius(self, row: int, direction: NDArray[np.float64]) -> float:
        """How far the part reaches against the direction of the push."""
        own = points_W(self.env.scene, self._state, row)[:, :2] - self._state.parts.com[row][:2]
        return float((own @ -direction).max())

    # Distances ---------------------------------------------------------------------------------

    def _off(self, X_WG: Matrix) -> float:
        return float(np.linalg.norm(X_WG[:3, 3] - self._state.grip_W))

    def _turned(self, X_WG: Matrix) -> float:
        R = X_WG[:3, :3] @ self._state.tool.X_WG[:3, :3].T
        return float(np.linalg.norm(pose.rotation_vector(R)))


def _raised(X_WG: Matrix, height_m: float) -> Matrix:
    X = X_WG.copy()
    X[2, 3] += height_m
    return X


def _at_height(X_WG: Matrix, z: float) -> Matrix:
    X = X_WG.copy()
    X[2, 3] = z
    return X


def _in_box(
    p: NDArray[np.float64],
    low: tuple[float, float, float] | None,
    high: tuple[float, float, float] | None,
) -> bool:
    """Whether the gripper may go over the point."""
    above = low is None or bool((p[:2] >= np.array(low[:2])).all())
    return above and (high is None or bool((p[:2] <= np.array(high[:2])).all()))
