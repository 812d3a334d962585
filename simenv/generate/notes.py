"""What workers say of themselves, in a way that survives them: where each is, and what it printed.

A worker notes the scene that it is at in a file of its own before it touches the scene, and its
standard output and error go to a socket of its parent, which keeps the end of it.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from simenv.scratch import ScratchFolder

__all__ = ["Notes", "Place", "listen_to_me", "read_places"]

TAIL = 4096  # bytes of what a worker printed that are kept
PIECE = 1 << 16
WAIT_S = 0.2
SETTLE_S = 0.05  # in which the last of it is heard


@dataclass(frozen=True)
class Place:
    """Where a worker is."""

    shard: int
    scene: int
    attempt: int  # of the shard
    since_s: float  # of the system's monotonic clock


class Notes:
    """The parent's side: a folder for the notes, and an ear for what is printed."""

    def __init__(self) -> None:
        self._scratch = ScratchFolder()
        self.folder = self._scratch.path
        self._tails: dict[int, bytes] = {}
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self.folder / "socket"))
        self._server.listen()
        self._open = True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Notes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._thread.join()
        self._server.close()
        self._scratch.close()

    @property
    def places(self) -> dict[int, Place]:
        """Where each worker is, by process id."""
        return read_places(self.folder)

    def said(self, pid: int) -> str:
        """The end of what a worker that is gone has printed."""
        time.sleep(SETTLE_S)
        return self._tails.get(pid, b"").decode(errors="replace").strip()

    def forget(self, pid: int) -> None:
        """A worker is gone."""
        (self.folder / f"{pid}.at").unlink(missing_ok=True)

    def _listen(self) -> None:
        with selectors.DefaultSelector() as ears:
            ears.register(self._server, selectors.EVENT_READ)
            while self._open:
                for key, _ in ears.select(WAIT_S):
                    if key.fileobj is self._server:
                        connection, _ = self._server.accept()
                        pid = _peer(connection)
                        ears.register(connection.detach(), selectors.EVENT_READ, pid)
                    elif not self._hear(key.fd, key.data):
                        ears.unregister(key.fd)
                        os.close(key.fd)

    def _hear(self, fd: int, pid: int) -> bool:
        """Whether there may be more to hear."""
        try:
            data = os.read(fd, PIECE)
        except OSError:
            return False
        self._tails[pid] = (self._tails.get(pid, b"") + data)[-TAIL:]
        return bool(data)


def read_places(folder: Path) -> dict[int, Place]:
    """Where each worker is, by process id, from its note in ``folder``."""
    found = {}
    for path in folder.glob("*.at"):
        with suppress(OSError, ValueError):
            shard, scene, attempt, since = path.read_text().split()
            found[int(path.stem)] = Place(int(shard), int(scene), int(attempt), float(since))
    return found


def _peer(connection: socket.socket) -> int:
    """The process at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], "little")


def listen_to_me(folder: Path) -> Callable[[int, int, int], None]:
    """The worker's side: its output goes to the parent; what is returned notes where it is."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    ear.connect(str(folder / "socket"))
    for fd in (1, 2):
        os.dup2(ear.fileno(), fd)
    ear.close()
    note = os.open(folder / f"{os.getpid()}.at", os.O_WRONLY | os.O_CREAT, 0o600)

    def at(shard: int, scene: int, attempt: int) -> None:
        line = f"{shard} {scene} {attempt} {time.monotonic():.3f}\n".ljust(80)
        os.pwrite(note, line.encode(), 0)

    return at
