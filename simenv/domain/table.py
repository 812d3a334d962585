"""The domain at a glance: what varies, between what, how wide it is, and what makes it wide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from simenv.domain.axis import dims
from simenv.domain.sample import blocks
from simenv.domain.stream import SOBOL_DIMS
from simenv.domain.width import CELLS, bits, options_of, perplexity, rotation_cells
from simenv.spec.domain import AxisSpec, Distribution, OnSphere
from simenv.spec.load import Task
from simenv.spec.paths import place

__all__ = ["DomainTable", "Row", "domain_table"]

SHOWN_OPTIONS = 4  # of a choice; of the others the number is given
CONVENTION = (
    f"bits: log2 of the cells that one would tell apart: {CELLS} a number, the perplexity of a "
    f"choice, cells of {360 // CELLS} degrees of rotations that look different; "
    "an axis of every part counts once"
)


@dataclass(frozen=True)
class Row:
    """One axis."""

    path: str
    kind: str  # "semantic", "visual"
    each: bool  # every part has its own
    dims: int  # numbers in [0, 1) that a draw takes
    sobol: tuple[int, ...]  # which dimensions of the sequence; none: a stream of its own
    draws: str  # range, or options with weights
    width: str  # high - low and its share of the nominal value; options and perplexity
    bits: float
    share: float  # of all bits
    edges: Mapping[str, str]  # name -> what it draws


@dataclass(frozen=True)
class DomainTable:
    """All axes of a task, and their sums."""

    task: str
    rows: tuple[Row, ...]

    def bits(self, kind: str = "") -> float:
        """Width of all axes, or of those of one kind."""
        return sum(row.bits for row in self.rows if kind in ("", row.kind))

    @property
    def sobol_dims(self) -> int:
        """Dimensions of the Sobol sequence that are used."""
        return len({dim for row in self.rows for dim in row.sobol})

    def lines(self) -> Iterator[str]:
        """The table as text."""
        yield from _columns([HEAD, *(_cells(row) for row in self.rows)], self.rows)
        for kind in ("semantic", "visual"):
            own = [row for row in self.rows if row.kind == kind]
            count = sum(row.dims for row in own)
            yield f"{kind}: {len(own)} axes, {count} dimensions, {self.bits(kind):.1f} bits"
        edges = sum(len(row.edges) for row in self.rows)
        yield (
            f"all: {len(self.rows)} axes, {sum(row.dims for row in self.rows)} dimensions, "
            f"{self.bits():.1f} bits; edges: {edges}; {self.sobol_dims} of {SOBOL_DIMS} Sobol "
            "dimensions"
        )
        yield CONVENTION

    def json(self) -> dict[str, Any]:
        """The table as plain values."""
        totals = {kind: self.bits(kind) for kind in ("semantic", "visual")}
        return {
            "rows": [asdict(row) for row in self.rows],
            "bits": {**totals, "all": self.bits()},
            "sobol_dims": self.sobol_dims,
            "convention": CONVENTION,
        }


HEAD = ("axis", "kind", "dims", "draws", "width", "bits", "share")


def _cells(row: Row) -> tuple[str, ...]:
    count = f"{row.dims} each" if row.each else str(row.dims)
    share = f"{100 * row.share:.0f} %"
    return (row.path, row.kind, count, row.draws, row.width, f"{row.bits:.1f}", share)


def _columns(cells: Sequence[Sequence[str]], rows: Sequence[Row]) -> Iterator[str]:
    """Lines with columns of even width; the edges of a row below it."""
    sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line, row in zip(cells, (None, *rows), strict=True):
        yield "  ".join(cell.ljust(size) for cell, size in zip(line, sizes, strict=True)).rstrip()
        for name, draws in ({} if row is None else row.edges).items():
            yield f"  edge {name}: {draws}"


def domain_table(task: Task) -> DomainTable:
    """Every row of ``domain:``, and every scattered position, which varies without a row."""
    room = blocks(task.spec.domain)
    rows = [_row(task, path, axis, room) for path, axis in task.spec.domain.items()]
    rows += _scattered(task)
    total = sum(row.bits for row in rows) or 1.0
    return DomainTable(task.name, tuple(replace(row, share=row.bits / total) for row in rows))


def _row(task: Task, path: str, axis: AxisSpec, room: Mapping[str, range]) -> Row:
    options, rotations = _options(task, path), _rotations(task, path)
    by_part = _options_of_parts(task, path) if axis.each else [options]
    widths = [bits(axis, options=own, rotations=rotations) for own in by_part]
    return Row(
        path=path,
        kind=axis.kind,
        each=axis.each is not None,
        dims=dims(axis),
        sobol=tuple(room.get(path, ())),
        draws=_draws(axis, options),
        width=_width(axis, by_part, _nominal(task, path), rotations),
        bits=float(np.mean(widths)),
        share=0.0,
        edges={name: _draws(edge, options) for name, edge in axis.edge.items()},
    )


def _scattered(task: Task) -> Iterator[Row]:
    """Positions that are drawn because their group says ``scatter``."""
    for group, actors in task.spec.actors.items():
        path = f"actors.{group}.spawn.position"
        if actors.spawn.position == "scatter" and path not in task.spec.domain:
            x, y = task.spec.scene.zones[actors.spawn.zone].size_m
            where = f"scatter in {actors.spawn.zone}"
            wide = 2 * float(np.log2(CELLS))
            yield Row(path, "semantic", True, 2, (), where, f"{x:g} x {y:g} m", wide, 0.0, {})


def _objects(task: Task, path: str) -> tuple[str, ...]:
    """What the group of ``path`` can be made of, nominally or by its own axis; none elsewhere."""
    keys = path.split(".")
    if keys[0] != "actors":
        return ()
    nominal = task.spec.actors[keys[1]].objects
    names = nominal if isinstance(nominal, tuple) else (nominal,)
    axis = task.spec.domain.get(f"actors.{keys[1]}.objects")
    drawn = [] if axis is None else [value for value, _ in options_of(axis, names)]
    flat = [name for value in drawn for name in (value if isinstance(value, tuple) else (value,))]
    return tuple(str(name) for name in flat) or names


def _options(task: Task, path: str) -> list[object]:
    """What ``choice: all`` means at ``path``."""
    objects = _objects(task, path)
    if not path.endswith(".texture"):
        return list(objects)
    textures = [name for key in objects for name in task.objects[key].spec.textures]
    return list(dict.fromkeys(textures))


def _options_of_parts(task: Task, path: str) -> list[list[object]]:
    """What ``choice: all`` means for a part that is the first object, the second, ..."""
    if not path.endswith(".texture"):
        return [_options(task, path)]
    return [list(task.objects[name].spec.textures) for name in _objects(task, path)]


def _nominal(task: Task, path: str) -> float:
    """What the file says, where a share of it means something; 0 elsewhere."""
    value = place(task.spec, path).value
    return 0.0 if path.endswith("_deg") or not isinstance(value, int | float) else float(value)


def _rotations(task: Task, path: str) -> float:
    """Cells of rotations: the geometric mean over the objects of the group."""
    symmetries = [task.objects[name].spec.symmetry for name in _objects(task, path)]
    cells = [rotation_cells(symmetry) for symmetry in symmetries]
    return float(np.exp(np.mean(np.log(cells)))) if cells else 1.0


def _draws(draws: Distribution, options: Sequence[object]) -> str:
    if draws.on_sphere is not None:
        around = draws.on_sphere
        radius, up, round_ = (
            _range(*ends) for ends in (around.radius_m, around.elevation_deg, around.azimuth_deg)
        )
        return f"on a sphere, r {radius} m, elevation {up}, azimuth {round_} deg"
    if draws.so3 is not None:
        return "all rotations"
    if draws.form == "choice":
        return _listed(draws, options)
    ends = draws.uniform or draws.log_uniform or draws.integers
    assert ends is not None
    return _range(*ends) + (" log" if draws.log_uniform else "")


def _range(low: Any, high: Any) -> str:
    return f"{_value(low)}..{_value(high)}"


def _listed(draws: Distribution, options: Sequence[object]) -> str:
    """The first options with their weights, and how many more there are."""
    own = options_of(draws, options)
    even = len({weight for _, weight in own}) == 1
    words = [_value(value) + ("" if even else f":{weight:g}") for value, weight in own]
    more = [f"+{len(words) - SHOWN_OPTIONS}"] if len(words) > SHOWN_OPTIONS else []
    return " ".join(words[:SHOWN_OPTIONS] + more) or "nothing"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(_value(inner) for inner in value.values())
    if isinstance(value, tuple):
        return "[" + " ".join(map(_value, value)) + "]"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _width(
    draws: Distribution, by_part: Sequence[Sequence[object]], nominal: float, cells: float
) -> str:
    """High - low in the axis's unit, and its share of ``nominal``; options and perplexity."""
    if draws.form == "choice":
        return _options_text(draws, by_part)
    if draws.so3 is not None:
        return f"{cells:.0f} cells of {360 // CELLS} deg"
    if draws.on_sphere is not None:
        near, far = draws.on_sphere.radius_m
        return f"r {far - near:g} m, {_solid_angle(draws.on_sphere):.2f} sr"
    low, high = draws.uniform or draws.log_uniform or draws.integers or (0.0, 0.0)
    if isinstance(low, tuple) and isinstance(high, tuple):
        return _value(tuple(round(b - a, 9) for a, b in zip(low, high, strict=True)))
    assert not isinstance(low, tuple)
    assert not isinstance(high, tuple)
    if draws.integers is not None:
        return f"{high - low + 1:g} values"
    share = f", {100 * (high - low) / abs(nominal):.0f} %" if nominal else ""
    return f"{high - low:g}{share}"


def _options_text(draws: Distribution, by_part: Sequence[Sequence[object]]) -> str:
    """How many options there are, and how many even ones would be as uncertain."""
    own = [options_of(draws, options) for options in by_part]
    counts = sorted({len(options) for options in own})
    count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    even = np.mean([perplexity(weight for _, weight in options) for options in own])
    return f"{count} options, as {even:.1f}"


def _solid_angle(around: OnSphere) -> float:
    """Of the piece of the sphere, steradian (Archimedes)."""
    low, high = np.sin(np.radians(around.elevation_deg))
    west, east = np.radians(around.azimuth_deg)
    return float((high - low) * (east - west))
