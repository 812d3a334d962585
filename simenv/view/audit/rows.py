"""Edges with pictures and hit rates, days, splits, and what was rejected and why."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from simenv.audit.about import Edge, SplitFact
from simenv.audit.report import Report
from simenv.spec import yaml
from simenv.view.audit.html import breakable, facts, many, note, percent, section, table
from simenv.view.audit.thumb import Album

__all__ = ["days_section", "edges_section", "repeats_section", "splits_section"]

SHOWN = 3  # pictures of an edge


def edges_section(report: Report, album: Album) -> str:
    """Every tier that the dataset has, with pictures."""
    edges = report.about.edges
    if {edge.name for edge in edges} <= {"core"}:
        text = "All scenes are of the core. simenv generate --tier all adds the edges of the task."
        return section("edges", "Edge cases", note(text))
    return section(
        "edges",
        "Edge cases",
        note(
            "Hit rate: how many of the attempts became a scene. Under the name of an edge case is "
            "its guarantee, which every accepted scene keeps."
        )
        + table(
            ("edge", "scenes", "accepted", "attempts", "hit rate", "examples"),
            (_edge_row(report, edge, album) for edge in edges),
            numbers=(1, 2, 3, 4),
            kind="edges",
            label="edge cases",
        ),
    )


def _edge_row(report: Report, edge: Edge, album: Album) -> Sequence[str]:
    counts = (f"{count:,}" for count in (edge.scenes, edge.accepted, edge.attempts))
    shown = "".join(album.of_scene(*own) for own in _shown(edge.numbers))
    pictures = f'<div class="thumbs">{shown}</div>' if shown else "none was accepted"
    named = f"<b>{breakable(edge.name)}</b>{_promise(report, edge.name)}"
    return named, *counts, percent(edge.hit_rate), pictures


def _shown(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Scenes and whose turn it is to show them: few scenes are seen by several cameras."""
    step = max(1, len(numbers) // SHOWN)
    own = numbers[::step][:SHOWN]
    return [(own[k % len(own)], k) for k in range(SHOWN)] if own else []


def _promise(report: Report, name: str) -> str:
    """What the labels of an edge case show; "" of an edge of an axis, which promises nothing."""
    case = report.observed.task.edge_cases.get(name)
    if case is None:
        return ""
    said = yaml.flow(case.guarantee.model_dump(exclude_defaults=True, exclude_none=True))
    return f'<p class="promise">{escape(said[1:-1])}</p>'


def repeats_section(report: Report, album: Album) -> str:
    """How many different scenes there are, with pictures of the largest group of near twins."""
    own = report.similar
    rows = [
        ("scenes", f"{own.scenes:,}"),
        ("different ones", f"{own.effective:,.1f}"),
        ("with a near twin", f"{own.repeated:,}"),
    ]
    pictures = "".join(album.of_scene(number) for number in own.largest[:SHOWN])
    twins = f'<div class="thumbs">{pictures}</div>' if pictures else ""
    text = "Two scenes are near twins if no value differs by more than 1 % of its range."
    return section("repeats", "Repeats", facts(rows) + note(text) + twins)


def days_section(report: Report) -> str:
    """On which days of the timeline the scenes are; "" where there is but day 0."""
    days = report.about.days
    if [own.day for own in days] in ([], [0.0]):
        return ""
    rows = ((f"{own.day:g}", f"{own.scenes:,}") for own in days)
    return section("days", "Days", table(("day", "scenes"), rows, numbers=(0, 1), label="days"))


def splits_section(report: Report) -> str:
    """Scenes in each part of each split."""
    splits = report.about.splits
    if not splits:
        text = "There is no split yet. simenv split makes one by scene, never by frame."
        return section("splits", "Splits", note(text))
    return section(
        "splits",
        "Splits",
        table(("split", "parts"), (_split_row(own) for own in splits), label="splits"),
    )


def _split_row(own: SplitFact) -> Sequence[str]:
    parts = ", ".join(f"{name}: {many(count, 'scene')}" for name, count in own.parts.items())
    return escape(own.name), escape(own.problem or parts)
