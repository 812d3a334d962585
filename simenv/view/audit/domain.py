"""What was asked for, axis by axis, and what physics and the cameras made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from simenv.audit.about import Axis
from simenv.audit.coverage import VariableCells
from simenv.audit.report import Report
from simenv.view.audit.html import breakable, note, section, table
from simenv.view.chart import sparkline

__all__ = ["domain_section"]

STAND_INS = {".objects": "class", ".orientation": "face"}  # what shows an axis that is no variable


def domain_section(report: Report) -> str:
    """The axes; the labels of parts and scenes; what each camera sees, side by side."""
    cameras = [own.name for own in report.about.cameras]
    return section(
        "domain",
        "The domain, and what was reached",
        note(
            "Each bar is a cell, as tall as it is full. Axes are what the task draws; an empty "
            "cell is a red stub. Below is what came out after physics and cameras."
        )
        + table(
            ("axis", "kind", "draws", "bits", "reached"),
            (_axis_row(report, axis) for axis in report.about.axes),
            numbers=(3,),
            kind="domain",
            label="axes of the domain",
        )
        + '<div class="pair">'
        + table(
            ("what came out", "role", "cells", "reached"),
            (_row(report, own) for own in report.coverage.variables if _of_parts(own)),
            numbers=(2,),
            kind="domain",
            label="realised variables",
        )
        + table(
            ("of a part, seen by", *cameras),
            _seen_rows(report, cameras),
            kind="domain",
            label="realised variables of the cameras",
        )
        + "</div>",
    )


def _axis_row(report: Report, axis: Axis) -> Sequence[str]:
    sparks = "".join(_spark(report, own) for own in _shown(report, axis.path))
    bits = "" if axis.bits is None else f"{axis.bits:.1f}"
    kind = f'<span class="kind {escape(axis.kind)}">{escape(axis.kind)}</span>'
    return breakable(axis.path), kind, escape(axis.draws), bits, sparks or "not binned"


def _shown(report: Report, path: str) -> Iterator[VariableCells]:
    """The variables of an axis: its components; for objects and rotations, what they became."""
    variables = report.coverage.variables
    own = [v for v in variables if v.name == path or v.name.startswith((f"{path}[", f"{path}."))]
    stand_in = next((name for end, name in STAND_INS.items() if path.endswith(end)), None)
    yield from own or [v for v in variables if v.name == stand_in]


def _of_parts(own: VariableCells) -> bool:
    return not own.planned and not own.level.startswith("view/")


def _row(report: Report, own: VariableCells) -> Sequence[str]:
    kind = f'<span class="kind {own.role}">{own.role}</span>'
    return breakable(own.name), kind, f"{own.reached} of {own.reachable}", _spark(report, own)


def _seen_rows(report: Report, cameras: Sequence[str]) -> Iterator[Sequence[str]]:
    """One row a variable, one column a camera."""
    own = {row.name: row for row in report.coverage.variables if row.level.startswith("view/")}
    for name in dict.fromkeys(key.partition(": ")[2] for key in own):
        cells = (own.get(f"{camera}: {name}") for camera in cameras)
        yield escape(name), *("" if cell is None else _spark(report, cell) for cell in cells)


def _spark(report: Report, own: VariableCells) -> str:
    what = "scenes" if own.level == "scene" else "rows"
    return sparkline(own.rows, own.cells, what=what, hot=own.planned)
