"""A PNG holds every pixel: OpenCV, with libpng behind it, reads back what was written."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.export.png import png

RNG = np.random.default_rng(2)


@pytest.mark.parametrize(
    "pixels",
    [
        RNG.integers(0, 256, (31, 47, 3), dtype=np.uint8),
        RNG.integers(0, 256, (31, 47), dtype=np.uint8),
        RNG.integers(0, 65536, (31, 47), dtype=np.uint16),
        np.arange(65536, dtype=np.uint16).reshape(256, 256),
        np.zeros((1, 1), dtype=np.uint8),
        np.full((480, 640), 255, dtype=np.uint8),
        RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8)[::2, ::-1],
        RNG.integers(0, 65536, (40, 30), dtype=np.uint16).T,
    ],
    ids=["rgb", "grey", "grey16", "all16", "one", "white", "strides", "transposed"],
)
def test_what_is_written_is_read_back(pixels: NDArray[np.generic]) -> None:
    found = cv2.imdecode(np.frombuffer(png(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found[..., ::-1] if found.ndim == 3 else found, pixels)
