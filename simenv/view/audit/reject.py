"""What rejection does to the domain: proposed against accepted, of each axis and class."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simenv.audit.reject import Loss, Rate
from simenv.audit.report import Report
from simenv.view.audit.html import (
    breakable,
    facts,
    many,
    note,
    percent,
    probability,
    section,
    table,
)
from simenv.view.chart import HOT, ramp
from simenv.view.svg import hex_color

__all__ = ["reject_section"]

MOST = 14  # rows; those that are least by chance come first
WIDTH, HEIGHT = 150, 24  # of a chart of rates, px


def reject_section(report: Report) -> str:
    """How many attempts were lost, why, and whether some cells lose more than others."""
    own = report.rejection
    lost = own.attempts - own.accepted
    reasons = sorted(own.reasons.items(), key=lambda row: (-row[1], row[0]))
    known = [("attempts", f"{own.attempts:,}"), ("rejected", f"{lost:,}")]
    known += [(reason, f"{count:,}") for reason, count in reasons]
    left_out = note(f"Left out: {own.left_out}") if own.left_out else ""
    if not lost:
        text = f"All {many(own.attempts, 'attempt')} were accepted: what was proposed is there."
        return section("rejection", "Rejection: proposed against accepted", note(text) + left_out)
    losses = own.losses[:MOST]
    return section(
        "rejection",
        "Rejection: proposed against accepted",
        facts(known)
        + note(
            "A bar is the share of a cell's attempts that was accepted, the whisker its 95 % "
            "interval. The cell that strays most is named, with how far it is from the others."
        )
        + left_out
        + table(
            ("axis or class", "accepted by cell", "strays most", "attempts", "difference", "q"),
            (_row(loss) for loss in losses),
            numbers=(3, 4, 5),
            kind="losses",
            label="acceptance of each axis and class",
        )
        + (note(f"and {len(own.losses) - MOST} more, in audit.json") if own.losses[MOST:] else ""),
    )


def _row(loss: Loss) -> Sequence[str]:
    rate = next(own for own in loss.rates if own.cell == loss.cell)
    mark = '<b class="flag">!</b> ' if loss.crossed else ""
    return (
        mark + breakable(loss.name),
        _rates(loss.rates, loss.cell),
        f"{escape(rate.cell)}: {percent(rate.rate)}",
        f"{rate.attempts:,}",
        f"{100 * loss.effect:+.0f} %",
        probability(loss.q),
    )


def _rates(rates: Sequence[Rate], strange: str) -> str:
    step = WIDTH / max(len(rates), 1)
    drawn = "".join(
        _bar(rate, k * step, step, hot=rate.cell == strange) for k, rate in enumerate(rates)
    )
    return (
        f'<svg class="rates" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" aria-label="acceptance of {len(rates)} cells">{drawn}</svg>'
    )


def _bar(rate: Rate, x: float, step: float, *, hot: bool) -> str:
    if not rate.attempts:
        return ""
    low, high = rate.interval
    tall, middle = HEIGHT * rate.rate, x + (step - 1) / 2
    color = hex_color(HOT) if hot else ramp(0.55)
    title = f"{rate.cell}: {rate.accepted} of {rate.attempts} attempts accepted"
    return (
        f'<rect x="{x:.1f}" y="{HEIGHT - tall:.1f}" width="{max(step - 1, 1):.1f}"'
        f' height="{tall:.1f}" fill="{color}"><title>{escape(title)}</title></rect>'
        f'<path d="M{middle:.1f} {HEIGHT * (1 - high):.1f}V{HEIGHT * (1 - low):.1f}"/>'
    )
