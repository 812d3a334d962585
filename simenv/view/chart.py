"""Small charts as inline SVG: sparklines, heat maps, stacked bars. No text of a file is trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import Color
from simenv.view.svg import hex_color

__all__ = [
    "Cell",
    "bars",
    "grid",
    "heat_map",
    "legend",
    "ramp",
    "sparkline",
    "stacked",
]

SPARK_PX = (116, 22)  # of a sparkline: width, height
CELL_PX = 17  # of a heat map
LETTER_PX = 6.5  # of its names, at 11 px
LONGEST = 34  # letters of such a name
BAR_PX = (420, 22)  # of a stacked bar: width and pitch
LOW, HIGH = (238, 242, 247), (11, 84, 170)  # ends of the scale of shares
HOT: Color = (192, 57, 20)
NEVER = "#f1f2f4"  # where nothing is


def ramp(share: float, *, low: Color = LOW, high: Color = HIGH) -> str:
    """``#rrggbb`` of a share from 0 to 1: pale to dark."""
    t = float(np.clip(share, 0, 1)) if np.isfinite(share) else 0.0
    red, green, blue = (round(a + t * (b - a)) for a, b in zip(low, high, strict=True))
    return hex_color((red, green, blue))


def sparkline(counts: Sequence[int], names: Sequence[str], *, what: str, hot: bool) -> str:
    """Bars of equal width, one a cell; an empty cell is a stub: ``hot`` or grey."""
    width, height = SPARK_PX
    none = ' class="none"' if hot else ' class="never"'
    most, step = max(1, *counts, 1), width / max(len(counts), 1)
    bars = "".join(
        f'<rect x="{k * step:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 0.8):.1f}"'
        f' height="{tall:.1f}"{"" if count else none}>'
        f"<title>{escape(name)}: {count} {what}</title></rect>"
        for k, (count, name) in enumerate(zip(counts, names, strict=True))
        for tall in [max(height * count / most, 2.0)]
    )
    said = f"{len(counts)} cells, {sum(count > 0 for count in counts)} of them reached"
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{said}">{bars}</svg>'
    )


@dataclass(frozen=True)
class Cell:
    """One cell of a heat map."""

    row: int
    column: int
    color: str  # #rrggbb
    title: str  # what a pointer over it reads
    mark: bool = False  # a dot: it is significant
    link: str = ""  # id on the page that a click goes to


def heat_map(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Cell], *,
             label: str) -> str:  # fmt: skip
    """Names on the left and, turned, on top; ``label`` says what it shows to who cannot see it."""
    left, top = (LETTER_PX * max((len(_cut(n)) for n in names), default=0) + 10
                 for names in (rows, columns))  # fmt: skip
    top *= 0.8  # names on top lean over
    width = left + CELL_PX * len(columns) + 0.7 * top
    height = top + CELL_PX * len(rows) + 2
    named = "".join(
        f'<text x="{left - 6:.0f}" y="{top + CELL_PX * (k + 0.72):.1f}" text-anchor="end">'
        f"{escape(_cut(name))}</text>"
        for k, name in enumerate(rows)
    )
    named += "".join(
        f'<text transform="translate({left + CELL_PX * (k + 0.7):.1f} {top - 5:.1f}) rotate(-52)">'
        f"{escape(_cut(name))}</text>"
        for k, name in enumerate(columns)
    )
    drawn = "".join(_cell(cell, left, top) for cell in cells)
    return (
        f'<svg class="heat" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img" aria-label="{escape(label)}">{named}{drawn}</svg>'
    )


