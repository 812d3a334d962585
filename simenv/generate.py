"""How a dataset comes to be: shards planned, made by workers, committed singly, indexed last."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simenv.clock import Clock
from simenv.dataset.index import merge_to_file, write_index
from simenv.dataset.record import Record
from simenv.dataset.schema import Header
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import Lock, commit_shard, committed, identify, storage
from simenv.errors import EngineError, InputError, SimenvError
from simenv.render.choose import WORKER_ENVIRONMENT, resolve
from simenv.spec.load import Task, load_task, task_from_text
from simenv.studio import Studio

__all__ = ["Plan", "Summary", "generate"]

SHARD_PIXELS = 32_000_000  # a shard's images: about 100 of 640x480, 50 MB, lost at most once
SHARD_SCENES = 16  # at most, so that small scenes are committed often and spread over the workers
POLL_S = 0.2  # how often the progress is looked at
LOG = "run.log.jsonl"

Shard = tuple[int, range]  # number, scenes
Report = Callable[[dict[str, Any]], None]  # takes a line of the log


@dataclass(frozen=True)
class Plan:
    """What is generated: the task by its text, so that every worker reads the same words."""

    task_text: str
    task_folder: Path | None  # where its own objects are looked for first
    scenes: int
    seed: int
    renderer: str
    tier: str
    look_seed: int | None
    shard_scenes: int

    @classmethod
    def of(
        cls,
        task: Task,
        *,
        scenes: int,
        seed: int = 0,
        renderer: str = "auto",
        tier: str = "core",
        look_seed: int | None = None,
    ) -> Plan:
        """The plan for ``task``; its shards are cut by the task alone, the same way in any run."""
        sizes = (camera.resolution for camera in task.spec.cameras.values())
        pixels = task.spec.capture.frames * sum(width * height for width, height in sizes)
        return cls(
            task_text=task.text,
            task_folder=task.folder,
            scenes=scenes,
            seed=seed,
            renderer=resolve(renderer),
            tier=tier,
            look_seed=look_seed,
            shard_scenes=max(1, min(SHARD_SCENES, SHARD_PIXELS // pixels)),
        )

    def shards(self) -> Iterator[Shard]:
        """(shard number, its scenes)."""
        for number, first in enumerate(range(0, self.scenes, self.shard_scenes)):
            yield number, range(first, min(first + self.shard_scenes, self.scenes))

    def task(self) -> Task:
        """The task, read again from its text."""
        return task_from_text(self.task_text, near=self.task_folder)

    def studio(self) -> Studio:
        """The engines that make this plan's scenes."""
        return Studio(
            self.task(),
            seed=self.seed,
            renderer=self.renderer,
            tier=self.tier,
            look_seed=self.look_seed,
        )

    def header(self, task: Task, *, gl: str = "") -> Header:
        """What every shard of this plan says of itself; ``gl`` is the driver that drew it."""
        return Header(
            task=task.spec,
            task_text=self.task_text,
            catalog_sha256=task.catalog_sha256,
            seed=self.seed,
            renderer=self.renderer,
            tier=self.tier,
            shard_scenes=self.shard_scenes,
            gl=gl,
            look_seed=self.look_seed,
        )


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

    @property
    def text(self) -> str:
        """The run in a line or two."""
        rate = self.images / self.seconds if self.seconds else 0.0
        found = f", {self.found} were there already" if self.found else ""
        rejected = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        return (
            f"{self.made} scenes made{found}: {self.accepted} accepted, {self.images} images in "
            f"{self.seconds:.1f} s ({rate:.1f} images/s, {self.renderer})\n"
            f"rejected attempts: {rejected or 'none'}"
        )


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
    progress: Report = lambda line: None,
) -> Summary:
    """Generate scenes 0 to ``scenes`` - 1 of ``task`` into ``out``, or finish what is there.

    The bytes depend on (task, seed, tier, look_seed, renderer, scenes), never on ``jobs`` or on
    what was interrupted. ``jobs`` = 0 works in this process, which is what debuggers want.

    Args:
        task: a loaded task, a name of the catalog, or the path of a task file.
        out: a folder, or a file that ends in ``.h5``.
        scenes: how many scenes the finished dataset has.
        seed: of everything random.
        jobs: worker processes.
        renderer: ``egl``, ``tiny`` or ``auto`` (egl where it works).
        tier: ``core``, ``edge`` or ``all``.
        look_seed: redraws the visual axes only; labels stay as they are.
        progress: is called with each line of run.log.jsonl as it appears; first of all with the
            ``scenes`` that were there already.

    Raises:
        InputError: the task is wrong, or ``out`` holds another dataset.
        Locked: another run is writing to ``out``.
        StorageError: the disk refused.
        EngineError: a worker died; all other shards are there.
    """
    task = task if isinstance(task, Task) else load_task(task)
    if not str(out):
        raise InputError("--out: is empty; name a folder, or a file that ends in .h5")
    if scenes < 1:
        raise InputError(f"--scenes: {scenes} makes no dataset; ask for 1 or more")
    out = Path(out)
    folder = out.with_name(f"{out.name}.parts") if out.suffix == ".h5" else out
    plan = Plan.of(
        task, scenes=scenes, seed=seed, renderer=renderer, tier=tier, look_seed=look_seed
    )
    if folder != out and out.exists():
        raise InputError(f"--out: {out} exists; remove it or choose another name")
    with Lock(folder):
        summary = _fill(plan, task, folder, jobs, progress)
        write_index(folder)
        if folder != out:
            merge_to_file(folder, out)
            shutil.rmtree(folder)
    return summary


