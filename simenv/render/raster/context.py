"""Where the OpenGL context of the raster renderer comes from, and how it shares a process.

moderngl's ``with context:`` leaves no context current; the EGL plugin of PyBullet never makes its
own current again and would draw nothing from then on. `Current` puts back what it found.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import lru_cache
from typing import Any

from simenv.errors import InputError, RendererUnavailable

__all__ = ["MISSING", "WAY_OUT", "Current", "context_or_reason", "open_context"]

GL_VERSION = 430  # multi-draw indirect
DEVICES = 16  # tried one after the other, where none is asked for
MISSING = "moderngl is not installed"
WAY_OUT = "try `pip install simenv[raster]` and `apt-get install libegl1 libgl1-mesa-dri`"
EGL_DRAW, EGL_READ = 0x3059, 0x305A


def open_context(device_index: int | None = None) -> Any:
    """A moderngl context on device ``device_index``, or on the first one that works.

    Raises:
        InputError: if the index is negative.
        RendererUnavailable: if moderngl is missing, or no device gives a context.
    """
    if device_index is not None and device_index < 0:
        raise InputError(f"device {device_index}: no such GPU; they count from 0")
    found = context_or_reason(device_index)
    if isinstance(found, str):
        raise RendererUnavailable(f"the renderer raster does not work here ({found}); {WAY_OUT}")
    return found


def context_or_reason(device_index: int | None) -> Any:
    """A context, or why there is none as a string."""
    try:
        import moderngl
    except ImportError:
        return MISSING
    reasons: list[str] = []
    for index in range(DEVICES) if device_index is None else [device_index]:
        settings: dict[str, Any] = {"backend": "egl", "device_index": index}
        try:
            with _Restored():
                return moderngl.create_context(require=GL_VERSION, standalone=True, **settings)
        except Exception as error:  # glcontext raises no narrower class
            reasons.append(f"device {index}: {error}")
            if "but found" in str(error):
                break
    return reasons[0]


class _Restored:
    """Whatever context is current before the block is current after it."""

    def __init__(self) -> None:
        self._egl = _egl()
        self._before: tuple[Any, ...] = ()

    def __enter__(self) -> None:
        egl = self._egl
        self._before = (
            egl.eglGetCurrentDisplay(),
            egl.eglGetCurrentSurface(EGL_DRAW),
            egl.eglGetCurrentSurface(EGL_READ),
            egl.eglGetCurrentContext(),
        )

    def __exit__(self, *_: object) -> None:
        if self._before[-1]:
            self._egl.eglMakeCurrent(*self._before)


class Current(_Restored):
    """``with current:`` makes a context the thread's own, then puts back the one before."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._context = context

    def __enter__(self) -> None:
        super().__enter__()
        self._context.__enter__()

    def __exit__(self, *_: object) -> None:
        if self._before[-1]:
            super().__exit__()
        else:
            self._context.__exit__(None, None, None)


@lru_cache(maxsize=1)
def _egl() -> Any:
    library = ctypes.CDLL(ctypes.util.find_library("EGL") or "libEGL.so.1")
    for name in ("eglGetCurrentDisplay", "eglGetCurrentContext", "eglGetCurrentSurface"):
        getattr(library, name).restype = ctypes.c_void_p
    library.eglMakeCurrent.argtypes = [ctypes.c_void_p] * 4
    return library
