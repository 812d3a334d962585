"""Which cells the dataset covers, alone and in pairs; the largest holes; the extreme cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from simenv.audit.cells import Extreme
from simenv.audit.coverage import Coverage, Hole, PairCells
from simenv.audit.report import Report
from simenv.view.audit.html import breakable, facts, many, note, number, percent, section
from simenv.view.audit.thumb import Album
from simenv.view.chart import Cell, heat_map, legend, ramp

__all__ = ["cells_section", "coverage_section"]

MOST = 6  # holes of each kind
KINDS = (
    ("planned_holes", "Largest holes of what the domain draws"),
    ("realised_holes", "Largest holes of what physics and cameras made of it"),
    ("unreachable", "Cells that should have occurred long ago: counted as unreachable"),
)


def coverage_section(report: Report) -> str:
    """Shares, the map of pairs, and tables of holes."""
    own = report.coverage
    holes = "".join(
        f'<div class="card holes"><h3>{escape(title)}</h3>{_holes(getattr(own, name))}</div>'
        for name, title in KINDS
        if getattr(own, name)
    )
    return section(
        "coverage",
        "Coverage",
        facts(_shares(own))
        + note(
            "The map: of the cells that a row and a column have together, how many were reached. "
            "White: all of them. Nothing is drawn where two variables say one thing twice, or are "
            "of two cameras."
        )
        + f'<div class="card scroll" tabindex="0">{_map(own)}{_legend()}</div>'
        f'<div class="cells below">{holes}</div>',
    )


def _shares(own: Coverage) -> Iterator[tuple[str, str]]:
    yield "planned cells reached", percent(own.planned)
    yield "realised cells reached", percent(own.realised)
    yield "accepted scenes", f"{own.scenes:,}"
    if own.discrepancy is not None:
        yield "evenness against independent draws", f"{own.discrepancy.ratio:.1f} times better"


def _map(own: Coverage) -> str:
    """The lower triangle, the variables in their order."""
    names = [row.name for row in own.variables]
    place = {name: k for k, name in enumerate(names)}
    cells = [_cell(pair, *sorted((place[pair.one], place[pair.other]))) for pair in own.pairs]
    for k, row in enumerate(own.variables):
        title = f"{row.name}: {row.reached} of {row.reachable}"
        cells.append(Cell(k, k, _lack(row.reached, row.reachable), title))
    return heat_map(names, names, cells, label="pairwise coverage, one cell a pair of variables")


def _cell(pair: PairCells, column: int, row: int) -> Cell:
    more = f", {pair.unreachable} unreachable" if pair.unreachable else ""
    title = f"{pair.one} x {pair.other}: {pair.reached} of {pair.reachable} cells{more}"
    return Cell(row, column, _lack(pair.reached, pair.reachable), title)


def _lack(reached: int, reachable: int) -> str:
    return ramp(1 - reached / reachable if reachable else 0)


def _legend() -> str:
    return legend([ramp(k / 10) for k in range(11)], "all cells reached", "none")


def _holes(holes: Sequence[Hole]) -> str:
    rows = "".join(
        f"<li>{breakable(hole.one)} <b>{escape(hole.one_cell)}</b> · {breakable(hole.other)} "
        f"<b>{escape(hole.other_cell)}</b> <span>{hole.scenes:,} of {number(hole.expected)} "
        "expected scenes</span></li>"
        for hole in holes[:MOST]
    )
    return f"<ol>{rows}</ol>"


def cells_section(report: Report, album: Album) -> str:
    """Pictures of the emptiest cells that were reached, and of the most crowded."""
    kinds = (("Emptiest that were reached", report.emptiest), ("Most crowded", report.crowded))
    body = "".join(
        f'<h3>{title}</h3><div class="cells">{"".join(_extreme(own, album) for own in found)}</div>'
        for title, found in kinds
        if found
    )
    return section("cells", "Emptiest and most crowded cells", body or note("There is no part."))


def _extreme(own: Extreme, album: Album) -> str:
    return (
        f'<div class="card"><p><b>{escape(own.one)}</b> {escape(own.one_cell)} · '
        f"<b>{escape(own.other)}</b> {escape(own.other_cell)}</p><p>{many(own.rows, 'row')}, "
        f"{number(own.expected)} if independent</p>{album.row(own.examples)}</div>"
    )
