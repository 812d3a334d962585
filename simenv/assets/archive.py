"""How an archive of meshes is opened safely: plain files that stay in its folder, not too many."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from simenv.assets.near import MAX_BYTES
from simenv.errors import InputError

__all__ = ["ARCHIVES", "extract"]

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_FILES = 10_000
MAX_TOTAL = 2_000_000_000  # bytes of all files, unpacked
PIECE = 1 << 20

Entry = tuple[str, int, IO[bytes]]  # name, bytes that it says it has, content


def extract(archive: Path, folder: Path) -> None:
    """Unpack ``archive`` into the empty ``folder``.

    Raises:
        InputError: it is damaged, leaves the folder, holds links, or unpacks to too much.
    """
    left = MAX_TOTAL
    try:
        for count, (name, size, content) in enumerate(_entries(archive), start=1):
            if count > MAX_FILES:
                raise InputError(f"{archive}: has more than {MAX_FILES} files; split it")
            if size > min(left, MAX_BYTES):
                raise _too_much(archive, name)
            left -= _write(archive, name, content, folder / _safe(archive, name), left)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{archive}: cannot be unpacked ({reason}); pack it again") from None


def _entries(archive: Path) -> Iterator[Entry]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _no_file(archive, info.filename)
                if not info.is_dir():
                    with packed.open(info) as content:
                        yield info.filename, info.file_size, content
    else:
        with tarfile.open(archive, "r|*") as stream:
            for member in stream:
                if member.isdir():
                    continue
                plain = stream.extractfile(member) if member.isreg() else None
                if plain is None:
                    raise _no_file(archive, member.name)
                yield member.name, member.size, plain


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or not path.parts:
        raise InputError(f"{archive}: {name[:60]!r} leaves the folder; pack it with plain names")
    return path


def _write(archive: Path, name: str, content: IO[bytes], path: Path, left: int) -> int:
    """How many bytes there were; what the archive says of them is not believed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written, most = 0, min(left, MAX_BYTES)
    with path.open("xb") as file:
        while piece := content.read(PIECE):
            written += len(piece)
            if written > most:
                raise _too_much(archive, name)
            file.write(piece)
    return written


def _no_file(archive: Path, name: str) -> InputError:
    return InputError(f"{archive}: {name[:60]!r} is a link or a device; pack plain files alone")


def _too_much(archive: Path, name: str) -> InputError:
    limits = f"{MAX_BYTES // 10**6} MB a file, {MAX_TOTAL // 10**6} MB in all"
    return InputError(f"{archive}: unpacks to too much at {name[:60]!r} (at most {limits})")
