"""The bricks of the page: sections, tables, facts. All that comes in as text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

__all__ = [
    "breakable",
    "facts",
    "many",
    "note",
    "number",
    "percent",
    "probability",
    "section",
    "table",
]


def section(id_: str, title: str, body: str) -> str:
    """A part of the page that a link can go to."""
    return f'<section id="{escape(id_)}"><h2>{escape(title)}</h2>{body}</section>\n'


def note(text: str) -> str:
    """A sentence under a title; plain text."""
    return f'<p class="note">{escape(text)}</p>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names over values, side by side."""
    cells = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for what, value in rows
    )
    return f'<dl class="card facts">{cells}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = (),
          kind: str = "", label: str = "") -> str:  # fmt: skip
    """A table that scrolls if it is too wide; the cells of ``rows`` are HTML.

    Args:
        head: plain words.
        rows: cells, escaped already.
        numbers: columns that are aligned to the right.
        kind: a class for the style sheet.
        label: what it is a table of.
    """
    right = [" class=right" if k in numbers else "" for k in range(len(head))]
    top = "".join(f"<th{own}>{escape(word)}</th>" for word, own in zip(head, right, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{own}>{cell}</td>" for cell, own in zip(row, right, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table {kind}" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def breakable(path: str) -> str:
    """A dotted path that may go on in the next line after a dot; escaped."""
    return escape(path).replace(".", ".<wbr>")


def many(count: int, what: str) -> str:
    """``1 scene``, ``1,024 scenes``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """``92 %``; 0 and 100 only where they are exact."""
    if 0.99 < share < 1 or 0 < share < 0.01:
        return f"{100 * share:.1f} %"
    return f"{100 * share:.0f} %"


def probability(q: float) -> str:
    """Two digits, or a power of ten; a dash where there was no test."""
    if math.isnan(q):
        return "\N{EN DASH}"
    return f"{q:.2f}" if q >= 0.01 else f"{q:.0e}"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"
