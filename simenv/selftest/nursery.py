"""Children to be hurt: forked from a process that has everything imported, so that each is cheap.

A child has a session of its own, so that a signal to its group reaches its workers and nobody else.
What it has done for certain it says through a pipe, which survives it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from simenv.fault import VARIABLE

__all__ = ["Child", "Ended", "Tell", "in_child"]

LIMIT_S = 60.0  # a child that is at work for longer hangs
POLL_S = 0.002
TAIL = 4000  # bytes of what it printed

Tell = Callable[[str], None]  # a child's word to its parent


@dataclass(frozen=True)
class Ended:
    """How a child has ended."""

    status: int | None  # exit status; None: a signal ended it
    signal: int | None
    hung: bool  # and was killed for it
    told: tuple[str, ...]  # words, in their order
    printed: str  # the last of it
    seconds: float


@dataclass(frozen=True)
class Child:
    """A child at work."""

    pid: int
    ear: int  # file descriptor of the pipe
    output: int  # file descriptor of what it prints
    begun: float

    @classmethod
    def start(cls, work: Callable[[Tell], int | None], *, fault: str = "") -> Child:
        """Fork; ``work`` returns the exit status. ``fault``: what SIMENV_FAULT is for it."""
        ear, mouth = os.pipe()
        with tempfile.TemporaryFile() as file:
            output = os.dup(file.fileno())
        pid = os.fork()
        if pid == 0:
            _live(work, mouth, output, fault)
        os.close(mouth)
        return cls(pid, ear, output, time.monotonic())

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to it and all it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    @property
    def ended(self) -> bool:
        """Whether it has; `wait` says how."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def wait(self, limit_s: float = LIMIT_S) -> Ended:
        """Until it has ended, or has taken too long."""
        hung, limit = False, self.begun + limit_s
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if not hung and time.monotonic() > limit:
                hung = True
                self.kill()
            time.sleep(POLL_S)
        seconds = time.monotonic() - self.begun
        self.kill()  # what it has left behind
        code = os.waitstatus_to_exitcode(status)
        said = _read_all(self.ear)
        printed = _tail(self.output)
        words = tuple(said.decode().split("\n")[:-1])
        return Ended(
            None if code < 0 else code, -code if code < 0 else None, hung, words, printed, seconds
        )


def in_child(
    work: Callable[[Tell], int | None], *, fault: str = "", limit_s: float = LIMIT_S
) -> Ended:
    """Run ``work`` in a child of its own, to the end."""
    return Child.start(work, fault=fault).wait(limit_s)


def _live(work: Callable[[Tell], int | None], mouth: int, output: int, fault: str) -> NoReturn:
    """What the child does; it never returns to what its parent was doing."""
    status = 1
    try:
        os.setsid()
        for fd in (1, 2):
            os.dup2(output, fd)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.environ[VARIABLE] = fault
        status = work(lambda word: _say(mouth, word)) or 0
    except BaseException as error:
        with suppress(BaseException):
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _say(mouth: int, word: str) -> None:
    os.write(mouth, f"{word}\n".encode())


def _read_all(fd: int) -> bytes:
    """What is in a pipe whose writers are gone, or hold it no longer than that."""
    os.set_blocking(fd, False)
    pieces = []
    with suppress(BlockingIOError):
        while piece := os.read(fd, 1 << 16):
            pieces.append(piece)
    os.close(fd)
    return b"".join(pieces)


def _tail(fd: int) -> str:
    size = os.fstat(fd).st_size
    text = os.pread(fd, TAIL, max(0, size - TAIL))
    os.close(fd)
    return text.decode(errors="replace")
