"""Whether the raster renderer works on this machine, asked in a process that may die of it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys

from simenv.errors import RendererUnavailable
from simenv.render.probe import DECIDING, TIMEOUT_S
from simenv.render.raster.context import MISSING, WAY_OUT
from simenv.render.raster.renderer import RasterRenderer

__all__ = ["PROBE_VARIABLE", "open_raster", "probe_raster"]

PROBE_VARIABLE = "SIMENV_RASTER_PROBE"  # the answer, for the processes that this one starts
LAST_WORDS = 3  # lines of output that go into the reason


def open_raster(device_index: int | None = None) -> RasterRenderer:
    """The raster renderer on GPU ``device_index``, None for the first that works.

    Raises:
        RendererUnavailable: if it does not work here.
    """
    if reason := probe_raster():
        raise RendererUnavailable(f"the renderer raster does not work here ({reason}); {WAY_OUT}")
    return RasterRenderer(device_index)


def probe_raster(timeout_s: float = TIMEOUT_S) -> str:
    """Why the raster renderer does not work here; empty if it does.

    Drivers may end the process that asks for a context, so a subprocess does, once per process
    tree: the answer is kept in the environment variable ``SIMENV_RASTER_PROBE``.
    """
    if importlib.util.find_spec("moderngl") is None:
        return MISSING
    known = json.loads(os.environ.get(PROBE_VARIABLE, "{}"))
    if known.get("environment") != _fingerprint():
        known = {"environment": _fingerprint(), "reason": _ask(timeout_s)}
        os.environ[PROBE_VARIABLE] = json.dumps(known)
    return str(known["reason"])


def _fingerprint() -> str:
    """Of all that decides the answer besides the machine."""
    deciding = sorted(
        item for item in os.environ.items() if DECIDING.match(item[0].removeprefix("GLCONTEXT_"))
    )
    return hashlib.sha256(repr((sys.executable, deciding)).encode()).hexdigest()[:16]


def _ask(timeout_s: float) -> str:
    command = [sys.executable, "-c", "from simenv.render.raster.probe import _try; _try()"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {timeout_s:g} s"
    text = done.stdout.decode(errors="replace")
    verdict = re.search(r"^simenv-probe (.*)$", text, re.MULTILINE)
    if done.returncode == 0 and verdict is not None:
        return str(json.loads(verdict[1]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"exit status {done.returncode}: {'; '.join(lines[-LAST_WORDS:]) or 'no output'}"


def _try() -> None:
    """What the subprocess does: open a context, say how that went."""
    from simenv.render.raster.context import context_or_reason

    found = context_or_reason(None)
    print(f"\nsimenv-probe {json.dumps(found if isinstance(found, str) else '')}", flush=True)
