"""Which renderer to open, and how worker processes should run it."""

import os
import warnings
from typing import Literal

from simenv.engine import pybullet
from simenv.errors import InputError, RendererUnavailable
from simenv.render.bullet_egl import EglRenderer
from simenv.render.bullet_tiny import TinyRenderer
from simenv.render.probe import probe_egl
from simenv.render.raster import open_raster, probe_raster
from simenv.render.raster.context import WAY_OUT as RASTER_WAY_OUT
from simenv.render.renderer import Renderer

__all__ = ["WORKER_ENVIRONMENT", "open_renderer", "resolve"]

PACKAGES = "apt-get install libegl1 libgl1-mesa-dri"

WORKER_ENVIRONMENT = {
    "LP_NUM_THREADS": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Large blocks go back to the system when they are freed. By itself glibc raises this to 32 MB,
    # and the heap of a long run grows by the gaps that they leave.
    "MALLOC_MMAP_THRESHOLD_": "2097152",
    # Smaller ones are kept up to this: giving pictures back and faulting them in again costs 1 ms.
    "MALLOC_TRIM_THRESHOLD_": "67108864",
}
"""Environment of a worker that has a core to itself; set it before the process starts.

llvmpipe's own threads make one picture faster and all pictures together slower.
"""


def resolve(name: str = "auto") -> Literal["egl", "tiny", "raster"]:
    """The renderer that ``name`` means on this machine: auto is egl where it works, else tiny.

    Raises:
        RendererUnavailable: if ``egl`` or ``raster`` is asked for and does not work, or PyBullet
            lacks NumPy.
    """
    if name == "raster":
        if reason := probe_raster():
            raise RendererUnavailable(f"raster does not work here ({reason}); {RASTER_WAY_OUT}")
        return "raster"
    if not pybullet.isNumpyEnabled():
        raise RendererUnavailable(
            "PyBullet was built without NumPy and returns pictures as slow tuples; rebuild it with "
            "`pip install --no-build-isolation --no-cache-dir --force-reinstall pybullet`"
        )
    if name not in ("auto", "egl", "tiny"):
        raise InputError(f"no renderer {name!r}; there is auto, egl, tiny, raster")
    if name == "tiny":
        return "tiny"
    probe = probe_egl()
    if probe.works:
        return "egl"
    if name == "egl":
        raise RendererUnavailable(
            f"EGL does not work here ({probe.reason}); try `{PACKAGES}`, or the renderer tiny"
        )
    warnings.warn(
        f"EGL does not work here ({probe.reason}), drawing with the slower TinyRenderer; "
        f"for EGL try `{PACKAGES}`",
        RuntimeWarning,
        stacklevel=3,
    )
    return "tiny"


def open_renderer(name: str = "auto", device: int | None = None) -> Renderer:
    """Open ``auto``, ``egl``, ``tiny`` or ``raster``; close it, or use it as a context manager.

    ``device`` is the number of the GPU, None for the driver's first.

    Raises:
        RendererUnavailable: as `resolve` does.
        EngineError: if an EGL renderer is open in this process already.

    Example:
        >>> with open_renderer("tiny") as renderer:
        ...     frame = renderer.render(snapshot, snapshot.view(camera))
    """
    if device is not None and name != "raster":
        os.environ["EGL_VISIBLE_DEVICES"] = str(device)  # all that the plugin listens to
    found = resolve(name)
    if found == "raster":
        return open_raster(device)
    return EglRenderer(probe_egl().device) if found == "egl" else TinyRenderer()
