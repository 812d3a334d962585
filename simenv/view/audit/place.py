"""Where in the pictures the parts are, how large, and how even the classes are."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from simenv.audit.about import CameraFact
from simenv.audit.report import Report
from simenv.audit.variable import Variable
from simenv.view.audit.html import note, section
from simenv.view.chart import bars, grid

__all__ = ["place_section"]


def place_section(report: Report) -> str:
    """A plane for each camera, with the scales, and a bar for each class."""
    cameras = "".join(_camera(report, own) for own in report.about.cameras)
    return section(
        "images",
        "In the pictures",
        note(
            "Where the parts stand, the picture cut into cells: dark is much, grey is "
            "never. Below: how large the parts are."
        )
        + f'<div class="planes">{cameras}{_classes(report)}</div>',
    )


def _camera(report: Report, camera: CameraFact) -> str:
    observed = report.observed
    try:
        u, v = (observed[f"{camera.name}: {name}"] for name in "uv")
        scale = observed[f"{camera.name}: scale_px"]
    except StopIteration:
        return ""
    counts = occupancy(u, v)
    reached = f"{int((counts > 0).sum())} of {counts.size} cells"
    plane = grid(
        counts,
        lambda r, c: f"u {u.names[c]}, v {v.names[r]}: {counts[r, c]} parts",
        ratio=camera.width / camera.height,
        label=f"positions in {camera.name}: {reached} reached",
    )
    return (
        f'<figure class="card"><figcaption><b>{escape(camera.name)}</b> {camera.width} x '
        f"{camera.height} px · {len(u):,} parts seen · {reached}</figcaption>{plane}"
        f"{bars(scale.names, scale.counts.tolist(), title='diagonal of the box, px')}</figure>"
    )


def occupancy(u: Variable, v: Variable) -> NDArray[np.int64]:
    """Rows in each cell (V, U) of the picture."""
    counts = np.zeros((len(v.names), len(u.names)), np.int64)
    there = (u.cells >= 0) & (v.cells >= 0)
    np.add.at(counts, (v.cells[there], u.cells[there]), 1)
    return counts


def _classes(report: Report) -> str:
    own = report.observed["class"]
    return (
        '<figure class="card"><figcaption><b>classes</b> rows of parts in frames</figcaption>'
        f"{bars(own.names, own.counts.tolist(), title='')}</figure>"
    )
