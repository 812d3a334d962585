"""Where a run can be made to fail on purpose, and how: `SIMENV_FAULT=ACTION@STEP[:N][#TRY]`.

For example ``kill@after_data_rename``, ``enospc@write:17``, ``hang@scene:5``, ``segv@scene:9#1``;
several are separated by commas. A step is a `point` of the code. ``:N`` is the number of the scene
or shard where the step has one, else the N-th time that this process comes by; without it the
action happens every time. ``#TRY``: only in that try of a shard, the first is 1. Without the
variable a point costs a look into a dictionary.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from simenv.errors import InputError

__all__ = ["ACTIONS", "STEPS", "VARIABLE", "Fault", "check", "faults", "point"]

VARIABLE = "SIMENV_FAULT"
FLOOD_BYTES = 2 << 30  # what an engine in a bad loop prints

STEPS = (
    "shard",  # a shard is begun; its number
    "scene",  # a scene is begun; its number
    "write",  # a piece of a file goes to the disk
    "sync",  # a file's bytes, or a folder's names, are to be on the disk for certain
    "rename",  # a file takes its name
    "log",  # a line is appended to run.log.jsonl
    "after_draft",  # a shard and its manifest lie aside, whole; the shard's number
    "after_manifest_aside",  # the commit has begun; the shard's number
    "after_index_removed",
    "after_data_rename",
    "after_manifest_rename",  # the shard is committed
    "before_index",
    "after_index",
)
_FORM = re.compile(r"(?P<action>\w+)@(?P<step>\w+)(:(?P<number>\d+))?(#(?P<attempt>\d+))?")


@dataclass(frozen=True)
class Fault:
    """One thing that is to go wrong."""

    action: str
    step: str
    number: int | None = None
    attempt: int | None = None


def check() -> None:
    """Before anything is done: whether there is such a fault as `SIMENV_FAULT` asks for.

    Raises:
        InputError: there is no such action or step.
    """
    if said := os.environ.get(VARIABLE):
        faults(said)


def point(step: str, number: int | None = None, *, attempt: int = 1) -> None:
    """The code comes by ``step``; what `SIMENV_FAULT` asks for happens here."""
    said = os.environ.get(VARIABLE)
    if not said:
        return
    _Passed.times[step] += 1
    at = _Passed.times[step] if number is None else number
    for fault in faults(said):
        if fault.step == step and fault.number in (None, at) and fault.attempt in (None, attempt):
            ACTIONS[fault.action]()


class _Passed:
    """How often this process came by each step."""

    times: Counter[str] = Counter()


@lru_cache(maxsize=8)
def faults(text: str) -> tuple[Fault, ...]:
    """What a value of the variable asks for.

    Raises:
        InputError: there is no such action or step.
    """
    return tuple(_fault(word.strip()) for word in text.split(","))


def _fault(word: str) -> Fault:
    match = _FORM.fullmatch(word)
    if match is None:
        raise InputError(f"{VARIABLE}: {word!r} is no fault; write for example kill@scene:5")
    action, step = match["action"], match["step"]
    if action not in ACTIONS:
        raise InputError(f"{VARIABLE}: {word}: no such action; there are {', '.join(ACTIONS)}")
    if step not in STEPS:
        raise InputError(f"{VARIABLE}: {word}: no such step; there are {', '.join(STEPS)}")
    number, attempt = match["number"], match["attempt"]
    return Fault(
        action,
        step,
        number=None if number is None else int(number),
        attempt=None if attempt is None else int(attempt),
    )


def _signal(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def _refused(number: int) -> Callable[[], None]:
    def act() -> None:
        raise OSError(number, os.strerror(number))

    return act


def _kill_group() -> None:
    os.killpg(0, signal.SIGKILL)
    time.sleep(60)  # the signal may take a moment


def _hang() -> None:
    """In C, with Python's lock held: no thread of Python runs any more."""
    while True:
        ctypes.PyDLL(None).pause()


def _hog() -> None:
    """Take memory until there is none."""
    held = []
    while True:
        held.append(bytearray(64 << 20))


def _flood() -> None:
    """Print from C."""
    line = b"b3Warning: the engine is in a bad mood\n" * 1600
    for _ in range(FLOOD_BYTES // len(line)):
        os.write(1, line)


def _fail() -> None:
    raise RuntimeError("a fault was asked for")


ACTIONS: Mapping[str, Callable[[], None]] = {
    "kill": _signal(signal.SIGKILL),
    "killgroup": _kill_group,
    "term": _signal(signal.SIGTERM),
    "stop": _signal(signal.SIGSTOP),
    "segv": _signal(signal.SIGSEGV),
    "abort": os.abort,
    "exit": lambda: os._exit(0),
    "hang": _hang,
    "hog": _hog,
    "flood": _flood,
    "fail": _fail,
    "enospc": _refused(errno.ENOSPC),
    "efbig": _refused(errno.EFBIG),
    "eio": _refused(errno.EIO),
}
