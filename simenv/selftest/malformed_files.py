"""Named ways to spoil the files of a task, an object, a robot or a mesh."""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MESHES", "OBJECTS", "ROBOTS", "TASKS", "Spoil"]

MEGA = 1_000_000


@dataclass(frozen=True)
class Spoil:
    """What is done to the file that is read; the file to read instead, where it is another one."""

    name: str
    act: Callable[[Path], Path | None]


def _text(name: str, text: str | bytes, file: str = "") -> Spoil:
    """The whole file is this; ``file``: one beside it."""

    def act(path: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (path.with_name(file) if file else path).write_bytes(data)

    return Spoil(name, act)


def _swap(name: str, old: str, new: str, file: str = "") -> Spoil:
    """The first ``old`` becomes ``new``."""

    def act(path: Path) -> None:
        path = path.with_name(file) if file else path
        data = path.read_bytes()
        if old.encode() not in data:
            raise RuntimeError(f"{path.name} does not hold {old!r}")
        path.write_bytes(data.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1))

    return Spoil(name, act)


def _more(name: str, text: str | bytes, file: str = "") -> Spoil:
    """Put at the end."""

    def act(path: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        with (path.with_name(file) if file else path).open("ab") as end:
            end.write(data)

    return Spoil(name, act)


def _pipe(file: str = "") -> Spoil:
    def act(path: Path) -> None:
        path = path.with_name(file) if file else path
        path.unlink()
        os.mkfifo(path)

    return Spoil(f"a pipe as {file or 'it'}", act)


def _link(target: str, file: str = "") -> Spoil:
    def act(path: Path) -> None:
        path = path.with_name(file) if file else path
        path.unlink()
        path.symlink_to(target)

    return Spoil(f"{file or 'it'} a link to {target}", act)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _large(size: int, file: str = "") -> Spoil:
    """A hole of that many bytes."""

    def act(path: Path) -> None:
        os.truncate(path.with_name(file) if file else path, size)

    return Spoil(f"{size} bytes of {file or 'it'}", act)


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 9)]
)
YAML = (
    _text("nothing", ""),
    _text("NUL bytes", b"format: simenv-task-1\x00\nname: x\n"),
    _text("UTF-16", "format: simenv-task-1\n".encode("utf-16")),
    _text("Latin-1", b"format: simenv-task-1\nname: \xe4\n"),
    _text("a list", "- a\n- b\n"),
    _text("deep lists", "a: " + "[" * 100_000),
    _text("deep mappings", "".join(" " * k + "a:\n" for k in range(500))),
    _text("an alias bomb", BOMB),
    _text("an alias of itself", "a: &a [*a]\n"),
    _text("many values", "a: [" + "1," * 300_000 + "1]\n"),
    _text("a long tag", "a: " + "!" * 900_000),
    _text("one long line", "a: " + "x" * 2 * MEGA),
    _text("a Python object", "a: !!python/object/apply:os.system ['true']\n"),
    _text("two documents", "a: 1\n---\nb: 2\n"),
    _text("a tab", "a:\n\tb: 1\n"),
    _text("an open quote", 'a: "x\n'),
    _text("a merge key", "a: &a {b: 1}\nc: {<<: *a}\n"),
    _more("a key given twice", "\nname: another\n"),
    _more("an unknown key", "\nnmae: x\n"),
    _more("Infinity", "\nseed: .inf\n"),
    _large(200 * MEGA),
    _pipe(),
    _link("/dev/zero"),
    Spoil("a folder", _folder),
)
TASKS = (
    *(Spoil(f"{own.name} (YAML)", own.act) for own in YAML),
    _swap("a name that climbs", "name: selftest", "name: ../../selftest"),
    _swap("a name that steers", "name: selftest", 'name: "\\e[2J"'),
    _swap("an object that climbs", "carton_small", '"../../../etc"'),
    _swap("an unknown object", "carton_small", "carton_smal"),
    _swap("NaN", "height_m: 0.02", "height_m: .nan"),
    _swap("a huge number", "height_m: 0.02", "height_m: 1e308"),
    _swap("a huge integer", "count: 2", f"count: {'9' * 40}"),
    _swap("a huge count", "count: 2", "count: 2000000000"),
    _swap("a negative count", "count: 2", "count: -1"),
    _swap("a count that is text", "count: 2", 'count: "2"'),
    _swap("huge pictures", "resolution: [32, 24]", "resolution: [2000000000, 2000000000]"),
    _swap("no pictures", "resolution: [32, 24]", "resolution: [0, 24]"),
    _swap("no focal length", "fx: 30", "fx: 0"),
    _swap("no direction", "eye: [0, 0, 1.2]", "eye: [0, 0, 0.4]"),
    _swap("a flat table", "size_m: [0.6, 0.5]", "size_m: [0.6, 0]"),
    _swap("a range turned around", "uniform: [0, 360]", "uniform: [360, 0]"),
    _swap("an infinite range", "uniform: [0, 360]", "uniform: [-1e308, 1e308]"),
    _swap("a path that is none", "look.light.azimuth_deg:", "look.light.azimut_deg:"),
    _swap("an endless path", "look.light.azimuth_deg:", "look" + ".light" * 10_000 + ":"),
    _swap("a backdrop that climbs", "cameras:", "look: {backdrop: {image: ../../x.png}}\ncameras:"),
    _swap("a backdrop elsewhere", "cameras:", "look: {backdrop: {image: /etc/passwd}}\ncameras:"),
    _swap("half a character", "name: selftest", 'name: "\\ud800"'),
)


