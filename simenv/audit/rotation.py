"""Cells of the rotations and of the directions, as few as an object's symmetries leave distinct."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from simenv import pose

__all__ = ["DIRECTIONS", "ROTATIONS", "face_cells", "orientation_cells"]

Floats = NDArray[np.float64]

TURNS = 24  # of a continuous symmetry: one every 15 degrees stands for all
MOST_PRODUCTS = 256  # of discrete symmetries; no finite group of rotations of a part is larger


def _directions() -> tuple[Floats, tuple[str, ...]]:
    """The 26 directions to the faces, edges and corners of a cube (26, 3), and their names."""
    grid = np.array([d for d in product((-1, 0, 1), repeat=3) if any(d)], dtype=float)
    grid = grid[np.argsort(np.abs(grid).sum(axis=1), kind="stable")]  # faces first
    sign = {-1: "-", 1: "+"}
    names = tuple(
        "".join(sign[int(d)] + axis for d, axis in zip(row, "xyz", strict=True) if d)
        for row in grid
    )
    return grid / np.linalg.norm(grid, axis=1, keepdims=True), names


def _rotations() -> Floats:
    """The 24 rotations that leave a cube as it is (24, 3, 3), the identity first."""
    rows = []
    for axes in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        for signs in product((1.0, -1.0), repeat=3):
            R = np.zeros((3, 3))
            R[range(3), axes] = signs
            if np.linalg.det(R) > 0:
                rows.append(R)
    return np.array(rows)


DIRECTIONS, DIRECTION_NAMES = _directions()
ROTATIONS = _rotations()


def face_cells(R_WB: Floats, symmetry: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which side of a body is down: the nearest of 26 directions of its own frame.

    Args:
        R_WB: (N, 3, 3) rotations of one object.
        symmetry: of the object, JSON as datasets have it; sides that it makes one are one cell.

    Returns:
        Row of the names (N,), and the names of all 26; those that a symmetry merges into another
        never occur.
    """
    down_B = -R_WB[:, 2, :]  # R_WB^T (0, 0, -1)
    nearest = np.argmax(down_B @ DIRECTIONS.T, axis=1)
    return _merged_directions(symmetry)[nearest], DIRECTION_NAMES


def orientation_cells(R_WB: Floats, symmetry: str) -> NDArray[np.int64]:
    """The nearest of the 24 rotations of a cube (N,), of those that the symmetry leaves distinct.

    Every rotation is within 62.8 degrees of one of them.
    """
    nearest = np.argmax(np.einsum("nij,kij->nk", R_WB, ROTATIONS), axis=1)
    return np.asarray(_merged_rotations(symmetry)[nearest])


@lru_cache(maxsize=1024)
def _group(symmetry: str) -> Floats:
    """The rotations (K, 3, 3) that leave the object as it is, the identity first."""
    known = json.loads(symmetry) if symmetry else {}
    discrete = [
        pose.from_rpy_deg(tuple(row["rpy_deg"]))[:3, :3] for row in known.get("discrete", ())
    ]
    turns = [
        Rotation.from_rotvec(
            angle * np.array(row["axis"]) / np.linalg.norm(row["axis"])
        ).as_matrix()
        for row in known.get("continuous", ())
        for angle in np.arange(1, TURNS) * (2 * np.pi / TURNS)
    ]
    rows = [np.eye(3)]
    for own in [*turns, *discrete]:
        _close(rows, own)
    return np.array(rows)


def _unit(axis: Sequence[float]) -> Floats:
    return np.asarray(axis, dtype=float) / float(np.linalg.norm(axis))


def _close(rows: list[Floats], own: Floats) -> None:
    """Put ``own`` and its products with all of ``rows`` into them."""
    for R in (own @ row for row in tuple(rows)):
        if len(rows) < MOST_PRODUCTS and not any(np.allclose(R, row, atol=1e-6) for row in rows):
            rows.append(R)


@lru_cache(maxsize=1024)
def _merged_directions(symmetry: str) -> NDArray[np.int64]:
    moved = np.einsum("kij,nj->kni", _group(symmetry), DIRECTIONS)
    return _merged(np.argmax(moved @ DIRECTIONS.T, axis=2))


@lru_cache(maxsize=1024)
def _merged_rotations(symmetry: str) -> NDArray[np.int64]:
    moved = np.einsum("nij,kjl->knil", ROTATIONS, _group(symmetry))
    return _merged(np.argmax(np.einsum("knil,mil->knm", moved, ROTATIONS), axis=2))


def _merged(images: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest cell that each is joined with (N,), where (K, N) ``images`` join cells."""
    lowest = np.arange(images.shape[1])
    while True:
        before = lowest.copy()
        for image in images:
            both = np.minimum(lowest, lowest[image])
            lowest = both
            np.minimum.at(lowest, image, both)
        if np.array_equal(before, lowest):
            return lowest
