"""What the page of a file of grasps says, and how it is laid out. One HTML text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.grasp.model import OUTCOMES, GraspSet
from simenv.view.glyph import tint
from simenv.view.svg import hex_color

__all__ = ["Page", "grasps_html"]

MEANINGS = {
    "held": "held to the end",
    "collision": "gripper met the part",
    "missed": "closed on nothing",
    "lift": "lost when lifted",
    "shake": "lost when shaken",
    "rotate": "lost when turned over",
}
BINS = 10  # of the histogram
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, eq=False)
class Page:
    """What is shown of a file."""

    grasps: GraspSet
    diameter_m: float  # of the part: the diagonal of its bounding box
    swarms: tuple[str, ...]  # URIs of pictures of all grasps: from above, and turned over
    drawn: int  # grasps in each of them
    best: tuple[int, ...]  # rows
    worst: tuple[int, ...]  # rows, the worst first; none is among the best
    pictures: Mapping[int, str]  # row -> URI


def grasps_html(page: Page) -> str:
    """The page as one HTML text that refers to nothing outside itself."""
    grasps = page.grasps
    name = escape(f"{grasps.object} · {grasps.gripper}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} · simenv</title><style>{_style('page.css')}{_style('grasps.css')}</style>"
        f'</head>\n<body><main><h1>{name}</h1><p class="summary">{escape(_summary(grasps))}</p>'
        f'<div class="about">{_facts(page)}{_ends(grasps)}</div>\n'
        f"{_all(page)}{_lists(page)}</main></body></html>\n"
    )


def _style(name: str) -> str:
    return files("simenv.view").joinpath(name).read_text(encoding="utf-8")


def _summary(grasps: GraspSet) -> str:
    trials, held = int(grasps.trials.sum()), int(grasps.successes.sum())
    if not trials:
        return f"{_many(len(grasps), 'grasp')}, none of them tried."
    share = _percent(held / trials)
    return f"{_many(len(grasps), 'grasp')} in {_many(trials, 'trial')}, of which {share} held."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _facts(page: Page) -> str:
    grasps = page.grasps
    sure = int((grasps.success_probability >= 0.9).sum())
    rows = {
        "object": grasps.object,
        "gripper": f"{grasps.gripper} ({grasps.kind})",
        "grasps": str(len(grasps)),
        "trials of a grasp": _span(grasps.trials, 1, ""),
        "hold 9 times of 10": str(sure),
        "width": _span(grasps.width_m, 1e3, " mm") if grasps.kind == "jaw" else NOTHING,
        "size of the part": f"{1e3 * page.diameter_m:.0f} mm",
    }
    cells = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>"
        for what, value in rows.items()
    )
    settings = json.dumps(dict(grasps.settings), indent=2, sort_keys=True)
    more = f"<details><summary>settings</summary><pre>{escape(settings)}</pre></details>"
    return f'<section class="card"><dl class="facts">{cells}</dl>{more}</section>'


def _span(values: NDArray[Any], factor: float, unit: str) -> str:
    """From the least to the most."""
    if not len(values):
        return NOTHING
    low, high = factor * float(values.min()), factor * float(values.max())
    same = f"{low:.0f}" == f"{high:.0f}"
    return f"{low:.0f}{unit}" if same else f"{low:.0f} to {high:.0f}{unit}"


def _ends(grasps: GraspSet) -> str:
    """How the trials ended, as bars."""
    counts = [int((grasps.outcome == code).sum()) for code in range(len(OUTCOMES))]
    if not (total := sum(counts)):
        return '<section class="card"><p class="empty">No grasp was tried.</p></section>'
    rows = "".join(
        f"<span>{escape(MEANINGS[word])}</span>"
        f'<span class="track{" accepted" if word == "held" else ""}">'
        f'<i style="width:{100 * count / total:.1f}%"></i></span>'
        f'<span class="count">{count} · {_percent(count / total)}</span>'
        for word, count in zip(OUTCOMES, counts, strict=True)
    )
    return (
        '<section class="card"><p class="label">how the trials ended</p>'
        f'<div class="attempts">{rows}</div></section>'
    )


def _all(page: Page) -> str:
    names = ("z up", "turned over: z down")
    sides = "".join(
        f'<figure><img src="{uri}" alt="{escape(page.grasps.object)} with its grasps, {name}">'
        f"<figcaption>{name}</figcaption></figure>"
        for uri, name in zip(page.swarms, names, strict=True)
    )
    few = page.drawn < len(page.grasps)
    note = f"{page.drawn} of them, evenly by probability." if few else "All of them."
    shades = ", ".join(hex_color(tint(p)) for p in np.linspace(0, 1, 11))
    return (
        '<h2>All grasps</h2><div class="swarm"><section class="card">'
        f'<div class="sides">{sides}</div><div class="shade"><span>never holds</span>'
        f'<i style="background:linear-gradient(90deg, {shades})"></i>'
        "<span>always holds</span></div>"
        f'<p class="unit">{note}</p></section>{_histogram(page.grasps)}</div>\n'
    )


def _histogram(grasps: GraspSet) -> str:
    """How many grasps have which probability, or quality where none was tried."""
    tried = grasps.success_probability[grasps.trials > 0]
    if len(tried):
        return _bars("probability", tried, "% of the trials that held", 100)
    return _bars("quality", grasps.quality, "quality, from geometry alone", 1)


def _bars(what: str, values: NDArray[np.float64], unit: str, most: int) -> str:
    """Counts of values 0..1 in BINS; 1 is in the last one. The ruler ends at ``most``."""
    bins = np.clip((values * BINS + 1e-9).astype(int), 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    known, high = what == "probability", max(int(counts.max()), 1)
    columns = "".join(
        f'<div>{count or ""}<i style="height:{88 * count / high:.1f}%;'
        f'background:{hex_color(tint((k + 0.5) / BINS if known else np.nan))}"></i></div>'
        for k, count in enumerate(counts.tolist())
    )
    ruler = "".join(f"<span>{most * share:g}</span>" for share in (0, 0.2, 0.4, 0.6, 0.8, 1))
    return (
        f'<section class="card spread"><p class="label">grasps by {what}</p>'
        f'<div class="bins">{columns}</div><div class="ruler">{ruler}</div>'
        f'<p class="unit">{unit}</p></section>'
    )


def _lists(page: Page) -> str:
    if not page.best:
        return '<h2>Grasps</h2><p class="empty">The file holds none.</p>'
    jaw = page.grasps.kind == "jaw"
    pads = "The pads are as far apart as the part is wide there. " if jaw else ""
    note = (
        f'<p class="note">The gripper comes from above and shows through the part. {pads}'
        "Whiskers: 95 % confidence interval.</p>"
    )
    if not page.worst:
        return f"<h2>Grasps, best first</h2>{note}{_grid(page, page.best)}"
    return f"<h2>Best</h2>{note}{_grid(page, page.best)}<h2>Worst</h2>{_grid(page, page.worst)}"


def _grid(page: Page, rows: Sequence[int]) -> str:
    tiles = "\n".join(_tile(page, row) for row in rows)
    return f'<div class="grasps">{tiles}</div>\n'


def _tile(page: Page, row: int) -> str:
    grasps = page.grasps
    alt = f"{grasps.gripper} holding {grasps.object}, grasp {row}"
    low, high = grasps.interval[row].tolist()
    facts = "".join(
        f"<div><dt>{what}</dt><dd>{value}</dd></div>" for what, value in _numbers(grasps, row)
    )
    return (
        f'<article class="grasp"><img src="{page.pictures[row]}" alt="{escape(alt)}">'
        f'<div class="says"><header><b>{_percent(float(grasps.success_probability[row]))}</b>'
        f"<span>grasp {row}</span></header>{_chance(grasps, row)}"
        f"<p>{escape(', '.join(_outcomes(grasps, row)))}"
        f"<span>{100 * low:.0f} to {_percent(high)}</span></p><dl>{facts}</dl></div></article>"
    )


def _chance(grasps: GraspSet, row: int) -> str:
    """The probability as a bar, with its interval."""
    probability = float(grasps.success_probability[row])
    low, high = grasps.interval[row].tolist()
    return (
        f'<div class="chance"><i style="width:{100 * float(np.nan_to_num(probability)):.1f}%;'
        f'background:{hex_color(tint(probability))}"></i>'
        f'<u style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></u></div>'
    )


def _outcomes(grasps: GraspSet, row: int) -> Iterator[str]:
    """Such as "held 18 of 20", "2 shake"."""
    trials = int(grasps.trials[row])
    if not trials:
        yield "not tried"
        return
    yield f"held {int(grasps.successes[row])} of {trials}"
    for code, word in enumerate(OUTCOMES):
        count = int((grasps.outcome[row] == code).sum())
        if code and count:
            yield f"{count} {word}"


def _numbers(grasps: GraspSet, row: int) -> Iterator[tuple[str, str]]:
    if grasps.kind == "jaw":
        yield "width", _number(grasps.width_m[row], 1e3, 1, " mm")
    yield "motion", _number(grasps.motion_m[row], 1e3, 2, " mm")
    yield "slip", _number(grasps.slip_m[row], 1e3, 2, " mm")
    yield "turn", _number(grasps.turn_rad[row], 180 / np.pi, 1, "°")
    yield "quality", _number(grasps.quality[row], 1.0, 2, "")


def _number(value: float, factor: float, digits: int, unit: str) -> str:
    return f"{factor * float(value):.{digits}f}{unit}" if np.isfinite(value) else NOTHING


def _percent(share: float) -> str:
    return NOTHING if np.isnan(share) else f"{100 * share:.0f} %"
