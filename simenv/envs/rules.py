"""What success means: which points are to come where, for each kind of `success:`.

Every rule speaks of K pairs of points. ``achieved`` says where K points are, ``desired`` where they
should be; it is reached when each pair agrees within a tolerance that is one for the whole task. So
one vectorised comparison serves `compute_reward`, and hindsight relabelling works for all rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.domain.stream import stream
from simenv.envs.state import State
from simenv.scene import Scene
from simenv.spec.environment import Carried, Placed, Pushed, Sorted, Stacked
from simenv.spec.load import Task
from simenv.spec.task import TaskSpec, Zone

__all__ = ["Rule", "rule_of"]

Floats = NDArray[np.float64]

STILL_M_S = 0.05  # a part that is let go and slower than this counts as put down
ON_TOP_M = 0.01  # how exactly the height of a stack must be right
SLACK_M = 0.01  # how far below a zone's plane the centre of a part may be
DRAWS = 64  # tries to find a point at the wanted distance; then the last one is taken


class Rule(ABC):
    """One kind of success, for one task; `begin` makes it ready for a scene."""

    tolerance: Floats  # (3 K,) metres; a pair agrees where no axis, or no distance, is beyond it
    round: bool = False  # whether the tolerance is a ball's radius rather than a box's half

    def __init__(self, task: Task) -> None:
        self.task = task
        self.actors = self._spec(task).actors
        self.desired: Floats = np.zeros(0)  # (3 K,) of this scene

    @staticmethod
    def _spec(task: Task) -> Carried | Pushed | Placed | Sorted | Stacked:
        assert task.spec.success is not None
        return task.spec.success.rule

    def begin(self, scene: Scene, spec: TaskSpec, state: State, seed: int) -> None:
        """A new scene: ``spec`` is the task as its sample has it."""
        self.scene, self.spec = scene, spec
        self.rows = np.array(
            [row for row, body in enumerate(scene.parts) if body.group == self.actors], dtype=int
        )
        self.start = state.parts.com.copy()
        self._rng = stream(seed, scene.index, "success", scene.attempt)
        self._begin(state)

    @abstractmethod
    def _begin(self, state: State) -> None:
        """Set ``desired``."""

    @abstractmethod
    def achieved(self, state: State) -> Floats:
        """(3 K,) where the points are."""

    @abstractmethod
    def target(self, state: State) -> int:
        """Row of the part that matters next; -1 where none is left."""

    @abstractmethod
    def goal_W(self, state: State, row: int) -> Floats:
        """(3,) where the centre of the part of ``row`` should go, in the world."""

    def free(self, state: State) -> bool:
        """Whether what must be let go is let go, and rests."""
        return True

    def failed(self, lost: NDArray[np.bool_], state: State) -> bool:
        """Whether success is out of reach, for the parts that lie on the floor (N,)."""
        return bool(lost[self.rows].any())

    def violation(self, achieved: NDArray[Any], desired: NDArray[Any]) -> NDArray[Any]:
        """(...) how far the worst pair is off, in tolerances, for (..., 3 K); 1 is the edge."""
        error = np.abs(achieved - desired) / self.tolerance
        if not self.round:
            return np.asarray(error.max(axis=-1))
        pairs = error.reshape(*error.shape[:-1], -1, 3)
        return np.asarray(np.sqrt((pairs * pairs).sum(axis=-1)).max(axis=-1))

    def reached(self, achieved: NDArray[Any], desired: NDArray[Any]) -> NDArray[np.bool_]:
        """(...) whether all pairs agree, for goals of any leading shape (..., 3 K)."""
        return np.asarray(self.violation(achieved, desired) <= 1.0)

    def _point_in(self, zone: Zone, height_m: float) -> Floats:
        """A random point of the zone, so far over its plane."""
        x, y = (self._rng.random(2) - 0.5) * zone.size_m
        return _zone_pose(zone)[:3] @ (x, y, height_m, 1.0)


class CarriedRule(Rule):
    """The first part of the group, to a point in the air."""

    round = True

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.own = self._spec(task)
        assert isinstance(self.own, Carried | Pushed)
        self.tolerance = np.full(3, self.own.tolerance_m)

    def _begin(self, state: State) -> None:
        assert isinstance(self.own, Carried)
        low, high = self.own.height_m
        zone = self.spec.scene.zones[self.own.zone]
        self.desired = self._point_in(zone, low + (high - low) * float(self._rng.random()))

    def achieved(self, state: State) -> Floats:
        return np.asarray(state.parts.com[self.rows[0]])

    def target(self, state: State) -> int:
        return int(self.rows[0])

    def goal_W(self, state: State, row: int) -> Floats:
        return self.desired


class PushedRule(CarriedRule):
    """The first part of the group, along its support to a point."""

    def _begin(self, state: State) -> None:
        assert isinstance(self.own, Pushed)
        start = self.start[self.rows[0]]
        zone = self.spec.scene.zones[self.own.zone]
        least, most = self.own.distance_m
        for _ in range(DRAWS):
            self.desired = self._point_in(zone, 0.0)
            self.desired[2] = start[2]
            if least <= np.linalg.norm(self.desired - start) <= most:
                break


class _ZoneRule(Rule):
    """Parts into zones; points are in the zone's own frame, so that its yaw does not matter."""

    height_m: float

    def _zone_of(self, row: int) -> str:
        raise NotImplementedError

    def _prepare(self, state: State) -> None:
        names = {int(row): self._zone_of(int(row)) for row in self.rows}
        X_WZ = {name: _zone_pose(self.spec.scene.zones[name]) for name in set(names.values())}
        self._X_WZ = {row: X_WZ[name] for row, name in names.items()}
        self._X_ZW = {row: pose.inverse(X) for row, X in self._X_WZ.items()}

    def _in_zone(self, state: State, row: int) -> Floats:
        """(3,) centre of the part in the frame of its zone."""
        X_ZW = self._X_ZW[row]
        return np.asarray(X_ZW[:3, :3] @ state.parts.com[row] + X_ZW[:3, 3])

    def _tolerance(self, zone: str) -> Floats:
        x, y = self.task.spec.scene.zones[zone].size_m
        return np.array([x / 2, y / 2, self.height_m / 2 + SLACK_M])

    def inside(self, state: State, row: int) -> bool:
        """Whether a part is in its zone."""
        return self._off(state, row) <= 1.0

    def frame_W(self, row: int) -> pose.Matrix:
        """X_WZ (4, 4) of the part's zone."""
        return self._X_WZ[row]

    def size_m(self, row: int) -> tuple[float, float]:
        """Of the part's zone."""
        return self.task.spec.scene.zones[self._zone_of(row)].size_m

    def _off(self, state: State, row: int) -> float:
        """How far a part is from being inside, in tolerances of its own zone."""
        middle = (0.0, 0.0, self.height_m / 2)
        error = np.abs(self._in_zone(state, row) - middle)
        return float((error / self.tolerance[:3]).max())

    def goal_W(self, state: State, row: int) -> Floats:
        return np.asarray(self._X_WZ[row][:3, 3] + (0, 0, self.height_m / 2))

    def target(self, state: State) -> int:
        if state.held in self.rows:
            return state.held
        left = [int(row) for row in self.rows if not self.inside(state, int(row))]
        distance = np.linalg.norm(state.parts.com[left] - state.grip_W, axis=1)
        return left[int(np.argmin(distance))] if left else -1

    def failed(self, lost: NDArray[np.bool_], state: State) -> bool:
        return bool(self._outside(lost, state).any())

    def _outside(self, lost: NDArray[np.bool_], state: State) -> NDArray[np.bool_]:
        """Which parts of the group lie on the floor outside their zone, which may be there, too."""
        out = [lost[row] and not self.inside(state, int(row)) for row in self.rows]
        return np.array(out, dtype=np.bool_)

    def _put_down(self, state: State, rows: list[int]) -> bool:
        slow = np.linalg.norm(state.parts.linear[rows], axis=1) < STILL_M_S
        return state.held not in rows and bool(slow.all())


