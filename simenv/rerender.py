"""How a logged dataset is drawn again, physics frozen: another look, renderer, or more labels.

Scenes, frames and ids are those of the source, so that every picture has its twin there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from simenv.domain.sample import blocks
from simenv.errors import InputError
from simenv.generate import Plan, Report, Summary, produce
from simenv.generate.source import Source
from simenv.replay import Replay
from simenv.spec import yaml
from simenv.spec.backdrop import backdrops
from simenv.spec.check import check
from simenv.spec.check_timeline import check_timeline
from simenv.spec.domain import AxisSpec
from simenv.spec.explain import suggest
from simenv.spec.load import Task
from simenv.spec.paths import Rejected, place, replace
from simenv.spec.task import LABELS, TaskSpec

__all__ = ["parse_look", "rerender"]


def rerender(
    path: str | Path,
    out: str | Path,
    *,
    look: Mapping[str, object] | None = None,
    look_seed: int | None = None,
    renderer: str | None = None,
    labels: Sequence[str] = (),
    jobs: int = 1,
    devices: Sequence[int] = (),
    progress: Report = lambda line: None,
) -> Summary:
    """Draw the dataset ``path`` again into ``out``, or finish what is there.

    Args:
        path: the dataset whose poses are drawn.
        out: a folder, or a file that ends in ``.h5``.
        look: visual path of the task -> value, or a mapping of what is to be another below it; an
            axis at such a path no longer varies, and no longer moves with the days.
        look_seed: redraws the visual axes; default: as they were.
        renderer: default: the one that drew ``path``.
        labels: what to add to the labels of ``path``.
        jobs: worker processes, 0: in this one.
        devices: numbers of the GPUs that the workers share.
        progress: as for `generate`.

    Raises:
        InputError: a path is not visual, a label does not exist or cannot be had from poses, or
            the source is not whole.
    """
    _check_apart(Path(path).absolute(), Path(out).absolute())
    source, replay = Source.of(path), Replay(path)
    source.check_whole()
    try:
        sha256 = replay.sha256
    finally:
        replay.close()
    task = _changed(source.task, look or {}, labels)
    if "contacts" in set(task.spec.labels) - set(source.task.spec.labels):
        raise InputError(
            f"--labels: contacts cannot be told from poses, and {path} does not hold them; "
            "add them to the task's labels and generate it again"
        )
    plan = Plan.of(
        task,
        scenes=source.generated,
        seed=int(source.attrs["seed"]),
        renderer=str(source.attrs["renderer"]) if renderer is None else renderer,
        tier=str(source.attrs["tier"]),
        look_seed=source.look_seed if look_seed is None else look_seed,
        at_day=source.at_day,
        poses=Path(path).absolute(),
        poses_sha256=sha256,
        fills=source.fills,
    )
    return produce(plan, task, out, jobs=jobs, devices=devices, progress=progress)


def _check_apart(source: Path, out: Path) -> None:
    if source in (out, *out.parents):
        raise InputError(f"--out: {out} is the source or lies in it; choose another place")


def parse_look(items: Sequence[str]) -> dict[str, object]:
    """``path=value`` items, values as in YAML; or names of YAML files with such pairs.

    Raises:
        InputError: for what is neither.
    """
    values: dict[str, object] = {}
    for item in items:
        path, equals, text = item.partition("=")
        pair = f"{path}: {text}"
        document = yaml.parse(pair, name=f"--look {item}") if equals else yaml.read(Path(item))
        values |= document.value
    return values


def _changed(task: Task, look: Mapping[str, object], labels: Sequence[str]) -> Task:
    """The task with other visual values and more labels; all that is semantic is as it was."""
    for path in look:
        _check_visual(task.spec, path)
    look = dict(pair for path, value in look.items() for pair in _flat(task.spec, path, value))
    for label in labels:
        if label not in LABELS:
            raise InputError(f"--labels: no label {label}; {suggest(label, LABELS)}")
    try:
        spec = replace(task.spec, look)
    except Rejected as rejected:
        lines = (f"--look {problem}" for problem in rejected.problems)
        raise InputError("\n".join(lines)) from None
    together = {*spec.labels, *labels}
    changes = {
        "labels": tuple(label for label in LABELS if label in together),
        "domain": _without(spec.domain, look),
        "timeline": tuple(
            change for change in spec.timeline if not any(_related(change.axis, p) for p in look)
        ),
    }
    spec = spec.model_copy(update=changes)
    images, problems = backdrops(spec, task.folder)
    problems += [*check(spec, task.objects), *check_timeline(spec, task.objects)]
    if problems:
        raise InputError("\n".join(f"--look {problem}" for problem in problems))
    return Task(spec, task.objects, None, task.folder, images)


def _flat(spec: TaskSpec, path: str, value: object) -> Iterator[tuple[str, object]]:
    """A mapping key by key: what it does not name stays as it is."""
    old = place(spec, path).value
    if not isinstance(value, Mapping) or not isinstance(old, BaseModel | Mapping):
        yield path, value
        return
    if not value:
        raise InputError(f"--look {path}: is empty; name what is to be another")
    for key, inner in value.items():
        _check_visual(spec, f"{path}.{key}")
        yield from _flat(spec, f"{path}.{key}", inner)


def _check_visual(spec: TaskSpec, path: str) -> None:
    try:
        kind = place(spec, path).kind
    except Rejected as rejected:
        raise InputError(f"--look {path}: {rejected.problems[0].text}") from None
    if kind != "visual":
        raise InputError(
            f"--look {path}: changes labels, which come from the logged poses; vary something "
            "visual, or generate another dataset"
        )


def _without(domain: Mapping[str, AxisSpec], paths: Mapping[str, object]) -> dict[str, AxisSpec]:
    """The axes at other paths, each pinned to the dimensions that it has now."""
    taken = blocks(domain)
    if paths and any(len(block) == 0 for block in taken.values()):
        raise InputError(
            "--look: the task fills all 64 Sobol dimensions, and an axis that goes "
            "would move others; use --look-seed"
        )
    return {
        path: axis if axis.each else axis.model_copy(update={"dim": taken[path].start})
        for path, axis in domain.items()
        if not any(_related(path, changed) for changed in paths)
    }


def _related(a: str, b: str) -> bool:
    return f"{a}.".startswith(f"{b}.") or f"{b}.".startswith(f"{a}.")
