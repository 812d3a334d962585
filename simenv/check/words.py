"""How differences and values are said in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from simenv.check.compare import Difference
from simenv.domain.sample import Sample

__all__ = ["labels_text", "pixels_text", "rejected_text", "some", "value_text"]

NAMED = 3  # columns that are named; of the others the number is given
LONGEST = 48  # characters of a value


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def pixels_text(differs: Difference) -> str:
    """Where pixels changed most, and by how much."""
    name = max(differs.pixels, key=lambda name: differs.pixels[name])
    count = len(differs.pixels)
    return f"{differs.pixels[name]:.2g} levels of {name.removeprefix('cameras/')}" + (
        f" and {count - 1} more" if count > 1 else ""
    )


def labels_text(differs: Difference) -> str:
    """How far labels moved."""
    camera = max(differs.masks, key=lambda camera: differs.masks[camera])
    share = f"{100 * differs.masks[camera]:.2g} % of the mask of {camera}"
    moved = f", bodies by {_millimetres(differs.moved_m)}" if differs.moved_m else ""
    return f"{share}{moved}, depth by {_millimetres(differs.depth_m)} on average"


def _millimetres(length_m: float) -> str:
    return f"{float(f'{1e3 * length_m:.2g}'):g} mm"


def rejected_text(reasons: Mapping[str, int]) -> str:
    """Tries that came to nothing, by reason."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(reasons).items()))


def value_text(drawn: Sample, path: str) -> str:
    """The value of an axis; of a part's axis that of the first part, and how many there are."""
    if path in drawn.values:
        return _short(drawn.values[path])
    row = drawn.part_values[path]
    return f"{_short(row[0])} (first of {len(row)})" if row else "no part"


def _short(value: Any) -> str:
    text = _plain(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
