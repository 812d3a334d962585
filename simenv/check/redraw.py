"""Redraw all that is visual: every label must stay as it is, bit for bit, and pixels change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simenv.check.bench import Bench, First
from simenv.check.finding import Finding
from simenv.check.words import pixels_text, some
from simenv.domain.intervene import with_axis
from simenv.domain.sample import Sample, sample

__all__ = ["redraw"]

NOISE = "the noise of the devices"


def redraw(bench: Bench, first: First) -> Finding:
    """Draw the look of one scene from another seed, and compare."""
    drawn = first.drawn
    other = sample(
        bench.task, bench.seed, drawn.scene, attempt=drawn.attempt, look_seed=bench.seed + 1
    )
    differs = bench.difference(first, bench.make(other))
    where = f"scene {drawn.scene} in another look"
    if differs.columns:
        why = "; ".join(_causes(bench, first, other)) or "no axis alone does it"
        text = f"{where}: {some(differs.columns)} differ, because of: {why}"
        return Finding("", "", "moves labels", text, differs.columns, 1)
    if differs.pixels:
        return Finding("", "", "", f"{where}: same labels, {pixels_text(differs)}", (), 1)
    if any(axis.kind == "visual" for axis in bench.task.spec.domain.values()):
        return Finding("", "", "unchanged", f"{where}: same labels, and no pixel differs", (), 1)
    return Finding("", "", "untried", f"{where}: no axis is visual", (), 1)


def _causes(bench: Bench, first: First, other: Sample) -> Iterator[str]:
    """Each visual axis that moves labels when it alone is redrawn, with what it moves."""
    alone = {NOISE: replace(first.drawn, look_seed=other.look_seed)}
    for path, axis in bench.task.spec.domain.items():
        if axis.kind == "visual":
            values = other.part_values if path in other.part_values else other.values
            alone[path] = with_axis(first.drawn, path, values[path])
    for name, drawn in alone.items():
        columns = bench.difference(first, bench.make(drawn)).columns
        if columns:
            yield f"{name} ({some(columns)})"
