"""Where the time goes: CPU and wall seconds by stage."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Clock"]


class Clock:
    """Adds up seconds by stage; CPU seconds count all threads of this process.

    Example:
        >>> clock = Clock()
        >>> with clock("render"):
        ...     frame = renderer.render(snapshot, view)
        >>> clock.cpu["render"]
    """

    def __init__(self) -> None:
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count a block as ``stage``; one that raises does not count."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu[stage] += time.process_time() - cpu
        self.wall[stage] += time.perf_counter() - wall

    def add(self, other: "Clock") -> None:
        """Add the seconds of another clock."""
        for mine, its in ((self.cpu, other.cpu), (self.wall, other.wall)):
            for stage, seconds in its.items():
                mine[stage] += seconds

    def reset(self) -> None:
        """Begin anew."""
        self.cpu.clear()
        self.wall.clear()
