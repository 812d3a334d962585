"""Move each axis alone, and see what it changes: every row of `domain:` and each of its edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from simenv.check.bench import Bench, First
from simenv.check.compare import Difference
from simenv.check.finding import Finding
from simenv.check.redraw import redraw
from simenv.check.words import labels_text, pixels_text, rejected_text, some, value_text
from simenv.domain.intervene import moved
from simenv.errors import InputError
from simenv.render.ignored import IGNORES
from simenv.spec.load import Task

__all__ = ["check_task"]

TRIES = 3  # other values of an axis in one scene, as long as none changes what it should
FURTHER = 8  # scenes that are looked at before an axis is called dead: what it moves may be unseen

Progress = Callable[[int, int], None]  # takes steps done, steps in all


def check_task(
    task: Task,
    *,
    scenes: int = 2,
    seed: int = 0,
    renderer: str = "auto",
    progress: Progress = lambda done, total: None,
) -> Iterator[Finding]:
    """One finding for each scene redrawn in another look, then one for each range of each axis.

    All that is compared goes through the whole line: composed, dropped, drawn and labelled.

    Args:
        task: whose domain is checked.
        scenes: from number 0 on, in which axes are moved.
        seed: of everything random.
        renderer: ``egl``, ``tiny``, ``raster`` or ``auto``.
        progress: is called with the steps that are done, and how many there are.
    """
    if scenes < 1:
        raise InputError(f"--scenes: {scenes} compares nothing; ask for 1 or more")
    domain = task.spec.domain
    ranges = [(path, edge) for path, axis in domain.items() for edge in ("", *axis.edge)]
    total = 2 * scenes + len(ranges)
    with Bench(task, seed=seed, renderer=renderer) as bench:
        firsts = []
        for scene in range(scenes):
            firsts.append(bench.first(scene))
            progress(scene + 1, total)
        yield from map(_rejected, (first for first in firsts if first.made.rejected))
        firsts = [first for first in firsts if not first.made.rejected]
        for done, first in enumerate(firsts, start=scenes + 1):
            yield redraw(bench, first)
            progress(done, total)
        for done, (path, edge) in enumerate(ranges, start=2 * scenes + 1):
            found = _axis(bench, firsts, path, edge)
            yield _looked_further(bench, found, scenes) if found.fault == "dead" else found
            progress(done, total)


def _rejected(first: First) -> Finding:
    text = f"scene {first.drawn.scene}: rejected ({first.made.rejected})"
    return Finding("", "", "untried", text)


def _looked_further(bench: Bench, dead: Finding, start: int) -> Finding:
    """The finding of the first further scene in which the axis is alive; ``dead`` if none is."""
    tries, last = dead.tries, start + FURTHER - 1
    for scene in range(start, last + 1):
        first = bench.first(scene)
        if first.made.rejected:
            continue
        found = _axis(bench, [first], dead.axis, dead.edge, most=1)
        tries += found.tries
        if found.fault not in ("dead", "untried"):
            return replace(found, text=f"{found.text}, first in scene {scene}", tries=tries)
    return replace(dead, text=f"{dead.text}; nor in scenes {start} to {last}", tries=tries)


@dataclass
class _Trial:
    """What came of moving one axis."""

    compared: list[tuple[str, Difference]] = field(default_factory=list)  # what was moved, result
    reasons: Counter[str] = field(default_factory=Counter)  # of rejected tries

    @property
    def text(self) -> str:
        """What was tried."""
        rejected = f"; rejected: {rejected_text(self.reasons)}" if self.reasons else ""
        return ("; ".join(said for said, _ in self.compared) or "nothing") + rejected


def _axis(
    bench: Bench, firsts: Sequence[First], path: str, edge: str, *, most: int = TRIES
) -> Finding:
    visual = bench.task.spec.domain[path].kind == "visual"
    trial = _try(bench, firsts, path, edge, most, visual=visual)
    if not trial.compared:
        return _untried(bench, firsts, path, edge, trial)
    judge = _visual if visual else _semantic
    return judge(bench, path, edge, trial)


def _try(
    bench: Bench, firsts: Sequence[First], path: str, edge: str, most: int, *, visual: bool
) -> _Trial:
    """Move a semantic axis until labels show it; a visual one in every scene."""
    trial = _Trial()
    for first in firsts:
        others = moved(bench.task, bench.seed, first.drawn, path, edge)
        for other in islice(others, most):
            made = bench.make(other)
            if made.rejected and not visual:
                trial.reasons[made.rejected] += 1
                continue
            values = f"{value_text(first.drawn, path)} -> {value_text(other, path)}"
            differs = bench.difference(first, made)
            trial.compared.append((f"scene {first.drawn.scene}: {values}", differs))
            if not visual and differs.shows:
                return trial
            if visual and (differs.columns or differs.pixels):
                break
    return trial


def _untried(bench: Bench, firsts: Sequence[First], path: str, edge: str, trial: _Trial) -> Finding:
    if trial.reasons:
        text = f"every try was rejected: {rejected_text(trial.reasons)}"
        return Finding(path, edge, "untried", text)
    drawn = [first.drawn for first in firsts]
    group = ".".join(path.split(".")[:2])
    empty = [d for d in drawn if d.part_values.get(path) == () or d.values.get(path) == 0]
    if len(empty) == len(drawn):
        text = f"{group} has no part in the scenes tried" if drawn else "no scene was accepted"
        return Finding(path, edge, "untried", text)
    value = value_text(next(d for d in drawn if d not in empty), path)
    return Finding(path, edge, "dead", f"it has one value only: {value}")


def _visual(bench: Bench, path: str, edge: str, trial: _Trial) -> Finding:
    tries = len(trial.compared)
    for said, differs in trial.compared:
        if differs.columns:
            text = f"{some(differs.columns)} differ in {said}; declare it semantic"
            return Finding(path, edge, "moves labels", text, differs.columns, tries)
    strongest = max((d for _, d in trial.compared), key=_strength)
    if strongest.pixels:
        return Finding(path, edge, "", f"changes {pixels_text(strongest)}", (), tries)
    if path.rpartition(".")[2] in IGNORES.get(bench.renderer, ()):
        text = f"{bench.renderer} does not draw it; use --renderer raster"
        return Finding(path, edge, "not shown", text, (), tries)
    return Finding(path, edge, "dead", f"changes no pixel; tried {trial.text}", (), tries)


def _strength(differs: Difference) -> float:
    return max(differs.pixels.values(), default=0.0)


def _semantic(bench: Bench, path: str, edge: str, trial: _Trial) -> Finding:
    tries = len(trial.compared)
    last = trial.compared[-1][1]
    if last.shows:
        return Finding(path, edge, "", f"moves {labels_text(last)}", last.labels, tries)
    moving = [differs for _, differs in trial.compared if differs.labels]
    if moving:
        strongest = max(moving, key=lambda differs: differs.moved_m)
        text = f"moves no more than {labels_text(strongest)}; tried {trial.text}"
        return Finding(path, edge, "weak", text, strongest.labels, tries)
    shown = [differs for _, differs in trial.compared if differs.pixels]
    if shown:
        text = f"changes {pixels_text(shown[-1])}, and no label; tried {trial.text}"
        return Finding(path, edge, "only visual", text, (), tries)
    return Finding(path, edge, "dead", f"changes nothing; tried {trial.text}", (), tries)
