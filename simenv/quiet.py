"""How the engine's C-level prints are kept off the terminal, and kept for error messages."""

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Said", "quiet"]


class Said:
    """What was printed inside a `quiet` block; complete when the block has ended."""

    text = ""


@contextmanager
def quiet() -> Iterator[Said]:
    """Collect everything that is written to file descriptors 1 and 2, C code included.

    Prints of other threads in the meantime are collected, too: keep the block short.
    """
    said = Said()
    with tempfile.TemporaryFile() as sink:
        _flush()
        kept = [(fd, os.dup(fd)) for fd in (1, 2)]
        try:
            for fd, _ in kept:
                os.dup2(sink.fileno(), fd)
            yield said
        finally:
            _flush()
            for fd, copy in kept:
                os.dup2(copy, fd)
                os.close(copy)
            sink.seek(0)
            said.text = sink.read().decode(errors="replace")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    ctypes.CDLL(None).fflush(None)  # C's own buffers
