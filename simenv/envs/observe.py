"""What an agent sees: named, flat, finite boxes of float32, and pictures of uint8.

| key | shape | what |
|---|---|---|
| robot | (17 + 2 n) | gripper: position 3, axes x, y 6, velocity 6, width, holds; joints q, speed |
| objects | (N D) | each part, in order: position 3, axes x and y 6, velocity 6, class one-hot |
| mask | (N) | 1 for a part that is there, 0 for an empty row of ``objects`` |
| goal | (3 K) | where the points of the task's rule should be |
| scene | (B) | speeds of the belts, m/s; only where there are belts |

Positions are in the world, metres; axes are the first two columns of R (a continuous description of
a rotation: Zhou et al. 2019). ``objects.reshape(N, D)`` gives one row a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simenv.envs.rules import Rule
from simenv.envs.state import State
from simenv.scene import Scene
from simenv.spec.load import Task
from simenv.spec.reach import reach

__all__ = ["Layout", "most_parts"]

REACH_M = 10.0  # bounds of positions; what is beyond (a part that fell for seconds) is cut off
FAST = 100.0  # bounds of velocities, m/s and rad/s
TURNS = 20.0  # bounds of joint positions, rad or m
ROBOT = 17  # numbers of the gripper, before the joints
PART = 15  # numbers of a part, before its class


def most_parts(task: Task, group: str | None = None) -> int:
    """How many parts a scene can have, in all tiers, on any day; of one group, if given."""
    groups = task.spec.actors if group is None else (group,)
    return sum(_most(task, name) for name in groups)


def _most(task: Task, group: str) -> int:
    path, highest = f"actors.{group}.count", task.spec.actors[group].count
    axis = task.spec.domain.get(path)
    drawn = [] if axis is None else [axis, *axis.edge.values()]
    drawn += [case.set[path] for case in task.spec.edge_cases.values() if path in case.set]
    for own in drawn:
        if own.integers is not None:
            highest = max(highest, own.integers[1])
        if isinstance(own.choice, tuple):
            highest = max(highest, *(int(value) for value in own.choice))
    if path in task.axes:  # the timeline may move it
        highest = max(highest, *(value for _, value in reach(task.spec, path, task.axes[path])))
    return highest


class Layout:
    """The observation space of a task, and how a state is written into it."""

    def __init__(self, task: Task, rule: Rule, joints: int, goal_size: int) -> None:
        self.most, self.rule = most_parts(task), rule
        self.classes = sorted({model.spec.class_ for model in task.objects.values()})
        self.part_size = PART + (len(self.classes) if len(self.classes) > 1 else 0)
        highs = {
            "robot": np.concatenate(
                [
                    np.full(3, REACH_M),
                    np.ones(6),
                    np.full(6, FAST),
                    np.ones(2),
                    np.full(joints, TURNS),
                    np.full(joints, FAST),
                ]
            ),
            "objects": np.tile(self._part_high(), self.most),
            "goal": np.full(goal_size, REACH_M),
        }
        self.boxes = {name: _box(high) for name, high in highs.items()}
        self.boxes["mask"] = spaces.Box(0.0, 1.0, (self.most,), np.float32)
        if task.spec.scene.belts:
            self.boxes["scene"] = _box(np.full(len(task.spec.scene.belts), REACH_M))
        self._onehot: NDArray[np.float64] = np.zeros((0, 0))
        self._high = np.concatenate([box.high for box in self.boxes.values()])
        ends = np.cumsum([box.shape[0] for box in self.boxes.values()]).tolist()
        starts = [0, *ends[:-1]]
        self._slices = {
            name: slice(a, b) for name, a, b in zip(self.boxes, starts, ends, strict=True)
        }

    def _part_high(self) -> NDArray[np.float64]:
        classes = np.ones(self.part_size - PART)
        return np.concatenate([np.full(3, REACH_M), np.ones(6), np.full(6, FAST), classes])

    @property
    def space(self) -> spaces.Dict:
        """All keys."""
        return spaces.Dict(dict(self.boxes))

    @property
    def flat_size(self) -> int:
        """Of `flat`."""
        return sum(box.shape[0] for key, box in self.boxes.items() if key != "goal")

    def begin(self, scene: Scene) -> None:
        """A new scene: remember what does not change in it."""
        parts = scene.parts
        self._mask = np.zeros(self.most, dtype=np.float32)
        self._mask[: len(parts)] = 1.0
        self._onehot = np.zeros((len(parts), self.part_size - PART))
        if self._onehot.shape[1]:
            for row, body in enumerate(parts):
                class_ = scene.objects[body.object].spec.class_
                self._onehot[row, self.classes.index(class_)] = 1.0

    def write(self, state: State, belts: Sequence[float]) -> dict[str, NDArray[np.float32]]:
        """The observation of a state; ``belts``: speeds in the order of the task."""
        numbers = np.zeros(len(self._high))
        self._robot(state, numbers[self._slices["robot"]])
        self._objects(state, numbers[self._slices["objects"]])
        numbers[self._slices["mask"]] = self._mask
        numbers[self._slices["goal"]] = self.rule.desired
        if "scene" in self._slices:
            numbers[self._slices["scene"]] = belts
        cut = numbers.astype(np.float32).clip(-self._high, self._high)
        return {name: cut[own] for name, own in self._slices.items()}

    def flat(self, named: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """All but the goal in one row, in the order of the keys."""
        return np.concatenate([named[key] for key in self.boxes if key != "goal"])

    def _robot(self, state: State, row: NDArray[np.float64]) -> None:
        """Write the gripper and the joints into ``row``."""
        tool, X_WG = state.tool, state.tool.X_WG
        n = len(tool.q)
        row[:3] = X_WG[:3, 3]
        row[3:6] = X_WG[:3, 0]
        row[6:9] = X_WG[:3, 1]
        row[9:15] = tool.velocity
        row[15:17] = tool.width, state.held >= 0
        row[17 : 17 + n] = tool.q
        row[17 + n :] = tool.speed

    def _objects(self, state: State, row: NDArray[np.float64]) -> None:
        """Write the parts into ``row``, one after the other."""
        parts = state.parts
        own = row.reshape(self.most, self.part_size)[: len(parts.com)]
        own[:, :3] = parts.p_WB
        own[:, 3:6] = parts.R_WB[:, :, 0]
        own[:, 6:9] = parts.R_WB[:, :, 1]
        own[:, 9:12] = parts.linear
        own[:, 12:15] = parts.angular
        own[:, 15:] = self._onehot


def _box(high: NDArray[np.float64]) -> spaces.Box:
    return spaces.Box(-high.astype(np.float32), high.astype(np.float32), dtype=np.float32)
