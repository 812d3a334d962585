"""Who else may make the shards: any Executor of concurrent.futures, such as a Dask cluster.

An executor's worker gets the plan, a shard's number and its scenes, and writes a draft into the
folder, which all machines see. It answers with the draft's name; the holder of the lock commits.
So a worker that comes late, or that was given up, changes nothing.
"""

from __future__ import annotations

import importlib
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from simenv.dataset.disk import storage
from simenv.dataset.lock import RUN, identify, sweep
from simenv.dataset.store import Draft, commit_draft
from simenv.errors import ClusterError, EngineError, InputError
from simenv.fault import point
from simenv.generate.plan import Plan, Shard
from simenv.generate.shard import cause_of, ends_the_run, log_line, make_shard
from simenv.reading import follow_no_link
from simenv.render.choose import WORKER_ENVIRONMENT
from simenv.studio import Studio

__all__ = ["Made", "Opener", "in_executor", "make", "opener"]

POLL_S = 0.1
WINDOW = 2048  # shards that are given away at a time: the workers of a cluster are not counted
STRIKES = 3  # a shard whose workers failed so often is left to a run on one machine

Opener = Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True)
class Made:
    """What a worker answers."""

    draft: Draft
    log: bytes  # lines of the log: two machines cannot append to one file


def opener(name: str) -> Opener:
    """What ``module:factory`` names: the factory is called without arguments.

    Raises:
        InputError: there is no such thing, or it makes no Executor.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise InputError(
            f"--executor: {name!r} is no module:factory; write for example "
            "concurrent.futures:ProcessPoolExecutor"
        )
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"--executor: {name}: {error}; it must be importable here: install it, or set "
            "PYTHONPATH to where it is"
        ) from None

    @contextmanager
    def opened() -> Iterator[Executor]:
        executor = factory()
        if not callable(getattr(executor, "submit", None)):
            raise InputError(f"--executor: {name} makes a {type(executor).__name__}, no Executor")
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)

    return opened


def in_executor(
    plan: Plan,
    missing: list[Shard],
    folder: Path,
    report: Callable[[], None],
    *,
    open_executor: Opener,
) -> None:
    """Give the shards to an executor; `in_this_process` makes the same bytes.

    Raises:
        ClusterError: the executor is gone; what is committed stays.
        EngineError: a shard failed in several workers; all others are there.
        InputError: a worker does not see the folder, or not the objects as they are here.
    """
    crew = _Crew(plan, folder.absolute(), report)
    left = list(missing)
    while left:
        with open_executor() as executor:
            left = crew.make(executor, left)
    sweep(folder, plan.own)  # drafts of workers that were lost after they had written them
    if crew.hopeless:
        raise EngineError(crew.hopeless[0])


@dataclass
class _Crew:
    """Gives shards away and commits what comes back."""

    plan: Plan
    folder: Path
    report: Callable[[], None]
    strikes: Counter[int] = field(default_factory=Counter)  # by shard
    hopeless: list[str] = field(default_factory=list)

    def make(self, executor: Executor, shards: list[Shard]) -> list[Shard]:
        """One executor; those that are to be made by the next one, as this one broke."""
        # Taken from the end: what never failed first, in the order of the numbers.
        left = sorted(shards, key=lambda shard: (self.strikes[shard[0]], shard[0]), reverse=True)
        pending: dict[Future[Made], Shard] = {}
        running: set[int] = set()
        try:
            while left or pending:
                while left and self._may_give(left[-1], list(pending.values())):
                    future = self._given(executor, left[-1])
                    pending[future] = left.pop()
                done, _ = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    left += self._take(future, pending[future])
                    del pending[future]
                running = {own[0] for future, own in pending.items() if future.running()}
                self.report()
        except BrokenExecutor as error:
            given = list(pending.values()) or left[-1:]
            suspects = [shard for shard in given if shard[0] in running] or given
            hopeless = [shard for shard in suspects if not self._strike(shard, error)]
            return [shard for shard in {*left, *pending.values()} if shard not in hopeless]
        finally:
            for future in pending:
                future.cancel()
        return []

    def _may_give(self, shard: Shard, given: list[Shard]) -> bool:
        """A shard that has failed is made alone, so that it takes no other with it."""
        suspect = any(self.strikes[own[0]] for own in [shard, *given])
        return not given if suspect else len(given) < WINDOW

    def _given(self, executor: Executor, shard: Shard) -> Future[Made]:
        try:
            return executor.submit(make, self.plan, *shard, self.folder)
        except BrokenExecutor:
            raise
        except (RuntimeError, OSError) as error:
            raise self._lost(error) from error

    def _take(self, future: Future[Made], shard: Shard) -> list[Shard]:
        """Commit what came; a shard that failed comes back."""
        try:
            made = future.result()
        except BrokenExecutor:
            raise
        except CancelledError as error:
            raise self._lost(error) from error
        except Exception as error:
            if ends_the_run(error):
                raise
            return [shard] if self._strike(shard, error) else []
        commit_draft(self.folder, made.draft)
        self._log(made.log)
        return []

    def _log(self, lines: bytes) -> None:
        path = self.folder / self.plan.log
        with storage(path, len(lines)):
            point("log")
            with open(path, "ab", buffering=0, opener=follow_no_link) as log:
                log.write(lines)

    def _strike(self, shard: Shard, error: BaseException) -> bool:
        """Write it down; whether there is hope."""
        number, scenes = shard
        self.strikes[number] += 1
        cause = cause_of(error)
        log_line(self.folder / self.plan.log, event="failed", shard=number, scene=-1, cause=cause)
        if self.strikes[number] < STRIKES:
            return True
        self.hopeless.append(
            f"scenes {scenes[0]} to {scenes[-1]} failed in {STRIKES} workers: {cause}; all others "
            "are committed: run the same command on one machine, with --jobs, to find the scene"
        )
        return False

    def _lost(self, error: BaseException) -> ClusterError:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return ClusterError(
            f"{self.folder}: the executor is gone ({why}); what is committed stays: the same "
            "command, with one that works, goes on"
        )


def make(plan: Plan, number: int, scenes: tuple[int, ...], folder: Path) -> Made:
    """Make one shard, in a worker: a process anywhere that sees ``folder``.

    Raises:
        InputError: it does not, or its objects are not those of the run.
    """
    # Executors call from any thread; engines and an OpenGL context belong to one.
    return _engine_thread(os.getpid()).submit(_make, plan, number, scenes, folder).result()


@lru_cache(maxsize=1)
def _engine_thread(process: int) -> ThreadPoolExecutor:
    """The thread of this process that has the engines; a forked child has none yet."""
    return ThreadPoolExecutor(1, thread_name_prefix="simenv-engines")


def _make(plan: Plan, number: int, scenes: tuple[int, ...], folder: Path) -> Made:
    studio, log = _studio(plan, folder, os.getpid()), BytesIO()
    draft = make_shard(studio, plan, number, scenes, folder, log=log)
    return Made(draft, log.getvalue())


@lru_cache(maxsize=1)
def _studio(plan: Plan, folder: Path, process: int) -> Studio:
    """The engines of this process; they live as long as it does."""
    for key, value in WORKER_ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    _check_sees(plan, folder)
    return plan.studio(watch=lambda scene: point("scene", scene))


def _check_sees(plan: Plan, folder: Path) -> None:
    """This machine has the folder of the run, and the run's objects."""
    where = f"worker {os.getpid()} on {socket.gethostname()}"
    if not (folder / RUN).exists():
        raise InputError(
            f"{where}: {folder / RUN} is not there; --out must be a folder that all machines see "
            "under the same path"
        )
    try:
        identify(folder, plan.header(plan.task()).identity)
    except InputError as error:
        raise InputError(
            f"{where}: {error}; all machines need the same simenv, and the task's own objects/ "
            "under the same path"
        ) from None
