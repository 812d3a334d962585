"""What the whole page says: the head, the tiles, the scenes that were rejected. One HTML text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from html import escape
from importlib.resources import files

from simenv.view.color import AXIS_COLORS, shades
from simenv.view.encode import exact_uri
from simenv.view.glyph import tint
from simenv.view.shot import About, Rejection, Shot
from simenv.view.svg import hex_color
from simenv.view.tile import GRASPS, VIEWS, tile_html, view_buttons, views_of

__all__ = ["page_html"]

WIDE = 24  # characters; a longer fact takes two columns
MOST_REJECTIONS = 200  # rows of the last table; the counts at the top are of all
NOTES = {  # sentences for what a page has, by view or by what is drawn
    "edges": "Thin lines are the edges of 3-D boxes.",
    "outline": "Dashes run around what would be seen of a part that is partly hidden.",
    "keypoints": "Dots are keypoints, rings are keypoints that are hidden.",
    "normals": "Normals: red to the right, green up, blue towards the camera.",
    "nocs": "NOCS: red, green, blue along the body's x, y, z.",
    "flow": 'Flow: where a pixel goes until the next frame; bright is far: <i class="wheel"></i>',
    "depth sensor": "The depth sensor has the scale of the depth; black is no reading.",
}


def page_html(about: About, shots: Iterable[Shot]) -> str:
    """The page as one HTML text that refers to nothing outside itself."""
    tiles: list[str] = []
    views: set[str] = set()
    said: set[str] = set()
    for shot in shots:  # one at a time: their pictures are large
        tiles.append(tile_html(shot))
        views.update(views_of(shot))
        said.update(_drawn(shot))
    name = escape(about.name)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} · simenv</title><style>{_style()}</style></head>\n<body><main>"
        f'<h1>{name}</h1><p class="summary">{escape(about.summary)}</p>'
        f'<div class="about">{_facts(about)}{_attempts(about)}</div>\n'
        f"{_tiles(tiles, views, said)}{_rejections(about.rejections)}"
        f"</main><script>{_file('page.js')}</script></body></html>\n"
    )


def _drawn(shot: Shot) -> Iterator[str]:
    """Which of the sentences of NOTES its overlay needs."""
    for mark in shot.marks:
        if mark.edges:
            yield "edges"
        if mark.outline:
            yield "outline"
        if mark.keypoints or mark.hidden_keypoints:
            yield "keypoints"


def _file(name: str) -> str:
    return files("simenv.view").joinpath(name).read_text(encoding="utf-8")


def _style() -> str:
    scale = exact_uri(shades()[None])  # one row of pixels, stretched
    return f"{_file('page.css')}.scale .bar {{ background: url({scale}) 0 0 / 100% 100% }}"


def _facts(about: About) -> str:
    rows = "".join(
        f"<div{' class=wide' if len(value) > WIDE else ''}><dt>{escape(what)}</dt>"
        f"<dd>{escape(value)}</dd></div>"
        for what, value in about.facts
    )
    return f'<dl class="card facts">{rows}</dl>'


def _attempts(about: About) -> str:
    most = max((count for _, count in about.attempts), default=1)
    rows = "".join(
        f'<span>{escape(what)}</span><span class="track{" accepted" if i == 0 else ""}">'
        f'<i style="width:{100 * count / max(most, 1):.1f}%"></i></span>'
        f'<span class="count">{count}</span>'
        for i, (what, count) in enumerate(about.attempts)
    )
    return (
        '<section class="card"><p class="label">attempts</p>'
        f'<div class="attempts">{rows}</div></section>'
    )


def _tiles(tiles: Sequence[str], views: Set[str], said: Set[str]) -> str:
    if not tiles:
        return '<h2>Images</h2><p class="empty">No scene was accepted, so there is no image.</p>'
    colors = "".join(
        f'<i style="background:{hex_color(color)}"></i>{axis}'
        for axis, color in zip("xyz", AXIS_COLORS, strict=True)
    )
    notes = "".join(f" {note}" for what, note in NOTES.items() if what in views | said)
    notes += _grasps_note() if GRASPS in views else ""
    buttons = view_buttons(view for view in (*VIEWS, GRASPS) if view in views)
    return (
        f'<div class="bar-title"><h2>Images</h2><div class="all">{buttons}</div></div>'
        '<p class="note">Boxes are of the visible pixels and have the colours of the mask, where'
        f" furniture and robots are grey.{notes}"
        f' Body axes:<span class="key">{colors}</span></p>\n' + "\n".join(tiles)
    )


def _grasps_note() -> str:
    """What the forks are, with the two ends of their colours."""
    half, always = (f'<i style="background:{hex_color(tint(p))}"></i>' for p in (0.5, 1.0))
    return (
        " Grasps: the best of each part, as forks (or circles of a cup) that open towards it."
        f' They succeed<span class="key">{half}half of the time</span>'
        f' to<span class="key">{always}always</span>.'
    )


def _rejections(rejections: Sequence[Rejection]) -> str:
    if not rejections:
        return ""
    rows = "".join(
        f"<tr><td>{row.scene}</td><td>{escape(row.tier)}</td><td>{len(row.reasons)}</td>"
        f"<td>{escape(', '.join(row.reasons))}</td></tr>"
        for row in rejections[:MOST_REJECTIONS]
    )
    rest = len(rejections) - MOST_REJECTIONS
    more = f'<p class="note">and {rest} more</p>' if rest > 0 else ""
    return (
        '<h2>Rejected scenes</h2><div class="card"><table><thead><tr><th>scene</th><th>tier</th>'
        f"<th>attempts</th><th>reasons</th></tr></thead><tbody>{rows}</tbody></table>{more}</div>"
    )