def _png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def _jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


MESH, HULL, IMAGE = "hex_bolt.obj", "collision.obj", "zinc.png"
BOX = "v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n"
SURFACES = (
    ("nothing", ""),
    ("no faces", "v 0 0 0\nv 1 0 0\n"),
    ("NaN", BOX.replace(".1 0 0", "nan 0 0")),
    ("infinity", BOX.replace(".1 0 0", "1e400 0 0")),
    ("far vertices", BOX.replace(".1 0 0", "1e300 0 0")),
    ("an index of 0", BOX.replace("f 1 3 2", "f 0 3 2")),
    ("an index too large", BOX.replace("f 1 3 2", "f 1 3 5")),
    ("an index too small", BOX.replace("f 1 3 2", "f -5 3 2")),
    ("an index beyond 64 bits", BOX.replace("f 1 3 2", f"f {'9' * 30} 3 2")),
    ("an index with _", BOX.replace("f 1 3 2", "f 1_0 3 2")),
    ("two corners", BOX.replace("f 1 3 2", "f 1 3")),
    ("four indices", BOX.replace("f 1 3 2", "f 1/1/1/1 3 2")),
    ("words", BOX.replace(".1 0 0", "one two three")),
    ("bytes", b"\x00\xff" * 5000),
    ("many faces", BOX + "f 1 2 3\n" * 300_000),
    ("many vertices", BOX + "v 0 0 0\n" * 700_000),
    ("many groups", BOX + "o a\nf 1 2 3\n" * 20_000),
    ("one long face", BOX + "f" + " 1 2 3" * 200_000),
    ("one flat hull", BOX.replace("0 0 .1", "0 0 0")),
)
IMAGES = (
    ("nothing", b""),
    ("text", b"hello"),
    ("a bomb", _png(60_000, 60_000)),
    ("a JPEG bomb", _jpeg(65_000, 65_000)),
    ("a JPEG without a header", b"\xff\xd8\xff\xd9"),
    ("no width", _png(0, 4)),
    ("too few rows", _png(64, 64, bytes(30))),
    ("a GIF", b"GIF89a" + bytes(50)),
    ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
)
OBJECTS = (
    *(Spoil(f"{own.name} (YAML)", own.act) for own in YAML),
    *(_text(f"{name} in its mesh", data, MESH) for name, data in SURFACES),
    *(_text(f"{name} in its hulls", data, HULL) for name, data in SURFACES),
    *(_text(f"{name} as its texture", data, IMAGE) for name, data in IMAGES),
    *(_pipe(file) for file in (MESH, HULL, IMAGE)),
    *(_link("/etc/passwd", file) for file in (MESH, HULL, IMAGE)),
    *(_large(200 * MEGA, file) for file in (MESH, HULL, IMAGE)),
    _swap("a mesh that climbs", f"mesh: {MESH}", "mesh: ../../x.obj"),
    _swap("a mesh elsewhere", f"mesh: {MESH}", "mesh: /etc/passwd"),
    _swap("a mesh with NUL", f"mesh: {MESH}", 'mesh: "a\\0b.obj"'),
    _swap("a mesh of another kind", f"mesh: {MESH}", "mesh: object.yaml"),
    _swap("a texture that climbs", "zinc: zinc.png", "zinc: ../../x.png"),
    _swap("no mass", "mass_kg: 0.0566", "mass_kg: 0"),
    _swap("a negative mass", "mass_kg: 0.0566", "mass_kg: -1"),
    _swap("a huge mass", "mass_kg: 0.0566", "mass_kg: 1e300"),
    _swap("a mass in words", "mass_kg: 0.0566", "mass_kg: one"),
    _swap("a name that is not the folder's", "name: hex_bolt", "name: hex_nut"),
    _swap("an axis without direction", "discrete:", "continuous: [{axis: [0, 0, 0]}]\n  discrete:"),
    _swap("an impossible inertia", "friction:", "inertia_kg_m2: [1, 1, 9, 0, 0, 0]\nfriction:"),
    _swap("a colour beyond 1", "color: [0.66", "color: [66"),
    _swap("a box without sides", f"mesh: {MESH}", "mesh: [{shape: box, size_m: [0, 1, 1]}]"),
    _swap("a huge box", f"mesh: {MESH}", "mesh: [{shape: box, size_m: [1e200, 1, 1]}]"),
)
URDF = "jaw85.urdf"
ENTITIES = (
    '<!DOCTYPE r [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<robot name="&b;"><link name="a"/></robot>'
)
ROBOTS = (
    *(Spoil(f"{own.name} (YAML)", own.act) for own in YAML),
    _text("an empty URDF", "", URDF),
    _text("a URDF that is none", "<html/>", URDF),
    _text("an open element", "<robot><link name='a'>", URDF),
    _text("entities", ENTITIES, URDF),
    _text(
        "an entity that is a file", ENTITIES.replace('"xxxxxxxxxx"', 'SYSTEM "/etc/passwd"'), URDF
    ),
    _text("UTF-16", "<robot><link name='a'/></robot>".encode("utf-16"), URDF),
    _text("deep elements", "<robot>" + "<a>" * 100_000 + "</a>" * 100_000 + "</robot>", URDF),
    _text("many links", "<robot>" + "<link name='a'/>" * 50_000 + "</robot>", URDF),
    _large(200 * MEGA, URDF),
    _pipe(URDF),
    _link("/etc/passwd", URDF),
    _swap("a mesh that climbs", 'filename="body.obj"', 'filename="../body.obj"', URDF),
    _swap("a mesh elsewhere", 'filename="body.obj"', 'filename="/etc/passwd"', URDF),
    _swap("a mesh of a URL", 'filename="body.obj"', 'filename="http://x/body.obj"', URDF),
    _swap("a package that climbs", '"body.obj"', '"package://../../x.obj"', URDF),
    _swap("a far origin", 'xyz="0 0 0.047798"', 'xyz="0 0 1e200"', URDF),
    _swap("an origin that is NaN", 'xyz="0 0 0.047798"', 'xyz="0 0 nan"', URDF),
    _swap("a huge mass", 'mass value="0.9"', 'mass value="1e300"', URDF),
    _swap("a negative mass", 'mass value="0.9"', 'mass value="-0.9"', URDF),
    _swap("a negative inertia", 'ixx="0.000753295"', 'ixx="-1"', URDF),
    _swap("a huge cylinder", 'radius="0.038"', 'radius="1e200"', URDF),
    _swap("a cylinder without radius", 'radius="0.038"', 'radius="0"', URDF),
    _swap("a link given twice", '<link name="left_finger"', '<link name="body"', URDF),
    _swap("a number with _", 'mass value="0.9"', 'mass value="0_9"', URDF),
    *(_text(f"{name} in a mesh", data, "body.obj") for name, data in SURFACES[:-1]),
    _swap("a URDF that climbs", f"urdf: {URDF}", "urdf: ../../x.urdf"),
    _swap("a URDF with NUL", f"urdf: {URDF}", 'urdf: "a\\0b.urdf"'),
    _swap("an unknown pad", "pads: [left_finger", "pads: [left_fnger"),
    _swap("an opening beyond the limits", "left_joint: [0.0, 0.0425]", "left_joint: [0.0, 9e9]"),
)


