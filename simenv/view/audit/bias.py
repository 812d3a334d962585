"""Which labels can be guessed from which factors: a map, and what shows each flagged pair."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from simenv.audit.association import Association
from simenv.audit.bias import Bias, Pair
from simenv.audit.evidence import evidence
from simenv.audit.report import Report
from simenv.view.audit.html import many, note, number, probability, section, table
from simenv.view.audit.thumb import Album
from simenv.view.chart import HOT, Cell, heat_map, legend, ramp, stacked
from simenv.view.svg import hex_color

__all__ = ["bias_section"]

SHOWN = 6  # flagged pairs with a picture; the others are listed
STRONGEST = 8  # tested pairs of the table
PICTURES = 4
FULL = 0.6  # the effect that is darkest on the map
EXPECTED = "#d4d8dd"  # of a pair that depends by construction


def bias_section(report: Report, album: Album) -> str:
    """The map of all pairs, the flagged ones with their evidence, the strongest of all."""
    own = report.bias
    names = [row.name for row in report.coverage.variables]
    shown = enumerate(own.flagged[:SHOWN])
    flagged = "".join(_flagged(report, pair, k, album) for k, pair in shown)
    rest = "".join(f"<li>{escape(pair.text)}</li>" for pair in own.flagged[SHOWN:])
    drawn, more = _map(own, names), f"<ul>{rest}</ul>" if rest else ""
    return section(
        "bias",
        "Bias: labels against factors",
        note(
            f"Dark: the label can be guessed from the factor. A dot: sure, q below "
            f"{own.thresholds.q:g}. Both above the thresholds of the task (effect "
            f"{own.thresholds.cramers_v:g}) is flagged. Grey: depends by construction, or the task "
            "ignores it; the reason is under the pointer and in audit.json. What helps: more "
            "scenes, --weights, or ignore in the task's audit: where it is no bias."
        )
        + f'<div class="beside"><div class="card scroll" tabindex="0">{drawn}{_legend()}</div>'
        f"<div>{flagged}{more}{_strongest(own)}</div></div>",
    )


def _map(own: Bias, names: Sequence[str]) -> str:
    """Labels and factors in the order of ``names``, those of all variables."""
    order = {name: k for k, name in enumerate(names)}
    labels = sorted({pair.label for pair in own.pairs}, key=order.__getitem__)
    factors = sorted({pair.factor for pair in own.pairs}, key=order.__getitem__)
    places = {id(pair): f"pair-{k}" for k, pair in enumerate(own.flagged[:SHOWN])}
    cells = [
        Cell(
            factors.index(pair.factor),
            labels.index(pair.label),
            _color(pair),
            pair.text,
            mark=pair.tested and pair.q < own.thresholds.q,
            link=places.get(id(pair), ""),
        )
        for pair in own.pairs
    ]
    return heat_map(factors, labels, cells, label="effect of each factor on each label")


def _color(pair: Pair) -> str:
    if not pair.tested or pair.found is None:
        return EXPECTED
    return ramp(pair.found.effect / FULL)


def _legend() -> str:
    return legend([ramp(k / 10) for k in range(11)], "effect 0", f"{FULL:g} and more")


def _strongest(own: Bias) -> str:
    """The tested pairs of the largest effect."""
    ranked = sorted(own.tested, key=lambda pair: -_effect(pair))[:STRONGEST]
    rows = (
        (
            escape(pair.label),
            escape(pair.factor),
            number(pair.found.cramers_v),
            number(pair.found.effect),
            probability(pair.q),
            escape(pair.found.text),
        )
        for pair in ranked
        if pair.found is not None
    )
    head = ("label", "factor", "V", "effect", "q", "most over-represented")
    return table(head, rows, numbers=(2, 3, 4), label="the strongest pairs")


def _effect(pair: Pair) -> float:
    return 0.0 if pair.found is None else pair.found.effect


def _flagged(report: Report, pair: Pair, k: int, album: Album) -> str:
    found = pair.found
    assert found is not None, "a pair that was not measured crosses nothing"
    pictures = album.row(evidence(report.observed, pair, count=PICTURES))
    return (
        f'<article class="card flagged" id="pair-{k}"><h3><b class="flag">!</b> '
        f"{escape(pair.label)} can be guessed from {escape(pair.factor)}</h3>"
        f"<p>{escape(found.text)}. Effect {number(found.effect)}, V {number(found.cramers_v)}, "
        f"q {probability(pair.q)}, {many(found.scenes, 'scene')}.</p>"
        f'<div class="scroll" tabindex="0">{_shares(found)}</div>{pictures}</article>'
    )


def _shares(found: Association) -> str:
    """A bar for each cell of the label, cut into the cells of the factor; the strange one hot."""
    total = np.maximum(found.table.sum(axis=1, keepdims=True), 1e-12)
    colors = _colors(len(found.factors), found.cell[1])
    key = "".join(
        f'<span><i style="background:{color}"></i>{escape(name)}</span>'
        for name, color in zip(found.factors, colors, strict=True)
    )
    counts = [round(float(count)) for count in found.table.sum(axis=1)]
    bars = stacked(found.labels, found.table / total, counts, colors)
    return f'{bars}<p class="swatches">{key}</p>'


def _colors(count: int, hot: int) -> Sequence[str]:
    shades = [ramp(0.08 + 0.72 * k / max(count - 1, 1)) for k in range(count)]
    shades[hot] = hex_color(HOT)
    return shades
