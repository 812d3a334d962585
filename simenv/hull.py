"""How convex pieces lie to each other: the gap between two, and how far one slides to touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["gap", "slide"]

Points = NDArray[np.float64]  # (V, 3) corners of a convex piece, metres
WEIGHT = 1e3  # of the sums to 1 beside the distance, which is then off by a millionth of itself


def gap(one: Sequence[Points], two: Sequence[Points], *, beyond: float) -> float:
    """The distance between two bodies of convex pieces, 0 where they overlap; metres.

    Pieces whose boxes are farther apart than ``beyond`` are not looked at; infinity if all are.
    """
    near = [
        _distance(a, b)
        for a in one
        for b in two
        if (np.maximum(a.min(0) - b.max(0), b.min(0) - a.max(0)) <= beyond).all()
    ]
    return min(near, default=np.inf)


def _distance(a: Points, b: Points) -> float:
    """The least |sum x_i a_i - sum y_j b_j| over x, y >= 0 with sum 1: by least squares."""
    from scipy.optimize import nnls

    size = float(np.ptp(np.concatenate([a, b]), axis=0).max())
    middle = a.mean(axis=0)
    ones, zeros = np.ones(len(a)) * WEIGHT, np.zeros(len(b))
    sums = [[*ones, *zeros], [*np.zeros(len(a)), *np.ones(len(b)) * WEIGHT]]
    matrix = np.vstack([np.hstack([(a - middle).T, -(b - middle).T]) / size, sums])
    _, rest = nnls(matrix, np.array([0.0, 0.0, 0.0, WEIGHT, WEIGHT]))
    return float(rest) * size


def slide(one: Sequence[Points], two: Sequence[Points], direction: NDArray[np.float64]) -> float:
    """How far ``two`` goes along the unit ``direction`` (3,) before it leaves ``one`` for good.

    There the two bodies touch. 0 if they never meet on that way.
    """
    pairs = [(float((a @ direction).max() - (b @ direction).min()), a, b) for a in one for b in two]
    farthest = 0.0
    for bound, a, b in sorted(pairs, key=lambda pair: -pair[0]):
        if bound <= farthest:
            break
        farthest = max(farthest, _last_meeting(a, b, direction))
    return farthest


def _last_meeting(a: Points, b: Points, direction: NDArray[np.float64]) -> float:
    """The largest t at which a and b + t direction share a point; 0 if none does."""
    from scipy.optimize import linprog

    rows = np.zeros((5, len(a) + len(b) + 1))
    rows[:3, : len(a)], rows[:3, len(a) : -1], rows[:3, -1] = a.T, -b.T, -direction
    rows[3, : len(a)] = rows[4, len(a) : -1] = 1.0
    goal = np.zeros(rows.shape[1])
    goal[-1] = -1.0
    found = linprog(goal, A_eq=rows, b_eq=[0, 0, 0, 1, 1], bounds=(0, None))
    return 0.0 if found.x is None else float(found.x[-1])
