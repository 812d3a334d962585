"""No file makes `simenv import` crash or guess: it is refused in a line, or mended by name."""

import io
import os
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simenv.assets.archive import extract
from simenv.assets.importer import import_object
from simenv.assets.intake import take_in
from simenv.assets.read import read
from simenv.assets.repair import mend
from simenv.assets.wish import Wish
from simenv.errors import InputError
from tests.assets import shapes
from tests.assets.shapes import box

Build = Callable[[Path], Path]  # a folder -> a file in it


def _bytes(name: str, data: bytes) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return build


def _stl(corners: shapes.Triangles) -> Build:
    return lambda folder: shapes.stl(folder / "part.stl", corners)


def _cut(build: Build, keep: float) -> Build:
    def cut(folder: Path) -> Path:
        path = build(folder)
        data = path.read_bytes()
        path.write_bytes(data[: int(keep * len(data))])
        return path

    return cut


def _swap(build: Build, old: bytes, new: bytes) -> Build:
    def swap(folder: Path) -> Path:
        path = build(folder)
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new, 1))
        return path

    return swap


def _with(value: float) -> shapes.Triangles:
    corners = box()
    corners[3, 1, 2] = value
    return corners


def _said(count: int) -> Build:
    """A binary STL whose header says another number of triangles."""
    return _swap(_stl(box()), struct.pack("<I", 12), struct.pack("<I", count))


def _gltf_outside(folder: Path) -> Path:
    text = (
        '{"asset":{"version":"2.0"},"buffers":[{"uri":"../secret.bin","byteLength":36}],'
        '"bufferViews":[{"buffer":0,"byteLength":36}],"accessors":[{"bufferView":0,'
        '"componentType":5126,"count":3,"type":"VEC3"}],'
        '"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}]}'
    )
    (folder.parent / "secret.bin").write_bytes(bytes(36))
    return _bytes("part.gltf", text.encode())(folder)


def _directory(folder: Path) -> Path:
    (folder / "part.stl").mkdir()
    return folder / "part.stl"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "part.stl")
    return folder / "part.stl"


def _sparse(folder: Path) -> Path:
    """Too large a file, none of which is on the disk."""
    with (folder / "part.stl").open("wb") as file:
        file.truncate(300_000_000)
    return folder / "part.stl"


def _sheet(folder: Path) -> Path:
    return shapes.stl(folder / "part.stl", box()[:2])


def _moebius() -> shapes.Triangles:
    u = np.linspace(0, 2 * np.pi, 25)
    w = np.array([-0.01, 0.01])[:, None]
    r = 0.05 + w * np.cos(u / 2)
    low, high = np.stack([r * np.cos(u), r * np.sin(u), w * np.sin(u / 2)], axis=2)
    a, b, c, d = low[:-1], low[1:], high[1:], high[:-1]
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _walled() -> shapes.Triangles:
    """Two boxes, one on the other, with one wall between them."""
    upper = box() + np.array([0, 0, 0.05])
    return np.concatenate([box(), upper[(upper[:, :, 2] > 0.03).any(axis=1)]])


def _ply(**kwargs: object) -> Build:
    return lambda folder: shapes.ply(folder / "part.ply", box(), **kwargs)  # type: ignore[arg-type]


def _obj(more: str) -> Build:
    return lambda folder: shapes.obj(folder / "part.obj", box(), more)


def _glb(folder: Path) -> Path:
    return shapes.glb(folder / "part.glb", box())


def _text(folder: Path) -> Path:
    return shapes.text_stl(folder / "part.stl", box())