def _fill(plan: Plan, task: Task, folder: Path, jobs: int, progress: Report) -> Summary:
    """Make the shards that are not committed yet."""
    identify(folder, plan.header(task))
    there = committed(folder)
    most = max((manifest.scenes.stop for manifest in there.values()), default=0)
    if most > plan.scenes:
        raise InputError(
            f"--scenes: {folder} holds {most} scenes, {plan.scenes} would lose some; "
            f"ask for {most} or more, or choose another --out"
        )
    missing = [
        (number, scenes)
        for number, scenes in plan.shards()
        if number not in there or there[number].scenes != scenes
    ]
    start, tally = time.monotonic(), Counter[str]()
    found = plan.scenes - sum(len(scenes) for _, scenes in missing)
    progress({"scenes": found, "images": 0})
    with _Tail(folder / LOG) as tail:

        def report() -> None:
            for line in tail.lines():
                tally.update(_counts(line))
                progress(line)

        if jobs == 0:
            _in_this_process(plan, missing, folder, report)
        else:
            _in_workers(plan, missing, folder, jobs, report)
        report()
    return Summary(
        renderer=plan.renderer,
        made=plan.scenes - found,
        found=found,
        accepted=tally["accepted"],
        images=tally["images"],
        seconds=time.monotonic() - start,
        reasons={key[8:]: count for key, count in tally.items() if key.startswith("reason: ")},
    )


def _counts(line: dict[str, Any]) -> Counter[str]:
    counts = Counter(f"reason: {reason}" for reason in line["reasons"])
    counts["accepted"] = int(line["outcome"] == "accepted")
    counts["images"] = line["images"]
    return counts


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


def _in_this_process(
    plan: Plan, missing: list[Shard], folder: Path, report: Callable[[], None]
) -> None:
    with plan.studio() as studio:
        for number, scenes in missing:
            _make_shard(studio, plan, number, scenes, folder)
            report()


def _in_workers(
    plan: Plan, missing: list[Shard], folder: Path, jobs: int, report: Callable[[], None]
) -> None:
    """Spawned processes, each with engines of its own; one that dies fails its shard alone."""
    from pebble import ProcessPool

    context = get_context("spawn")  # a fork after the EGL plugin is loaded would crash
    workers = max(1, min(jobs, len(missing)))
    with (
        _environment(WORKER_ENVIRONMENT),
        ProcessPool(workers, context=context, initializer=_prepare_worker) as pool,
    ):
        # Threads and processes that start now never see Ctrl-C: this one decides what it means.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            futures = {
                pool.schedule(_work, args=(plan, number, scenes, folder)): scenes
                for number, scenes in missing
            }
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        try:
            pending: set[Future[None]] = set(futures)
            while pending:
                done, pending = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
                report()
                for future in done:  # a full disk or a wrong value will not get better
                    if isinstance(error := future.exception(), SimenvError):
                        raise error
        except BaseException:  # Ctrl-C too: the shards in work are lost, the committed ones stay
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()
            raise
    _raise_first(futures.items())


@contextmanager
def _environment(defaults: Mapping[str, str]) -> Iterator[None]:
    """Inside, child processes find ``defaults`` where the user has set nothing."""
    added = {key: value for key, value in defaults.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]


def _raise_first(futures: Iterable[tuple[Future[None], range]]) -> None:
    """A worker that died is named by its scenes."""
    for future, scenes in futures:
        if (error := future.exception()) is not None:
            raise EngineError(
                f"the worker of scenes {scenes.start} to {scenes.stop - 1} failed: "
                f"{type(error).__name__}: {error}; the others are committed, "
                "run the same command again to retry"
            ) from error


def _prepare_worker() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@lru_cache(maxsize=1)
def _studio(plan: Plan) -> Studio:
    """The engines of this worker; they live as long as it does."""
    return plan.studio()


def _work(plan: Plan, number: int, scenes: range, folder: Path) -> None:
    _make_shard(_studio(plan), plan, number, scenes, folder)


def _make_shard(studio: Studio, plan: Plan, number: int, scenes: range, folder: Path) -> None:
    """Make, pack and commit one shard; each scene leaves a line in the log."""
    builder = ShardBuilder(plan.header(studio.task, gl=studio.renderer.device))
    with (folder / LOG).open("ab", buffering=0) as log:
        for index in scenes:
            studio.clock.reset()
            record = studio.record(index)
            with studio.clock("pack"):
                builder.add(record)
            with storage(folder / LOG, 0):
                log.write(_log_line(record, studio.clock))
    commit_shard(folder, number, builder)


def _log_line(record: Record, clock: Clock) -> bytes:
    """One scene for run.log.jsonl, the only file that holds clocks."""
    rejected = [attempt.reason for attempt in record.attempts if attempt.reason]
    line = {
        "unix_s": round(time.time(), 3),
        "pid": os.getpid(),
        "scene": record.scene,
        "scenes": 1,
        "outcome": record.outcome,
        "reasons": rejected,
        "images": len(record.time_s) * len(record.cameras),
        "seconds": {stage: round(spent, 5) for stage, spent in clock.wall.items()},
        "rss_mb": round(_resident_bytes() / 2**20, 1),
    }
    return (json.dumps(line) + "\n").encode()


def _resident_bytes() -> int:
    """Memory of this process that is in RAM now (Linux: proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
