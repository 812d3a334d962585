"""Whether the raster renderer works on this machine, asked in a process that may die of it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys

from simenv.errors import RendererUnavailable
from simenv.render.ask import answer, ask
from simenv.render.probe import DECIDING, TIMEOUT_S
from simenv.render.raster.context import MISSING, WAY_OUT
from simenv.render.raster.renderer import RasterRenderer

__all__ = ["PROBE_VARIABLE", "open_raster", "probe_raster"]

PROBE_VARIABLE = "SIMENV_RASTER_PROBE"  # the answer, for the processes that this one starts


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
    found = ask("simenv.render.raster.probe:_try", timeout_s)
    return found.reason if found.value is None else str(found.value)


def _try() -> None:
    """What the subprocess does: open a context, say how that went."""
    from simenv.render.raster.context import context_or_reason

    found = context_or_reason(None)
    answer(found if isinstance(found, str) else "")
