"""Whether EGL works on this machine, asked in a process that may die of the answer."""

import hashlib
import json
import os
import re
import sys
from dataclasses import asdict, dataclass

from simenv.render.ask import answer, ask

__all__ = ["PROBE_VARIABLE", "EglProbe", "probe_egl"]

PROBE_VARIABLE = "SIMENV_EGL_PROBE"  # the answer, for the processes that this one starts
TIMEOUT_S = 60.0  # a first start compiles shaders: seconds, on a loaded machine many
# What decides the answer besides the machine; with another value an inherited answer is stale.
DECIDING = re.compile(r"^(__)?(EGL|GL|LIBGL|MESA|GALLIUM|LD|VK|NVIDIA|CUDA|PYTHONPATH)")


@dataclass(frozen=True)
class EglProbe:
    """The answer. Strings are what the driver says; empty where EGL does not work."""

    works: bool
    vendor: str = ""
    renderer: str = ""
    version: str = ""
    reason: str = ""  # why not
    numpy: bool = True  # whether PyBullet was built with NumPy

    @property
    def device(self) -> str:
        """One line for people and for the dataset's attributes."""
        return f"{self.renderer} ({self.version})"


def probe_egl(timeout_s: float = TIMEOUT_S) -> EglProbe:
    """Try EGL in a subprocess, once per process tree.

    The plugin calls exit(1) when EGL fails, so it cannot be tried here. The answer is kept in the
    environment variable ``SIMENV_EGL_PROBE``, from which child processes take it.
    """
    known = json.loads(os.environ.get(PROBE_VARIABLE, "{}"))
    if known.get("environment") == _fingerprint():
        return EglProbe(**known["probe"])
    probe = _ask(timeout_s)
    os.environ[PROBE_VARIABLE] = json.dumps({"environment": _fingerprint(), "probe": asdict(probe)})
    return probe


def _fingerprint() -> str:
    deciding = sorted(item for item in os.environ.items() if DECIDING.match(item[0]))
    return hashlib.sha256(repr((sys.executable, deciding)).encode()).hexdigest()[:16]


def _ask(timeout_s: float) -> EglProbe:
    found = ask("simenv.render.probe:_try", timeout_s)
    if found.value is None:
        return EglProbe(False, reason=found.reason)
    drawn, with_numpy = found.value
    vendor, renderer, version = (
        _driver_string(found.text, key) for key in ("VENDOR", "RENDERER", "VERSION")
    )
    reason = "" if drawn else "the plugin loaded, but its picture is empty"
    return EglProbe(drawn, vendor, renderer, version, reason, with_numpy)


def _driver_string(text: str, key: str) -> str:
    found = re.search(rf"^GL_{key}=(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _try() -> None:
    """What the subprocess does: open, draw the empty world, say so."""
    from simenv.engine import pybullet
    from simenv.render.bullet_egl import load_plugin

    client = pybullet.connect(pybullet.DIRECT)
    if not load_plugin(client):
        sys.exit("PyBullet was built without its EGL plugin (no module eglRenderer)")
    picture = pybullet.getCameraImage(8, 8, physicsClientId=client)
    drawn = int(picture[2][0][0][0] if pybullet.isNumpyEnabled() else picture[2][0]) > 0
    answer([drawn, bool(pybullet.isNumpyEnabled())])
