"""Which other files a mesh file may refer to: those in its own folder."""

from __future__ import annotations

from pathlib import Path

from simenv.errors import InputError

__all__ = ["MAX_BYTES", "inside"]

MAX_BYTES = 200_000_000  # of a file that is read


def inside(folder: Path, name: str) -> Path:
    """The file ``name`` that a mesh in ``folder`` refers to.

    Raises:
        InputError: it is missing, too large, or not in the folder.
    """
    try:
        path = (folder / name).resolve()
        leaves = Path(name).is_absolute() or not path.is_relative_to(folder.resolve())
        found = not leaves and path.is_file()
    except (OSError, ValueError, RuntimeError):
        leaves, found = False, False
    if leaves:
        raise InputError(f"refers to {name!r}, which leaves its folder; copy the file beside it")
    if not found:
        raise InputError(f"refers to {name!r}, which is not there; copy the file beside it")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"refers to {name!r}, which has more than {MAX_BYTES} bytes")
    return path
