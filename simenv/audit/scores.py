"""Are two columns of rows independent, where the rows of one scene are not?

The score of a scene is what its rows add to the difference between a table and what its margins
alone would make of it. Scenes are independent, so the scatter of their scores says how far their
sum strays by chance, whatever happens within a scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

__all__ = ["Moments", "moments", "one_hot_scores", "rank_scores"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Moments:
    """A squared sum of scores, and what chance makes of it: one or several (...) at once."""

    square: Floats  # X2: Pearson's chi-square of the weighted table
    mean: Floats  # of X2, were the two independent
    variance: Floats
    third: Floats  # third cumulant

    @property
    def p(self) -> Floats:
        """The chance of a square as large: of a shifted gamma with the same three cumulants.

        X2 is distributed as a sum of weighted chi-squares (Rao and Scott 1981); three cumulants of
        it are enough for its tail (Imhof 1961, Pearson's approximation).
        """
        freedom = 8 * self.variance**3 / np.maximum(self.third**2, TINY)
        spread = np.sqrt(np.maximum(self.variance, TINY))
        at = freedom + np.sqrt(2 * freedom) * (self.square - self.mean) / spread
        return np.where(self.variance > TINY, chi2.sf(at, freedom), 1.0)


def moments(scores: Floats) -> Moments:
    """Of scores (..., S, D), one row a scene.

    The cumulants are 2 tr(C^2) and 8 tr(C^3) of the scores' covariance C; each trace is a sum over
    scenes of which no two are the same, so that chance within few scenes does not enlarge it.
    """
    scenes = scores.shape[-2]
    own = (scores**2).sum(axis=-1)
    covariance = np.swapaxes(scores, -1, -2) @ scores
    beside = ((scores @ covariance) * scores).sum(axis=-1)
    mean = own.sum(axis=-1) * scenes / max(scenes - 1, 1)
    second = np.maximum(beside.sum(axis=-1) - (own**2).sum(axis=-1), 0.0)
    third = ((covariance @ covariance) * covariance).sum(axis=(-2, -1))
    third += -3 * (own * beside).sum(axis=-1) + 2 * (own**3).sum(axis=-1)
    third = np.maximum(third, second**2 / np.maximum(mean, TINY))  # by Cauchy and Schwarz
    return Moments((scores.sum(axis=-2) ** 2).sum(axis=-1), mean, 2 * second, 8 * third)


def one_hot_scores(table: Floats) -> Floats:
    """Scores (S, I, J) of tables (S, I, J) of weights, a table a scene; none of I or J is empty."""
    total, rows, columns = table.sum(), table.sum(axis=(0, 2)), table.sum(axis=(0, 1))
    p, q = (rows / total)[:, None], columns / total
    own_rows, own_columns = table.sum(axis=2)[:, :, None], table.sum(axis=1)[:, None, :]
    own = table.sum(axis=(1, 2))[:, None, None]
    residual = table - p * own_columns - own_rows * q + p * q * own
    return np.asarray(residual / np.sqrt(total * p * q))


def rank_scores(sums: Floats, weights: Floats) -> Floats:
    """Scores (S, I) of sums (S, I) over rows of a centred rank of unit variance, by label.

    ``weights``: (S, I) of the same rows. The squared sum is the total weight times the correlation
    ratio of the ranks.
    """
    total, p = weights.sum(), weights.sum(axis=0) / weights.sum()
    return np.asarray((sums - p * sums.sum(axis=1, keepdims=True)) / np.sqrt(total * p))
