"""How the numbers of an episode are spread: what LeRobot scales a policy's inputs by.

As lerobot/datasets/compute_stats.py has it, but exact: over all pixels of all frames, quantiles by
sorting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.export.columns import Feature

__all__ = ["Stats", "join", "stats_of"]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
LEVELS = np.arange(256) / 255  # pictures are scaled from 0 to 1
One = dict[str, NDArray[Any]]  # min, max, mean, std, count, q01, ...
Stats = Mapping[str, One]  # of each column


def stats_of(
    values: Mapping[str, NDArray[Any]], features: Mapping[str, Feature], what: str
) -> dict[str, One]:
    """Of each column of an episode: (n,) numbers of vectors, (C, 1, 1) of pictures.

    Raises:
        InputError: a number of ``what`` is not finite.
    """
    found = {}
    for name, column in values.items():
        if name in features and features[name].dtype == "image":
            found[name] = _of_pictures(column)
            continue
        if not np.isfinite(column).all():
            raise InputError(f"{what}: {name} is not finite, which LeRobot cannot scale")
        found[name] = _of_rows(column)
    return found


def _of_rows(column: NDArray[Any]) -> One:
    rows = column.reshape(-1, column.shape[-1] if column.ndim > 1 else 1).astype(np.float64)
    # The first number that is not below so many of them: what a histogram of fine bins finds.
    quantiles = np.quantile(rows, [*QUANTILES.values()], axis=0, method="inverted_cdf")
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "count": np.array([len(column)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def _of_pictures(frames: NDArray[np.uint8]) -> One:
    """By counting levels, channel by channel."""
    channels = [
        _of_levels(np.bincount(c.ravel(), minlength=256)) for c in np.moveaxis(frames, 3, 0)
    ]
    joined = {k: np.reshape([own[k] for own in channels], (-1, 1, 1)) for k in channels[0]}
    return {**joined, "count": np.array([len(frames)])}


def _of_levels(counts: NDArray[np.int64]) -> dict[str, float]:
    total, seen = counts.sum(), LEVELS[counts > 0]
    mean = float(counts @ LEVELS / total)
    below = np.cumsum(counts)
    return {
        "min": seen[0],
        "max": seen[-1],
        "mean": mean,
        "std": float(np.sqrt(counts @ (LEVELS - mean) ** 2 / total)),
        **{name: LEVELS[np.searchsorted(below, q * total)] for name, q in QUANTILES.items()},
    }


def join(parts: Sequence[Stats]) -> dict[str, One]:
    """Of all episodes, by aggregate_feature_stats of LeRobot: its quantiles are bounds."""
    return {name: _join([part[name] for part in parts]) for name in parts[0]}


def _join(parts: Sequence[One]) -> One:
    stacked = {key: np.stack([part[key] for part in parts]) for key in parts[0]}
    counts = stacked["count"].reshape(-1, *[1] * (stacked["mean"].ndim - 1))
    mean = (stacked["mean"] * counts).sum(axis=0) / counts.sum()
    spread = stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2
    return {
        "min": stacked["min"].min(axis=0),
        "max": stacked["max"].max(axis=0),
        "mean": mean,
        "std": np.sqrt((spread * counts).sum(axis=0) / counts.sum()),
        "count": stacked["count"].sum(axis=0),
        **{
            q: stacked[q].min(axis=0) if QUANTILES[q] <= 0.5 else stacked[q].max(axis=0)
            for q in QUANTILES
        },
    }
