"""Which images are shown: spread over scenes, cameras and frames; or the one that shows most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["spread"]

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0  # its multiples, modulo 1, fill [0, 1) evenly at any length


def spread(frame_scene: NDArray[np.int64], cameras: int, wanted: int) -> list[tuple[int, int]]:
    """At most ``wanted`` different (frame, camera) pairs, in order.

    Args:
        frame_scene: (F,) the scene of each frame, increasing.
        cameras: number of cameras; each has a picture of every frame.
        wanted: how many pairs; all of them where there are fewer.
    """
    total = len(frame_scene) * cameras
    wanted = min(wanted, total)
    starts = np.flatnonzero(np.diff(frame_scene, prepend=-1))
    ends = np.append(starts[1:], len(frame_scene))
    chosen: set[int] = set()
    for turn in range(wanted):
        scene = turn * len(starts) // wanted
        along = (turn * GOLDEN) % 1.0
        frame = int(starts[scene] + along * (ends[scene] - starts[scene]))
        image = frame * cameras + turn % cameras
        while image in chosen:
            image = (image + 1) % total
        chosen.add(image)
    return [divmod(image, cameras) for image in sorted(chosen)]
