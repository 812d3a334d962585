"""Which scenes fill most holes together: the greedy choice, which is within 1 - 1/e of the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["choose"]

LEAST_GAIN = 0.05  # cells that a scene must be expected to fill, for more to be worth making
DIGITS = 6  # of the gains: what differs by less is a tie, won by the first

Floats = NDArray[np.float32]


def choose(
    chances: Floats, counted: NDArray[np.bool_], *, most: int, enough: float
) -> NDArray[np.int64]:
    """Rows of ``chances`` (K, M), those of the scenes to make, in the order they were chosen.

    All holes count alike for which scene is best, but without a chance for one of those that were
    asked for, there is none.

    Args:
        chances: that scene k fills hole m.
        counted: (M,) the holes that count for ``enough``.
        most: scenes.
        enough: holes; stops when so many are expected to be filled.
    """
    left = np.ones(chances.shape[1], np.float32)  # that hole m stays, with what is chosen
    asked = chances[:, counted]
    chosen: list[int] = []
    while len(chosen) < most and float((1 - left[counted]).sum()) < enough:
        gains = np.round((chances @ left).astype(float), DIGITS)
        gains[chosen] = -1.0
        promised = float((asked @ left[counted]).max(initial=0.0))
        if promised < LEAST_GAIN or gains.max() < LEAST_GAIN:
            break
        best = int(np.argmax(gains))
        chosen.append(best)
        left *= 1 - chances[best]
    return np.array(chosen, dtype=np.int64)
