"""How the holes of a dataset are filled: rounds of scenes chosen by what they are likely to add.

Scenes stay what they are, pure functions of (task, seed, number). A round only says which numbers
beyond the last one are made, and is written down first; so nothing else about a dataset changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simenv.audit.coverage import Hole, largest_unreachable
from simenv.audit.observe import CORE, observe
from simenv.dataset.fills import FillRound
from simenv.dataset.store import INDEX, MANIFESTS
from simenv.errors import InputError
from simenv.fill.draw import Draw
from simenv.fill.plan import next_scenes, survey
from simenv.fill.start import Starts, starts
from simenv.generate import Plan, Report, produce
from simenv.generate.source import Source

__all__ = ["Filled", "fill"]

LEAST_ROUND = 16  # scenes
ROUND_SHARE = 0.5  # of the scenes that are there
NAMED = 10  # unreachable cells


@dataclass(frozen=True)
class Filled:
    """What a fill reached."""

    wanted: float
    max_scenes: int
    scenes_before: int  # that were generated before any round
    scenes: int
    rounds: int
    before: float  # share of the goal that the first ones cover
    after: float
    open: int  # cells of the goal that are still empty
    excluded: int  # cells that should have occurred long ago
    unreachable: tuple[Hole, ...]  # the most expected of them

    @property
    def reached(self) -> bool:
        """Whether the coverage is what was wanted."""
        return self.after >= self.wanted

    @property
    def why(self) -> str:
        """Why the coverage is not what was wanted, and what to do."""
        short = f"covers {self.after:.1%} of the reachable cells, not {self.wanted:.1%}"
        if self.scenes >= self.max_scenes:
            return f"{short}, with {self.scenes} scenes; allow more with --max-scenes"
        return f"{short}, and no further scene promises more; see the open cells with simenv audit"

    @property
    def text(self) -> str:
        """Before and after, then what is not reachable."""
        lines = [
            f"before: {self.scenes_before} scenes cover {self.before:.1%} of the reachable cells",
            f"after:  {self.scenes} scenes cover {self.after:.1%}, in {self.rounds} rounds; "
            f"{self.open} cells are open",
            f"unreachable: {self.excluded} cells never occur, though their halves often do",
        ]
        return "\n".join([*lines, *(f"  {hole}" for hole in self.unreachable)])


def fill(
    path: str | Path,
    *,
    max_scenes: int,
    coverage: float = 0.95,
    jobs: int = 1,
    devices: Sequence[int] = (),
    progress: Report = lambda line: None,
) -> Filled:
    """Add scenes to the dataset ``path`` until its coverage is reached, or finish what was begun.

    The same request to the same dataset gives the same rounds, whatever ``jobs``. Rounds end when
    the coverage or the number of scenes is reached, or when no scene promises anything.

    Args:
        path: the folder of a run of `simenv generate`.
        max_scenes: that the dataset may have in all.
        coverage: share of the cells that the first scenes showed to be reachable, see `Survey`.
        jobs: worker processes, 0: in this one.
        devices: numbers of the GPUs that the workers share.
        progress: as for `generate`.

    Raises:
        InputError: there is no folder that can be filled, or a number makes no sense.
        Locked: another run is writing there.
        StorageError: the disk refused.
    """
    if not 0 < coverage <= 1:
        raise InputError(f"--coverage: {coverage:g} is no share; use more than 0, at most 1")
    run = _Run(_folder(Path(path)))
    while (numbers := run.next(max_scenes, coverage)) is not None:
        run.add(numbers, max_scenes, coverage, jobs, devices, progress)
    return run.filled(max_scenes, coverage)


def _folder(path: Path) -> Path:
    folder = path.parent if path.name == INDEX else path
    if not (folder / MANIFESTS).is_dir():
        raise InputError(
            f"{path}: is not the folder of a run, so no scene can be added; generate into a folder"
        )
    return folder


class _Run:
    """One dataset that grows."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, Source.of(folder)
        attrs = self.source.attrs
        if attrs.get("poses_sha256"):
            raise InputError(
                f"{folder}: was drawn from another dataset's poses; fill that one, then draw again"
            )
        self.begun: dict[int, Starts] = {}  # by scene
        self.fills, self.said = self.source.fills, False
        self.whole = (folder / INDEX).exists() and self.source.whole
        if not self.whole and not self.fills:
            raise InputError(f"{folder}: was interrupted; finish it with simenv generate first")
        tier = str(attrs["tier"])
        self.tier = CORE if tier in (CORE, "all") else None
        self.draw = Draw(
            self.source.task, int(attrs["seed"]), tier, self.source.look_seed, self.source.at_day
        )

    @property
    def count(self) -> int:
        """Scenes, when all rounds are finished."""
        return self.source.generated + sum(len(own.scenes) for own in self.fills)

    def next(self, max_scenes: int, wanted: float) -> tuple[int, ...] | None:
        """Scenes to add; () where a round is to be finished; None when there is nothing to do."""
        if not self.whole:
            return ()
        self.found = survey(observe(self.folder, tier=self.tier), self.source.generated)
        room = max_scenes - self.count
        if self.found.share >= wanted or room <= 0:
            return None
        most = min(room, max(LEAST_ROUND, int(ROUND_SHARE * self.count)))
        begun = self._starts()
        return next_scenes(self.found, self.draw, begun, most=most, wanted=wanted) or None

    def _starts(self) -> Starts:
        """How the parts of the accepted scenes started; each scene is composed once."""
        scenes = self.found.observed.scenes
        there = scenes["outcome"].astype(str) == "accepted"
        tried = zip(scenes["index"][there].tolist(), scenes["attempts"][there], strict=True)
        for scene, attempts in tried:
            if scene not in self.begun:
                drawn = self.draw(scene, attempt=int(attempts) - 1)
                self.begun[scene] = starts(self.draw, [drawn])
        return Starts.join([self.begun[scene] for scene in scenes["index"][there].tolist()])

    def add(
        self,
        numbers: tuple[int, ...],
        max_scenes: int,
        wanted: float,
        jobs: int,
        devices: Sequence[int],
        progress: Report,
    ) -> None:
        """Write the round down and make its scenes; without numbers, finish the last one."""
        if numbers:
            share = round(self.found.share, 6)
            begun = self.source.generated
            own = FillRound(len(self.fills), begun, numbers, share, wanted, max_scenes)
            self.fills = (*self.fills, own)
        plan = Plan.of(
            self.source.task,
            scenes=self.fills[0].begun_with,
            seed=self.draw.seed,
            renderer=str(self.source.attrs["renderer"]),
            tier=self.draw.tier,
            look_seed=self.draw.look_seed,
            at_day=self.draw.at_day,
            fills=self.fills,
        )

        def report(line: dict[str, Any]) -> None:
            if "scene" in line or not self.said:  # what was there already is said once
                self.said = True
                progress(line)

        produce(plan, self.source.task, self.folder, jobs=jobs, devices=devices, progress=report)
        self.whole = True

    def filled(self, max_scenes: int, wanted: float) -> Filled:
        """What there is now."""
        found = self.found
        return Filled(
            wanted=wanted,
            max_scenes=max_scenes,
            scenes_before=self.source.generated,
            scenes=self.count,
            rounds=len(self.fills),
            before=found.before / max(1, found.reachable),
            after=found.share,
            open=found.reachable - found.reached,
            excluded=sum(int(own.excluded.sum()) for own in found.all),
            unreachable=largest_unreachable(found.joints, NAMED),
        )
