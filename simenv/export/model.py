"""What BOP's models/ says of an object: a PLY mesh with normals, its size, its symmetries."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.read import ObjectEntry
from simenv.errors import InputError
from simenv.export.text import numbers

__all__ = ["MM", "info", "normals", "ply", "symmetries"]

MM = 1000.0  # millimetres in a metre
MOST = 720  # discrete symmetries; far more than any polygon that a part has
DIGITS = 6  # after the point: meshes are stored as float32; and when two motions are compared


def ply(entry: ObjectEntry) -> bytes:
    """The mesh as ASCII PLY: x y z in millimetres, nx ny nz, triangles."""
    rows = np.hstack([entry.vertices.astype(np.float64) * MM, normals(entry.vertices, entry.faces)])
    header = [
        "ply",
        "format ascii 1.0",
        f"comment {entry.key}",
        f"element vertex {len(rows)}",
        *(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")),
        f"element face {len(entry.faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    vertices = [" ".join(f"{value:.7g}" for value in row) for row in (rows + 0.0).tolist()]
    faces = [f"3 {a} {b} {c}" for a, b, c in entry.faces.tolist()]
    return ("\n".join([*header, *vertices, *faces]) + "\n").encode()


def normals(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Unit normals (V, 3): of the faces around a vertex, by their angle there.

    Thuermer and Wuethrich, Computing vertex normals from polygonal facets, 1998. Meshes are stored
    with one vertex for each side of a sharp edge, so edges stay sharp.
    """
    corners = vertices.astype(np.float64)[faces]  # (T, 3, 3)
    ahead = _unit(np.roll(corners, -1, axis=1) - corners)
    back = _unit(np.roll(corners, 1, axis=1) - corners)
    angle = np.arccos(np.clip(np.einsum("tci,tci->tc", ahead, back), -1.0, 1.0))
    flat = _unit(np.cross(ahead[:, 0], back[:, 0]))
    sums = np.zeros((len(vertices), 3))
    np.add.at(sums, faces, angle[..., None] * flat[:, None])
    return _unit(sums)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors (..., 3) of length one; those without a direction point along z."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.asarray(np.where(length > 0, vectors / np.where(length > 0, length, 1.0), up))


def info(entry: ObjectEntry) -> dict[str, Any]:
    """The entry of models_info.json, in millimetres."""
    points = entry.vertices.astype(np.float64) * MM
    low, size = points.min(axis=0).round(DIGITS), np.ptp(points, axis=0).round(DIGITS)
    return {
        "diameter": round(float(entry.diameter_m) * MM, DIGITS),
        **dict(zip(("min_x", "min_y", "min_z"), numbers(low), strict=True)),
        **dict(zip(("size_x", "size_y", "size_z"), numbers(size), strict=True)),
        **symmetries(entry),
    }


def symmetries(entry: ObjectEntry) -> dict[str, Any]:
    """The keys symmetries_discrete (4x4, row by row) and symmetries_continuous, where there are.

    BOP lists every discrete motion, and its readers multiply none of them with each other: what
    the object declares is completed to a group, without the identity.

    Raises:
        InputError: the declared motions make no small group.
    """
    declared = json.loads(entry.symmetry)
    motions = [
        pose.from_rpy_deg(own["rpy_deg"], np.multiply(own["offset_m"], MM))
        for own in declared["discrete"]
    ]
    axes = [
        {
            "axis": numbers(_unit(np.array(own["axis"], dtype=np.float64))),
            "offset": numbers(np.array(own["offset_m"]) * MM),
        }
        for own in declared["continuous"]
    ]
    found: dict[str, Any] = {}
    if group := _group(motions, entry.name):
        found["symmetries_discrete"] = [numbers(np.round(X, 12)) for X in group]
    if axes:
        found["symmetries_continuous"] = axes
    return found


def _group(motions: list[pose.Matrix], name: str) -> list[pose.Matrix]:
    """All products of ``motions`` (4, 4), each once, in the order found; not the identity."""
    known = {_rounded(np.eye(4)): np.eye(4)}
    fresh = [np.eye(4)]
    while fresh:
        products = [X @ motion for X in fresh for motion in motions]
        fresh = [X for X in products if known.setdefault(_rounded(X), X) is X]
        if len(known) > MOST:
            raise InputError(
                f"objects/{name}: symmetry: its discrete motions have more than {MOST} products; "
                "use angles that divide 360, or a continuous axis"
            )
    return list(known.values())[1:]


def _rounded(X: pose.Matrix) -> bytes:
    return (np.round(X, DIGITS) + 0.0).tobytes()
