"""A Dask cluster as the executor of a run: `--cluster tcp://scheduler:8786`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from simenv.errors import InputError
from simenv.generate.executor import Opener

__all__ = ["dask_cluster"]

ADDRESS = re.compile(r"(\w+://)?[^/\s]+:\d+")  # a client of anything else cannot be closed
EXAMPLE = "tcp://scheduler:8786"
CONNECT_S = 10  # in which a scheduler must answer
CLOSE_S = 1  # for the goodbye, which a client with much behind it may wait for in vain
LOGGER = "distributed.client"  # prints a traceback when the scheduler is lost; we say it in a line


def dask_cluster(address: str) -> Opener:
    """The workers of the scheduler at ``address``; each should have one thread and a nanny.

    Raises:
        InputError: Dask is not installed, or (when it is opened) no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--cluster needs Dask: pip install simenv[cluster]") from None

    if ADDRESS.fullmatch(address) is None:
        raise InputError(f"--cluster: {address!r} is no address; write for example {EXAMPLE}")

    @contextmanager
    def opened() -> Iterator[Executor]:
        try:
            client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"--cluster: {address}: no scheduler answers ({why}); start one with "
                "`dask scheduler`, see docs/cluster.md"
            ) from None
        with _silent(logging.getLogger(LOGGER)):
            try:
                yield _Executor(client)
            finally:
                client.close(timeout=CLOSE_S)

    return opened


class _Executor(Executor):
    """A client's workers; `Client.get_executor` never answers some futures of a lost scheduler."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call ``fn``."""
        answer: Future[Any] = Future()
        asked = self.client.submit(fn, *args, pure=False, **kwargs)
        asked.add_done_callback(lambda future: _answer(future, answer))  # in a thread of its own
        return answer


def _answer(asked: Any, answer: Future[Any]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(asked.result())
    except BaseException as error:  # the worker's own, or that it was cancelled
        answer.set_exception(error)


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
