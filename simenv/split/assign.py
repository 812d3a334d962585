"""Which part each scene goes to, so that every label is in every part by its fraction.

Iterative stratification of Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label
Data (ECML PKDD 2011), then exchanges of scenes while they bring the worst label nearer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["assign", "deviations"]

FREE = -1  # in no part yet
CLOSE = 1.0  # scenes; a label that deviates by no more is left as it is
MOST_TRIED = 256  # units on each side of an exchange

Floats = NDArray[np.float64]


def assign(
    counts: NDArray[np.int64],
    fractions: Floats,
    order: Floats,
    *,
    given: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The part (U,) of each unit; what is ``given`` stays.

    Args:
        counts: (U, L) how many scenes of unit u have label l; label 0 is that of every scene.
        fractions: (P,) of the parts; together 1.
        order: (U,) in which units of equal need come, distinct numbers.
        given: (U,) the part that a unit is in already, or -1.
    """
    parts = np.full(len(counts), FREE) if given is None else given.copy()
    movable = parts == FREE
    wanted = np.outer(fractions, counts.sum(axis=0)) - _held(counts, parts, len(fractions))
    while (free := parts == FREE).any():
        label = _rarest(counts, free)
        for unit in sorted(np.flatnonzero(free & (counts[:, label] > 0)), key=lambda u: order[u]):
            parts[unit] = _neediest(wanted, label)
            wanted[parts[unit]] -= counts[unit]
    _exchange(counts, fractions, order, parts, movable)
    return parts


def deviations(counts: NDArray[np.int64], fractions: Floats, parts: NDArray[np.int64]) -> Floats:
    """(P, L) scenes that each part has of each label beyond its fraction of them."""
    held = _held(counts, parts, len(fractions))
    return held - np.outer(fractions, held.sum(axis=0))


def _held(counts: NDArray[np.int64], parts: NDArray[np.int64], number: int) -> Floats:
    """(P, L) scenes that each part has of each label."""
    own = [counts[parts == part].sum(axis=0) for part in range(number)]
    return np.array(own, dtype=np.float64)


def _rarest(counts: NDArray[np.int64], free: NDArray[np.bool_]) -> int:
    """The label that the fewest free units have."""
    having = (counts[free] > 0).sum(axis=0)
    return int(np.where(having > 0, having, len(free) + 1).argmin())


def _neediest(wanted: Floats, label: int) -> int:
    """The part that lacks most of a label; of equal ones that which lacks most scenes."""
    return int(np.lexsort((-wanted[:, 0], -wanted[:, label]))[0])


def _exchange(
    counts: NDArray[np.int64],
    fractions: Floats,
    order: Floats,
    parts: NDArray[np.int64],
    movable: NDArray[np.bool_],
) -> None:
    """Change ``parts`` in place until no label is far off, or no exchange helps any that is."""
    stuck = np.zeros((len(fractions), counts.shape[1]), dtype=bool)
    ranked = np.argsort(order)
    ranked = ranked[movable[ranked]]
    while True:
        off = deviations(counts, fractions, parts)
        far = np.where(stuck, 0.0, np.abs(off))
        part, label = (int(k) for k in np.unravel_index(far.argmax(), far.shape))
        if far[part, label] <= CLOSE:
            return
        stuck[part, label] = not _nearer(counts, off, ranked, parts, part, label)
        if not stuck[part, label]:
            stuck[:] = False


def _nearer(
    counts: NDArray[np.int64],
    off: Floats,
    ranked: NDArray[np.int64],
    parts: NDArray[np.int64],
    part: int,
    label: int,
) -> bool:
    """Whether an exchange with another part brought a label of ``part`` nearer; then it is done."""
    sign = np.sign(off[part, label])
    side, has = parts[ranked], counts[ranked, label] > 0
    for other in np.argsort(sign * off[:, label]).tolist():
        giver, taker = (part, other) if sign > 0 else (other, part)
        give = ranked[(side == giver) & has][:MOST_TRIED]
        back = ranked[(side == taker) & ~has][:MOST_TRIED]
        pair = None if other == part else _best(counts, off[taker] - off[giver], give, back)
        if pair is not None:
            parts[pair[0]], parts[pair[1:]] = taker, giver
            return True
    return False


def _best(
    counts: NDArray[np.int64],
    gap: Floats,
    give: NDArray[np.int64],
    back: NDArray[np.int64],
) -> NDArray[np.int64] | None:
    """The unit to give, and the one to take back, if any; None where none brings the sides nearer.

    The sum of squared deviations changes by ``2 (gap . d + d . d)``, d = given - taken back.
    """
    if not len(give):
        return None
    mine = counts[give].astype(np.float64)
    theirs = np.vstack([np.zeros(counts.shape[1]), counts[back]])  # the first: nothing comes back
    change = (mine @ gap + (mine**2).sum(axis=1))[:, None]
    change = change + (theirs**2).sum(axis=1) - theirs @ gap - 2.0 * mine @ theirs.T
    u, v = np.unravel_index(change.argmin(), change.shape)
    if change[u, v] >= -1e-9:
        return None
    return np.array([give[u], *back[v - 1 : v]]) if v else np.array([give[u]])
