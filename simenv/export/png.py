"""Pixels as PNG, exact and fast: ISA-L packs a picture in an eighth of the time that zlib takes.

Portable Network Graphics (PNG) Specification, W3C, sections 5 and 11. The rows are not filtered:
for rendered pictures that is smaller as well.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

__all__ = ["png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
LEVEL = 1
UNFILTERED = 0  # the first byte of each row


def png(pixels: NDArray[Any]) -> bytes:
    """The file of a picture: rgb (H, W, 3) u1, or grey (H, W) u1 or u2."""
    height, width = pixels.shape[:2]
    big = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(">"))
    values = big.view(np.uint8).reshape(height, -1)
    rows = np.insert(values, 0, UNFILTERED, axis=1)
    kind = RGB if pixels.ndim == 3 else GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, 0)
    packed = isal_zlib.compress(rows.tobytes(), LEVEL)
    chunks = {b"IHDR": header, b"IDAT": packed, b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks.items())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
