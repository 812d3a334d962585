"""What a person sees of a file of grasps: one page with the part, its grasps, and how they held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.disk import replace_file
from simenv.dataset.grasps import read_grasps
from simenv.errors import InputError
from simenv.grasp.model import GraspSet
from simenv.spec.load_robot import load_robot
from simenv.view.encode import exact_uri
from simenv.view.glyph import shown
from simenv.view.grasp_page import Page, grasps_html
from simenv.view.grip import Grip
from simenv.view.portrait import portraits, swarms

__all__ = ["best_first", "write_grasps_page"]


def write_grasps_page(path: str | Path, out: str | Path | None = None, count: int = 12) -> Path:
    """Write one HTML page that shows the grasps of a file and needs nothing but itself.

    Args:
        path: a file of grasps.
        out: the page; default ``<file>.view.html`` beside it.
        count: how many of the best grasps, and how many of the worst, have a picture.

    Returns:
        Where the page is.

    Raises:
        InputError: ``path`` is no file of grasps, the catalog has no such gripper, or ``out`` is
            not the name of an HTML file.
        StorageError: the disk refused.
    """
    path = Path(path)
    out = path.with_name(path.name + ".view.html") if out is None else Path(out)
    if out.suffix.lower() != ".html":
        raise InputError(f"--out: {out} does not end in .html; choose a name that does")
    if count < 1:
        raise InputError(f"--count: {count} shows nothing; ask for 1 or more")
    file = read_grasps(path)
    hand = load_robot(file.grasps.gripper, near=Path.cwd()).hand
    page = _page(Grip(file, hand), count)
    replace_file(out, grasps_html(page).encode())
    return out


def _page(grip: Grip, count: int) -> Page:
    grasps = grip.file.grasps
    order = best_first(grasps)
    best = order[:count]
    worst = order[max(count, len(order) - count) :][::-1]
    rows = [int(row) for row in (*best, *worst)]
    pictures = {
        row: exact_uri(picture) for row, picture in zip(rows, portraits(grip, rows), strict=True)
    }
    return Page(
        grasps=grasps,
        diameter_m=float(np.linalg.norm(grip.part.extents)),
        swarms=tuple(exact_uri(picture) for picture in swarms(grip)),
        drawn=len(shown(grasps.success_probability)),
        best=tuple(int(row) for row in best),
        worst=tuple(int(row) for row in worst),
        pictures=pictures,
    )


def best_first(grasps: GraspSet) -> NDArray[np.intp]:
    """(N,) rows: by the middle of the interval, which trusts many trials; then by slip, quality.

    Grasps that were not tried all have the middle 1/2 and stand between good and bad ones.
    """
    slip = np.nan_to_num(grasps.slip_m.astype(np.float64), nan=np.inf)
    return np.lexsort((-grasps.quality, slip, -grasps.interval.mean(axis=1)))
