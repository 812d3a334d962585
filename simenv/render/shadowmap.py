"""How EGL's shadow map is made smaller than 4096 x 4096, whose clearing takes 12 ms a picture.

The plugin has no setting for it, but ``GLInstancingRenderer::renderSceneInternal`` halves the size
until ``glTexImage2D`` accepts it. OpenGL refuses a texture that reads past the end of the bound
pixel buffer, so a buffer of ``size`` x ``size`` floats, bound during the first picture, ends the
halving there. Where any of this does not apply, the map keeps its size and pictures are slower.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["limited_to", "texture_widths"]

GL_PIXEL_UNPACK_BUFFER = 0x88EC
GL_STATIC_DRAW = 0x88E4
GL_TEXTURE_2D = 0x0DE1
GL_TEXTURE_WIDTH = 0x1000
FLOAT_BYTES = 4

UINT, POINTER = ctypes.c_uint, ctypes.c_void_p
PROTOTYPES = {
    "glGenBuffers": ctypes.CFUNCTYPE(None, ctypes.c_int, POINTER),
    "glBindBuffer": ctypes.CFUNCTYPE(None, UINT, UINT),
    "glBufferData": ctypes.CFUNCTYPE(None, UINT, ctypes.c_ssize_t, POINTER, UINT),
    "glDeleteBuffers": ctypes.CFUNCTYPE(None, ctypes.c_int, POINTER),
    "glGetError": ctypes.CFUNCTYPE(UINT),
    "glIsTexture": ctypes.CFUNCTYPE(ctypes.c_ubyte, UINT),
    "glBindTexture": ctypes.CFUNCTYPE(None, UINT, UINT),
    "glGetTexLevelParameteriv": ctypes.CFUNCTYPE(None, UINT, ctypes.c_int, UINT, POINTER),
}


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """Inside, with the plugin's context current, new textures hold at most ``size``^2 floats."""
    gl = _functions()
    if not gl:
        yield
        return
    buffer = UINT(0)
    gl["glGenBuffers"](1, ctypes.byref(buffer))
    gl["glBindBuffer"](GL_PIXEL_UNPACK_BUFFER, buffer.value)
    gl["glBufferData"](GL_PIXEL_UNPACK_BUFFER, size * size * FLOAT_BYTES, None, GL_STATIC_DRAW)
    try:
        yield
    finally:
        gl["glBindBuffer"](GL_PIXEL_UNPACK_BUFFER, 0)
        gl["glDeleteBuffers"](1, ctypes.byref(buffer))
        gl["glGetError"]()


def texture_widths(names: int = 16) -> list[int]:
    """Widths in pixels of the context's first textures, by name; for diagnosis."""
    gl, widths = _functions(), []
    for name in range(1, names + 1) if gl else ():
        if gl["glIsTexture"](name):
            width = ctypes.c_int(0)
            gl["glBindTexture"](GL_TEXTURE_2D, name)
            gl["glGetTexLevelParameteriv"](GL_TEXTURE_2D, 0, GL_TEXTURE_WIDTH, ctypes.byref(width))
            gl["glBindTexture"](GL_TEXTURE_2D, 0)
            widths.append(width.value)
    return widths


def _functions() -> dict[str, Callable[..., int]]:
    """OpenGL functions of the current context by name; empty where there are none to be had."""
    try:
        library = ctypes.CDLL("libEGL.so.1")
    except OSError:
        return {}
    library.eglGetCurrentContext.restype = POINTER
    library.eglGetProcAddress.restype = POINTER
    library.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    found = {name: library.eglGetProcAddress(name.encode()) for name in PROTOTYPES}
    if not library.eglGetCurrentContext() or not all(found.values()):
        return {}
    return {name: PROTOTYPES[name](address) for name, address in found.items()}
