"""How numbers become text: compact JSON with sorted keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

__all__ = ["by_line", "compact", "numbers"]


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
