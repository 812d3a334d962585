"""Archives that want out of their folder, or to fill the disk; and sound ones."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["ARCHIVES", "SOUND"]

MESH = b"solid x\nendsolid x\n"
MANY = 10_001
LONG = 1 << 17  # bytes of a header that says what a file is called

Make = Callable[[Path], Path]


def _zip(folder: Path, entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return folder / "x.zip"


def _tar(folder: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(folder / "x.tar.gz", "w:gz") as file:
        for member in members:
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return folder / "x.tar.gz"


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def up_and_out(folder: Path) -> Path:
    return _zip(folder, [("../evil.stl", MESH)])


def up_in_the_middle(folder: Path) -> Path:
    return _zip(folder, [("a/../../evil.stl", MESH)])


def absolute(folder: Path) -> Path:
    return _tar(folder, tarfile.TarInfo(f"{folder}/evil.stl"), data=MESH)


def backslashes(folder: Path) -> Path:
    return _zip(folder, [("..\\..\\evil.stl", MESH)])


def drive(folder: Path) -> Path:
    return _zip(folder, [("C:evil.stl", MESH)])


def link_in_tar(folder: Path) -> Path:
    return _tar(folder, _special("a.stl", tarfile.SYMTYPE, "/etc/passwd"))


def hard_link(folder: Path) -> Path:
    return _tar(folder, _special("a.stl", tarfile.LNKTYPE, "/etc/passwd"))


def link_then_file(folder: Path) -> Path:
    link = _special("a", tarfile.SYMTYPE, str(folder.parent))
    return _tar(folder, link, tarfile.TarInfo("a/evil.stl"))


def device(folder: Path) -> Path:
    return _tar(folder, _special("a.stl", tarfile.CHRTYPE))


def pipe(folder: Path) -> Path:
    return _tar(folder, _special("a.stl", tarfile.FIFOTYPE))


def link_in_zip(folder: Path) -> Path:
    entry = zipfile.ZipInfo("a.stl")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return _zip(folder, [(entry, b"/etc/passwd")])


def twice(folder: Path) -> Path:
    return _tar(folder, tarfile.TarInfo("a.stl"), tarfile.TarInfo("a.stl"), data=MESH)


def twice_but_for_case(folder: Path) -> Path:
    return _zip(folder, [("a.stl", MESH), ("A.STL", MESH)])


def file_and_folder(folder: Path) -> Path:
    return _zip(folder, [("a", MESH), ("a/b.stl", MESH)])


def bomb(folder: Path) -> Path:
    return _zip(folder, [("a.stl", bytes(201_000_000))])


def bomb_that_lies(folder: Path) -> Path:
    """Its directory says ten bytes."""
    path = _zip(folder, [("a.stl", bytes(1_000_000))])
    data = path.read_bytes()
    said = (1_000_000).to_bytes(4, "little")
    path.write_bytes(data.replace(said, (10).to_bytes(4, "little")))
    return path


def many_files(folder: Path) -> Path:
    return _zip(folder, [(f"{k}.stl", b"") for k in range(MANY)])


def many_folders(folder: Path) -> Path:
    return _tar(folder, *(_special(f"{k}", tarfile.DIRTYPE) for k in range(MANY)))


def long_header(folder: Path) -> Path:
    """A description that would be read into memory, whole."""
    with tarfile.open(folder / "x.tar.gz", "w:gz") as file:
        member = _special("a", tarfile.XHDTYPE)
        member.size = LONG
        file.fileobj.write(member.tobuf() + bytes(LONG))
        file.addfile(tarfile.TarInfo("a.stl"))
    return folder / "x.tar.gz"


def name_that_steers(folder: Path) -> Path:
    return _zip(folder, [("\x1b[2J.stl", MESH)])


def damaged(folder: Path) -> Path:
    path = _tar(folder, tarfile.TarInfo("a.stl"), data=MESH * 1000)
    path.write_bytes(path.read_bytes()[:60])
    return path


def no_archive(folder: Path) -> Path:
    (folder / "x.zip").write_bytes(b"PK\x05\x06" + bytes(9))
    return folder / "x.zip"


def plain_zip(folder: Path) -> Path:
    return _zip(folder, [("a.stl", MESH), ("b/c.stl", MESH), ("b/d.e.f.txt", b"")])


def plain_tar(folder: Path) -> Path:
    inner = _special("b", tarfile.DIRTYPE)
    return _tar(folder, inner, tarfile.TarInfo("b/c.stl"), tarfile.TarInfo("\u00fc" * 90 + ".stl"))


ARCHIVES: tuple[Make, ...] = (
    up_and_out,
    up_in_the_middle,
    absolute,
    backslashes,
    drive,
    link_in_tar,
    hard_link,
    link_then_file,
    device,
    pipe,
    link_in_zip,
    twice,
    twice_but_for_case,
    file_and_folder,
    bomb,
    bomb_that_lies,
    many_files,
    many_folders,
    long_header,
    name_that_steers,
    damaged,
    no_archive,
)
SOUND: tuple[Make, ...] = (plain_zip, plain_tar)
