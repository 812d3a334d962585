"""Is this a place in an object store, or a file of this machine?"""

from __future__ import annotations

import re
from pathlib import Path

from simenv.errors import InputError

__all__ = ["check_local", "is_url"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_CROSSED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?=[^/])")  # a URL that has been a Path


def is_url(place: object) -> bool:
    """Whether ``place`` names an object store, as fsspec does: ``s3://bucket/prefix``."""
    return _URL.match(str(place)) is not None


def check_local(place: str | Path) -> None:
    """Refuse a URL where a file is read.

    Raises:
        InputError: with the command that copies it.
    """
    if is_url(place) or (_CROSSED.match(str(place)) and not Path(place).exists()):
        url = _CROSSED.sub(r"\1://", str(place))
        raise InputError(
            f"{url}: is no file of this machine; copy it first: simenv merge {url} --out DIR"
        )
