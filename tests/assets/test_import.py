"""`simenv import` makes of a mesh what the mesh is: its numbers, its symmetry, its shape."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simenv import mesh, pose
from simenv.assets.decompose import decompose
from simenv.assets.importer import import_object
from simenv.assets.intake import take_in
from simenv.assets.read import read
from simenv.assets.repair import mend
from simenv.assets.simplify import simplify
from simenv.assets.soup import Soup
from simenv.assets.stable import rests
from simenv.assets.symmetry import Symmetries, propose
from simenv.assets.wish import Wish
from simenv.cli import run
from simenv.errors import InputError, Locked
from simenv.spec.catalog import load_object, names
from tests.assets import shapes

DENSITY = 1000.0


def make(path: Path, **kwargs: object) -> Path:
    """Import; the folder of the object."""
    wish = {"density_kg_m3": DENSITY, "out": path.parent / "objects"} | kwargs
    import_object(Wish(path, path.stem, **wish))  # type: ignore[arg-type]
    return path.parent / "objects" / path.stem


def soup(surface: mesh.Mesh) -> Soup:
    vertices, faces = mesh.weld(surface)
    return Soup(vertices, faces.astype(np.int64))


def test_a_box_is_a_box(tmp_path: Path) -> None:
    size = np.array([0.03, 0.04, 0.05])
    model = load_object(
        make(shapes.stl(tmp_path / "part.stl", shapes.box(*size) + np.array([0, 0, 0.1])))
    )
    mass = DENSITY * np.prod(size)
    com, inertia = model.mass_properties
    assert model.spec.mass_kg == pytest.approx(mass, rel=1e-3)
    assert com == pytest.approx([0, 0, 0.1], abs=1e-6)
    assert inertia == pytest.approx(np.diag((size @ size - size**2) / 12 * mass), rel=1e-3)
    assert len(model.hulls) == 1
    assert len(model.hulls[0]) == 8
    turns = {row.rpy_deg: row.offset_m for row in model.spec.symmetry.discrete}
    assert len(turns) == 3
    assert turns[(0.0, 0.0, 180.0)] == (0.0, 0.0, 0.0)
    assert turns[(180.0, 0.0, 0.0)] == pytest.approx((0.0, 0.0, 0.2), abs=1e-6)


def test_a_cylinder_has_an_axis_and_can_be_turned_over(tmp_path: Path) -> None:
    corners = shapes.triangles(mesh.cylinder(0.02, 0.06))
    model = load_object(make(shapes.ply(tmp_path / "part.ply", corners)))
    symmetry = model.spec.symmetry
    assert [row.axis for row in symmetry.continuous] == [(0.0, 0.0, 1.0)]
    assert len(symmetry.discrete) == 1
    volume = 48 / 2 * np.sin(2 * np.pi / 48) * 0.02**2 * 0.06
    assert model.spec.mass_kg == pytest.approx(volume * DENSITY, rel=1e-3)


def test_a_torus_keeps_its_hole(tmp_path: Path) -> None:
    folder = make(shapes.stl(tmp_path / "part.stl", shapes.torus()))
    model = load_object(folder)
    assert len(model.spec.symmetry.continuous) == 1
    polygon = 8 * np.sin(2 * np.pi / 16) * 0.01**2  # of 16 corners, led round in 32 steps
    volume = 32 * np.sin(2 * np.pi / 32) * 0.03 * polygon
    assert model.spec.mass_kg == pytest.approx(volume * DENSITY, rel=1e-3)
    assert len(model.hulls) > 3
    assert all(np.linalg.norm(hull[:, :2], axis=1).min() > 0.012 for hull in model.hulls)
    report = json.loads((folder / "report.json").read_text())
    assert abs(report["collision"]["volume_error"]) < 0.05
    assert report["rests"][0]["chance"] > 0.9


def test_a_bracket_is_two_plates(tmp_path: Path) -> None:
    folder = make(shapes.text_stl(tmp_path / "part.stl", shapes.bracket()))
    model = load_object(folder)
    com, _ = model.mass_properties
    plates = np.array([0.06 * 0.01, 0.05 * 0.01])
    at = (plates @ [[0.03, 0.005], [0.005, 0.035]]) / plates.sum()
    assert com == pytest.approx([at[0], 0.0, at[1]], abs=1e-6)
    assert model.spec.mass_kg == pytest.approx(plates.sum() * 0.04 * DENSITY, rel=1e-3)
    assert 2 <= len(model.hulls) <= 8
    report = json.loads((folder / "report.json").read_text())
    assert abs(report["trial"]["hover_mm"]) < 0.5
    assert report["trial"]["reason"] == ""
    assert report["trial"]["energy_j"] < 1e-5


FORMATS: dict[str, Callable[[Path], Path]] = {
    "stl": lambda folder: shapes.stl(folder / "a.stl", shapes.box()),
    "text": lambda folder: shapes.text_stl(folder / "a.stl", shapes.box()),
    "obj": lambda folder: shapes.obj(folder / "a.obj", shapes.box()),
    "ply": lambda folder: shapes.ply(folder / "a.ply", shapes.box()),
    "ply <": lambda folder: shapes.ply(folder / "a.ply", shapes.box(), binary="<"),
    "ply >": lambda folder: shapes.ply(folder / "a.ply", shapes.box(), binary=">"),
    "glb": lambda folder: shapes.glb(folder / "a.glb", shapes.box()),
    "step": lambda folder: shapes.step(folder / "a.step", 30.0, 40.0, 50.0),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_says_the_same_box(kind: str, tmp_path: Path) -> None:
    surface, _ = mend(read(FORMATS[kind](tmp_path)), unit=None, scale=1.0)
    assert surface.extents == pytest.approx([0.03, 0.04, 0.05], abs=1e-8)
    assert surface.volume == pytest.approx(6e-5, rel=1e-6)
    assert (len(surface.vertices), len(surface.faces)) == (8, 12)


@pytest.mark.parametrize(("unit", "metres"), [("mm", 1e-3), ("cm", 1e-2), ("inch", 0.0254)])
def test_a_unit_scales(unit: str, metres: float, tmp_path: Path) -> None:
    path = shapes.stl(tmp_path / "a.stl", shapes.box() / metres)
    surface, _ = mend(read(path), unit=unit, scale=1.0)
    assert surface.extents == pytest.approx([0.03, 0.04, 0.05], rel=1e-5)


@pytest.mark.parametrize("name", names("objects"))
def test_an_object_of_the_catalog_is_found_again(name: str, tmp_path: Path) -> None:
    model = load_object(name)
    path = shapes.stl(tmp_path / "a.stl", 1e3 * shapes.triangles(model.mesh))
    surface, _ = mend(read(path), unit="mm", scale=1.0)
    volume, com, inertia = mesh.mass_properties(model.mesh)
    assert surface.volume == pytest.approx(volume, rel=1e-4)
    again = mesh.Mesh(
        surface.vertices,
        np.zeros_like(surface.vertices),
        np.zeros((len(surface.vertices), 2)),
        surface.faces.astype(np.int32),
    )
    _, com_again, inertia_again = mesh.mass_properties(again)
    assert com_again == pytest.approx(com, abs=1e-3 * model.diameter_m)
    assert inertia_again == pytest.approx(inertia, abs=0.01 * np.trace(inertia))
    found, said = propose(surface), model.spec.symmetry
    assert len(found.continuous) == len(said.continuous)
    assert len(found.discrete) == len(said.discrete)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path, own_cache: Path) -> None:
    path = shapes.stl(tmp_path / "part.stl", shapes.bracket(width=0.03))
    make(path, out=tmp_path / "one")
    shutil.rmtree(own_cache / "simenv")  # the second time nothing is remembered
    make(path, out=tmp_path / "two")
    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / out / "part").iterdir()}
        for out in ("one", "two")
    )
    assert sorted(one) == ["collision.obj", "object.yaml", "part.obj", "preview.png", "report.json"]
    assert one == two


def test_a_decomposition_is_remembered(tmp_path: Path, own_cache: Path) -> None:
    path = shapes.stl(tmp_path / "part.stl", shapes.bracket(width=0.02))
    make(path)
    kept = {p: p.stat().st_mtime_ns for p in (own_cache / "simenv" / "hulls").iterdir()}
    decompose(take_in(path, unit=None, scale=1.0).surface)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    for file in kept:  # damage is no harm
        file.write_bytes(b"not an archive")
    assert len(decompose(take_in(path, unit=None, scale=1.0).surface).hulls) > 1


def test_creases_are_sharp_and_round_sides_smooth() -> None:
    from simenv.assets.dress import dress

    assert len(dress(soup(mesh.box((0.1, 0.1, 0.1)))).vertices) == 24
    ball = dress(soup(mesh.sphere(0.05, 32)))
    radial = ball.vertices / np.linalg.norm(ball.vertices, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", radial, ball.normals).min() > 0.99
    assert ball.uvs.min() >= 0
    assert ball.uvs.max() <= 1


def test_uvs_and_the_texture_of_a_file_are_kept(tmp_path: Path) -> None:
    from simenv.export.png import png

    image = png(np.full((4, 4, 3), 200, dtype=np.uint8))
    path = shapes.glb(tmp_path / "part.glb", shapes.box(), uvs=True, image=image)
    folder = make(path)
    model = load_object(folder)
    assert model.spec.textures == {"own": "own.png"}
    assert (folder / "own.png").read_bytes() == image
    flipped = model.mesh.uvs * [1, -1] + [0, 1]  # glTF counts v downwards
    assert flipped == pytest.approx(model.mesh.vertices[:, :2], abs=1e-6)


def test_a_thin_rod_across_its_box_keeps_its_own_inertia(tmp_path: Path) -> None:
    from scipy.spatial.transform import Rotation

    turn, _ = Rotation.align_vectors([[1.0, 1.0, 1.0]], [[0.0, 0.0, 1.0]])
    corners = shapes.box(0.001, 0.001, 0.4) @ turn.as_matrix().T
    model = load_object(make(shapes.stl(tmp_path / "rod.stl", corners), mass_kg=0.1,
                             density_kg_m3=None))  # fmt: skip
    moments = np.linalg.eigvalsh(model.mass_properties[1])
    assert moments[2] == pytest.approx(0.1 * 0.4**2 / 12, rel=1e-3)
    assert moments[0] < 1e-4 * moments[2]


def test_a_cube_lies_six_ways_alike_and_a_box_by_its_sides() -> None:
    com = np.zeros(3)
    alone = rests(mesh.box((1.0, 1.0, 1.0)).vertices, com, Symmetries(com))
    assert [way.chance for way in alone] == pytest.approx([1 / 6] * 6)
    cube = soup(mesh.box((0.1, 0.1, 0.1)))
    assert [way.chance for way in rests(cube.vertices, com, propose(cube))] == pytest.approx([1.0])
    flat = rests(mesh.box((0.3, 0.3, 0.1)).vertices, com, Symmetries(com))
    assert sum(way.chance for way in flat) == pytest.approx(1.0)
    assert abs(flat[0].down[2]) == pytest.approx(1.0)


def test_a_part_whose_weight_leans_over_rolls_on() -> None:
    tall = mesh.box((0.1, 0.1, 0.4)).vertices
    ways = rests(tall, np.array([0.2, 0.0, 0.0]), Symmetries(np.zeros(3)))  # beyond its side
    assert all(abs(way.down[2]) < 0.5 for way in ways)


def test_the_groups_of_known_solids() -> None:
    assert len(propose(soup(mesh.box((0.1, 0.1, 0.1)))).discrete) == 23
    assert len(propose(soup(mesh.box((0.1, 0.1, 0.2)))).discrete) == 7
    assert len(propose(soup(mesh.cylinder(0.1, 0.1, 6))).discrete) == 11
    assert len(propose(soup(mesh.sphere(0.1, 64))).continuous) == 2


def test_a_fine_mesh_is_simplified_by_name() -> None:
    found: list[object] = []
    ball = soup(mesh.sphere(0.05, 256))
    fewer = simplify(ball, 40_000, found)  # type: ignore[arg-type]
    assert len(fewer.faces) <= 40_000
    assert fewer.volume == pytest.approx(ball.volume, rel=0.01)
    assert str(found[0]).startswith(f"mend  simplified from {len(ball.faces)} to ")


def test_an_object_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = shapes.stl(tmp_path / "part.stl", shapes.box())
    folder = make(path)
    with pytest.raises(InputError, match="exists already; pass --replace, or choose another name"):
        make(path, mass_kg=0.2, density_kg_m3=None)
    make(path, mass_kg=0.2, density_kg_m3=None, replace=True)
    assert load_object(folder).spec.mass_kg == 0.2
    assert [entry.name for entry in folder.parent.iterdir()] == ["part"]


def test_a_killed_import_leaves_nothing_that_counts(tmp_path: Path) -> None:
    path = shapes.stl(tmp_path / "part.stl", shapes.bracket(width=0.01))
    out = tmp_path / "objects"
    command = ["-m", "simenv", "import", str(path), "--density", "1000", "--out", str(out)]
    process = subprocess.Popen([sys.executable, *command])
    while not (out / ".part.part" / "part").exists():
        time.sleep(0.01)
    with pytest.raises(Locked, match="another import is writing it"):
        make(path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "part").exists()
    make(path)
    assert [entry.name for entry in out.iterdir()] == ["part"]


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shapes.stl(tmp_path / "My Part-2.stl", 1e3 * shapes.box())
    command = ["import", str(path), "--out", str(tmp_path / "o")]
    assert run(command) == 2
    assert capsys.readouterr().err == (
        f"simenv: {path}: says no mass; pass one of --mass (kg) and --density (kg/m3)\n"
    )
    assert run([*command, "--mass", "0.1"]) == 2
    assert "are these millimetres? pass --unit mm" in capsys.readouterr().err
    options = ["--unit", "mm", "--license", "MIT", "--color", "1,0,0.5", "--class", "cuboid"]
    assert run([*command, "--mass", "0.1", *options]) == 0
    spec = load_object(tmp_path / "o" / "my_part_2").spec
    assert (spec.mass_kg, spec.license, spec.color, spec.class_, spec.source) == (
        0.1,
        "MIT",
        (1.0, 0.0, 0.5),
        "cuboid",
        "My Part-2.stl",
    )
    assert "12 triangles, closed, 30 x 40 x 50 mm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mass", "1", "--density", "1"], "has both --mass and --density"),
        (["--mass", "0"], "--mass: must be a number above 0, got 0"),
        (["--mass", "nan"], "--mass: must be a number above 0, got nan"),
        (["--mass", "1", "--unit", "mile"], "--unit: no unit 'mile'; "),
        (["--mass", "1", "--name", "A b"], "write for example a_b"),
        (["--mass", "1", "--color", "red"], "write for example 0.8,0.1,0.1"),
        (["--mass", "1", "--friction", "-1"], "--friction: must be at least 0"),
        (["--mass", "1", "--from-folder", "x"], "name one mesh file, or --from-folder"),
    ],
)
def test_options_that_make_no_sense_are_told(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shapes.stl(tmp_path / "part.stl", shapes.box())
    assert run(["import", str(path), "--out", str(tmp_path / "o"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "meshes"
    (folder / "deep").mkdir(parents=True)
    shapes.stl(folder / "Good One.stl", shapes.box())
    shapes.obj(folder / "deep" / "turned.obj", shapes.box()[:, ::-1])
    shapes.stl(folder / "open.stl", shapes.box()[2:])
    (folder / "notes.txt").write_text("no mesh")
    return folder


def test_a_folder_is_imported_but_for_what_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = _folder(tmp_path), tmp_path / "objects"
    (folder / "link.stl").symlink_to(shapes.stl(tmp_path / "outside.stl", shapes.box()))
    shapes.ply(folder / "good_one.ply", shapes.box())
    masses = tmp_path / "masses.csv"
    masses.write_text("name,mass_kg\nGood One,0.25\nturned,0.5\n")
    command = ["import", "--from-folder", str(folder), "--out", str(out), "--jobs", "2"]
    assert run([*command, "--density", "700", "--masses", str(masses)]) == 1
    said = capsys.readouterr()
    assert "imported  Good One.stl" in said.out
    assert "repaired  deep/turned.obj  turned all 12 faces that were inside out" in said.out
    assert "refused   open.stl         is not closed: 4 open edges" in said.out
    assert "refused   link.stl         is a link out of the folder" in said.out
    assert "good_one.ply     has the same name as Good One.stl" in said.out
    assert "1 imported, 1 repaired, 3 refused" in said.out
    assert "3 files were refused, the others are imported" in said.err
    assert sorted(entry.name for entry in out.iterdir()) == ["good_one", "turned"]
    assert load_object(out / "good_one").spec.mass_kg == 0.25


@pytest.mark.parametrize("suffix", ["zip", "gztar"])
def test_an_archive_is_a_folder(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(tmp_path)
    shutil.rmtree(folder / "deep")
    archive = shutil.make_archive(str(tmp_path / "all"), suffix, folder)
    out = tmp_path / "objects"
    assert run(["import", "--from-folder", archive, "--out", str(out), "--density", "700"]) == 1
    assert "1 imported, 0 repaired, 1 refused" in capsys.readouterr().out
    assert [entry.name for entry in out.iterdir()] == ["good_one"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gear,heavy\n", ":1: must be a name and kilograms above 0, got 'gear,heavy'"),
        ("name,mass_kg\ngear,-1\n", ":2: must be a name and kilograms above 0"),
        ("gear,1\ngear,2\n", ":2: gear has another mass already"),
    ],
)
def test_a_list_of_masses_is_checked(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masses = tmp_path / "masses.csv"
    masses.write_text(text)
    command = ["import", "--from-folder", str(_folder(tmp_path)), "--masses", str(masses)]
    assert run([*command, "--out", str(tmp_path / "o")]) == 2
    assert f"{masses}{words}" in capsys.readouterr().err


@pytest.mark.parametrize("turn_deg", [(0.0, 0.0, 0.0), (10.0, 20.0, 30.0)])
def test_described_symmetries_move_the_part_onto_itself(
    turn_deg: tuple[float, float, float],
) -> None:
    cube = mesh.box((0.1, 0.1, 0.1)).moved(pose.from_rpy_deg(turn_deg, (0.3, 0.2, 0.1)))
    found = propose(soup(cube)).description()["discrete"]
    assert len(found) == 23
    for row in found:
        X_BB = pose.from_rpy_deg(row["rpy_deg"], row.get("offset_m", (0, 0, 0)))
        moved = pose.apply(X_BB, cube.vertices)
        gaps = np.linalg.norm(moved[:, None] - cube.vertices[None], axis=2).min(axis=1)
        assert gaps.max() < 1e-6
