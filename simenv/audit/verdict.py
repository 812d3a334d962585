"""What is fine, what is flagged and what to do about it, in a line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simenv.audit.about import About
from simenv.audit.bias import Bias
from simenv.audit.coverage import Coverage
from simenv.audit.observe import CORE
from simenv.audit.reject import Rejection
from simenv.audit.similar import Similar

__all__ = [
    "HIT_RATE",
    "Verdict",
    "bias_verdicts",
    "coverage_verdicts",
    "edge_verdicts",
    "rejection_verdicts",
    "similar_verdicts",
]

DIFFERENT = 0.9  # of the scenes; below it scenes repeat each other
MOST = 6  # lines of one kind
HIT_RATE = 0.5  # of the attempts at an edge; below it the edge is luck


@dataclass(frozen=True)
class Verdict:
    """One line of the summary."""

    fine: bool
    text: str
    section: str  # of the page


def coverage_verdicts(found: Coverage, least: float) -> Iterator[Verdict]:
    """Whether ``least`` of the cells are reached; without a threshold how many are."""
    reached = (
        f"{_percent(found.share)} of the reachable cells are reached "
        f"(planned {_percent(found.planned)}, realised {_percent(found.realised)})"
    )
    if found.share < least:
        text = f"coverage: {reached}, the task asks for {_percent(least)}; simenv fill adds scenes"
        yield Verdict(False, text, "coverage")
    else:
        yield Verdict(True, f"coverage: {reached}", "coverage")


def bias_verdicts(found: Bias) -> Iterator[Verdict]:
    """A line for each of the first flagged pairs, or one that says that there is none."""
    for pair in found.flagged[:MOST]:
        assert pair.found is not None, "a pair that was not measured crosses nothing"
        text = (
            f"bias: {pair.label} can be guessed from {pair.factor}: {pair.found.text} "
            f"(effect {pair.found.effect:.2f}, q {pair.q:.0e})"
        )
        yield Verdict(False, text, "bias")
    if (more := len(found.flagged) - MOST) > 0:
        yield Verdict(False, f"bias: {more} more pairs are flagged", "bias")
    if not found.flagged:
        text = f"bias: none of {len(found.tested)} pairs of a label and a factor is flagged"
        yield Verdict(True, text, "bias")


def rejection_verdicts(found: Rejection) -> Iterator[Verdict]:
    """A line for each of the first axes and classes that lose more attempts than others."""
    flagged = [loss for loss in found.losses if loss.crossed]
    for loss in flagged[:MOST]:
        yield Verdict(False, loss.text, "rejection")
    if (more := len(flagged) - MOST) > 0:
        yield Verdict(False, f"rejection: {more} more axes and classes are flagged", "rejection")
    if not flagged:
        share = found.accepted / max(found.attempts, 1)
        text = f"rejection: {_percent(share)} of the attempts are accepted, no cell or class strays"
        yield Verdict(True, text, "rejection")


def similar_verdicts(found: Similar) -> Iterator[Verdict]:
    """How many different scenes there are."""
    text = f"repeats: {found.scenes:,} scenes are worth {found.effective:,.0f} different ones"
    if found.share < DIFFERENT:
        numbers = ", ".join(map(str, found.largest))
        yield Verdict(False, f"{text}; nearly the same are {numbers}", "repeats")
    else:
        yield Verdict(True, text, "repeats")


def edge_verdicts(known: About) -> Iterator[Verdict]:
    """Whether edges are hit in half of their attempts; nothing where there are none."""
    edges = [edge for edge in known.edges if edge.name != CORE]
    rare = [edge for edge in edges if edge.hit_rate < HIT_RATE]
    if rare:
        names = ", ".join(f"{own.name} {_percent(own.hit_rate)}" for own in rare)
        text = f"edges: hit in under half of their attempts: {names}; build them otherwise"
        yield Verdict(False, text, "edges")
    elif edges:
        text = f"edges: all {len(edges)} are hit in half of their attempts or more"
        yield Verdict(True, text, "edges")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
