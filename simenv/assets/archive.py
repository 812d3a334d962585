"""How an archive of meshes is opened safely: plain files that stay in its folder, not too many."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from simenv.assets.near import MAX_BYTES
from simenv.errors import InputError
from simenv.reading import is_regular

__all__ = ["ARCHIVES", "extract"]

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
MAX_FILES = 10_000  # folders included
MAX_DESCRIPTION = 1 << 16  # bytes of a long name, or of what pax says of a file
DESCRIBING = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, *tarfile.GNU_TYPES[:2])
MAX_TOTAL = 2_000_000_000  # bytes of all files, unpacked
PIECE = 1 << 20

Member = TypeVar("Member", tarfile.TarInfo, zipfile.ZipInfo)
Entry = tuple[str, int, IO[bytes]]  # name, bytes that it says it has, content


def extract(archive: Path, folder: Path) -> None:
    """Unpack ``archive`` into the empty ``folder``.

    Raises:
        InputError: it is damaged, leaves the folder, holds links, or unpacks to too much.
    """
    left, taken = MAX_TOTAL, set[str]()
    try:
        for name, size, content in _entries(archive):
            if (alike := name.casefold()) in taken:
                raise InputError(f"{archive}: {name[:60]!r} is there twice, but for its case")
            taken.add(alike)
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


class _Member(tarfile.TarInfo):
    """A member of a tar archive; tarfile reads what describes the next one into memory, whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in DESCRIBING and self.size > MAX_DESCRIPTION:
            raise tarfile.ReadError(f"a header has {self.size} bytes")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def _counted(archive: Path, members: Iterable[Member]) -> Iterator[Member]:
    for count, member in enumerate(members, start=1):
        if count > MAX_FILES:
            raise InputError(f"{archive}: has more than {MAX_FILES} entries; split it")
        yield member


def _entries(archive: Path) -> Iterator[Entry]:
    if not is_regular(archive):
        raise InputError(f"{archive}: is no regular file; name a folder or an archive")
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as packed:
            for info in _counted(archive, packed.infolist()):
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _no_file(archive, info.filename)
                if not info.is_dir():
                    with packed.open(info) as content:
                        yield info.filename, info.file_size, content
    else:
        with tarfile.open(archive, "r|*", tarinfo=_Member) as stream:
            for member in _counted(archive, stream):
                if member.isdir():
                    continue
                plain = stream.extractfile(member) if member.isreg() else None
                if plain is None:
                    raise _no_file(archive, member.name)
                yield member.name, member.size, plain


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    odd = not name.isprintable() or ":" in name or not path.parts
    if odd or path.is_absolute() or ".." in path.parts:
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
