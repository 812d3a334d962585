"""What was found out of an axis, or of all visual axes together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from simenv.domain.table import DomainTable
from simenv.line import Line

__all__ = ["FORMAT", "Fault", "Finding", "as_json"]

FORMAT = "simenv-check-1"

Fault = Literal[
    "", "moves labels", "dead", "only visual", "weak", "not shown", "unchanged", "untried"
]
FAILS = ("moves labels", "dead")


@dataclass(frozen=True)
class Finding:
    """One verdict.

    - ``moves labels``: it is visual, and a label differs.
    - ``dead``: it changes nothing.
    - ``only visual``: it is semantic, and changes pixels alone.
    - ``weak``: it is semantic, and moves labels by less than `compare.SHOWN_M`.
    - ``not shown``: the renderer does not draw it.
    - ``unchanged``: a redraw whose pixels are as they were; which axis is dead, others say.
    - ``untried``: there was nothing to compare.
    """

    axis: str  # path; "" for the redraw of all visual axes, or for a scene
    edge: str  # its range; "" for the core
    fault: Fault
    text: str
    labels: tuple[str, ...] = ()  # columns and pictures that differed
    tries: int = 0  # pairs of records that were compared

    @property
    def verdict(self) -> str:
        """As a `Line` has it."""
        return "FAIL" if self.fault in FAILS else "note" if self.fault else "ok"

    @property
    def line(self) -> Line:
        """The verdict as it is printed."""
        name = f"{self.axis}/{self.edge}" if self.edge else self.axis
        fault = f"{self.fault}: " if self.fault else ""
        return Line(self.verdict, f"{name}: {fault}{self.text}" if name else f"{fault}{self.text}")


def as_json(table: DomainTable, findings: Sequence[Finding]) -> dict[str, Any]:
    """The table and the findings as plain values."""
    return {
        "format": FORMAT,
        "task": table.task,
        "domain": table.json(),
        "findings": [{"verdict": found.verdict, **asdict(found)} for found in findings],
    }
