"""How wide a distribution is: how many values of it one would tell apart, as a power of two.

The convention: a range of numbers is `CELLS` cells a dimension, however long it is in its unit; a
choice is as many cells as its perplexity, exp of the entropy of its weights; rotations are cells of
45 degrees, counted on what is left of SO(3) when the symmetries of the part are taken out. The
width in bits is the base-2 logarithm of the number of cells, so that widths of axes add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.spec.domain import Distribution
from simenv.spec.object import Symmetry

__all__ = ["CELLS", "bits", "options_of", "perplexity", "rotation_cells"]

CELLS = 8  # of a number's range, and of a full turn
SAME_ROTATION = 1e-6  # largest difference of two matrices that are one rotation
LARGEST_GROUP = 120  # rotations of the icosahedron, twice: no part has more

Matrices = NDArray[np.float64]  # (N, 3, 3)


def bits(draws: Distribution, *, options: Sequence[object], rotations: float) -> float:
    """log2 of the number of cells.

    Args:
        draws: what the axis draws from.
        options: what ``choice: all`` chooses from.
        rotations: cells of rotations, see `rotation_cells`.
    """
    if draws.integers is not None:
        low, high = draws.integers
        return float(np.log2(min(high - low + 1, CELLS)))
    if draws.form == "choice":
        return float(np.log2(perplexity(weight for _, weight in options_of(draws, options))))
    if draws.so3 is not None:
        return float(np.log2(rotations))
    return float(np.log2(CELLS)) * sum(low != high for low, high in _ranges(draws))


def _ranges(draws: Distribution) -> list[tuple[float, float]]:
    """Low and high of each dimension of numbers."""
    if draws.on_sphere is not None:
        around = draws.on_sphere
        return [around.radius_m, around.elevation_deg, around.azimuth_deg]
    low, high = draws.uniform or draws.log_uniform or (0.0, 0.0)
    if isinstance(low, tuple) and isinstance(high, tuple):
        return list(zip(low, high, strict=True))
    assert not isinstance(low, tuple)
    assert not isinstance(high, tuple)
    return [(low, high)]


def options_of(draws: Distribution, options: Sequence[object]) -> list[tuple[object, float]]:
    """What a choice chooses from, with weights; ``options`` is what ``all`` means."""
    if isinstance(draws.choice, dict):
        return [(name, weight) for name, weight in draws.choice.items() if weight > 0]
    chosen = options if draws.choice == "all" else draws.choice or ()
    return [(value, 1.0) for value in chosen]


def perplexity(weights: Iterable[float]) -> float:
    """How many even options would be as uncertain: exp of the entropy; 1 for a sure thing."""
    share = np.array([weight for weight in weights if weight > 0], dtype=float)
    if not len(share):
        return 1.0
    share /= share.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def rotation_cells(symmetry: Symmetry) -> float:
    """Orientations of a part that look different, in cells of a turn / `CELLS` along each side.

    SO(3) has the volume 8 pi^2 (angles of Euler), a round part's directions 4 pi, and a ball is
    the same all round. A group of n rotations leaves 1 / n of it.
    """
    side = 2 * np.pi / CELLS
    axes = [np.array(own.axis) / np.linalg.norm(own.axis) for own in symmetry.continuous]
    turns = [pose.from_rpy_deg(own.rpy_deg)[:3, :3] for own in symmetry.discrete]
    if any(np.linalg.norm(np.cross(axes[0], axis)) > SAME_ROTATION for axis in axes[1:]):
        return 1.0
    if axes:
        flips = any(float(axes[0] @ (turn @ axes[0])) < -1 + SAME_ROTATION for turn in turns)
        return float(4 * np.pi / side**2) / (2 if flips else 1)
    return float(8 * np.pi**2 / side**3) / len(_group(turns))


def _group(turns: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """All products of ``turns``; a file may list all of the group, or what generates it."""
    known = [np.eye(3)]
    for one in known:  # grows while it is walked
        for turn in turns:
            new = turn @ one
            if len(known) < LARGEST_GROUP and not _holds(known, new):
                known.append(new)
    return known


def _holds(known: Sequence[NDArray[np.float64]], turn: NDArray[np.float64]) -> bool:
    return bool((np.abs(np.array(known) - turn).max(axis=(1, 2)) < SAME_ROTATION).any())
