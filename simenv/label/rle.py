"""How a mask becomes one short string, and back: COCO's compressed run-length encoding.

The pixels are taken column by column (Fortran order) and the lengths of their runs are listed,
zeros first. From the fourth on, a length is stored as its difference from the one two before it, so
that even stretches become small numbers. Every number is cut into groups of five bits, lowest
first, with a sixth bit that says whether more follow, and each group becomes one character from
"0" on. The format is that of the COCO API (`rleEncode`, `rleToString` and `rleFrString` of
maskApi.c); ``pycocotools.mask.decode({"size": [H, W], "counts": text})`` reads it.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode", "encode"]

GROUP_BITS, MORE, SIGN = 5, 0x20, 0x10
GROUPS = 8  # 40 bits: more than any length of run needs
FIRST = 48  # the character of a group of zeros


def encode(mask: NDArray[np.bool_]) -> str:
    """The string of a mask (H, W)."""
    pixels = np.ravel(mask, order="F")
    return encode_changes(np.flatnonzero(np.diff(pixels, prepend=False)), pixels.size)


def encode_changes(changes: NDArray[np.int64], size: int) -> str:
    """The string of ``size`` pixels that turn at ``changes`` (increasing) from 0 to 1 and back."""
    return _characters(np.diff(changes, prepend=0, append=size))


def _characters(lengths: NDArray[np.int64]) -> str:
    numbers = lengths.copy()
    numbers[3:] -= lengths[1:-2]
    shifted = numbers[:, None] >> (GROUP_BITS * np.arange(GROUPS))
    groups, rest = shifted & 0x1F, shifted >> GROUP_BITS
    # The last group of a number has its sign in the fifth bit, and nothing but signs above it.
    more = rest != np.where(groups & SIGN, -1, 0)
    used = np.ones(more.shape, dtype=bool)
    used[:, 1:] = np.logical_and.accumulate(more, axis=1)[:, :-1]
    return (FIRST + (groups | np.where(more, MORE, 0)))[used].astype(np.uint8).tobytes().decode()


def decode(counts: str, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) of a string.

    Raises:
        ValueError: if it is no such string, or its runs do not fill the mask.
    """
    lengths = _lengths(counts)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"the runs do not add up to {height} x {width} pixels")
    pixels = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.asarray(pixels.reshape(width, height).T)


def _lengths(counts: str) -> NDArray[np.int64]:
    codes = np.frombuffer(counts.encode("utf-8"), dtype=np.uint8).astype(np.int64) - FIRST
    last = np.flatnonzero(codes & MORE == 0)  # of each number
    start = np.append(0, last + 1)
    place = np.arange(len(codes)) - np.repeat(start, np.diff(start, append=len(codes)))
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & MORE:
        raise ValueError("the text is no run-length encoding of COCO")
    if place.max() >= GROUPS:
        raise ValueError("the text has a number of more than 40 bits")
    numbers = np.add.reduceat((codes & 0x1F) << (GROUP_BITS * place), start[:-1])
    negative = codes[last] & SIGN != 0
    numbers -= np.where(negative, np.int64(1) << (GROUP_BITS * (place[last] + 1)), 0)
    for first in (1, 2):  # odd and even ones; the very first stands alone
        numbers[first::2] = np.cumsum(numbers[first::2])
    return np.asarray(numbers)
