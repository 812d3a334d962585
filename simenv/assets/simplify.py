"""How a mesh gets fewer triangles: the vertices of each cell of a grid become one.

Rossignac and Borrel, Multi-resolution 3D approximations, 1993. It keeps a closed surface closed and
moves no point by more than a cell's diagonal.
"""

from __future__ import annotations

import numpy as np

from simenv.assets.finding import Finding
from simenv.assets.soup import Soup
from simenv.errors import InputError

__all__ = ["simplify"]

COARSEST = 0.02  # of the longest side: a larger cell would be seen
TRIES = 8
CHANGE = 0.02  # of the volume that may be lost


def simplify(soup: Soup, most: int, found: list[Finding]) -> Soup:
    """The surface with at most ``most`` triangles.

    Raises:
        InputError: it takes more than is well done here.
    """
    count = len(soup.faces)
    if count <= most:
        return soup
    # A surface of area A passes through some 1.5 A / cell^2 cells, and has twice as many triangles.
    cell = float(np.sqrt(3.0 * soup.areas.sum() / most))
    for _ in range(TRIES):
        fewer, moved = _cluster(soup, cell)
        if len(fewer.faces) <= most or cell > COARSEST * soup.extents.max():
            break
        cell *= 1.15
    change = abs(fewer.volume / soup.volume - 1.0)
    if len(fewer.faces) > most or change > CHANGE or cell > COARSEST * soup.extents.max():
        raise InputError(f"has {count} triangles, at most {most} are taken; simplify it")
    text = f"simplified from {count} to {len(fewer.faces)} triangles"
    text += f": moved by at most {moved * 1e3:.2g} mm, volume changed by {change:.2%}"
    found.append(Finding("mend", text))
    return fewer


def _cluster(soup: Soup, cell: float) -> tuple[Soup, float]:
    cells = np.floor((soup.vertices - soup.vertices.min(axis=0)) / cell)
    _, rows, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    rows = rows.reshape(-1)
    means = np.column_stack([np.bincount(rows, axis) for axis in soup.vertices.T]) / counts[:, None]
    moved = float(np.linalg.norm(means[rows] - soup.vertices, axis=1).max())
    fewer = soup.relabel(means, rows)
    return fewer.keep((fewer.faces != np.roll(fewer.faces, 1, axis=1)).all(axis=1)), moved
