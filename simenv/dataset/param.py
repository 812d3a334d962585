"""How a value of the domain becomes a column: one fixed dtype and shape for each axis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simenv.spec.axes import axes, changes, is_whole
from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.task import TaskSpec

__all__ = ["Param", "params_of"]

Value = Literal["number", "integer", "text", "vector", "quaternion", "json"]


@dataclass(frozen=True)
class Param:
    """The column of one axis. A scene or part that the axis does not touch holds ``missing``."""

    path: str  # of the axis: key in `domain:`, or what the timeline moves
    value: Value
    size: int = 0  # components of a vector
    visual: bool = False

    @property
    def dtype(self) -> str:
        """Of one element."""
        return {"integer": "<i8", "text": "str", "json": "str"}.get(self.value, "<f8")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return {"vector": (self.size,), "quaternion": (4,)}.get(self.value, ())

    @property
    def axes(self) -> tuple[str, ...]:
        """One word for each dimension of ``shape``."""
        return {"vector": ("component",), "quaternion": ("xyzw",)}.get(self.value, ())

    @property
    def missing(self) -> float | int | str:
        """What an element holds where there is no value."""
        return {"<f8": np.nan, "<i8": -1}.get(self.dtype, "")

    def encode(self, values: Iterable[object]) -> NDArray[Any]:
        """The column (n, *shape) of n values; None is missing.

        Raises:
            ValueError: if a value does not fit the column; names the axis and the value.
        """
        rows = [self._row(value) for value in values]
        dtype = object if self.dtype == "str" else np.dtype(self.dtype)
        return np.array(rows, dtype=dtype).reshape(len(rows), *self.shape)

    def _row(self, value: Any) -> Any:
        if value is None:
            return np.full(self.shape, self.missing)[()] if self.dtype != "str" else ""
        if self.value == "json":
            return json.dumps(value, sort_keys=True)
        found, size = _kind(value)
        if (found, size) != (self.value, self.size) and (found, self.value) != (
            "integer",
            "number",
        ):
            raise ValueError(f"domain.{self.path}: {value!r} does not fit its {self.value} column")
        return value["xyzw"] if found == "quaternion" else value


def params_of(task: TaskSpec) -> dict[str, Param]:
    """Full column name -> column of every axis, in the order of `axes`."""
    return {
        f"{'parts' if axis.each else 'scenes'}/param/{path}": _param(task, path, axis)
        for path, axis in axes(task).items()
    }


def _param(task: TaskSpec, path: str, axis: AxisSpec) -> Param:
    """The column of an axis: of its core, its edges, what edge cases set and what shifts bring."""
    rows = changes(task, path)
    later = [row.shift.range for row in rows if row.shift is not None]
    set_ = [case.set[path] for case in task.edge_cases.values() if path in case.set]
    kinds = {kind for draw in (axis, *axis.edge.values(), *set_, *later) for kind in _kinds(draw)}
    if len(later) < len(rows) and not is_whole(task, path):
        kinds = {("number", 0) if kind == ("integer", 0) else kind for kind in kinds}
    if kinds == {("integer", 0), ("number", 0)}:
        kinds = {("number", 0)}
    value, size = kinds.pop() if len(kinds) == 1 else ("json", 0)
    return Param(path, value, size, visual=axis.kind == "visual")


def _kinds(draw: Distribution) -> list[tuple[Value, int]]:
    """What the values of a distribution are."""
    if draw.so3 is not None:
        return [("quaternion", 0)]
    if draw.on_sphere is not None:
        return [("vector", 3)]
    if draw.integers is not None:
        return [("integer", 0)]
    if draw.uniform is not None:
        bound = draw.uniform[0]
        return [("vector", len(bound))] if isinstance(bound, tuple) else [("number", 0)]
    if draw.log_uniform is not None:
        return [("number", 0)]
    # "all" and weights choose among names.
    return [_kind(v) for v in draw.choice] if isinstance(draw.choice, tuple) else [("text", 0)]


def _kind(value: object) -> tuple[Value, int]:
    """What one value is, and its number of components."""
    if value is None or isinstance(value, str):
        return "text", 0
    if isinstance(value, int | np.integer):
        return "integer", 0
    if isinstance(value, float | np.floating):
        return "number", 0
    if isinstance(value, Mapping) and set(value) == {"xyzw"}:
        return "quaternion", 0
    if isinstance(value, tuple | list) and value:
        if all(_kind(item)[0] in ("integer", "number") for item in value):
            return "vector", len(value)
    return "json", 0
