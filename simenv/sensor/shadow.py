"""What the camera sees and the projector, or the second camera, does not."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["hidden"]


def hidden(depth_m: NDArray[np.float32], fb: float, *, one_field: bool) -> NDArray[np.bool_]:
    """Where (H, W) the surface at ``depth_m`` (H, W) cannot be seen from the baseline's other end.

    ``fb`` is fx times the baseline, pixels metres; the other end sees the pixel in column u at
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
    surface = depth_m > 0
    disparity = np.divide(fb, depth_m, out=np.zeros_like(depth_m), where=surface)
    seen_at = np.arange(width, dtype=np.float32) - disparity
    shift = int(np.ceil(max(0.0, -float(seen_at.min()))))
    # A pixel covers the two columns that it lies between.
    first = np.floor(seen_at).astype(np.int32) + shift
    first += np.arange(height, dtype=np.int32)[:, None] * (width + shift + 1)
    cells = np.stack([first, first + 1], axis=2)
    # In one column of the other picture, what is farther right here is nearer. Assignment goes
    # from left to right, and the last one stays (McMillan and Bishop's occlusion-compatible order,
    # "Plenoptic Modeling", SIGGRAPH 1995).
    turned = np.diff(seen_at, axis=1) <= 0  # from a pixel to the next
    sheet = _sheets(turned)
    nearest = np.zeros(height * (width + shift + 1), dtype=np.int32)
    nearest[cells[surface]] = sheet[surface][:, None]
    behind = np.minimum(nearest[first], nearest[first + 1]) > sheet
    behind[:, 1:-1] |= turned[:, :-1] & turned[:, 1:]  # a surface that shows its back
    return np.asarray(surface & (behind | (one_field & (seen_at < -0.5))))


def _sheets(turned: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Numbers (H, W) that grow along a row where the other end sees an edge, and only there.

    A slanted surface that the other end sees narrower is one sheet: it does not hide itself.
    """
    sheets = np.zeros((turned.shape[0], turned.shape[1] + 1), dtype=np.int32)
    np.cumsum(turned, axis=1, out=sheets[:, 1:])
    return sheets
