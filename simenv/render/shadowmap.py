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


@contextmanager
def limited_to(size: int) -> Iterator[None]:
    """Inside, with the plugin's context current, new textures hold at most ``size``^2 floats."""
    uint, pointer = ctypes.c_uint, ctypes.c_void_p
    bind = _function("glBindBuffer", uint, uint)
    buffer = uint(0)
    _function("glGenBuffers", ctypes.c_int, pointer)(1, ctypes.byref(buffer))
    bind(GL_PIXEL_UNPACK_BUFFER, buffer.value)
    allocate = _function("glBufferData", uint, ctypes.c_ssize_t, pointer, uint)
    allocate(GL_PIXEL_UNPACK_BUFFER, size * size * FLOAT_BYTES, None, GL_STATIC_DRAW)
    try:
        yield
    finally:
        bind(GL_PIXEL_UNPACK_BUFFER, 0)
        _function("glDeleteBuffers", ctypes.c_int, pointer)(1, ctypes.byref(buffer))
        _function("glGetError")()


def texture_widths(names: int = 16) -> list[int]:
    """Widths in pixels of the context's first textures, by name; for diagnosis."""
    uint, pointer = ctypes.c_uint, ctypes.c_void_p
    exists = _function("glIsTexture", uint, result=ctypes.c_ubyte)
    bind = _function("glBindTexture", uint, uint)
    query = _function("glGetTexLevelParameteriv", uint, ctypes.c_int, uint, pointer)
    widths = []
    for name in range(1, names + 1):
        if exists(name):
            width = ctypes.c_int(0)
            bind(GL_TEXTURE_2D, name)
            query(GL_TEXTURE_2D, 0, GL_TEXTURE_WIDTH, ctypes.byref(width))
            widths.append(width.value)
    bind(GL_TEXTURE_2D, 0)
    return widths


def _function(name: str, *arguments: type, result: type | None = None) -> Callable[..., int]:
    """An OpenGL function of the current context."""
    find = ctypes.CDLL("libEGL.so.1").eglGetProcAddress
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    return ctypes.CFUNCTYPE(result, *arguments)(find(name.encode()))
