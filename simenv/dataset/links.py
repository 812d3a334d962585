"""Whether a table can be worked with: equally long columns, row numbers that are there, numbers.

Whatever reads a table leans on these laws, so a reader looks at them first: of a file that no
simenv wrote, or that has changed since, it says so in a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from simenv.dataset.schema import TEXT, Field
from simenv.spec.object import Symmetry

__all__ = ["FAR", "is_measured", "link_problems", "offset_problem"]

INDEX = "scenes/index"
JSON: Mapping[str, TypeAdapter[Any]] = {  # what texts hold that are more than words
    "objects/symmetry": TypeAdapter(Symmetry),
    "objects/keypoints": TypeAdapter(dict[str, tuple[float, float, float]]),
}
OF_SCENES = ("frames/scene", "attempts/scene", "parts/scene")  # hold scene numbers
FAR = 1e18  # no length, time or mass of ours is larger; squares of it are still numbers
INCREASING = (*OF_SCENES, "bodies/frame")  # several rows may have the same


def link_problems(
    table: str,
    columns: Mapping[str, NDArray[Any]],
    fields: Mapping[str, Field],
    count: Callable[[str], int],
    scenes: Callable[[], NDArray[np.int64]],
) -> Iterator[str]:
    """What keeps the rows of one table from being followed.

    Args:
        table: its name.
        columns: all of its columns, or some, by full name.
        fields: theirs.
        count: rows of a table, by name.
        scenes: /scenes/index.
    """
    for name, column in columns.items():
        if problem := _kind_problem(column, fields[name]):
            yield f"/{name} {problem}"
            return
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        yield f"/{table} has columns of {sorted(lengths)} rows"
        return
    if (twin := _twin(table)) and lengths != {count(twin)}:
        yield f"/{table} has {max(lengths)} rows, not {count(twin)}, as /{twin}"
    for name, column in columns.items():
        if (refers := fields[name].refers) and len(column):
            rows = count(refers)
            if column.min() < 0 or column.max() >= rows:
                yield f"/{name} points outside the {rows} rows of /{refers}"
        if name == INDEX or name in INCREASING:
            steps = column[1:] <= column[:-1] if name == INDEX else column[1:] < column[:-1]
            if np.any(steps):
                yield f"/{name} does not increase"
        if name in JSON and (text := _unclear(column, JSON[name])) is not None:
            yield f"/{name} holds {ascii(text)[:60]}"
        if name in OF_SCENES and len(lost := np.setdiff1d(column, scenes())):
            yield f"/{name} has scene {lost[0]}, which is not in /scenes"


def _kind_problem(column: NDArray[Any], field: Field) -> str:
    """Whether a column is one of its field: rows of that type and shape."""
    found, wanted = column.dtype, np.dtype(object if field.dtype == TEXT else field.dtype)
    if found != wanted:
        return f"is of the type {found}, not {wanted}"
    if column.ndim == 0 or column.shape[1:] != field.shape:
        return f"has the shape {column.shape}, not (n, {', '.join(map(str, field.shape))})"
    return ""


def _unclear(column: NDArray[np.object_], kind: TypeAdapter[Any]) -> str | None:
    """The first text of a column that is not JSON of its kind; None: all are."""
    for text in dict.fromkeys(column.tolist()):
        try:
            kind.validate_json(text)
        except ValidationError:
            return str(text)
    return None


def is_measured(name: str, field: Field, column: NDArray[Any]) -> bool:
    """Whether a column holds numbers where it has to: what a task draws may be none, or a pixel."""
    free = field.param is not None or name.endswith("_uv") or column.dtype.kind != "f"
    return free or bool(np.all(np.abs(column) <= FAR))  # NaN is not


def _twin(table: str) -> str:
    """The table that has as many rows, and in the same order."""
    parts = table.split("/")
    if parts[0] != "cameras" or parts[-1] == "grasps":
        return ""
    return "bodies" if parts[-1] == "seen" else "frames"


def offset_problem(offset: NDArray[np.int64], frames: int, bodies: int) -> str:
    """Why /frames/body_offset does not cut the rows of /bodies into frames; "" where it does."""
    if len(offset) != frames + 1 or offset[0] != 0 or offset[-1] != bodies:
        return f"/frames/body_offset does not lead through the {bodies} rows of /bodies"
    if np.any(offset[1:] < offset[:-1]):
        return "/frames/body_offset does not increase"
    return ""
