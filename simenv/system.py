"""Which system libraries are missing, what each is for, and the Debian package that has it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

__all__ = ["LIBRARIES", "Library", "missing_libraries"]


@dataclass(frozen=True)
class Library:
    """A shared library that pip cannot install."""

    soname: str
    package: str  # Debian, Ubuntu
    purpose: str
    required: bool

    @property
    def present(self) -> bool:
        """Whether the dynamic linker finds it."""
        try:
            ctypes.CDLL(self.soname)
        except OSError:
            return False
        return True


LIBRARIES = (
    Library("libGL.so.1", "libgl1", "opencv-python does not import without it", True),
    Library("libglib-2.0.so.0", "libglib2.0-0", "opencv-python does not import without it", True),
    Library("libEGL.so.1", "libegl1", "the egl renderer; without it tiny takes over", False),
    Library(
        "libEGL_mesa.so.0",
        "libgl1-mesa-dri libegl-mesa0",
        "the egl renderer on machines without an NVIDIA driver",
        False,
    ),
)


def missing_libraries(*, required_only: bool = False) -> list[Library]:
    """The libraries that the dynamic linker does not find."""
    wanted = [library for library in LIBRARIES if library.required or not required_only]
    return [library for library in wanted if not library.present]