HUGE = 4_000_000_000
REFUSED: dict[str, tuple[Build, str]] = {
    "empty file": (_bytes("part.stl", b""), "is empty; export it again"),
    "text that is no mesh": (_bytes("part.stl", b"hello"), "5 bytes are no STL file"),
    "unknown format": (_bytes("part.blend", b"x"), "is of no known format; export it as one of"),
    "directory": (_directory, "is no regular file"),
    "pipe": (_pipe, "is no regular file"),
    "nothing there": (lambda folder: folder / "part.stl", "is no regular file"),
    "300 MB": (_sparse, "has 300000000 bytes, at most 200000000 are read"),
    "binary STL cut": (_cut(_stl(box()), 0.7), "its header says 12 triangles, its length 7.88"),
    "STL count too large": (_said(13), "its header says 13 triangles, its length 12"),
    "STL count of billions": (_said(HUGE), "its header says 4000000000 triangles"),
    "STL without triangles": (_stl(box()[:0]), "has no faces"),
    "text STL cut": (_cut(_text, 0.6), "is cut off or damaged"),
    "text STL with a word": (_swap(_text, b"vertex 0", b"vertex x"), "has a corner that is no"),
    "NaN": (_stl(_with(np.nan)), "coordinates that are not finite"),
    "infinity": (_stl(_with(np.inf)), "coordinates that are not finite"),
    "beyond any unit": (_stl(_with(1e30)), "beyond 1e9"),
    "OBJ index out of range": (_obj("f 1 2 999"), "index 999 is out of range"),
    "OBJ negative index": (_obj("f -1 -2 -999"), "index -999 is out of range"),
    "OBJ index zero": (_obj("f 0 1 2"), "index 0 is out of range|names no vertex"),
    "OBJ with garbage": (_obj("v one two three"), "line 49: expected 3 finite"),
    "OBJ without faces": (_bytes("part.obj", b"v 0 0 0\n"), "has no faces"),
    "OBJ in no encoding": (_bytes("part.obj", bytes(range(128, 256)) * 9), "has no faces"),
    "OBJ material outside": (
        _obj("mtllib ../../etc/passwd\nvt 0.5 0.5\nf 1/1 2/1 3/1"),
        "refers to '../../etc/passwd', which leaves its folder",
    ),
    "PLY without header": (_bytes("part.ply", b"ply\nformat ascii 1.0\n"), "has no PLY header"),
    "PLY bad header": (_swap(_ply(), b"property float x", b"property real x"), "bad line in its"),
    "PLY format unknown": (_swap(_ply(), b"ascii", b"morse"), "bad line in its header"),
    "PLY text cut": (_cut(_ply(), 0.6), "is cut off or damaged"),
    "PLY binary cut": (_cut(_ply(binary="<"), 0.9), "is cut off or damaged"),
    "PLY billions of faces": (_ply(faces=HUGE), "says 4000000000 rows of face"),
    "PLY billions, binary": (_ply(faces=HUGE, binary="<"), "says 4000000000 rows of face"),
    "PLY list counts wrong": (_swap(_ply(), b"\n3 0 1 2\n", b"\n7 0 1 2\n"), "its body holds"),
    "PLY index out of range": (_swap(_ply(), b"\n3 0 1 2\n", b"\n3 0 1 99\n"), "out of range"),
    "PLY index negative": (_swap(_ply(), b"\n3 0 1 2\n", b"\n3 0 1 -2\n"), "out of range"),
    "GLB cut": (_cut(_glb, 0.7), "is cut off: its header says"),
    "GLB bad JSON": (_swap(_glb, b'{"asset"', b'{{asset"'), "is no valid glTF file"),
    "GLB JSON of another kind": (_swap(_glb, b'"scene": 0', b'"scene":{}'), "is no valid glTF"),
    "GLB accessor too long": (_swap(_glb, b'"count": 36', b'"count": 99'), "ends beyond"),
    "glTF buffer outside": (_gltf_outside, "refers to '../secret.bin', which leaves its folder"),
    "STEP with garbage": (_bytes("part.step", b"ISO-10303-21;\nHEADER;"), "no solid|is no valid"),
    "open box": (_stl(box()[2:]), "is not closed: 4 open edges"),
    "flat sheet": (_sheet, "is not closed: 4 open edges"),
    "one side": (_stl(_moebius()), "has but one side"),
    "no volume": (_stl(box(z=0.0)), "degenerate|is flat|no face|no volume|not closed"),
    "flat box": (_stl(box(0.1, 0.1, 1e-7)), "is flat|no volume"),
    "millimetres": (_stl(1e3 * box()), "is 50 m long, more than 5 m; are these millimetres?"),
    "micrometres": (_stl(1e-6 * box()), "long, less than 0.001 m; what is its unit?"),
    "a kilometre apart": (_stl(np.concatenate([box(), box() + 1e3])), "has shells 1000 apart"),
    "an inner wall": (_stl(_walled()), "4 edges belong to more than two faces"),
    "a triangle inside": (_stl(np.concatenate([box(), 0.5 * box()[:1]])), "3 open edges"),
}


