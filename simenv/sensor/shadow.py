"""What the camera sees and the projector, or the second camera, does not."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["hidden"]

NOTHING = -1  # no surface is seen there
SLACK = 1.5  # columns; neighbours on a slanted surface may share a column of the other picture


def hidden(depth_m: NDArray[np.float32], fb: float, *, one_field: bool) -> NDArray[np.bool_]:
    """Where (H, W) the surface at ``depth_m`` (H, W) cannot be seen from the baseline's other end.

    ``fb`` is fx times the baseline, metres pixels; the other end sees the pixel in column u at
    column u - fb / z of a picture of its own. Two surfaces in one column: the nearer one hides the
    other. So behind an edge the shadow is fb (1/z_near - 1/z_far) columns wide, on the side away
    from the other end, but never wider than the thing that casts it.

    ``one_field``: what is beside the picture of the other end is hidden, too, as for two equal
    cameras. A projector's field is taken to be wide enough. Things that the camera does not see
    cast no shadow here.
    """
    if fb < 0:
        return hidden(depth_m[:, ::-1], -fb, one_field=one_field)[:, ::-1]
    height, width = depth_m.shape
    columns = np.arange(width, dtype=np.float32)
    surface = depth_m > 0
    seen_at = columns - np.divide(fb, depth_m, out=np.zeros_like(depth_m), where=surface)
    shift = int(np.ceil(max(0.0, -float(seen_at.min()))))
    # A pixel covers the two columns that it lies between.
    cells = np.floor(seen_at[..., None] + np.array([0, 1], dtype=np.float32)).astype(np.int32)
    cells += shift + (np.arange(height, dtype=np.int32) * (width + shift + 1))[:, None, None]
    nearest = np.full(height * (width + shift + 1), NOTHING, dtype=np.int32)
    # In one column of the other picture, what is farther right here is nearer. Assignment goes
    # from left to right, and the last one stays (McMillan and Bishop's occlusion-compatible order,
    # "Plenoptic Modeling", SIGGRAPH 1995).
    source = np.broadcast_to(np.arange(width, dtype=np.int32)[:, None], cells.shape)
    nearest[cells[surface]] = source[surface]
    ahead = nearest[cells].min(axis=2) - columns
    beyond = one_field & (seen_at < -0.5)
    return np.asarray(surface & ((ahead > SLACK) | beyond))
