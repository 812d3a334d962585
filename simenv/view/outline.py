"""Where the outline of a mask runs in the picture: rings of few points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["rings"]

OFF_PX = 0.6  # that a ring may be away from the outline: what a line of one pixel hides


def rings(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Polygons (P, 2) through the centres of the outermost pixels of ``mask`` (H, W); no holes."""
    import cv2  # slow to import

    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return tuple(
        np.asarray(cv2.approxPolyDP(ring, OFF_PX, True), dtype=np.float64).reshape(-1, 2)
        for ring in found
    )
