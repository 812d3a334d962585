"""How contestants take turns: each in a process of its own, asked in rounds, so noise hits all.

PyBullet's EGL plugin allows one client a process, and GL contexts of several libraries disturb
each other; a process each keeps them apart, and its CPU time is that of all its threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Contestant", "Make", "contestants"]

Make = Callable[[], Callable[..., Any]]  # called in the process; its result answers questions


class Contestant:
    """A process that answers one question at a time."""

    def __init__(self, name: str, make: Make) -> None:
        context = get_context("spawn")
        self.name = name
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        self._process.start()
        theirs.close()  # so that its death ends our waiting

    def ask(self, *question: Any) -> Any:
        """What the contestant says to ``question``."""
        self.begin(*question)
        return self.answer()

    def begin(self, *question: Any) -> None:
        """Ask, and do not wait."""
        self._pipe.send(question)

    def answer(self) -> Any:
        """Wait for the answer to what was asked.

        Raises:
            RuntimeError: if the process died of the question; it has printed why.
        """
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"{self.name} ended; its last words are above") from None

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, make: Make) -> None:
    answer = make()
    pipe.send("ready")
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        pipe.send(answer(*question))


@contextmanager
def contestants(
    makers: Mapping[str, Make], environment: Mapping[str, str]
) -> Iterator[dict[str, Contestant]]:
    """Start every contestant in ``environment``, one after another; end them afterwards."""
    os.environ |= environment
    running: dict[str, Contestant] = {}
    try:
        for name, make in makers.items():
            running[name] = Contestant(name, make)
            running[name].answer()
        yield running
    finally:
        for contestant in running.values():
            contestant.close()
