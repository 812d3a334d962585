"""How a dataset comes to be: shards planned, made by workers, committed singly, indexed last."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import current_process
from pathlib import Path
from typing import Any

from simenv.dataset.disk import remove, storage
from simenv.dataset.fills import commit_fill, read_fills
from simenv.dataset.guard import safe_open
from simenv.dataset.index import merge_to_file, write_index
from simenv.dataset.lock import Lock, identify
from simenv.dataset.slice import WHOLE, Slice
from simenv.dataset.store import INDEX, Manifest, committed, manifest_path, shard_name
from simenv.dataset.url import is_url
from simenv.errors import InputError
from simenv.generate.cluster import dask_cluster
from simenv.generate.executor import Opener, in_executor, opener
from simenv.generate.fetch import copy_to_folder, index_store
from simenv.generate.plan import Plan, Shard
from simenv.generate.remote import Store, shipping
from simenv.generate.shard import log_line
from simenv.generate.workers import Limits, in_this_process, in_workers
from simenv.render.ignored import ignored
from simenv.scratch import ScratchFolder
from simenv.spec.load import Task, load_task

__all__ = [
    "Limits",
    "Plan",
    "Report",
    "Slice",
    "Summary",
    "Tally",
    "copy_to_folder",
    "dask_cluster",
    "generate",
    "opener",
    "produce",
]

Report = Callable[[dict[str, Any]], None]  # takes a line of the log


@dataclass(frozen=True)
class Tally:
    """The scenes of one tier, such as of one edge."""

    accepted: int  # scenes
    attempts: int

    @property
    def rate(self) -> float:
        """How many of the attempts hit."""
        return self.accepted / self.attempts if self.attempts else 0.0


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    renderer: str
    made: int  # scenes
    found: int  # scenes that were committed before
    accepted: int  # scenes, of those made
    images: int
    seconds: float
    reasons: dict[str, int]  # rejected attempts by reason
    quarantined: Mapping[int, str] = field(default_factory=dict)  # scenes, of all, and why
    failed: int = 0  # workers that ended before their shard did
    stages: Mapping[str, float] = field(default_factory=dict)  # seconds, of all workers together
    ignored: str | None = None  # what the renderer did not show of the task
    tiers: Mapping[str, Tally] = field(default_factory=dict)  # by tier, in the order of the names

    @property
    def text(self) -> str:
        """The run in a few lines."""
        rate = self.images / self.seconds if self.seconds else 0.0
        pace = self.made / self.seconds if self.seconds else 0.0
        found = f", {self.found} were there already" if self.found else ""
        rejected = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        lines = [
            f"{self.made} scenes made{found}: {self.accepted} accepted, {self.images} images in "
            f"{self.seconds:.1f} s ({pace:.1f} scenes/s, {rate:.1f} images/s, {self.renderer})",
            f"rejected attempts: {rejected or 'none'}",
        ]
        whole = sum(self.stages.values())
        if whole:
            shares = sorted(self.stages.items(), key=lambda own: -own[1])
            lines.append("time: " + ", ".join(f"{k} {v / whole:.0%}" for k, v in shares))
        if self.failed:
            lines.append(f"workers that failed: {self.failed}, see run.log.jsonl")
        lines += [f"quarantined: scene {k}: {why}" for k, why in self.quarantined.items()]
        lines += [self.ignored] if self.ignored else []
        return "\n".join(lines) + self._table

    @property
    def _table(self) -> str:
        """A line for each edge; none where no scene is of one."""
        if not set(self.tiers) - {"core"}:
            return ""
        wide = max(map(len, [*self.tiers, "edge"]))
        rows = [f"{'edge':{wide}}  accepted  attempts  hit rate"]
        for name, own in self.tiers.items():
            rows.append(f"{name:{wide}}  {own.accepted:8}  {own.attempts:8}  {own.rate:8.0%}")
        return "\n" + "\n".join(rows)


def generate(
    task: Task | str | Path,
    out: str | Path,
    *,
    scenes: int,
    seed: int = 0,
    jobs: int = 1,
    renderer: str = "auto",
    tier: str = "core",
    look_seed: int | None = None,
    at_day: float = 0.0,
    devices: Sequence[int] = (),
    limits: Limits | None = None,
    retry_quarantined: bool = False,
    own: Slice = WHOLE,
    executor: Opener | None = None,
    progress: Report = lambda line: None,
) -> Summary:
    """Generate scenes 0 to ``scenes`` - 1 of ``task`` into ``out``, or finish what is there.

    The bytes depend on (task, seed, tier, look_seed, at_day, renderer, scenes), never on ``jobs``
    or on what was interrupted. ``jobs`` = 0 works in this process, which is what debuggers want.

    Args:
        task: a loaded task, a name of the catalog, or the path of a task file.
        out: a folder, a file that ends in ``.h5``, or a URL that fsspec knows (``s3://...``).
        scenes: how many scenes the finished dataset has.
        seed: of everything random.
        jobs: worker processes.
        renderer: ``egl``, ``tiny`` or ``auto`` (egl where it works).
        tier: ``core``, ``edge``, ``all``, or the name of one edge.
        look_seed: redraws the visual axes only; labels stay as they are.
        at_day: where on the task's timeline, in days.
        devices: numbers of the GPUs that the workers share; none: the driver's first.
        limits: what a worker may take, see `Limits`; it is ended beyond them.
        retry_quarantined: try the scenes again that ended two workers each.
        own: make only this slice of the shards; other slices may be made at the same time, also on
            other machines that see ``out``. The last one to end writes the index.
        executor: who makes the shards instead of ``jobs`` processes here, see `opener` and
            `dask_cluster`; its workers see ``out`` under the same path.
        progress: is called with each line of run.log.jsonl as it appears; first of all with the
            ``scenes`` that were there already.

    Raises:
        InputError: the task is wrong, or ``out`` holds another dataset.
        Locked: another run is writing to ``out``.
        StorageError: the disk refused.
        EngineError: workers die before they come to a scene; all other shards are there.
        ClusterError: the executor is gone; what is committed stays.
    """
    task = task if isinstance(task, Task) else load_task(task)
    if not str(out):
        raise InputError("--out: is empty; name a folder, or a file that ends in .h5")
    if scenes < 1:
        raise InputError(f"--scenes: {scenes} makes no dataset; ask for 1 or more")
    plan = Plan.of(
        task,
        scenes=scenes,
        seed=seed,
        renderer=renderer,
        tier=tier,
        look_seed=look_seed,
        at_day=at_day,
    )
    return produce(
        replace(plan, own=own),
        task,
        out,
        jobs=jobs,
        devices=devices,
        limits=limits,
        retry_quarantined=retry_quarantined,
        executor=executor,
        progress=progress,
    )


def produce(
    plan: Plan,
    task: Task,
    out: str | Path,
    *,
    jobs: int = 1,
    devices: Sequence[int] = (),
    limits: Limits | None = None,
    retry_quarantined: bool = False,
    executor: Opener | None = None,
    progress: Report = lambda line: None,
) -> Summary:
    """Make what ``plan`` says, or finish what is there: see `generate`."""
    if is_url(out):
        if executor is not None:
            raise InputError(
                f"--out: {out}: an executor's workers need a folder; give each of them a slice of "
                "its own with --shard i/n, or choose a folder that all machines see"
            )
        _check_main(jobs)
        make = _maker(jobs, devices, limits, None)
        return _into_store(plan, task, Store.at(str(out)), make, retry_quarantined, progress)
    out = Path(out)
    folder = out.with_name(f"{out.name}.parts") if out.suffix == ".h5" else out
    if folder != out and out.exists():
        raise InputError(f"--out: {out} exists; remove it or choose another name")
    if folder != out and not plan.own.whole:
        raise InputError(f"--shard: slices share a folder, {out} is a file; choose another --out")
    _check_main(jobs)
    with Lock(folder, plan.own) as lock:
        if retry_quarantined:
            _forget_quarantined(folder, plan.own)
        make = _maker(jobs, devices, limits, executor)
        summary = _fill(plan, task, folder, make, progress)
        if lock.alone() and (plan.own.whole or _whole(plan, folder, committed(folder))):
            write_index(folder)
        if folder != out:
            merge_to_file(folder, out)
            shutil.rmtree(folder)
    return summary


def _into_store(
    plan: Plan, task: Task, store: Store, make: Maker, retry_quarantined: bool, progress: Report
) -> Summary:
    """The same in an object store; shards are made in a scratch folder of this machine."""
    with store.lock(plan.own), closing(ScratchFolder()) as scratch:
        store.identify(plan.header(task).identity)
        if retry_quarantined:
            store.forget_quarantined(plan.own)
        folder = scratch.path / "out"
        folder.mkdir()
        store.get_fills(folder)
        there, shipped = store.committed(), shipping(make, store)
        try:
            summary = _fill(plan, task, folder, shipped, progress, there=there, name=store.url)
        finally:
            store.put_log(folder / plan.log)
        there = store.committed()
        if plan.own.whole or _whole(plan, folder, there):
            index_store(store, folder)
        given_up = [k for n, own in there.items() if plan.own.owns(n) for k in own.quarantined]
        return replace(summary, quarantined=dict.fromkeys(given_up, "see the log"))


def _check_main(jobs: int) -> None:
    """End a worker that runs its parent's script again, with a line and no traceback."""
    if jobs and getattr(current_process(), "_inheriting", False):
        raise SystemExit(
            "generate: a worker process runs this script again; put what it does under "
            'if __name__ == "__main__":, or use jobs=0'
        )


Maker = Callable[[Plan, list[Shard], Path, Callable[[], None]], None]


def _maker(
    jobs: int, devices: Sequence[int], limits: Limits | None, executor: Opener | None
) -> Maker:
    """Who makes the shards."""
    if executor is not None:
        return partial(in_executor, open_executor=executor)
    if jobs == 0:
        return partial(in_this_process, device=next(iter(devices), None))
    return partial(in_workers, jobs=jobs, devices=devices, limits=limits)


def _whole(plan: Plan, folder: Path, there: Mapping[int, Manifest]) -> bool:
    """Whether the slices have made everything, so that the last of them writes the index."""
    shards = dict(_with_fills(plan, folder).shards())
    return shards == {number: manifest.scenes for number, manifest in there.items()}


def _forget_quarantined(folder: Path, own: Slice) -> None:
    """Shards with quarantined scenes are made anew."""
    for number, manifest in committed(folder, own=own).items():
        if manifest.quarantined:
            remove(folder / INDEX)
            remove(manifest_path(folder, number))
            remove(folder / shard_name(number))


def _fill(
    plan: Plan,
    task: Task,
    folder: Path,
    make: Maker,
    progress: Report,
    *,
    there: Mapping[int, Manifest] | None = None,
    name: object = None,
) -> Summary:
    """Make the shards that are not ``there`` yet: by default those committed in ``folder``.

    ``name``: what the user calls the folder.
    """
    identify(folder, plan.header(task).identity)
    plan = _with_fills(plan, folder)
    there = committed(folder, own=plan.own) if there is None else there
    most = max((manifest.scenes[-1] + 1 for manifest in there.values()), default=0)
    if most > plan.scenes and not plan.fills:
        raise InputError(
            f"--scenes: {name or folder} holds {most} scenes, {plan.scenes} would lose some; "
            f"ask for {most} or more, or choose another --out"
        )
    shards = plan.own_shards()
    missing = [
        (number, scenes)
        for number, scenes in shards
        if number not in there or there[number].scenes != scenes
    ]
    start, tally = time.monotonic(), Counter[str]()
    count, made = (sum(len(scenes) for _, scenes in own) for own in (shards, missing))
    found = count - made
    progress({"scenes": found, "images": 0})
    stages = Counter[str]()
    with _Tail(folder / plan.log) as tail:
        log_line(folder / plan.log, event="begin", scenes=count, whole=plan.count, found=found,
                 pid=os.getpid(), renderer=plan.renderer, command=_command())  # fmt: skip

        def report() -> None:
            for line in tail.lines():
                tally.update(_counts(line))
                if "scene" in line and "event" not in line:
                    stages.update(line["seconds"])
                    progress(line)

        make(plan, missing, folder, report)
        report()
        log_line(folder / plan.log, event="end", scenes=count, pid=os.getpid())
    reasons = _reasons(folder, plan.own)
    return Summary(
        renderer=plan.renderer,
        made=made,
        found=found,
        accepted=tally["accepted"],
        images=tally["images"],
        seconds=time.monotonic() - start,
        ignored=ignored(task.spec, plan.renderer),
        quarantined=reasons,
        failed=tally["failed"],
        stages=dict(stages),
        reasons={key[8:]: count for key, count in tally.items() if key.startswith("reason: ")},
        tiers=_tiers(tally),
    )


def _command() -> str:
    """What a shell must be told to do the same again."""
    name = Path(sys.argv[0]).name
    begin = ["simenv"] if name in ("simenv", "__main__.py") else ["python", *sys.argv[:1]]
    return f"cd {shlex.quote(os.getcwd())} && {shlex.join([*begin, *sys.argv[1:]])}"


def _with_fills(plan: Plan, folder: Path) -> Plan:
    """The plan with the rounds that were added to the folder; its own new ones are committed."""
    there = read_fills(folder)
    if plan.fills[: len(there)] != there[: len(plan.fills)]:
        raise InputError(f"{folder}: another run filled it meanwhile; run the same command again")
    for fill in plan.fills[len(there) :]:
        commit_fill(folder, fill)
    fills = read_fills(folder)
    if fills and fills[0].begun_with != plan.scenes:
        begun = fills[0].begun_with
        raise InputError(
            f"--scenes: {folder} was filled when it had {begun} scenes, so it cannot have "
            f"{plan.scenes}; ask for {begun} to finish it, add more with simenv fill, or choose "
            "another --out"
        )
    return replace(plan, fills=fills)


def _reasons(folder: Path, own: Slice) -> dict[int, str]:
    """The scenes that are quarantined in the committed shards, and why."""
    found = {}
    for number, manifest in committed(folder, own=own).items():
        if scenes := manifest.quarantined:
            with safe_open(folder / shard_name(number)) as file:
                scene = file["attempts/scene"][()].tolist()
                reason = file["attempts/reason"].asstr()[()].tolist()
            found.update(
                {own: why for own, why in zip(scene, reason, strict=True) if own in scenes}
            )
    return dict(sorted(found.items()))


def _counts(line: dict[str, Any]) -> Counter[str]:
    if "event" in line:
        return Counter({"failed": 1} if line["event"] in ("failed", "quarantined") else {})
    counts = Counter(f"reason: {reason}" for reason in line["reasons"])
    counts["accepted"] = int(line["outcome"] == "accepted")
    counts["images"] = line["images"]
    counts[f"hits: {line['tier']}"] = counts["accepted"]
    counts[f"tries: {line['tier']}"] = len(line["reasons"]) + counts["accepted"]
    return counts


def _tiers(tally: Mapping[str, int]) -> dict[str, Tally]:
    names = sorted(key[7:] for key in tally if key.startswith("tries: "))
    return {name: Tally(tally[f"hits: {name}"], tally[f"tries: {name}"]) for name in names}


class _Tail:
    """Reads the lines that are appended to a text file from now on."""

    def __init__(self, path: Path) -> None:
        with storage(path, 0):
            path.touch()
            self.file = path.open("rb")
        self.file.seek(0, os.SEEK_END)
        self.rest = b""

    def __enter__(self) -> _Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def lines(self) -> list[dict[str, Any]]:
        """The whole lines that came since the last call."""
        *whole, self.rest = (self.rest + self.file.read()).split(b"\n")
        return [json.loads(line) for line in whole if line]