def _cell(cell: Cell, left: float, top: float) -> str:
    x, y = left + CELL_PX * cell.column, top + CELL_PX * cell.row
    title = f"<title>{escape(cell.title)}</title>"
    drawn = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{CELL_PX - 1}" height="{CELL_PX - 1}"'
        f' fill="{cell.color}">{title}</rect>'
    )
    if cell.mark:
        middle = (CELL_PX - 1) / 2
        drawn += (
            f'<circle class="mark" cx="{x + middle:.1f}" cy="{y + middle:.1f}" r="3.5">'
            f"{title}</circle>"
        )
    return f'<a href="#{escape(cell.link)}">{drawn}</a>' if cell.link else drawn


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else "…" + name[1 - LONGEST :]


def grid(counts: NDArray[np.int64], title: Callable[[int, int], str], *, ratio: float,
         label: str) -> str:  # fmt: skip
    """A picture's plane in cells (V, U): dark where much is, grey where nothing is.

    Args:
        counts: (V, U), of rows from top to bottom.
        title: what cell (row, column) reads.
        ratio: width by height of the picture.
        label: what it shows.
    """
    (rows, columns), width = counts.shape, 240.0
    height, most = width / ratio, max(int(counts.max(initial=0)), 1)
    across, down = width / columns, height / rows
    drawn = "".join(
        f'<rect x="{c * across:.1f}" y="{r * down:.1f}" width="{across - 1:.1f}"'
        f' height="{down - 1:.1f}" fill="{_count_color(int(counts[r, c]), most)}">'
        f"<title>{escape(title(r, c))}</title></rect>"
        for r in range(rows)
        for c in range(columns)
    )
    return (
        f'<svg class="plane" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img" aria-label="{escape(label)}">{drawn}</svg>'
    )


def _count_color(count: int, most: int) -> str:
    return ramp(0.12 + 0.88 * count / most) if count else NEVER


def stacked(names: Sequence[str], shares: NDArray[np.float64], counts: Sequence[int],
            colors: Sequence[str]) -> str:  # fmt: skip
    """One bar of 100 % a name.

    Args:
        names: (R,) of the bars.
        shares: (R, C) of the parts of each, which add up to 1; or all 0.
        counts: (R,) rows behind each bar, written at its end.
        colors: (C,) of the parts.
    """
    width, pitch = BAR_PX
    left = LETTER_PX * max((len(_cut(name)) for name in names), default=0) + 10
    drawn = ""
    for row, name in enumerate(names):
        y, x = row * pitch, left
        drawn += f'<text x="{left - 6:.0f}" y="{y + 14}" text-anchor="end">{escape(_cut(name))}'
        drawn += "</text>"
        for share, color in zip(shares[row], colors, strict=True):
            if share > 0:
                drawn += (
                    f'<rect x="{x:.1f}" y="{y + 2}" width="{width * share:.2f}"'
                    f' height="{pitch - 5}" fill="{color}"/>'
                )
            x += width * float(share)
        drawn += f'<text x="{left + width + 6:.0f}" y="{y + 14}">{counts[row]}</text>'
    total = left + width + 52
    height = pitch * len(names) + 2
    return (
        f'<svg class="heat" viewBox="0 0 {total:.0f} {height}" width="{total:.0f}"'
        f' height="{height}" role="img" aria-label="shares, one bar a row">{drawn}</svg>'
    )


def bars(names: Sequence[str], counts: Sequence[int], *, title: str) -> str:
    """Horizontal bars with their names and counts."""
    most = max(1, *counts, 1)
    rows = "".join(
        f'<span>{escape(name)}</span><span class="track"><i style="width:{100 * n / most:.1f}%">'
        f'</i></span><span class="count">{n:,}</span>'
        for name, n in zip(names, counts, strict=True)
    )
    head = f'<p class="label">{escape(title)}</p>' if title else ""
    return f'{head}<div class="bars">{rows}</div>'


def legend(colors: Sequence[str], low: str, high: str) -> str:
    """A scale of colours between two words."""
    steps = "".join(f'<i style="background:{color}"></i>' for color in colors)
    return f'<p class="legend"><span>{escape(low)}</span>{steps}<span>{escape(high)}</span></p>'
