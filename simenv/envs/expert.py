"""How a scripted expert solves each task: plans that say, step by step, where the gripper goes.

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
from simenv.compose.spawn import extreme_points
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
SUCK_M = 0.012  # close enough to suck: the lip comes down the rest of the way
CLOSE_STEPS = 14  # at most, until the fingers hold
HOLD_STEPS = 2  # more after they do
PATIENCE = 60  # steps over or down to a part before another one is chosen
ARC_RAD = 0.4  # ways that turn more than this about the base are arcs
DEEPER_M = 0.03  # how far the centre of a part may be under the lowest place of the gripper
SLOW_ZONE_M = 0.03  # over the place where it closes, the gripper goes down slowly
SLOW_M, FAST_M = 0.012, 0.05  # of a step there, and before
NEARER_M, ANEW_M, STUCK_STEPS = 0.001, 0.02, 12  # of coming nearer
CARRY_M = 0.03  # of a step while a part is held: a fast one tears it out
LOST_STEPS = 3  # in a row without contact: the part is lost
KEEP_M = 0.40  # from the base
TRIES = 6  # choices whose reach is looked at
AHEAD_S = 1.5  # a moving part is taken if it can still be reached after this
RELEASE_STEPS = 4
LOOK_STEPS = 5  # until it looks again for a part to take
RIM_M = 0.02  # between what is carried and a rim that it is carried over
DROP_M = 0.02  # over the support, where a part is let go


@dataclass(frozen=True)
class Interception:
    """How well a moving part was met, when the gripper closed."""

    error_m: (
        float  # between where the gripper was and where it should have been, in the part's frame
    )
    speed_m_s: float  # of the part


class Stuck:
    """Tells when a gripper has not come nearer to where it wants to be for a while."""

    def __init__(self) -> None:
        self._best, self._steps = np.inf, 0

    def __call__(self, p_W: NDArray[np.float64], goal_W: NDArray[np.float64]) -> bool:
        """Call once a step; a new goal far from the old one starts anew."""
        distance = float(np.linalg.norm(goal_W - p_W))
        if distance < self._best - NEARER_M or distance > self._best + ANEW_M:
            self._best, self._steps = distance, 0
            return False
        self._steps += 1
        if self._steps < STUCK_STEPS:
            return False
        self._best, self._steps = np.inf, 0
        return True


class Expert:
    """Acts in one environment; `begin` after each reset."""

    def __init__(self, env: TaskEnv) -> None:
        self.env = env
        self.interceptions: list[Interception] = []

    def begin(self) -> None:
        """A new episode."""
        rule = self.env.rule
        driver = self.env.driver
        self._reach = Reach(driver.model.chain, driver.model.home, starts=3)
        self._X_home = driver.X_WG.copy()
        self._missing = 0
        self._failed: set[int] = set()  # parts that could not be taken; others come first
        self._stuck = Stuck()
        self._X_RW = pose.inverse(driver.robot.robot.X_WR)
        self._plan = self._push() if isinstance(rule, PushedRule) else self._pick_and_place()

    def act(self) -> NDArray[np.float32]:
        """The action for the present state."""
        self._missing = 0 if self._state.held >= 0 else self._missing + 1
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
                for _ in range(LOOK_STEPS):
                    yield self._wait()
                continue
            yield from self._take(choice)
            if self._missing < LOST_STEPS:
                self._failed.clear()
                yield from self._bring(choice.row)
            else:
                self._failed.add(choice.row)

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
            return self._first_reached(
                fingers(scene, state, self.env.driver.model, rows, self._natural)
            )
        assert isinstance(gripper, Vacuum)
        clouds = np.concatenate([points_W(scene, state, row) for row in rows])
        low, high = clouds.min(axis=0), clouds.max(axis=0)
        assert self.env.simulation is not None
        found = suction(self.env.simulation, state, gripper, rows, low, high)
        return self._first_reached(found)

    def _first_reached(self, choices: list[Choice]) -> Choice | None:
        """The best choice that the arm can reach, now and where a belt takes the part."""
        for choice in choices[:TRIES]:
            ways = (self._X_WG(choice), self._X_WG(choice, ahead_s=AHEAD_S))
            if all(self._reaches(X_WG) and self._reaches(_raised(X_WG, ABOVE_M)) for X_WG in ways):
                return choice
        return None

    def _reaches(self, X_WG: Matrix) -> bool:
        near = self._state.tool.q
        return self._reach.solve(self._X_RW @ X_WG, near=near) is not None

    def _natural(self, p_W: NDArray[np.float64]) -> Matrix:
        """R_WG (3, 3) over a point with the wrist as it is at home: turned with the base joint."""
        base = self.env.driver.robot.robot.X_WR[:3, 3]
        (x0, y0), (x1, y1) = (self._X_home[:3, 3] - base)[:2], (p_W - base)[:2]
        turn = np.degrees(np.arctan2(y1, x1) - np.arctan2(y0, x0))
        return np.asarray(pose.from_rpy_deg((0.0, 0.0, turn))[:3, :3] @ self._X_home[:3, :3])

    def _around(self, p_W: NDArray[np.float64]) -> NDArray[np.float64]:
        """A next point on the way to ``p_W`` that keeps clear of the robot's own base.

        Far around the base the way is an arc: the straight one would lead over the base, where the
        arm cannot fold enough.
        """
        base = self.env.driver.robot.robot.X_WR[:2, 3]
        here, goal = self._state.grip_W[:2] - base, p_W[:2] - base
        a0, a1 = np.arctan2(here[1], here[0]), np.arctan2(goal[1], goal[0])
        turn = float((a1 - a0 + np.pi) % (2 * np.pi) - np.pi)
        if abs(turn) < ARC_RAD:
            return p_W
        r0, r1 = np.linalg.norm(here), np.linalg.norm(goal)
        radius = max(KEEP_M, r0 + (r1 - r0) * ARC_RAD / abs(turn))
        angle = a0 + np.copysign(ARC_RAD, turn)
        x, y = base + radius * np.array([np.cos(angle), np.sin(angle)])
        return np.array([x, y, p_W[2]])

    def _wanted(self) -> list[int]:
        """Parts that are to be moved next and can be reached."""
        rule, state = self.env.rule, self._state
        if isinstance(rule, PlacedRule | SortedRule):
            rows = [int(row) for row in rule.rows if not rule.inside(state, int(row))]
        else:
            rows = [rule.target(state)]
        allowed = [row for row in rows if self._allowed(row)]
        return [row for row in allowed if row not in self._failed] or allowed

    def _allowed(self, row: int) -> bool:
        """Whether the gripper may go where the part is and will be."""
        control, parts = self.env.driver.control, self._state.parts
        return all(
            _in_box(parts.com[row] + parts.linear[row] * ahead_s, control.low_m, control.high_m)
            for ahead_s in (0.0, AHEAD_S)
        )

    def _X_WG(self, choice: Choice, *, ahead_s: float = 0.0) -> Matrix:
        """Where the gripper should be to be at the part, now or in a moment."""
        parts, row = self._state.parts, choice.row
        p_WB = parts.p_WB[row] + parts.linear[row] * ahead_s
        return pose.pose(parts.R_WB[row], p_WB) @ choice.X_BG

    def _next(self, choice: Choice) -> Matrix:
        """Where it should be at the end of the step."""
        return self._X_WG(choice, ahead_s=self._step_s)

    def _take(self, choice: Choice) -> Plan:
        """Over the part, down, close, up; give up where it does not work out."""
        for _ in range(PATIENCE):
            over = _raised(self._X_WG(choice), ABOVE_M)
            if self._off(over) < NEAR_M and self._turned(over) < NEAR_RAD:
                break
            if self._stuck(self._state.grip_W, over[:3, 3]):
                return
            yield self._safely(_raised(self._next(choice), ABOVE_M)), choice.width or 1.0
        else:
            return
        for _ in range(PATIENCE):
            off = self._off(self._X_WG(choice))
            if off < (SUCK_M if choice.width == 0.0 else AT_M):
                break
            if self._stuck(self._state.grip_W, self._X_WG(choice)[:3, 3]):
                return
            yield self._gently(self._next(choice)), choice.width or 1.0
        else:
            return
        if choice.width == 0.0:
            yield from self._suck(choice)
        else:
            yield from self._close(choice)

    def _gently(self, X_WG: Matrix) -> Matrix:
        """The last way down is slow: an arm in full swing does not stop at once."""
        down = self._state.grip_W[2] - X_WG[2, 3]
        step = FAST_M if down > SLOW_ZONE_M + FAST_M else SLOW_M
        return _at_height(X_WG, self._state.grip_W[2] - min(down, step)) if down > 0 else X_WG

    def _suck(self, choice: Choice) -> Plan:
        for k in range(CLOSE_STEPS):
            if self._state.held >= 0:
                self._note(choice)
                break
            # A little further each step: the lip must come to the surface.
            yield _raised(self._next(choice), -0.0005 * k), 0.0
        yield from self._lift(0.0)

    def _close(self, choice: Choice) -> Plan:
        self._note(choice)
        held = 0
        for _ in range(CLOSE_STEPS):
            yield self._next(choice), 0.0
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
            X_WG = _at_height(X_WG, max(X_WG[2, 3], min(here[2], X_WG[2, 3] + 0.1)))
        # The wrist turns with the base joint, so that it is not twisted on the way.
        X_WG = X_WG.copy()
        X_WG[:3, 3] = self._around(goal := X_WG[:3, 3].copy())
        X_WG[:3, :3] = self._natural(here) @ self._natural(goal).T @ X_WG[:3, :3]
        return X_WG

    # Placing -----------------------------------------------------------------------------------

    def _bring(self, row: int) -> Plan:
        rule = self.env.rule
        if isinstance(rule, PlacedRule | SortedRule):
            yield from self._bring_to_zone(row)
        elif isinstance(rule, StackedRule):
            yield from self._bring_onto(row)
        else:
            while self._missing < LOST_STEPS:
                yield self._shifted(rule.goal_W(self._state, row) - self._state.parts.com[row]), 0.0

    def _shifted(self, move: NDArray[np.float64]) -> Matrix:
        X_WG = self.env.driver.X_WG.copy()
        way = self._around(self._state.grip_W + move) - self._state.grip_W
        way = way / max(1.0, float(np.linalg.norm(way)) / CARRY_M)
        X_WG[:3, 3] = self._state.grip_W + way
        if self.env.driver.control.rotation != "none":
            X_WG[:3, :3] = self._natural(self._state.grip_W)
        return X_WG

    def _lowest(self, row: int) -> float:
        """World z of the part's lowest corner."""
        return float(points_W(self.env.scene, self._state, row)[:, 2].min())

    def _bring_to_zone(self, row: int) -> Plan:
        """Up, across, down to a free spot of the zone, and let go."""
        rule = self.env.rule
        assert isinstance(rule, PlacedRule | SortedRule)
        spot = self._spot(row)
        over = self._clear_z()
        for _ in range(PATIENCE):
            if self._missing >= LOST_STEPS:
                break
            move = spot - self._state.parts.com[row]
            clear = over - self._lowest(row)
            far = np.linalg.norm(move[:2]) > 0.015
            if far and clear > 0.01:
                # Up first; across only as far as it is clear already.
                move = np.array([*(move[:2] * (clear < 0.02)), clear])
            elif far:
                move = np.array([*move[:2], clear])
            else:
                down = spot[2] + DROP_M - self._lowest(row)
                if down > -0.01 or self._at_bottom():
                    break
                move = np.array([*move[:2], max(down, -0.05)])
            yield self._shifted(move), 0.0
        yield from self._release()

    def _clear_z(self) -> float:
        """World z over the rims of all bins: what is carried higher than this hits none."""
        scene = self.env.scene
        bins = [body for body in scene.bodies if body.group == "bins"]
        tops = [
            (extreme_points(scene.objects[body.object]) @ body.X_WB[2, :3]).max() + body.X_WB[2, 3]
            for body in bins
        ]
        return float(max(tops, default=self._state.grip_W[2])) + RIM_M

    def _at_bottom(self) -> bool:
        """Whether the gripper may go no lower."""
        low = self.env.driver.control.low_m
        return low is not None and self._state.grip_W[2] < low[2] + 0.003

    def _spot(self, row: int) -> NDArray[np.float64]:
        """(3,) on the zone's plane: the place that is farthest from all other parts there."""
        rule = self.env.rule
        assert isinstance(rule, PlacedRule | SortedRule)
        X_WZ, (x, y) = rule.frame_W(row), rule.size_m(row)
        radius = self.env.scene.objects[self.env.scene.parts[row].object].diameter_m / 2
        half = np.maximum(np.array([x, y]) / 2 - radius - 0.01, 0.0)
        spots = np.array([(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1))]) * half
        spots_W = pose.apply(X_WZ, np.column_stack([spots, np.zeros(len(spots))]))
        others = np.delete(self._state.parts.com, row, axis=0)
        gaps = np.linalg.norm(spots_W[:, None, :2] - others[None, :, :2], axis=2)
        best = np.argmax(np.minimum(gaps.min(axis=1, initial=np.inf), 2 * radius + 0.02))
        return np.asarray(spots_W[best])

    def _bring_onto(self, row: int) -> Plan:
        rule = self.env.rule
        while self._missing < LOST_STEPS:
            move = rule.goal_W(self._state, row) - self._state.parts.com[row]
            far = np.linalg.norm(move[:2]) > 0.008
            if far:
                yield self._shifted(np.array([*move[:2], max(move[2] + 0.05, 0.0)])), 0.0
            elif move[2] > -0.004:
                break
            else:
                yield self._shifted(np.array([*move[:2], max(move[2] + 0.001, -0.03)])), 0.0
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
    """Whether the gripper may go to the point, or over one a little lower."""
    above = low is None or bool((p >= np.array(low) - (0.0, 0.0, DEEPER_M)).all())
    return above and (high is None or bool((p[:2] <= np.array(high[:2])).all()))
