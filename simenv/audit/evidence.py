"""Which pictures show a pair of label and factor where the label is over-represented."""

from __future__ import annotations

import numpy as np

from simenv.audit.association import joined
from simenv.audit.bias import Pair
from simenv.audit.examples import Example, examples
from simenv.audit.observe import Observed

__all__ = ["evidence"]


def evidence(observed: Observed, pair: Pair, *, count: int) -> tuple[Example, ...]:
    """At most ``count`` images from the pair's most over-represented cell; none where it has none.

    The cells are those that the pair was measured in: rare ones are counted together.
    """
    if pair.found is None:
        return ()
    label, factor = observed[pair.label], observed[pair.factor]
    level = max(label.level, factor.level, key=observed.levels.index)
    a, b, scene = observed.together(label, factor)
    there = np.flatnonzero((a.cells >= 0) & (b.cells >= 0))
    own = np.unique(scene[there], return_inverse=True)[1].ravel()
    row, column = (joined(both.at(there), own)[0] for both in (a, b))
    inside = (row == pair.found.cell[0]) & (column == pair.found.cell[1])
    return examples(observed, level, there[inside], count=count)
