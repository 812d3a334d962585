"""How a dataset's scenes are drawn: its task, its seed, and where in the domain they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simenv.domain.sample import Sample, sample
from simenv.spec.load import Task

__all__ = ["Draw"]


@dataclass(frozen=True)
class Draw:
    """What a dataset's scenes have in common."""

    task: Task
    seed: int
    tier: str
    look_seed: int | None
    at_day: float

    def __call__(self, scene: int, *, attempt: int = 0) -> Sample:
        """The values of one attempt at a scene."""
        return sample(
            self.task,
            self.seed,
            scene,
            attempt=attempt,
            tier=self.tier,
            look_seed=self.look_seed,
            at_day=self.at_day,
        )

    @property
    def whole(self) -> Draw:
        """The same draw without the axes that every part draws for itself; much faster."""
        spec = self.task.spec
        domain = {path: axis for path, axis in spec.domain.items() if axis.each is None}
        task = replace(self.task, spec=spec.model_copy(update={"domain": domain}))
        return replace(self, task=task)
