"""A Dask cluster as the executor of a run: `--cluster tcp://scheduler:8786`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from simenv.errors import InputError
from simenv.generate.executor import Opener

__all__ = ["dask_cluster"]

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
                yield client.get_executor(pure=False)
            finally:
                client.close(timeout=CLOSE_S)

    return opened


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
