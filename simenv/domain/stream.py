"""Where random numbers come from: each is a pure function of the seed and of what it is for."""

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.errors import InputError

__all__ = ["SOBOL_DIMS", "point", "stream"]

SOBOL_DIMS = 64  # fixed: the scramble of a dimension must not depend on how many are used
LAST_POINT = 2**30 - 1  # scipy's Sobol sequence has 30 bits
BLOCK = 256  # points made at once; building the engine costs as much as 10^6 points


def stream(
    seed: int, scene: int, path: str, instance: int = 0, attempt: int = 0
) -> np.random.Generator:
    """The random numbers that ``path`` (an axis, or a named choice) has in one scene."""
    key = (scene, zlib.crc32(path.encode()), instance, attempt)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def point(seed: int, scene: int) -> NDArray[np.float64]:
    """Point number ``scene`` of the scrambled Sobol sequence of ``seed``, (64,) in [0, 1).

    Any prefix covers the unit cube evenly, whoever computes which part of it, in any order.

    Raises:
        InputError: if the sequence has no such point.
    """
    if not 0 <= scene <= LAST_POINT:
        raise InputError(f"scene {scene} is out of range; scenes are numbered 0..{LAST_POINT}")
    points: NDArray[np.float64] = _points(seed, scene // BLOCK)[scene % BLOCK]
    return points


@lru_cache(maxsize=8)
def _points(seed: int, block: int) -> NDArray[np.float64]:
    """The 256 points of one block, (256, 64)."""
    from scipy.stats import qmc  # takes over a second to import

    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    engine = qmc.Sobol(SOBOL_DIMS, scramble=True, rng=rng)
    if block:
        engine.fast_forward(block * BLOCK)
    points = engine.random(BLOCK)
    points.setflags(write=False)
    return np.asarray(points)
