"""Who makes the shards: this process, or spawned ones, each with engines of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from simenv.dataset.store import Draft, commit_draft
from simenv.errors import EngineError, SimenvError
from simenv.generate.plan import Plan, Shard
from simenv.generate.shard import make_shard
from simenv.render.choose import WORKER_ENVIRONMENT
from simenv.studio import Studio

__all__ = ["in_this_process", "in_workers"]

POLL_S = 0.2  # how often the progress is looked at


def in_this_process(
    plan: Plan,
    missing: list[Shard],
    folder: Path,
    report: Callable[[], None],
    device: int | None = None,
) -> None:
    """All shards one after the other, here: what debuggers want."""
    with plan.studio(device) as studio:
        for number, scenes in missing:
            commit_draft(folder, make_shard(studio, plan, number, scenes, folder))
            report()


def in_workers(
    plan: Plan,
    missing: list[Shard],
    folder: Path,
    report: Callable[[], None],
    *,
    jobs: int,
    devices: Sequence[int] = (),
) -> None:
    """Spawned processes, each with engines of its own; one that dies fails its shard alone."""
    from pebble import ProcessPool

    context = get_context("spawn")  # a fork after the EGL plugin is loaded would crash
    workers = max(1, min(jobs, len(missing)))
    with (
        _environment(WORKER_ENVIRONMENT),
        ProcessPool(
            workers,
            context=context,
            initializer=_prepare_worker,
            initargs=(context.Value("i", 0), tuple(devices)),
        ) as pool,
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
            pending: set[Future[Draft]] = set(futures)
            while pending:
                done, pending = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
                report()
                for future in done:  # a full disk or a wrong value will not get better
                    if isinstance(error := future.exception(), SimenvError):
                        raise error
                    if error is None:
                        commit_draft(folder, future.result())
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


def _raise_first(futures: Iterable[tuple[Future[Draft], Sequence[int]]]) -> None:
    """A worker that died is named by its scenes."""
    for future, scenes in futures:
        if (error := future.exception()) is not None:
            raise EngineError(
                f"the worker of scenes {scenes[0]} to {scenes[-1]} failed: "
                f"{type(error).__name__}: {error}; the others are committed, "
                "run the same command again to retry"
            ) from error


class _Worker:
    """What a worker process knows of itself."""

    device: int | None = None  # number of the GPU that draws for it


def _prepare_worker(started: Any, devices: tuple[int, ...]) -> None:
    """Before its first shard; ``started`` counts the workers, so that they share the devices."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if devices:
        with started.get_lock():
            _Worker.device = devices[started.value % len(devices)]
            started.value += 1


@lru_cache(maxsize=1)
def _studio(plan: Plan) -> Studio:
    """The engines of this worker; they live as long as it does."""
    return plan.studio(_Worker.device)


def _work(plan: Plan, number: int, scenes: Sequence[int], folder: Path) -> Draft:
    return make_shard(_studio(plan), plan, number, scenes, folder)
