"""A file that says of itself whether it is whole: the digest of all its bytes, behind its end.

HDF5 reads what its superblock counts and ignores what comes after. So an index and a single file
end with one line that names the SHA-256 of everything before it; shards have theirs in a manifest.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from simenv.reading import open_regular

__all__ = ["ATTRIBUTE", "broken_seal", "has_seal", "seal"]

ATTRIBUTE = "seal"  # of the root: files with it end with a seal
_LINE = re.compile(rb"\nsimenv-seal sha256 ([0-9a-f]{64})\n")
LENGTH = 85  # bytes of the line
PIECE = 1 << 20


def seal(digest: str) -> bytes:
    """The line for a file whose bytes have the SHA-256 ``digest``."""
    return f"\nsimenv-seal sha256 {digest}\n".encode()


def has_seal(path: Path) -> bool:
    """Whether the file ends like one that was sealed, right or wrong."""
    with open_regular(path) as file:
        file.seek(max(0, path.stat().st_size - LENGTH))
        return _LINE.fullmatch(file.read()) is not None


def broken_seal(path: Path) -> str:
    """What is wrong with the seal of a file that should have one; empty: it is whole."""
    digest, left = hashlib.sha256(), path.stat().st_size - LENGTH
    with open_regular(path) as file:
        while left > 0 and (piece := file.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
        line = _LINE.fullmatch(file.read())
    if line is None:
        return "does not end with its seal: it was cut off, or added to"
    if line[1].decode() != digest.hexdigest():
        return "differs from its seal: bytes were changed since it was written"
    return ""
