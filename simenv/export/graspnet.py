"""GraspNet's arrays: one `GraspGroup` of graspnetAPI for each file of grasps. See docs/export.md.

Columns and frame are those of graspnetAPI/grasp.py and of its figure grasp_definition.png: x the
approach, y the closing direction, z along the height; the fingers reach ``depth`` beyond the point.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from simenv.export.folder import Folder
from simenv.export.grasps import GraspSource, Tried
from simenv.export.text import by_line

__all__ = ["KINDS", "group", "write"]

KINDS = ("jaw",)
R_GN = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""GraspNet's axes in G: its x is G's z, its y is G's x, its z is G's y."""


def write(source: GraspSource, folder: Folder) -> int:
    """Write ``grasps/*.npy``, ``meshes/*.obj`` and ``objects.json``; how many grasps they have."""
    numbers: dict[str, int] = {}
    count = 0
    for tried in source:
        number = numbers.setdefault(tried.object, len(numbers))
        folder.write(f"meshes/{tried.object}.obj", tried.mesh)
        folder.write(f"grasps/{tried.name}.npy", _npy(group(tried, number)))
        count += len(tried.rows)
    names = {n: {"name": name, "mesh": f"meshes/{name}.obj"} for name, n in numbers.items()}
    folder.write("objects.json", by_line(names))
    return count


def group(tried: Tried, number: int) -> NDArray[np.float64]:
    """(M, 17): score, width, height, depth, rotation (9), translation (3), object id."""
    grasps, rows = tried.grasps, tried.rows
    X_BG = grasps.X_BG[rows]
    columns = [
        grasps.success_probability[rows],
        grasps.opening_m[rows],
        np.full(len(rows), tried.hand.pad_m),
        np.full(len(rows), tried.hand.tip_m),
        (X_BG[:, :3, :3] @ R_GN).reshape(-1, 9),
        X_BG[:, :3, 3],
        np.full(len(rows), float(number)),
    ]
    return np.column_stack(columns)


def _npy(array: NDArray[np.float64]) -> memoryview:
    """As numpy.save writes it."""
    image = BytesIO()
    np.save(image, array)
    return image.getbuffer()
