"""What the tables beside a picture say: its parts, and the values of its scene."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simenv.view.color import Color, body_color
from simenv.view.shot import Part, Shot, Value
from simenv.view.svg import hex_color

__all__ = ["chip", "parts_table", "values_table"]


def chip(color: Color) -> str:
    """A small square of that colour."""
    return f'<i style="background:{hex_color(color)}"></i>'


def parts_table(shot: Shot) -> str:
    """The table of the parts, with the columns that any part has a value for."""
    columns: list[tuple[str, list[str | None]]] = [
        ("id", [f"{chip(body_color(part.id))}{part.id}" for part in shot.parts]),
        ("object", [_object(part) for part in shot.parts]),
        ("visible", [f"{part.visible_fraction:.2f}" for part in shot.parts]),
        ("truncated", [_share(part.truncation) for part in shot.parts]),
        ("hidden by", [_ids(shot, _only(part.occluder)) for part in shot.parts]),
        ("touches", [_ids(shot, part.touches) for part in shot.parts]),
        ("grasps", [_of(part.grasps) for part in shot.parts]),
        ("distance m", [f"{part.distance_m:.3f}" for part in shot.parts]),
    ]
    there = [(name, cells) for name, cells in columns if any(cell is not None for cell in cells)]
    head = "".join(f"<th>{name}</th>" for name, _ in there)
    rows = "".join(
        f'<tr data-id="{part.id}">{"".join(f"<td>{cells[row]}</td>" for _, cells in there)}</tr>'
        for row, part in enumerate(shot.parts)
    )
    return _table("parts", head, rows, "no part")


def _object(part: Part) -> str:
    name = escape(part.object)
    return f"{name} <small>distractor</small>" if part.distractor else name


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.2f}"


def _of(counts: tuple[int, int] | None) -> str | None:
    return None if counts is None else f"{counts[0]} of {counts[1]}"


def _only(occluder: int | None) -> tuple[int, ...] | None:
    """The occluder as a list of ids; nobody is an empty one."""
    return (occluder,) * bool(occluder) if occluder is not None else None


def _ids(shot: Shot, ids: Sequence[int] | None) -> str | None:
    """Other bodies by number and colour; 0 is the floor; a dash where there is none."""
    if ids is None:
        return None
    parts = {part.id for part in shot.parts}
    named = [
        f'<span class="id">{chip(body_color(i, fixed=i not in parts))}{i or "floor"}</span>'
        for i in ids
    ]
    return " ".join(named) or "-"


def values_table(values: Sequence[Value]) -> str:
    """What the axes of the domain were in the scene: what changes labels, then what does not."""
    rows = ""
    for kind in ("semantic", "visual"):
        own = [value for value in values if value.visual == (kind == "visual")]
        rows += f'<tr class="kind"><td colspan="2">{kind}</td></tr>' if own else ""
        rows += "".join(
            f"<tr><td>{_breakable(value.path)}</td><td>{escape(value.text)}</td></tr>"
            for value in own
        )
    return _table("values", "<th>axis of the domain</th><th>value</th>", rows, "nothing varies")


def _breakable(path: str) -> str:
    """A dotted path that may go on in the next line after a dot."""
    return escape(path).replace(".", ".<wbr>")


def _table(kind: str, head: str, rows: str, empty: str) -> str:
    if not rows:
        return f'<p class="empty">{empty}</p>'
    return (
        f'<div class="table {kind}" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
