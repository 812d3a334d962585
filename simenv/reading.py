"""What is read of a file that nobody vouches for: a regular one, and no more bytes than expected.

A pipe in the place of a file would hang its reader, a device never ends, and text in JSON can be
nested deeper than a parser goes.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

__all__ = [
    "MAX_LIST",
    "follow_no_link",
    "is_regular",
    "open_regular",
    "parse_json",
    "read_bytes",
    "read_json",
]

MAX_LIST = 64_000_000  # bytes of a JSON file that simenv writes; 100,000 scenes have 30 MB


def is_regular(path: str | Path) -> bool:
    """Whether there is a regular file, or a link that leads to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):  # ValueError: NUL in the name
        return False


def open_regular(path: str | Path) -> BinaryIO:
    """The file, open for reading.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    # Without O_NONBLOCK the opening of a pipe waits for its writer.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return os.fdopen(fd, "rb")


def read_bytes(path: str | Path, *, most: int) -> bytes:
    """The file's bytes.

    Raises:
        OSError: it cannot be read, is no regular file, or has more than ``most`` bytes.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)  # a file may grow while it is read
    if len(data) > most:
        raise OSError(errno.EFBIG, f"has more than {most} bytes", str(path))
    return data


def follow_no_link(path: str, flags: int) -> int:
    """An opener for what is written: a link that lies in a strange folder would lead out of it."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def parse_json(data: str | bytes) -> Any:
    """What the text says.

    Raises:
        ValueError: it is no JSON, or nested too deep.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_json(path: str | Path, *, most: int = MAX_LIST) -> Any:
    """What the JSON file at ``path`` says; see `read_bytes` and `parse_json` for what is raised."""
    return parse_json(read_bytes(path, most=most))
