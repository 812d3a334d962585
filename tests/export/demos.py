"""Judges of exported demonstrations, shared by the tests of their formats."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.demo import Episode


def same(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Equal in type, shape and every bit."""
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def snippet(heading: str) -> str:
    """The first Python block under a heading of docs/export.md."""
    page = (Path(__file__).parents[2] / "docs/export.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split("```python\n")[1].split("```")[0]


Lines = list[tuple[int, int]]


def counted(lines: Lines) -> Any:
    """A `progress` that keeps what it was told."""
    return lambda done, total: lines.append((done, total))


def steps_of(episodes: list[Episode]) -> int:
    """Of all of them together."""
    return sum(map(len, episodes))