def _file(name: str, file: str, data: bytes) -> Spoil:
    """Another file is read instead."""

    def act(path: Path) -> Path:
        path.with_name(file).write_bytes(data)
        return path.with_name(file)

    return Spoil(name, act)


def _gltf(name: str, **changes: object) -> Spoil:
    """A triangle, but for what is changed."""
    data = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
    uri = "data:;base64," + base64.b64encode(data).decode()
    sound: dict[str, object] = {
        "asset": {"version": "2.0"},
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36, "uri": uri}],
    }
    return _file(f"{name} (glTF)", "x.gltf", json.dumps({**sound, **changes}).encode())


_ACCESSOR: dict[str, object] = {"bufferView": 0, "componentType": 5126, "type": "VEC3"}
STL = bytes(80) + struct.pack("<I", 1) + struct.pack("<12fH", *[0.0] * 12, 0)
PLY = (
    b"ply\nformat ascii 1.0\nelement vertex %d\n"
    b"property float x\nproperty float y\nproperty float z\n"
)
PLY_FACE = (
    b"element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
)
MESHES = (
    *(_text(f"{name} (OBJ)", data) for name, data in SURFACES[:14]),
    _more("a material that climbs", "\nmtllib ../../x.mtl\n"),
    _more("a material elsewhere", "\nmtllib /etc/passwd\n"),
    _file("no known format", "x.dae", b"<COLLADA/>"),
    _file("nothing (STL)", "x.stl", b""),
    _file("a count that lies (STL)", "x.stl", STL[:80] + struct.pack("<I", 2**32 - 1) + STL[84:]),
    _file("a cut (STL)", "x.stl", STL[:-1]),
    _file("NaN (STL)", "x.stl", STL[:100] + struct.pack("<f", float("nan")) + STL[104:]),
    _file("words (STL)", "x.stl", b"solid x\nfacet normal 0 0 1\nvertex a b c\nendsolid x\n"),
    _file("no header (PLY)", "x.ply", b"ply\n"),
    _file("a count that lies (PLY)", "x.ply", PLY % 2**62 + PLY_FACE + b"3 0 1 2\n"),
    _file("an index too large (PLY)", "x.ply", PLY % 3 + PLY_FACE + b"3 0 1 9\n"),
    _file("many corners (PLY)", "x.ply", PLY % 3 + PLY_FACE + b"200000000 0 1 2\n"),
    _file("no JSON (glTF)", "x.gltf", b"{"),
    _file("deep JSON (glTF)", "x.gltf", b"[" * 300_000),
    _file("no chunks (GLB)", "x.glb", b"glTF" + struct.pack("<II", 2, 20) + bytes(8)),
    _file("a length that lies (GLB)", "x.glb", b"glTF" + struct.pack("<II", 2, 2**32 - 1)),
    _gltf("a count that lies", accessors=[{**_ACCESSOR, "count": 10**9}]),
    _gltf("a count beyond its buffer", accessors=[{**_ACCESSOR, "count": 4}]),
    _gltf("a negative count", accessors=[{**_ACCESSOR, "count": -3}]),
    _gltf("a negative offset", accessors=[{**_ACCESSOR, "count": 3, "byteOffset": -8}]),
    _gltf("a negative stride", bufferViews=[{"buffer": 0, "byteLength": 36, "byteStride": -12}]),
    _gltf("a view beyond its buffer", bufferViews=[{"buffer": 0, "byteLength": 999}]),
    _gltf("a buffer that climbs", buffers=[{"byteLength": 36, "uri": "../../x.bin"}]),
    _gltf("a buffer elsewhere", buffers=[{"byteLength": 36, "uri": "/etc/passwd"}]),
    _gltf("a buffer of a URL", buffers=[{"byteLength": 36, "uri": "http://x/y.bin"}]),
    _gltf("no buffers", buffers=[]),
    _gltf("words for nodes", nodes="x", scenes=[{"nodes": [0]}]),
    _gltf("a loop of nodes", nodes=[{"children": [0]}], scenes=[{"nodes": [0]}]),
    _gltf(
        "a matrix of NaN", nodes=[{"mesh": 0, "scale": [float("nan")] * 3}], scenes=[{"nodes": [0]}]
    ),
    _large(300 * MEGA),
    _pipe(),
    _link("/dev/zero"),
    _file("a map of camera (YAML)", "x.yml", b"%YAML:1.0\ncamera_matrix: 7\n"),
)
