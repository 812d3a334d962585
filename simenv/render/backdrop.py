"""What is seen where there is no surface: a texture or an image that covers the whole picture."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.render import texture
from simenv.scene import Scene, View

__all__ = ["picture"]

Image = NDArray[np.uint8]  # (H, W, 3) RGB


def picture(scene: Scene, view: View) -> Image | None:
    """The backdrop (H, W, 3) of ``view``, None for a plain colour; do not write into it.

    An image wins over a texture. Either covers the view, in proportion and centred, whatever way
    the camera looks: it is a poster behind everything, not a place.

    Raises:
        InputError: if the image file cannot be read.
    """
    look = scene.look.backdrop
    source = scene.backdrop if look.image is not None else look.texture
    if source is None:
        return None
    covering = _cover(source, view.width, view.height)
    if look.color == (1.0, 1.0, 1.0):
        return covering
    levels = np.arange(256)[:, None] * np.array(look.color)
    return np.asarray(cv2.LUT(covering, np.round(levels)[None].astype(np.uint8)), np.uint8)


@lru_cache(maxsize=8)
def _cover(source: Path | str, width: int, height: int) -> Image:
    """The middle of the image with the picture's proportions, resized to it."""
    image = _image(source)
    rows, columns = image.shape[:2]
    scale = max(width / columns, height / rows)
    w, h = min(columns, round(width / scale)), min(rows, round(height / scale))
    w, h = max(w, 1), max(h, 1)
    x, y = (columns - w) // 2, (rows - h) // 2
    middle = np.ascontiguousarray(image[y : y + h, x : x + w])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    found = np.asarray(cv2.resize(middle, (width, height), interpolation=how), np.uint8)
    found.setflags(write=False)
    return found


def _image(source: Path | str) -> Image:
    if isinstance(source, str):
        return texture.make(source)
    image = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{source}: not a readable image; give a PNG or JPEG file")
    return np.asarray(image[..., ::-1], np.uint8)
