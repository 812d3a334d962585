"""What a camera sees of each body: one row a body, in the order of the bodies table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seen"]


@dataclass(frozen=True, eq=False)
class Seen:
    """The N bodies with an id > 0, as one camera sees them in one frame.

    A body's silhouette is what it would cover if it stood alone, together with what it does cover,
    on a canvas of three by three images with the picture in the middle.
    """

    X_CB: NDArray[np.float64]  # (N, 4, 4)
    px_visible: NDArray[np.int32]  # (N,) pixels of the instance mask
    px_all: NDArray[np.int32]  # (N,) pixels of the silhouette, hidden and off-image ones included
    visible_fraction: NDArray[np.float32]  # (N,) px_visible / px_all; 0 where px_all is 0
    box_visible: NDArray[np.int32]  # (N, 4) x, y, width, height of the mask; -1 where there is none
    box_all: NDArray[np.int32]  # (N, 4) of the silhouette; may reach outside the image

    # What follows is None unless the scene's labels ask for it.
    amodal: tuple[str, ...] | None = None  # (N,) silhouette inside the image, COCO's RLE (rle.py)
    occluder: NDArray[np.uint16] | None = None  # (N,) id of what hides most of it; 0 none, or floor
    truncation: NDArray[np.float32] | None = None  # (N,) fraction of px_all outside the image
    corners_C: NDArray[np.float64] | None = None  # (N, 8, 3) of the tight box in body axes, metres;
    # bit 0, 1, 2 of the corner's number say whether its x, y, z is the upper one
    corners_uv: NDArray[np.float32] | None = None  # (N, 8, 2) px; NaN where no lens shows the point
    keypoints_uv: NDArray[np.float32] | None = None  # (N, K, 2) px, by name; NaN as above
    keypoints_state: NDArray[np.uint8] | None = None  # (N, K) see points.py: 0 none .. 3 visible