class PlacedRule(_ZoneRule):
    """Any part of the group, or all of them, into one zone."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        own = self._spec(task)
        assert isinstance(own, Placed)
        self.own, self.height_m = own, own.height_m
        self.tolerance = self._tolerance(own.zone)

    def _zone_of(self, row: int) -> str:
        return self.own.zone

    def _begin(self, state: State) -> None:
        self._prepare(state)
        self.desired = np.array([0.0, 0.0, self.height_m / 2])

    def _row(self, state: State) -> int:
        """Any: the part that is nearest to inside; all: the one that is farthest."""
        pick = min if self.own.which == "any" else max
        return int(pick(self.rows, key=lambda row: self._off(state, int(row))))

    def achieved(self, state: State) -> Floats:
        if not len(self.rows):
            return np.full(3, np.inf)
        return self._in_zone(state, self._row(state))

    def free(self, state: State) -> bool:
        inside = [int(row) for row in self.rows if self.inside(state, int(row))]
        if self.own.which == "all":
            return self._put_down(state, inside)
        return any(self._put_down(state, [row]) for row in inside)

    def failed(self, lost: NDArray[np.bool_], state: State) -> bool:
        own = self._outside(lost, state)
        return bool(own.all() if self.own.which == "any" else own.any())


class SortedRule(_ZoneRule):
    """Every part of the group into the zone of its class; pairs of parts that lack are agreed."""

    def __init__(self, task: Task, most: int) -> None:
        super().__init__(task)
        own = self._spec(task)
        assert isinstance(own, Sorted)
        self.own, self.height_m, self._most = own, own.height_m, most
        # Which part has which class differs from scene to scene; the tolerance must not.
        boxes = np.array([self._tolerance(zone) for zone in own.into.values()])
        self.tolerance = np.tile(boxes.min(axis=0), most)

    def _zone_of(self, row: int) -> str:
        body = self.scene.parts[row]
        return self.own.into[self.scene.objects[body.object].spec.class_]

    def _begin(self, state: State) -> None:
        self._prepare(state)
        self.desired = np.tile([0.0, 0.0, self.height_m / 2], self._most)

    def achieved(self, state: State) -> Floats:
        found = self.desired.copy()
        for k, row in enumerate(self.rows):
            found[3 * k : 3 * k + 3] = self._in_zone(state, int(row))
        return found

    def free(self, state: State) -> bool:
        return self._put_down(state, self.rows.tolist())


class StackedRule(Rule):
    """Part k on part k - 1, for all of the group."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        own = self._spec(task)
        assert isinstance(own, Stacked)
        count = task.spec.actors[own.actors].count
        self.tolerance = np.tile([own.tolerance_m, own.tolerance_m, ON_TOP_M], count - 1)

    def _begin(self, state: State) -> None:
        zone = self.spec.scene.zones[self.spec.actors[self.actors].spawn.zone]
        self.half = self.start[self.rows, 2] - zone.center[2]  # of centres over what they stand on
        lifts = self.half[:-1] + self.half[1:]
        self.desired = np.column_stack([np.zeros((len(lifts), 2)), lifts]).ravel()

    def achieved(self, state: State) -> Floats:
        return np.asarray(np.diff(state.parts.com[self.rows], axis=0).ravel())

    def _level(self, state: State) -> int:
        """How many pairs stand, counted from below."""
        error = np.abs(self.achieved(state) - self.desired) / self.tolerance
        wrong = np.flatnonzero(error.reshape(-1, 3).max(axis=1) > 1.0)
        return int(wrong[0]) if len(wrong) else len(self.rows) - 1

    def target(self, state: State) -> int:
        if state.held in self.rows:
            return state.held
        return int(self.rows[min(self._level(state) + 1, len(self.rows) - 1)])

    def goal_W(self, state: State, row: int) -> Floats:
        k = int(np.flatnonzero(self.rows == row)[0])
        if k == 0:
            return np.asarray(state.parts.com[row])
        below = state.parts.com[self.rows[k - 1]]
        return np.asarray(below + self.desired[3 * k - 3 : 3 * k])

    def free(self, state: State) -> bool:
        slow = np.linalg.norm(state.parts.linear[self.rows], axis=1) < STILL_M_S
        return state.held not in self.rows and bool(slow.all())


def _zone_pose(zone: Zone) -> pose.Matrix:
    """X_WZ (4, 4): the middle of the zone, z up."""
    return pose.from_rpy_deg((0.0, 0.0, zone.yaw_deg), zone.center)


def rule_of(task: Task, most: int) -> Rule:
    """The rule of the task's `success:`; ``most`` is how many parts its group can have."""
    spec = task.spec.success
    assert spec is not None
    if isinstance(spec.rule, Sorted):
        return SortedRule(task, most)
    kinds: dict[type, type[Rule]] = {
        Carried: CarriedRule,
        Pushed: PushedRule,
        Placed: PlacedRule,
        Stacked: StackedRule,
    }
    return kinds[type(spec.rule)](task)
