"""How numbers become text: compact JSON with sorted keys, and arrays of a picture as PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_line", "compact", "numbers", "png"]


def compact(value: Any) -> str:
    """JSON on one line, keys sorted."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def by_line(rows: Mapping[int, Any] | Mapping[str, Any]) -> bytes:
    """A JSON object with one line for each of its keys, in the order given."""
    lines = ",\n".join(f'  "{key}": {compact(row)}' for key, row in rows.items())
    return f"{{\n{lines}\n}}\n".encode()


def numbers(values: NDArray[Any]) -> list[float]:
    """An array of any shape as a flat list, row by row; no minus in front of a zero."""
    return [float(value) for value in (values + 0.0).ravel()]


def png(pixels: NDArray[Any]) -> bytes:
    """PNG of (H, W, 3) u1 rgb, or of (H, W) u1 or u2: exact; fast rather than small."""
    import cv2  # slow to import

    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(
        ".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )
    assert done, f"OpenCV cannot encode PNG of shape {pixels.shape}"
    return bytes(data)
