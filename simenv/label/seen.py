"""What a camera sees of each body: one row a body, in the order of the bodies table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seen"]


@dataclass(frozen=True, eq=False)
class Seen:
    """The N bodies with an id > 0, as one camera sees them in one frame."""

    X_CB: NDArray[np.float64]  # (N, 4, 4)
    px_visible: NDArray[np.int32]  # (N,) pixels of the instance mask
    px_all: NDArray[np.int32]  # (N,) pixels of the silhouette, hidden and off-image ones included
    visible_fraction: NDArray[np.float32]  # (N,) px_visible / px_all; 0 where px_all is 0
    box_visible: NDArray[np.int32]  # (N, 4) x, y, width, height of the mask; -1 where there is none
    box_all: NDArray[np.int32]  # (N, 4) of the silhouette; may reach outside the image
