"""What a broken object is told: its folder is taken apart, file by file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from simenv import mesh
from simenv.errors import InputError
from simenv.mesh import Mesh
from simenv.spec.catalog import load_object

BLOCK = (Path(__file__).parent.parent / "data" / "block.yaml").read_text()
BOX = mesh.box((0.06, 0.05, 0.04))


def complaint(tasks: Path) -> str:
    """What is said of objects/block, with paths relative to its folder."""
    with pytest.raises(InputError) as caught:
        load_object("block", near=tasks)
    return str(caught.value).replace(f"{tasks.parent / 'objects' / 'block'}/", "")


# fmt: off
WRONG = [  # what is replaced in block.yaml, by what, and what is said
    ("name: block", "name: blok",
     "3:7: name: must be the folder's name block, got blok; rename one of them"),
    ("class: block", "clas: block", "4:1: clas: unknown key; did you mean class?"),
    ("mass_kg: 0.1\n", "", "2:1: mass_kg: is missing; add it, for example `mass_kg: 1.0`"),
    ("mass_kg: 0.1", "mass_kg: 0.1 kg",
     '7:10: mass_kg: must be a number at least 0, got "0.1 kg"; write for example 1.0'),
    ("mass_kg: 0.1", "mass_kg: 0",
     "7:10: mass_kg: a part must weigh something, got 0; write its kilograms"),
    ("mass_kg: 0.1", "mass_kg: 100",
     "7:10: mass_kg: 100 kg in 0.00012 m3 is denser than any metal; are these grams? "
     "write kilograms"),
    ("mesh: block.obj", "mesh: blok.obj", "5:7: mesh: no file blok.obj; did you mean block.obj?"),
    ("mesh: block.obj", "mesh: ../block/block.obj",
     '5:7: mesh: "../block/block.obj" leaves the folder of the object; copy the file into it'),
    ("mesh: block.obj", "mesh: /etc/passwd",
     "5:7: mesh: /etc/passwd leaves the folder of the object; copy the file into it"),
    ("mesh: block.obj", "mesh: striped.png",
     "5:7: mesh: striped.png is no OBJ file; export it as OBJ"),
    ("mesh: block.obj", "mesh: []", "5:7: mesh: is empty; name an OBJ file or list primitives"),
    ("mesh: block.obj", "mesh: [{shape: bx}]",
     "5:16: mesh.0.shape: must be box, cylinder or sphere, got bx; write for example box"),
    ("mesh: block.obj", "mesh: [{size_m: [1, 1, 1]}]",
     "5:8: mesh.0.shape: is missing; add it, for example `shape: box`"),
    ("mesh: block.obj", "mesh: [{shape: box, size_m: [1, 1]}]",
     "5:29: mesh.0.size_m: must be a list of 3 numbers above 0, got [1, 1]; "
     "write for example [1.0, 1.0, 1.0]"),
    ("mesh: block.obj", "mesh: [{shape: sphere, radius_m: 1, size_m: 3}]",
     "5:37: mesh.0.size_m: unknown key; there is p, radius_m, rpy_deg, shape"),
    ("mesh: block.obj", "mesh: [box]",
     "5:8: mesh.0: must be a mapping with shape, got box; "
     "write for example {shape: box, size_m: [1.0, 1.0, 1.0]}"),
    ("collision: hull.obj", "collision: [{shape: sphere, radius_m: 3}]",
     "6:12: collision: is 118 times as large as the mesh; use the same unit, metres, in both"),
    ("collision: hull.obj", "collision: [{shape: sphere, radius_m: 0.03, p: [1, 0, 0]}]",
     "6:12: collision: does not touch the mesh; give both in the same frame"),
    ("com_m: [0, 0, 0.001]", "com_m: [0, 0, 1]",
     "8:8: com_m: lies outside the mesh, got [0.0, 0.0, 1.0]; use metres"),
    ("[1e-4, 1e-4, 1e-4, 0", "[1e-4, 1e-4, 1e-3, 0",
     "9:16: inertia_kg_m2: no body has these principal moments [0.0001, 0.0001, 0.001]; "
     "remove it to compute it from the mesh"),
    ("[1e-4, 1e-4, 1e-4, 0", "[1e-4, 1e-4, -1e-4, 0",
     "9:16: inertia_kg_m2: no body has these principal moments [-0.0001, 0.0001, 0.0001]; "
     "remove it to compute it from the mesh"),
    ("axis: [0, 0, 1]", "axis: [0, 0, 0]",
     "12:23: symmetry.continuous.0.axis: has no direction; write for example [0, 0, 1]"),
    ("{striped: striped.png", "{striped: rubber",
     "10:21: textures.striped: no file rubber; "
     "there is block.obj, hull.obj, object.yaml, plain.jpg, striped.png"),
    ("{striped: striped.png", "{Striped: striped.png",
     "10:12: textures.Striped: must be a name of a-z, 0-9 and _, got Striped; "
     "write for example striped"),
    ("top: [0, 0, 0.02]", "top: [0, 0]",
     "13:18: keypoints.top: must be a list of 3 numbers, got [0, 0]; "
     "write for example [1.0, 1.0, 1.0]"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_wrong_object_file_is_told_where_what_and_the_way_out(
    old: str, new: str, line: str, tasks: Path
) -> None:
    assert old in BLOCK
    (tasks.parent / "objects" / "block" / "object.yaml").write_text(BLOCK.replace(old, new, 1))
    assert complaint(tasks) == f"object.yaml:{line}"


def appended(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text() + text)


def written(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[45] ^= 1
    path.write_bytes(data)


def linked(path: Path) -> None:
    path.rename(path.parent.parent / path.name)
    path.symlink_to(path.parent.parent / path.name)


def looped(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def turned(path: Path) -> None:
    """Turn every face over, as mirrored CAD does."""
    surface = mesh.load_obj(path)
    mesh.save_obj(path, replace(surface, faces=surface.faces[:, ::-1]))


def scaled(factor: float) -> Callable[[Path], object]:
    moved = Mesh(BOX.vertices * factor, BOX.normals, BOX.uvs, BOX.faces)
    return lambda path: mesh.save_obj(path, moved)


def fine(path: Path) -> None:
    """A plane of more triangles than a renderer should be given."""
    size = 330
    x, y = np.meshgrid(np.linspace(0, 0.06, size), np.linspace(0, 0.05, size))
    vertices = np.column_stack([x.ravel(), y.ravel(), np.zeros(size * size)])
    a = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    faces = np.concatenate(
        [np.column_stack([a, a + 1, a + size]), np.column_stack([a + 1, a + size + 1, a + size])]
    )
    with path.open("w") as file:
        np.savetxt(file, vertices, fmt="v %.4f %.4f %.4f")
        np.savetxt(file, faces + 1, fmt="f %d %d %d")


# fmt: off
BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    ("block.obj", appended("f 1 2 999\n"),
     "5:7: mesh: block.obj:85: index 999 is out of range in '999'; export the file again"),
    ("hull.obj", written(b"v 0 0 0\nv 1 0 nan\n"), "6:12: collision: hull.obj:2: "
     "expected 3 finite numbers, got '1 0 nan'; export the file again"),
    ("block.obj", written(b""),
     "5:7: mesh: block.obj:1: the file has no faces; export the file again"),
    ("block.obj", written(b"\x00\xff" * 1000),
     "5:7: mesh: block.obj:1: the file has no faces; export the file again"),
    ("block.obj", fine,
     "5:7: mesh: block.obj:308901: the file has more than 200000 triangles; simplify it; "
     "export the file again"),
    ("block.obj", scaled(1000),
     "5:7: mesh: is 60 m long, more than 5 m; are these millimetres? scale the mesh by 0.001"),
    ("block.obj", scaled(0.001),
     "5:7: mesh: is 6e-05 m long, less than 0.001 m; is its unit metres? scale it"),
    ("block.obj", turned,
     "5:7: mesh: has its faces turned inwards (clockwise seen from outside); flip them"),
    ("hull.obj", scaled(0.1),
     "6:12: collision: is 0.1 times as large as the mesh; use the same unit, metres, in both"),
    ("hull.obj", lambda path: mesh.save_obj(path, mesh.quad(0.06, 0.05)),
     "6:12: collision: hull 1 has no volume (4 points); give it thickness"),
    ("hull.obj", lambda path: path.write_text("v 0 0 0\nv .06 0 0\nv 0 .05 .04\nf 1 2 3\n"),
     "6:12: collision: hull 1 has no volume (3 points); give it thickness"),
    ("block.obj", linked,
     "5:7: mesh: block.obj is a link out of the folder; copy the file into it"),
    ("striped.png", cut,
     "10:21: textures.striped: striped.png is cut off; save it again as PNG or JPEG"),
    ("striped.png", flipped, "10:21: textures.striped: striped.png is damaged "
     "(a checksum differs); save it again as PNG or JPEG"),
    ("plain.jpg", cut, "10:41: textures.plain: plain.jpg is cut off; save it again as PNG or JPEG"),
    ("plain.jpg", written(b"\xff\xd8\xffjunk\xff\xd9"),
     "10:41: textures.plain: plain.jpg has no header that tells its size; "
     "save it again as PNG or JPEG"),
    ("plain.jpg", written(b"hello"),
     "10:41: textures.plain: plain.jpg is neither PNG nor JPEG; save it again as PNG or JPEG"),
    ("striped.png", lambda path: cv2.imwrite(str(path), np.zeros((1, 9000, 3), np.uint8)),
     "10:21: textures.striped: striped.png is larger than 8192 pixels; "
     "save it again as PNG or JPEG"),
    ("plain.jpg", lambda path: cv2.imwrite(str(path), np.zeros((1, 9000, 3), np.uint8)),
     "10:41: textures.plain: plain.jpg is larger than 8192 pixels; save it again as PNG or JPEG"),
]
# fmt: on


@pytest.mark.parametrize(("file", "break_it", "line"), BROKEN)
def test_a_broken_file_is_told_before_the_engine_sees_it(
    file: str, break_it: Callable[[Path], object], line: str, tasks: Path
) -> None:
    break_it(tasks.parent / "objects" / "block" / file)
    assert complaint(tasks) == f"object.yaml:{line}"


def test_a_loop_of_links_is_told(tasks: Path) -> None:
    looped(tasks.parent / "objects" / "block" / "hull.obj")
    assert complaint(tasks).startswith("object.yaml:6:12: collision: hull.obj ")


def test_a_huge_file_is_not_read(tasks: Path) -> None:
    with (tasks.parent / "objects" / "block" / "block.obj").open("wb") as file:
        file.truncate(10**11)
    said = "object.yaml:5:7: mesh: block.obj has 100000000000 bytes; at most 64000000 are read"
    assert complaint(tasks) == said


def test_all_broken_files_are_told_at_once(tasks: Path) -> None:
    for name in ("block.obj", "striped.png"):
        (tasks.parent / "objects" / "block" / name).unlink()
    assert [line.split(" ")[1] for line in complaint(tasks).splitlines()] == [
        "mesh:",
        "textures.striped:",
    ]
