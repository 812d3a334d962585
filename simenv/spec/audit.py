"""What `audit:` of a task file may say: from where on a dataset of the task is not fine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simenv.spec.model import Spec, Unit

__all__ = ["AuditSpec"]


class AuditSpec(Spec):
    """Thresholds of `simenv audit`. What is found on either side of them is in the report."""

    cramers_v: Unit = 0.15
    """A label and a factor may depend on each other this much: 0 not at all, 1 wholly."""
    q: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Of all findings, so many may be chance (false discovery rate of Benjamini and Hochberg)."""
    rejection: Unit = 0.1
    """Acceptance of one cell's attempts may be this far from that of all."""
    coverage: Unit = 0.0
    """At least this share of reachable cells, single and in pairs, is to hold a scene; 0: any."""
    ignore: tuple[tuple[str, str], ...] = ()
    """Pairs (label, factor) that may depend on each other, such as [class, u]."""
