"""What moves while the shutter is open is smeared along its way, before and after the frame's time.

The picture is the mean of pictures at moments evenly spread over the exposure, so poses are true in
the middle of the smear. At each moment a pixel shows the nearest surface that has come there: its
own, the fastest of the neighbourhood, or the nearest of it (after McGuire et al., "A Reconstruction
Filter for Plausible Motion Blur", I3D 2012, who look for the fastest one). What a moving thing
uncovers was never seen: it is continued from beside it.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["moved"]

Linear = NDArray[np.float32]  # (H, W, 3)
Way = NDArray[np.float32]  # (H, W, 2) x and y in pixels, over the whole exposure
STILL_PX = 1e-3  # a shorter way blurs nothing
MOST_MOMENTS = 64  # smears longer than this show steps
SAME_PX = 1.0  # a surface has come here if it misses by less


class Origin(NamedTuple):
    """Where the surface was at the frame's time that is at pixels now, if it went a certain way."""

    x: NDArray[np.float32]  # (H, W) pixels
    y: NDArray[np.float32]
    depth_m: NDArray[np.float32]  # (H, W), infinite where there is no surface
    fits: NDArray[np.bool_]  # (H, W) whether the surface there does go that way


def moved(picture: Linear, depth_m: NDArray[np.float32], way: Way) -> Linear:
    """``picture`` (H, W, 3) while its surfaces went ``way`` (H, W, 2), half before and half after.

    Line integral of the light along the way; ``depth_m`` (H, W) says what hides what.
    """
    length = np.sqrt((way**2).sum(axis=2))
    longest = float(length.max())
    if longest < STILL_PX:
        return picture
    reach = int(np.ceil(longest / 2)) + 1
    rows, columns = _window(_best(length[..., None], length, reach)[..., 0])
    depth_m = np.where(depth_m > 0, depth_m, np.float32(np.inf))
    facts = np.dstack([depth_m, way])
    ways = (way, _best(way, length, reach), _best(way, -depth_m, reach))
    near = tuple(way[rows, columns] for way in ways)
    here = _here(rows, columns, depth_m)
    moments = int(np.clip(np.ceil(longest) + 1, 2, MOST_MOMENTS))
    total = np.zeros_like(picture[rows, columns])
    for moment in (np.arange(moments) + 0.5) / moments - 0.5:
        x, y = _seen(facts, here, near, float(moment))
        total += cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    smeared = picture.copy()
    smeared[rows, columns] = total / np.float32(moments)
    return smeared


def _here(rows: slice, columns: slice, depth_m: NDArray[np.float32]) -> Origin:
    """The pixels of a window themselves."""
    v, u = np.mgrid[rows, columns].astype(np.float32)
    depth_m = depth_m[rows, columns]
    return Origin(u, v, depth_m, np.zeros(depth_m.shape, dtype=np.bool_))


def _seen(
    facts: NDArray[np.float32], here: Origin, ways: tuple[Way, ...], moment: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where x, y (H, W) that was which is seen ``here`` at ``moment`` of the exposure, -0.5 to 0.5.

    ``ways`` are those that may lead to each pixel, its own one first; ``facts`` (H, W, 3) are the
    depth and the way of all pixels.
    """
    best = own = _origin(facts, here, ways[0], moment)
    for way in ways[1:]:
        other = _origin(facts, here, way, moment)
        comes = other.fits & (~best.fits | (other.depth_m < best.depth_m))
        best = Origin(*(np.where(comes, a, b) for a, b in zip(other, best, strict=True)))
    # Nothing has come: something was uncovered. What comes along from behind the pixel may stand
    # for it, but what comes along from before it hides nothing here.
    stays = ~best.fits & (own.depth_m < here.depth_m)
    return np.where(stays, here.x, best.x), np.where(stays, here.y, best.y)


def _origin(facts: NDArray[np.float32], here: Origin, way: Way, moment: float) -> Origin:
    x, y = here.x - way[..., 0] * moment, here.y - way[..., 1] * moment
    found = np.asarray(
        cv2.remap(facts, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    missed = np.abs(found[..., 1:] - way).max(axis=2) * abs(moment)
    return Origin(x, y, found[..., 0], missed < SAME_PX)


def _best(values: Way, score: NDArray[np.float32], reach: int) -> Way:
    """Those of ``values`` (H, W, N) whose ``score`` (H, W) is highest near each pixel.

    Near is within ``reach`` pixels, and somewhat beyond: in the same or the next square.
    """
    height, width = score.shape
    margin = ((0, -height % reach), (0, -width % reach))
    scores = _squares(np.pad(score, margin, constant_values=-np.inf)[..., None], reach)
    squares = _squares(np.pad(values, (*margin, (0, 0))), reach)
    best, scores = _pick(squares, scores), scores.max(axis=2, keepdims=True)
    best = _pick(_nine(best, 0), _nine(scores[:, :, 0], -np.inf))
    return np.repeat(np.repeat(best, reach, axis=0), reach, axis=1)[:height, :width]


def _squares(values: Way, side: int) -> NDArray[np.float32]:
    """(H, W, N) as squares: (rows, columns, side * side, N)."""
    height, width, channels = values.shape
    cut = values.reshape(height // side, side, width // side, side, channels)
    return cut.swapaxes(1, 2).reshape(height // side, width // side, side * side, channels)


def _nine(values: Way, outside: float) -> NDArray[np.float32]:
    """Each of (R, C, N) with its eight neighbours, (R, C, 9, N)."""
    rows, columns = values.shape[:2]
    beside = np.pad(values, ((1, 1), (1, 1), (0, 0)), constant_values=outside)
    nine = [beside[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.stack(nine, axis=2)


def _pick(values: NDArray[np.float32], scores: NDArray[np.float32]) -> Way:
    """Of (R, C, K, N) those (R, C, N) whose score, of (R, C, K, 1), is highest."""
    picked: Way = np.take_along_axis(values, scores.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    return picked


def _window(length: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns where ``length`` (H, W) is not 0: where something moves."""
    x, y, width, height = cv2.boundingRect((length > 0).view(np.uint8))
    return slice(y, y + height), slice(x, x + width)
