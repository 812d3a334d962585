"""The dataset card: Markdown that a person reads, with the YAML head that Hugging Face reads."""

from __future__ import annotations

from collections.abc import Sequence

from simenv.audit.about import About
from simenv.audit.report import Report
from simenv.spec import yaml
from simenv.view.audit.html import many, percent

__all__ = ["card"]

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
TASKS = ("object-detection", "image-segmentation", "depth-estimation", "robotics")
NEVER = -1  # a seed of the look that is that of everything
HOLES = 3  # of each kind that are named
DIGITS = 12  # of a SHA-256
TIERS = ("edge", "all")  # that --tier takes beside core; the others are edges
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", "|": "\\|", "`": "\\`"})


def card(report: Report) -> str:
    """The whole text of CARD.md."""
    own = report.about
    parts = (
        _head(own),
        f"# {_text(own.name)}\n\n{_text(own.summary)}\n",
        _contents(own),
        _domain(report),
        _covered(report),
        _biases(report),
        _edges(own),
        _splits(own),
        _licences(own),
        _again(own),
    )
    return "\n".join(part for part in parts if part)


def _head(own: About) -> str:
    size = next((word for most, word in SIZES if own.images < most), "n>1M")
    values = {
        "pretty_name": own.name,
        "license": "unknown",
        "task_categories": TASKS,
        "tags": ("synthetic", "simenv", "6d-pose", "pybullet", "hdf5"),
        "size_categories": (size,),
    }
    return f"---\n{yaml.write(values)}---\n"


def _contents(own: About) -> str:
    versions = [
        f"seed {own.attrs['seed']}, tier {own.attrs['tier']}, renderer {own.attrs['renderer']}",
        f"simenv {own.attrs['simenv_version']}, PyBullet {own.attrs['pybullet_version']}",
        f"task {str(own.attrs['task_sha256'])[:DIGITS]}, "
        f"catalog {str(own.attrs['catalog_sha256'])[:DIGITS]} (SHA-256)",
    ]
    cameras = [
        f"camera {camera.name}: {camera.width} x {camera.height}: {', '.join(camera.pictures)}"
        for camera in own.cameras
    ]
    counts = (
        f"{many(own.accepted, 'scene')} ({own.scenes:,} asked for, {own.attempts:,} attempts), "
        f"{many(own.frames, 'frame')}, {many(own.images, 'image')}, {many(own.parts, 'part')}."
    )
    rejected = ", ".join(f"{count:,} {_text(reason)}" for reason, count in own.reasons.items())
    labels = ", ".join(("pose", "instance", "depth", "boxes", "visible fraction", *own.labels))
    return (
        f"## What it is\n\nSimulated and rendered by simenv. {counts} Rejected attempts: "
        f"{rejected or 'none'}.\n\n{_list([*versions, *cameras])}\n"
        f"Classes: {_text(', '.join(own.classes))}.\n\n"
        f"Labels: {labels}. The file format is `{_text(str(own.attrs['format']))}`.\n"
    )


def _domain(report: Report) -> str:
    rows = [
        (axis.path, axis.kind, axis.draws, "" if axis.bits is None else f"{axis.bits:.1f}")
        for axis in report.about.axes
    ]
    return "## Domain\n\n" + _table(("axis", "kind", "draws", "bits"), rows)


def _covered(report: Report) -> str:
    own, different = report.coverage, report.similar
    rows = [
        ("cells reached, of those that can be", percent(own.share)),
        ("of the cells that the domain draws", percent(own.planned)),
        ("of the cells that physics and cameras make", percent(own.realised)),
        ("effective sample size, scenes", f"{different.effective:,.0f} of {different.scenes:,}"),
    ]
    holes = [str(hole) for hole in (*own.planned_holes[:HOLES], *own.realised_holes[:HOLES])]
    named = f"\nThe largest holes:\n\n{_list(holes)}" if holes else ""
    head = f"## Coverage\n\nOf the {report.tier} scenes: cells of variables and of their pairs.\n\n"
    return head + _table(("what", "share"), rows) + named


def _biases(report: Report) -> str:
    """What crosses the thresholds, and what depends by construction."""
    own, thresholds = report.bias, report.bias.thresholds
    known = [*own.crossed, *report.rejection.crossed]
    tested = (
        f"{len(own.tested)} pairs of a label and a factor were tested; known biases are those with "
        f"an effect above {thresholds.cramers_v:g} and a false discovery rate below "
        f"{thresholds.q:g}, and losses by rejection above {thresholds.rejection:g}."
    )
    return f"## Known biases\n\n{tested}\n\n{_list(known or ['none'])}"


def _edges(own: About) -> str:
    if {edge.name for edge in own.edges} <= {"core"}:
        return "## Edge cases\n\nNone: all scenes are of the core.\n"
    rows = [
        (edge.name, str(edge.accepted), str(edge.attempts), percent(edge.hit_rate))
        for edge in own.edges
    ]
    return "## Edge cases\n\n" + _table(("edge", "scenes", "attempts", "hit rate"), rows)


def _splits(own: About) -> str:
    if not own.splits:
        return ""
    rows = [
        (split.name, part, str(count))
        for split in own.splits
        for part, count in split.parts.items()
    ]
    return "## Splits\n\nBy scene.\n\n" + _table(("split", "part", "scenes"), rows)


def _licences(own: About) -> str:
    rows = [(row.name, row.licence, row.source) for row in own.licences]
    return (
        "## Licences of what is in the pictures\n\nAs the catalog has them where this card was "
        "made. They bind the dataset; choose its own licence with them, and name it in the head "
        "of this file.\n\n" + _table(("name", "licence", "source"), rows)
    )


def _again(own: About) -> str:
    how = "\n".join(commands(own))
    return (
        "## Make it again\n\nThe complete task is in `/task` of every file; the same task and the "
        "same objects give the same labels, bit for bit, with the versions above.\n\n"
        f"```console\n{how}\n```\n\n## Cite\n\n"
        f"simenv {own.attrs['simenv_version']}, task {_text(own.name)} "
        f"{str(own.attrs['task_sha256'])[:DIGITS]}, seed {own.attrs['seed']}.\n"
    )


def commands(own: About) -> tuple[str, str]:
    """What writes the task into a file, and what generates the dataset from it."""
    tier = str(own.attrs["tier"])
    options = [f"--scenes {own.scenes}", f"--seed {own.attrs['seed']}"]
    if tier != "core":
        options.append(f"--tier {tier}" if tier in TIERS else f"--edge {tier}")
    if own.attrs["look_seed"] != NEVER:
        options.append(f"--look-seed {own.attrs['look_seed']}")
    if len(own.days) == 1 and own.days[0].day:
        options.append(f"--at-day {own.days[0].day:g}")
    options.append(f"--renderer {own.attrs['renderer']}")
    script = "import simenv; print(simenv.open('PATH').task)"
    return (
        f'python -c "{script}" > {own.name}.yaml',
        f"simenv generate {own.name}.yaml {' '.join(options)} --out OUT",
    )


def _list(rows: Sequence[str]) -> str:
    return "".join(f"- {_text(row)}\n" for row in rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(text: str) -> str:
    """One line in which nothing is markup of HTML or of tables."""
    flat = " ".join(text.split())
    return flat.translate(ESCAPES).replace("](", "]\\(")
