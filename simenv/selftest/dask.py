"""A run on two Dask workers, of which one is killed, and then, every other time, the scheduler."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from simenv.dataset.store import committed
from simenv.errors import ClusterError, SimenvError
from simenv.generate import dask_cluster, produce
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import Child, Tell
from simenv.selftest.small import Run, files, task, unsound

__all__ = ["campaign", "cluster"]

SCENES = 16
HOST = "127.0.0.1"
LIMIT_S = 60.0
POLL_S = 0.01
ADDRESS = "address"  # file in which the scheduler says where it is


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Kill at random moments; the same command on a new cluster gives the calm dataset."""
    if importlib.util.find_spec("distributed") is None:
        return Outcome(0, skipped="Dask is not installed: pip install simenv[cluster]")
    import distributed  # noqa: F401 - here, so that children find everything imported

    rng, failures, lost, whole = random.Random(seed), list[str](), 0, 0
    run = Run(SCENES)
    run.into(folder / "calm")
    truth = files(folder / "calm")
    for trial in range(trials):
        home = folder / f"trial{trial}"
        with cluster(home / "first") as (address, children):
            child = Child.start(partial(_run, run, home / "out", address))
            first, second = sorted(rng.sample(range(run.shards), 2))
            _kill_at(first, home / "out", child, children[1])
            if last := trial % 2 == 0:
                _kill_at(second, home / "out", child, children[0])
            ended = child.wait(LIMIT_S)
        problems = unsound(home / "out", truth)
        lost_it = last and ended.status == ClusterError.exit_status
        gone = lost_it and "the executor is gone" in ended.printed
        if not (gone or ended.status == 0) or "Traceback" in ended.printed:
            problems.append(f"ended with {ended.status}: {ended.printed.strip()[-400:]}")
        lost += gone
        whole += ended.status == 0
        if not problems:
            problems = _resumed(run, home, truth)
        failures += [f"trial {trial}: {problem}" for problem in problems]
    figures = f"{whole} runs came to their end, {lost} lost their scheduler and were resumed"
    return Outcome(trials, tuple(failures), figures)


def _resumed(run: Run, home: Path, truth: dict[str, bytes]) -> list[str]:
    with cluster(home / "second") as (address, _):
        ended = Child.start(partial(_run, run, home / "out", address)).wait(LIMIT_S)
    if ended.status != 0:
        return [f"cannot be resumed: {ended.status}: {ended.printed.strip()[-400:]}"]
    if files(home / "out") != truth:
        return ["the resumed dataset differs"]
    left = sorted(path.name for path in (home / "out").rglob("*.part"))
    return [f"drafts are left: {left}"] if left else []


def _run(run: Run, out: Path, address: str, tell: Tell) -> int:
    try:
        produce(run.plan, task(), out, executor=dask_cluster(address))
    except SimenvError as error:
        print(f"simenv: {error}")
        return error.exit_status
    return 0


def _kill_at(shards: int, out: Path, run: Child, victim: Child) -> None:
    """Kill when so many shards are committed, or the run has ended."""
    limit = time.monotonic() + LIMIT_S
    while len(committed(out)) < shards and not run.ended and time.monotonic() < limit:
        time.sleep(POLL_S)
    victim.kill()


@contextmanager
def cluster(home: Path, workers: int = 2) -> Iterator[tuple[str, list[Child]]]:
    """A scheduler and workers, each a process: the address, and the processes in this order.

    ``home`` is made for their files. Import `distributed` before, so that they need not.
    """
    home.mkdir(parents=True)
    children = [Child.start(partial(_scheduler, home))]
    try:
        address = _address(home, children[0])
        children += [Child.start(partial(_worker, home, address)) for _ in range(workers)]
        yield address, children
    finally:
        for child in children:
            child.kill()
            child.wait(0.0)


def _address(home: Path, scheduler: Child) -> str:
    limit = time.monotonic() + LIMIT_S
    while not (home / ADDRESS).exists():
        if scheduler.ended or time.monotonic() > limit:
            raise RuntimeError(f"no scheduler has started: {scheduler.wait(0.0).printed}")
        time.sleep(POLL_S)
    return (home / ADDRESS).read_text()


def _scheduler(home: Path, tell: Tell) -> None:
    from distributed import Scheduler

    async def serve() -> None:
        scheduler: Any = Scheduler(host=HOST, port=0, dashboard=False)
        async with scheduler:
            (home / "new").write_text(scheduler.address)
            (home / "new").rename(home / ADDRESS)
            await scheduler.finished()

    asyncio.run(serve())


def _worker(home: Path, address: str, tell: Tell) -> None:
    from distributed import Worker

    async def serve() -> None:
        worker: Any = Worker(
            address, host=HOST, nthreads=1, dashboard=False, local_directory=str(home)
        )
        async with worker:
            await worker.finished()

    asyncio.run(serve())
