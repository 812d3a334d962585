"""An executor makes the same bytes; what it loses is made again, or told in one line."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simenv.dataset.lock import RUN as RUN_FILE
from simenv.dataset.store import committed
from simenv.errors import ClusterError, EngineError, InputError
from simenv.generate import dask_cluster, opener, produce
from simenv.generate.executor import STRIKES, Opener
from simenv.selftest.small import Run, files, task

RUN = Run(8)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("calm") / "out"
    RUN.into(out)
    return files(out)


class Odd(ThreadPoolExecutor):
    """Threads, of which the shards in ``bad`` end so."""

    def __init__(self, bad: dict[int, BaseException], *, times: int) -> None:
        super().__init__(2)
        self.bad, self.left = bad, times

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        error = self.bad.get(args[1])
        if error is None or self.left == 0:
            return super().submit(fn, *args, **kwargs)
        self.left -= 1
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def odd(error: BaseException, *, times: int) -> Opener:
    """Shard 1 ends with ``error``, so often."""
    executor = Odd({1: error}, times=times)

    @contextmanager
    def opened() -> Iterator[Executor]:
        yield executor

    return opened


def test_threads_make_the_same_bytes(tmp_path: Path, truth: dict[str, bytes]) -> None:
    produce(RUN.plan, task(), tmp_path, executor=opener("concurrent.futures:ThreadPoolExecutor"))
    assert files(tmp_path) == truth
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("error", [BrokenExecutor("a worker is gone"), RuntimeError("odd")])
def test_a_shard_whose_worker_is_lost_is_made_again(
    tmp_path: Path, truth: dict[str, bytes], error: Exception
) -> None:
    produce(RUN.plan, task(), tmp_path, executor=odd(error, times=STRIKES - 1))
    assert files(tmp_path) == truth


@pytest.mark.parametrize("error", [BrokenExecutor("a worker is gone"), RuntimeError("odd")])
def test_a_shard_that_fails_always_is_named_and_all_others_are_there(
    tmp_path: Path, truth: dict[str, bytes], error: Exception
) -> None:
    with pytest.raises(EngineError, match=r"scenes 2 to 3 failed in 3 workers: .*with --jobs"):
        produce(RUN.plan, task(), tmp_path, executor=odd(error, times=-1))
    assert sorted(committed(tmp_path)) == [0, 2, 3]
    RUN.into(tmp_path)  # as the text advises
    assert files(tmp_path) == truth


def test_an_executor_that_is_gone_ends_the_run_and_what_is_committed_stays(
    tmp_path: Path, truth: dict[str, bytes]
) -> None:
    closed = ThreadPoolExecutor(1)
    closed.shutdown()

    @contextmanager
    def opened() -> Iterator[Executor]:
        yield closed

    produce(replace(RUN, scenes=4).plan, task(), tmp_path, jobs=0)
    with pytest.raises(ClusterError, match=r"the executor is gone \(cannot schedule new"):
        produce(RUN.plan, task(), tmp_path, executor=opened)
    assert sorted(committed(tmp_path)) == [0, 1]
    threads = opener("concurrent.futures:ThreadPoolExecutor")
    produce(RUN.plan, task(), tmp_path, executor=threads)
    assert files(tmp_path) == truth


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    class Elsewhere(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            return super().submit(fn, *args[:-1], tmp_path / "elsewhere", **kwargs)

    @contextmanager
    def opened() -> Iterator[Executor]:
        yield Elsewhere(1)

    with pytest.raises(InputError, match=f"elsewhere/{RUN_FILE} is not there; --out must be a"):
        produce(RUN.plan, task(), tmp_path / "here", executor=opened)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ProcessPoolExecutor", "'ProcessPoolExecutor' is no module:factory; write for example"),
        ("no_such_module:x", "No module named 'no_such_module'; it must be importable here"),
        ("concurrent.futures:Pool", "has no attribute 'Pool'; it must be importable here"),
        ("builtins:dict", "builtins:dict makes a dict, no Executor"),
    ],
)
def test_a_wrong_name_of_an_executor_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=r"^--executor: ") as caught:
        produce(RUN.plan, task(), tmp_path, executor=opener(name))
    assert said in str(caught.value)


def test_a_scheduler_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simenv.generate.cluster.CONNECT_S", 0.3)
    with pytest.raises(InputError, match=r"^--cluster: tcp://127\.0\.0\.1:9: no scheduler answers"):
        produce(RUN.plan, task(), tmp_path, executor=dask_cluster("tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "", "tcp://a b:1"])
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(InputError, match=r"^--cluster: '.*' is no address; write for example tcp"):
        dask_cluster(address)


def test_without_dask_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"^--cluster needs Dask: pip install simenv\[cluster\]$"):
        dask_cluster("tcp://127.0.0.1:8786")