@pytest.mark.parametrize("damage", REFUSED)
def test_what_cannot_be_an_object_is_refused_in_a_line(damage: str, tmp_path: Path) -> None:
    build, words = REFUSED[damage]
    (tmp_path / "in").mkdir()
    path = build(tmp_path / "in")
    with pytest.raises(InputError) as caught:
        mend(read(path), unit=None, scale=1.0)
    assert "\n" not in str(caught.value)
    assert re.search(words, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("damage", ["pipe", "PLY billions, binary", "NaN", "STEP with garbage"])
def test_what_is_refused_leaves_nothing(damage: str, tmp_path: Path) -> None:
    build, words = REFUSED[damage]
    (tmp_path / "in").mkdir()
    path, out = build(tmp_path / "in"), tmp_path / "objects"
    with pytest.raises(InputError, match=words) as caught:
        import_object(Wish(path, "part", out, density_kg_m3=1000.0))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert not out.exists()


def _sphere(radius: float, segments: int = 12) -> shapes.Triangles:
    from simenv import mesh

    return shapes.triangles(mesh.sphere(radius, segments))


def _mixed() -> shapes.Triangles:
    corners = box()
    corners[[1, 4, 7]] = corners[[1, 4, 7]][:, ::-1]
    return corners


def _spread(by: float) -> shapes.Triangles:
    """A box whose faces do not quite meet."""
    rng = np.random.default_rng(0)
    return box() + rng.uniform(-by, by, (12, 3, 3))


def _pricked() -> shapes.Triangles:
    """A fine sphere without the faces around one vertex."""
    corners = _sphere(0.03, 200)
    away = np.linalg.norm(corners - corners[len(corners) // 2, 0], axis=2)
    return np.asarray(corners[(away > 1e-9).all(axis=1)])


SPECK = 1e-5 * box()
MENDED: dict[str, tuple[Build, str]] = {
    "inside out": (_stl(box()[:, ::-1]), "turned all 12 faces that were inside out"),
    "mixed winding": (_stl(_mixed()), "turned 3 faces to agree with their neighbours"),
    "duplicate faces": (_stl(np.concatenate([box(), box()[:3]])), "removed 3 duplicate faces"),
    "both sides": (_stl(np.concatenate([box(), box()[:, ::-1]])), "removed 12 duplicate faces"),
    "degenerate": (_stl(np.concatenate([box(), box()[:2, [0, 0, 1]]])), "removed 2 degenerate"),
    "a face missing": (_stl(box()[1:]), "filled 1 hole with 1 faces"),
    "a small hole": (_stl(_pricked()), "filled 1 hole with"),
    "stray shell": (_stl(np.concatenate([box(), SPECK])), "dropped 1 stray shell, at most"),
    "stray, far away": (_stl(np.concatenate([box(), SPECK + 900.0])), "dropped 1 stray shell"),
    "stray triangle": (_stl(np.concatenate([box(), SPECK[:1]])), "dropped 1 stray shell"),
    "cracks": (_stl(_spread(2e-7)), "welded .* along cracks|welded .* to others within"),
    "unused vertex": (_obj("v 9 9 9"), "^$"),
    "cavity": (_stl(np.concatenate([box(), 0.5 * box()])), "turned 12 faces that were inside"),
}


@pytest.mark.parametrize("damage", MENDED)
def test_what_can_be_mended_is_mended_by_name(damage: str, tmp_path: Path) -> None:
    build, words = MENDED[damage]
    surface, findings = mend(read(build(tmp_path)), unit=None, scale=1.0)
    told = "; ".join(line.text for line in findings if line.verdict == "mend")
    assert re.search(words, told), told
    full = 0.03 * 0.04 * 0.05 * (0.875 if damage == "cavity" else 1.0)
    if "hole" in damage:
        full = shapes_volume(_sphere(0.03, 200))
    assert surface.volume == pytest.approx(full, rel=1e-3)


def shapes_volume(corners: shapes.Triangles) -> float:
    a, b, c = np.swapaxes(corners, 0, 1)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_solids_that_overlap_are_pointed_out(tmp_path: Path) -> None:
    path = _stl(np.concatenate([box(), box() + 0.012]))(tmp_path)
    report = import_object(Wish(path, "part", tmp_path / "objects", density_kg_m3=1000.0))
    assert any("is counted twice" in line.text for line in report.findings)


def test_a_file_of_60_megabytes_is_read_within_bounds(tmp_path: Path) -> None:
    path = _stl(np.repeat(box(), 100_000, axis=0))(tmp_path)
    assert path.stat().st_size > 60_000_000
    intake = take_in(path, unit=None, scale=1.0)
    assert "removed 1199988 duplicate faces" in {line.text for line in intake.findings}


def test_more_than_two_million_triangles_are_refused(tmp_path: Path) -> None:
    path = _stl(np.repeat(box(), 170_000, axis=0))(tmp_path)
    with pytest.raises(InputError, match="has 2040000 triangles, at most 2000000 are read"):
        read(path)


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def _tar(path: Path, members: dict[str, tuple[bytes, bytes]]) -> Path:
    """Name -> kind, content or target."""
    with tarfile.open(path, "w:gz") as packed:
        for name, (kind, data) in members.items():
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(data)
            else:
                member.linkname = data.decode()
            packed.addfile(member, io.BytesIO(data))
    return path


def _zip_link(path: Path) -> Path:
    info = zipfile.ZipInfo("a.stl")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(info, "/etc/passwd")
    return path


FILE = tarfile.REGTYPE
ARCHIVES: dict[str, tuple[Build, str]] = {
    "zip up": (lambda f: _zip(f / "a.zip", {"../a.stl": b""}), "'../a.stl' leaves the folder"),
    "zip absolute": (lambda f: _zip(f / "a.zip", {"/a.stl": b""}), "leaves the folder"),
    "zip backslash": (lambda f: _zip(f / "a.zip", {"..\\a.stl": b""}), "leaves the folder"),
    "zip link": (lambda f: _zip_link(f / "a.zip"), "is a link or a device"),
    "zip bomb": (lambda f: _zip(f / "a.zip", {"a.stl": bytes(210_000_000)}), "to too much"),
    "zip cut": (_cut(lambda f: _zip(f / "a.zip", {"a": b"x"}), 0.5), "cannot be unpacked"),
    "zip of many": (
        lambda f: _zip(f / "a.zip", {f"{k}.stl": b"" for k in range(10_001)}),
        "has more than 10000 entries",
    ),
    "tar up": (lambda f: _tar(f / "a.tar.gz", {"../a": (FILE, b"")}), "leaves the folder"),
    "tar link": (
        lambda f: _tar(f / "a.tar.gz", {"a": (tarfile.SYMTYPE, b"/etc")}),
        "is a link or a device",
    ),
    "tar hard link": (
        lambda f: _tar(f / "a.tar.gz", {"a": (tarfile.LNKTYPE, b"/etc/passwd")}),
        "is a link or a device",
    ),
    "tar device": (lambda f: _tar(f / "a.tar.gz", {"a": (tarfile.CHRTYPE, b"")}), "a device"),
    "tar cut": (
        _cut(lambda f: _tar(f / "a.tar.gz", {"a": (FILE, os.urandom(9999))}), 0.5),
        "cannot be unpacked",
    ),
    "twice": (
        lambda f: _tar(f / "a.tar.gz", {"a": (FILE, b"1"), "./a": (FILE, b"2")}),
        "cannot be unpacked",
    ),
}


@pytest.mark.parametrize("damage", ARCHIVES)
def test_an_archive_that_is_not_plain_is_refused(damage: str, tmp_path: Path) -> None:
    build, words = ARCHIVES[damage]
    (tmp_path / "deep").mkdir()
    archive, folder = build(tmp_path), tmp_path / "deep" / "out"
    folder.mkdir()
    with pytest.raises(InputError, match=words) as caught:
        extract(archive, folder)
    assert "\n" not in str(caught.value)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
