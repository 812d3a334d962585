"""Who makes the shards: this process, or spawned ones, each with engines of its own.

A worker that dies takes its shard with it, and nothing else. The shard is made again in a fresh
process; a scene that ends a worker twice is quarantined, and the rest of its shard is made without.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

from pebble import ProcessExpired, ProcessPool

from simenv.dataset.record import QUARANTINED
from simenv.dataset.store import Draft, commit_draft
from simenv.errors import EngineError
from simenv.fault import point
from simenv.generate.notes import Notes, listen_to_me
from simenv.generate.plan import Plan, Shard
from simenv.generate.shard import cause_of, ends_the_run, log_line, make_shard
from simenv.line import plain
from simenv.render.choose import WORKER_ENVIRONMENT
from simenv.studio import Studio

__all__ = ["Limits", "in_this_process", "in_workers"]

POLL_S = 0.1  # how often the progress is looked at
STRIKES = 2  # a scene that ends so many workers is quarantined
RECYCLED = 256  # shards that a worker makes before a fresh one takes its place
SILENCE_S = 1.0  # between the end of a worker and the word of the pool that it has ended
RAISED = 70  # exit status of a worker whose scene raised an exception (EX_SOFTWARE of sysexits.h)
GRACE_S = 5.0  # after the deadline of a scene, for the worker to say where it was
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True)
class Limits:
    """What a worker may take."""

    scene_s: float = 600.0  # seconds of one scene, its engines' start included
    memory_gb: float | None = None  # of address space; graphics drivers reserve a lot of it


def in_this_process(
    plan: Plan,
    missing: list[Shard],
    folder: Path,
    report: Callable[[], None],
    device: int | None = None,
) -> None:
    """All shards one after the other, here: what debuggers want."""
    with plan.studio(device, watch=lambda scene: point("scene", scene)) as studio:
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
    limits: Limits | None = None,
) -> None:
    """Spawned processes; `in_this_process` makes the same bytes.

    Raises:
        EngineError: a worker died twice before it came to a scene; all other shards are there.
    """
    with Notes() as notes, _environment(WORKER_ENVIRONMENT):
        log_line(folder / plan.log, event="workers", jobs=jobs, notes=str(notes.folder))
        crew = _Crew(plan, folder, report, notes, tuple(devices), limits or Limits())
        left, attempt = missing, 1
        while left:
            left = crew.make(left, jobs=jobs, attempt=attempt)
            attempt += 1
    if crew.hopeless:
        raise EngineError(crew.hopeless[0])


@dataclass
class _Crew:
    """Makes shards in rounds: what has failed in one is made again in the next."""

    plan: Plan
    folder: Path
    report: Callable[[], None]
    notes: Notes
    devices: tuple[int, ...]
    limits: Limits
    strikes: Counter[tuple[int, int]] = field(default_factory=Counter)  # (shard, scene or -1)
    quarantined: dict[int, str] = field(default_factory=dict)  # scene -> what it did
    hopeless: list[str] = field(default_factory=list)
    missed: dict[int, float] = field(default_factory=dict)  # process -> since when it is gone

    def make(self, shards: list[Shard], *, jobs: int, attempt: int) -> list[Shard]:
        """One round with new processes; those that are to be made again, each in a fresh one."""
        context = get_context("spawn")  # a fork after the EGL plugin is loaded would crash
        again: list[Shard] = []
        with ProcessPool(
            max(1, min(jobs, len(shards))),
            max_tasks=RECYCLED if attempt == 1 else 1,
            context=context,
            initializer=_prepare_worker,
            initargs=(context.Value("i", 0), self.devices, self.notes.folder, self.limits),
        ) as pool:
            try:
                pending = self._schedule(pool, shards, attempt)
                while pending:
                    done, _ = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
                    self.report()
                    self._end_late_ones()
                    for future in done:
                        again += self._take(future, pending.pop(future))
                    for future, error in self._vanished(pending):
                        shard = pending.pop(future)
                        again += [shard] if self._strike(shard, error) else []
                        future.cancel()
            except (
                BaseException
            ):  # Ctrl-C too: the shards in work are lost, the committed ones stay
                self._end(pool)
                raise
        return again

    def _schedule(self, pool: Any, shards: list[Shard], attempt: int) -> dict[Future[Draft], Shard]:
        # Threads and processes that start now never see these: this one decides what they mean.
        held = {signal.SIGINT, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, held)
        try:
            return {self._given(pool, shard, attempt): shard for shard in shards}
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)

    def _given(self, pool: Any, shard: Shard, attempt: int) -> Future[Draft]:
        words = (self.plan, *shard, self.folder, self._absent(shard[1]), attempt)
        future: Future[Draft] = pool.schedule(_work, args=words)
        return future

    def _absent(self, scenes: Sequence[int]) -> Mapping[int, str]:
        return {scene: why for scene, why in self.quarantined.items() if scene in scenes}

    def _take(self, future: Future[Draft], shard: Shard) -> list[Shard]:
        """Commit what came out; a shard whose worker failed is returned, to be made again."""
        error = future.exception()
        if error is None:
            commit_draft(self.folder, future.result())
            return []
        if ends_the_run(error):
            raise error
        return [shard] if self._strike(shard, error) else []

    def _strike(self, shard: Shard, error: BaseException) -> bool:
        """Write down who did it; whether there is hope."""
        number, scenes = shard
        pid, scene = self._culprit(number, error)
        said = self.notes.said(pid)
        cause = _cause(error, said, self.limits)
        self.notes.forget(pid)
        self.strikes[number, scene] += 1
        twice = self.strikes[number, scene] >= STRIKES
        if twice and scene >= 0:
            self.quarantined[scene] = cause
        event = QUARANTINED if twice and scene >= 0 else "failed"
        who = {"shard": number, "scene": scene, "pid": pid}
        log_line(self.folder / self.plan.log, event=event, **who, cause=cause, said=said)
        if twice and scene < 0:
            self.hopeless.append(
                f"the worker of scenes {scenes[0]} to {scenes[-1]} failed before them: {cause}; "
                "the others are committed, run the same command again to retry"
            )
        return not (twice and scene < 0)

    def _culprit(self, shard: int, error: BaseException) -> tuple[int, int]:
        """Process and scene; -1 where it had come to none."""
        pid = int(getattr(error, "pid", None) or -1)
        place = self.notes.places.get(pid)
        return pid, place.scene if place is not None and place.shard == shard else -1

    def _vanished(
        self, pending: Mapping[Future[Draft], Shard]
    ) -> list[tuple[Future[Draft], ProcessExpired]]:
        """Shards whose worker left without a word; pebble waits on where the status was 0."""
        places = {place.shard: pid for pid, place in self.notes.places.items()}
        gone, now = [], time.monotonic()
        for future, (number, _) in pending.items():
            pid = places.get(number)
            if pid is None or _lives(pid):
                continue
            since = self.missed.setdefault(pid, now)
            if now - since > SILENCE_S and not future.done():
                left = ProcessExpired("left", code=0, pid=pid)  # type: ignore[no-untyped-call]
                gone.append((future, left))
        return gone

    def _end_late_ones(self) -> None:
        """Kill workers that are past a scene's deadline and could not end themselves."""
        limit = time.monotonic() - self.limits.scene_s - GRACE_S
        for pid, place in self.notes.places.items():
            if place.scene >= 0 and place.since_s < limit:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _end(self, pool: Any) -> None:
        """All workers are gone when this returns, also those that are stopped or hang."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError):  # not the main thread
                signal.signal(number, signal.SIG_IGN)
        for pid in self.notes.places:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        pool.stop()
        pool.join()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _cause(error: BaseException, said: str, limits: Limits) -> str:
    """What ended a worker, in a word or two; ``said``: the last of what it printed."""
    if "Timeout (" in said:
        return f"took longer than {limits.scene_s:g} s"
    code = getattr(error, "exitcode", None)
    if code == RAISED:
        return plain(said.splitlines()[-1]) if said else "an exception"
    if code is None:
        return cause_of(error)
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"
    return f"exit status {code}"


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


class _Worker:
    """What a worker process knows of itself."""

    device: int | None = None  # number of the GPU that draws for it
    limits = Limits()
    shard = -1
    attempt = 1
    note: Callable[[int, int, int], None]

    @classmethod
    def at(cls, scene: int) -> None:
        """It comes to a scene, or back to one."""
        cls.note(cls.shard, scene, cls.attempt)
        if scene >= 0:
            faulthandler.dump_traceback_later(cls.limits.scene_s, exit=True, file=2)
            point("scene", scene, attempt=cls.attempt)


def _prepare_worker(started: Any, devices: tuple[int, ...], notes: Path, limits: Limits) -> None:
    """Before its first shard; ``started`` counts the workers, so that they share the devices."""
    _die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Worker.note, _Worker.limits = listen_to_me(notes), limits
    _Worker.at(-1)
    if limits.memory_gb is not None:
        size = int(limits.memory_gb * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if devices:
        with started.get_lock():
            _Worker.device = devices[started.value % len(devices)]
            started.value += 1


def _die_with_parent() -> None:
    """A worker whose parent is gone would work for nobody."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)  # it was gone before


@lru_cache(maxsize=1)
def _studio(plan: Plan) -> Studio:
    """The engines of this worker; they live as long as it does."""
    return plan.studio(_Worker.device, watch=_Worker.at)


def _work(
    plan: Plan,
    number: int,
    scenes: Sequence[int],
    folder: Path,
    absent: Mapping[int, str],
    attempt: int,
) -> Draft:
    _Worker.shard, _Worker.attempt = number, attempt
    _Worker.at(-1)
    try:
        draft = make_shard(_studio(plan), plan, number, scenes, folder, absent=absent)
    except Exception as error:
        if ends_the_run(error):
            raise
        _leave(error)
    faulthandler.cancel_dump_traceback_later()
    _Worker.at(-1)
    return draft


def _leave(error: Exception) -> NoReturn:
    """End this process: its engines and its memory may not be what they were. It says why."""
    with suppress(Exception):
        traceback.print_exception(error)
        sys.stderr.flush()
    os.write(2, f"\n{cause_of(error)}\n".encode())
    os._exit(RAISED)
