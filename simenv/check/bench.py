"""Where records of one task are made to be compared: one world, one renderer, first values."""

from __future__ import annotations

from dataclasses import dataclass

from simenv.check.compare import Difference, Made, compare
from simenv.dataset.layout import Layout
from simenv.domain.sample import Sample, sample
from simenv.generate.plan import Plan
from simenv.spec.load import Task
from simenv.studio import Studio

__all__ = ["Bench", "First"]


@dataclass(frozen=True, eq=False)
class First:
    """A scene as the domain draws it."""

    drawn: Sample
    made: Made


class Bench:
    """Makes records of given values; use as a context manager."""

    def __init__(self, task: Task, *, seed: int, renderer: str) -> None:
        plan = Plan.of(task, scenes=1, seed=seed, renderer=renderer)
        self.task, self.seed = task, seed
        self._firsts: dict[int, First] = {}
        self.layout = Layout.of(plan.header(task))
        self.studio = Studio(task, seed=seed, renderer=plan.renderer)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.studio.close()

    @property
    def renderer(self) -> str:
        """Name of the renderer."""
        return self.studio.renderer.name

    def first(self, scene: int) -> First:
        """The first accepted attempt of ``scene``, or the last rejected one; made once."""
        if scene not in self._firsts:
            self._firsts[scene] = self._first(scene)
        return self._firsts[scene]

    def _first(self, scene: int) -> First:
        for attempt in range(self.task.spec.physics.max_attempts):
            drawn = sample(self.task, self.seed, scene, attempt=attempt)
            first = First(drawn, self.make(drawn))
            if not first.made.rejected:
                break
        return first

    def make(self, drawn: Sample) -> Made:
        """The record of these values, physics and all."""
        return Made.of(self.studio.record_of(drawn), self.layout)

    def difference(self, first: First, made: Made) -> Difference:
        """From a scene's first record to ``made``."""
        return compare(first.made, made, self.layout)
