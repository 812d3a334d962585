"""How work that may crash, hang or eat all memory is done: in a process of its own, with limits."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from importlib import import_module
from typing import Any

from simenv.errors import EngineError, InputError

__all__ = ["MEMORY_BYTES", "call", "serve"]

MEMORY_BYTES = 6 * 2**30  # of addresses; the libraries alone map about one GB
LAST_WORDS = 300  # characters of output that go into an error text
OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Unable to allocate")  # Python, C++, NumPy


def call(function: str, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Call ``module:name`` with ``request`` in a fresh Python; both ways are JSON.

    Raises:
        InputError: what the function raised as such; or it crashed, hung, or ran out of memory.
        EngineError: it failed for another reason.
    """
    module, name = function.split(":")
    code = f"from simenv.assets.child import serve; serve({module!r}, {name!r}, {int(seconds)})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"takes longer than {seconds:g} s; simplify it") from None
    return _verdict(done, seconds)


def _verdict(done: subprocess.CompletedProcess[bytes], seconds: float) -> dict[str, Any]:
    if done.returncode == 0 and done.stdout:
        reply: dict[str, Any] = json.loads(done.stdout)
        if "refused" in reply:
            raise InputError(reply["refused"])
        return reply
    words = done.stderr.decode(errors="replace")
    if any(sign in words for sign in OUT_OF_MEMORY):
        raise InputError(f"needs more than {MEMORY_BYTES >> 30} GB of memory; simplify it")
    if done.returncode == -signal.SIGXCPU:
        raise InputError(f"takes longer than {seconds:g} s; simplify it")
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
        raise InputError(f"crashes the process that works on it ({how}); export it again")
    raise EngineError(f"the worker failed: {' '.join(words.split())[-LAST_WORDS:]}")


def serve(module: str, name: str, seconds: int) -> None:
    """The other side of `call`: limit this process, answer, end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    cpu = seconds * (os.cpu_count() or 1)  # it must end, too, where its parent was killed
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    request = json.load(sys.stdin)
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print
    try:
        reply = getattr(import_module(module), name)(request)
    except InputError as error:
        reply = {"refused": str(error)}
    with os.fdopen(answer, "w") as stream:
        json.dump(reply, stream)
