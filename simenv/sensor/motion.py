"""What moves while the shutter is open is smeared along its way, before and after the frame's time.

The picture is the mean of pictures at moments evenly spread over the exposure, so poses are true in
the middle of the smear. At each moment a pixel shows the surface that has come there: its own or a
faster one from the neighbourhood, whichever is nearer. What a moving thing uncovers was never seen:
it is continued from beside it (as in McGuire et al., "A Reconstruction Filter for Plausible Motion
Blur", I3D 2012, the neighbourhood is known by its fastest pixel).
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


class Arrived(NamedTuple):
    """What is at pixels if the surface there has gone a certain way."""

    color: Linear
    depth_m: NDArray[np.float32]  # (H, W), infinite where there is no surface
    fits: NDArray[np.bool_]  # (H, W) whether it has gone that way


def moved(picture: Linear, depth_m: NDArray[np.float32], way: Way) -> Linear:
    """``picture`` (H, W, 3) while its surfaces went ``way`` (H, W, 2), half before and half after.

    Line integral of the light along the way; ``depth_m`` (H, W) says what hides what.
    """
    longest = float(np.sqrt((way**2).sum(axis=2)).max(initial=0.0))
    if longest < STILL_PX:
        return picture
    fastest = _fastest(way, int(np.ceil(longest / 2)) + 1)
    rows, columns = _window(fastest)
    depth_m = np.where(depth_m > 0, depth_m, np.float32(np.inf))
    scene = (picture, np.dstack([depth_m, way]))
    own, fast = way[rows, columns], fastest[rows, columns]
    moments = int(np.clip(np.ceil(longest) + 1, 2, MOST_MOMENTS))
    total = np.zeros_like(picture[rows, columns])
    for moment in (np.arange(moments) + 0.5) / moments - 0.5:
        total += _seen(scene, (rows, columns), own, fast, float(moment))
    smeared = picture.copy()
    smeared[rows, columns] = total / np.float32(moments)
    return smeared


def _seen(
    scene: tuple[Linear, NDArray[np.float32]],
    window: tuple[slice, slice],
    own: Way,
    fast: Way,
    moment: float,
) -> Linear:
    """The colours in ``window`` at ``moment``, a fraction of the exposure from its middle."""
    here = _arrived(scene, window, own, moment)
    there = _arrived(scene, window, fast, moment)
    comes = there.fits & (~here.fits | (there.depth_m < here.depth_m))
    # Neither has come: something was uncovered. What comes along from behind it may stand for it,
    # but what comes along from before it hides nothing here.
    now = (scene[0][window], scene[1][window][..., 0])
    stays = ~here.fits & ~there.fits & (here.depth_m < now[1])
    color = np.where(comes[..., None], there.color, here.color)
    return np.where(stays[..., None], now[0], color)


def _arrived(
    scene: tuple[Linear, NDArray[np.float32]], window: tuple[slice, slice], way: Way, moment: float
) -> Arrived:
    picture, facts = scene
    rows, columns = window
    v, u = np.mgrid[rows, columns].astype(np.float32)
    x, y = u - way[..., 0] * moment, v - way[..., 1] * moment
    color = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found = np.asarray(
        cv2.remap(facts, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    missed = np.abs(found[..., 1:] - way).max(axis=2) * abs(moment)
    return Arrived(np.asarray(color, np.float32), found[..., 0], missed < SAME_PX)


def _fastest(way: Way, reach: int) -> Way:
    """The longest way (H, W, 2) within ``reach`` pixels of each pixel, and somewhat beyond."""
    height, width = way.shape[:2]
    padded = np.pad(way, ((0, -height % reach), (0, -width % reach), (0, 0)))
    tiles = padded.reshape(padded.shape[0] // reach, reach, -1, reach, 2)
    tiles = tiles.swapaxes(1, 2).reshape(*tiles.shape[:1], tiles.shape[2], -1, 2)
    best = _longest(tiles)
    beside = np.pad(best, ((1, 1), (1, 1), (0, 0)))
    rows, columns = best.shape[:2]
    nine = [beside[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    best = _longest(np.stack(nine, axis=2))
    return np.repeat(np.repeat(best, reach, axis=0), reach, axis=1)[:height, :width]


def _longest(ways: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of ways (R, C, N, 2) the longest ones (R, C, 2)."""
    index = (ways**2).sum(axis=3).argmax(axis=2)
    picked: NDArray[np.float32] = np.take_along_axis(ways, index[..., None, None], axis=2)[:, :, 0]
    return picked


def _window(way: Way) -> tuple[slice, slice]:
    """Rows and columns where something moves."""
    x, y, width, height = cv2.boundingRect((way != 0).any(axis=2).view(np.uint8))
    return slice(y, y + height), slice(x, x + width)
