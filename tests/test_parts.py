"""The generator of objects/: its geometry obeys the formulas; what is shipped is what it makes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import mesh
from simenv.mesh import Mesh
from simenv.parts import PARTS, ROBOTS, write
from simenv.parts.__main__ import main
from simenv.parts.build import Triangles, prism, rounded_box, surface, turn
from simenv.parts.hulls import balanced, even_area, prism_hull, ring_sectors, save_hulls
from simenv.parts.part import turns
from simenv.parts.polygon import (
    circle,
    hexagon,
    inset,
    rectangle,
    rounded,
    slot,
    triangulate,
)
from simenv.parts.sheet import Bend, Panel, Sheet
from simenv.spec.catalog import content_root

OBJECTS = content_root() / "objects"
PRINT_LEVELS = 12.0  # mean difference of two prints; other versions of OpenCV draw other letters


def area(outline: NDArray[np.float64]) -> float:
    """The shoelace formula."""
    x, y = outline.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def volume(triangles: Triangles) -> float:
    """Of a closed surface that faces outward."""
    skin = surface(triangles)
    assert mesh.is_closed(skin)
    return mesh.mass_properties(skin)[0]


@settings(max_examples=25, deadline=None)
@given(
    corners=st.integers(3, 40),
    holes=st.integers(0, 6),
    radius=st.floats(0.1, 0.6),
    turned=st.floats(0, 6),
)
def test_triangles_fill_the_outline_but_not_the_holes(
    corners: int, holes: int, radius: float, turned: float
) -> None:
    wave = 1.0 + 0.3 * np.cos(3 * np.linspace(0, 2 * np.pi, corners, endpoint=False))
    outline = circle(12.0, corners) * wave[:, None] if corners > 8 else circle(30.0, corners)
    angle = turned + np.arange(holes)
    inner = [circle(radius, 9, 3.0 * np.array([np.cos(a), np.sin(a)])) for a in angle]
    points, faces = triangulate(outline, inner)
    sizes = np.array([area(points[face]) for face in faces])
    assert (sizes > 0).all()
    assert sizes.sum() == pytest.approx(area(outline) - sum(map(area, inner)), rel=1e-9)


def test_a_hole_outside_the_outline_is_refused() -> None:
    with pytest.raises(ValueError, match="hole"):
        triangulate(rectangle(1.0, 1.0), [circle(2.0, 8)])


def test_an_outline_that_crosses_itself_is_refused() -> None:
    bow = np.array([[0, 0], [1, 1], [1, 0], [0, 1]], dtype=np.float64)
    with pytest.raises(ValueError, match="crosses itself"):
        triangulate(bow)


def test_outlines_have_their_areas() -> None:
    assert area(hexagon(2.0)) == pytest.approx(2 * np.sqrt(3))
    assert area(slot(3.0, 1.0, steps=60)) == pytest.approx(2.0 + np.pi / 4, rel=1e-3)
    corner = 1.0 - np.pi / 4  # what a fillet of radius 1 takes away
    assert area(rounded(rectangle(4.0, 3.0), 1.0, 60)) == pytest.approx(12 - 4 * corner, rel=1e-4)
    assert area(inset(rectangle(4.0, 3.0), 0.5)) == pytest.approx(6.0)


def test_a_prism_with_a_hole_has_the_volume_of_its_outline_times_its_height() -> None:
    outline, hole = rectangle(0.04, 0.03), circle(0.005, 24)
    expected = (area(outline) - area(hole)) * 0.01
    assert volume(prism(outline, 0.0, 0.01, holes=[hole])) == pytest.approx(expected, rel=1e-4)


def test_a_bevel_takes_a_frustum_away() -> None:
    outline = rectangle(0.04, 0.04)
    body = prism(outline, 0.0, 0.01, bevel=(0.0, 0.002))
    low, high = 0.04**2, 0.036**2
    frustum = 0.002 / 3 * (low + high + np.sqrt(low * high))
    assert volume(body) == pytest.approx(low * 0.008 + frustum, rel=1e-6)


def test_a_turned_ring_has_the_volume_of_its_polygon() -> None:
    ring = [(0.02, 0.0), (0.02, 0.01), (0.01, 0.01), (0.01, 0.0), (0.02, 0.0)]
    expected = (area(circle(0.02, 32)) - area(circle(0.01, 32))) * 0.01
    assert volume(turn(ring, 32)) == pytest.approx(expected, rel=1e-4)


def test_a_bend_adds_its_sector() -> None:
    width, thick, radius = 0.04, 0.003, 0.005
    sheet = Sheet(width, thick, (Panel(0.02), Bend(90.0, radius, steps=90), Panel(0.03)))
    sector = np.pi / 4 * ((radius + thick) ** 2 - radius**2)
    assert volume(sheet.triangles()) == pytest.approx(width * (0.05 * thick + sector), rel=1e-3)
    end = sheet.place(2, 1.0, 0.0, 0.0)
    np.testing.assert_allclose(end, (0.02 + radius, 0.0, radius + 0.03), atol=1e-12)


@pytest.mark.parametrize("angle_deg", [-120.0, -30.0, 45.0, 170.0])
def test_a_strip_closes_whatever_way_it_bends(angle_deg: float) -> None:
    hole = circle(0.002, 12, (0.01, 0.003))
    sheet = Sheet(0.02, 0.002, (Panel(0.02, (hole,), 0.004), Bend(angle_deg, 0.004), Panel(0.01)))
    flat = 0.03 * 0.02 * 0.002
    assert volume(sheet.triangles()) > 0.9 * flat


def test_round_parts_are_smooth_and_edges_are_sharp() -> None:
    rod = surface(turn([(0.0, 0.0), (0.01, 0.0), (0.01, 0.02), (0.0, 0.02)], 24))
    upright = np.abs(rod.normals[:, 2])
    assert set(np.unique(upright)) == {0.0, 1.0}  # flat ends, and a side without any tilt
    side = rod.vertices[upright == 0.0]
    radial = side[:, :2] / np.linalg.norm(side[:, :2], axis=1, keepdims=True)
    np.testing.assert_allclose(rod.normals[upright == 0.0][:, :2], radial, atol=0.01)


def test_a_filleted_box_keeps_its_size_and_loses_its_edges() -> None:
    size, radius = np.array([0.05, 0.04, 0.03]), 0.004
    skin = surface(rounded_box(size, radius, 8))
    np.testing.assert_allclose(skin.extents, size, atol=2e-6)
    a, b, c = size - 2 * radius
    expected = a * b * c + 2 * radius * (a * b + b * c + c * a)  # Steiner's formula
    expected += np.pi * radius**2 * (a + b + c) + 4 / 3 * np.pi * radius**3
    assert mesh.mass_properties(skin)[0] == pytest.approx(expected, rel=2e-3)
    assert mesh.is_closed(skin)


@given(count=st.integers(3, 40))
def test_polygons_of_hulls_alternate_around_the_circle(count: int) -> None:
    corner = balanced(1.0, count)
    assert corner - 1.0 == pytest.approx(1.0 - corner * np.cos(np.pi / count))
    assert area(circle(even_area(1.0, count), count)) == pytest.approx(np.pi)


def test_sectors_of_a_ring_are_convex_pieces_of_it(tmp_path: Path) -> None:
    pieces = ring_sectors([(0.02, 0.0), (0.02, 0.01)], [(0.01, 0.0), (0.01, 0.01)], count=6)
    save_hulls(tmp_path / "hulls.obj", pieces)
    groups = mesh.load_obj_groups(tmp_path / "hulls.obj")
    assert len(groups) == 6
    total = sum(mesh.mass_properties(group)[0] for group in groups)
    assert all(mesh.is_closed(group) for group in groups)
    assert total == pytest.approx(np.pi * (0.02**2 - 0.01**2) * 0.01, rel=0.03)


def test_points_inside_a_hull_are_left_out(tmp_path: Path) -> None:
    cube = prism_hull(rectangle(0.02, 0.02), 0.0, 0.02)
    save_hulls(tmp_path / "hulls.obj", [np.concatenate([cube, [[0.0, 0.0, 0.01]]])])
    (group,) = mesh.load_obj_groups(tmp_path / "hulls.obj")
    assert len(mesh.weld(group)[0]) == 8
    assert mesh.mass_properties(group)[0] == pytest.approx(0.02**3)


def test_turns_leave_out_the_identity() -> None:
    assert turns(3) == [(0.0, 0.0, 120.0), (0.0, 0.0, 240.0)]
    assert turns(2, flips=True) == [(0.0, 0.0, 180.0), (180.0, 0.0, 0.0), (180.0, 0.0, 180.0)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All parts, made anew."""
    root = tmp_path_factory.mktemp("made")
    assert main([str(root)]) == 0
    return root / "objects"


def test_the_command_writes_objects_and_robots(made: Path) -> None:
    assert sorted(p.name for p in made.parent.iterdir()) == ["objects", "robots"]
    assert sorted(p.name for p in (made.parent / "robots").iterdir()) == sorted(ROBOTS)


def test_every_shipped_folder_is_made_by_the_generator(made: Path) -> None:
    assert sorted(p.name for p in made.iterdir()) == sorted(p.name for p in OBJECTS.iterdir())
    assert sorted(PARTS) == sorted(p.name for p in made.iterdir())


@pytest.mark.parametrize("name", sorted(PARTS))
def test_what_is_shipped_is_what_the_generator_makes(made: Path, name: str) -> None:
    files = sorted(p.name for p in (made / name).iterdir())
    assert files == sorted(p.name for p in (OBJECTS / name).iterdir())
    for file in files:
        compare(made / name / file, OBJECTS / name / file)


def compare(new: Path, old: Path) -> None:
    """Text equal, surfaces equal to 2 um, pictures equal but for the shape of letters."""
    if new.suffix == ".yaml":
        assert new.read_text(encoding="utf-8") == old.read_text(encoding="utf-8")
    elif new.suffix == ".obj":
        groups = zip(mesh.load_obj_groups(new), mesh.load_obj_groups(old), strict=True)
        for one, other in groups:
            np.testing.assert_allclose(_points(one), _points(other), atol=2e-6)
            ours, theirs = (mesh.mass_properties(group)[0] for group in (one, other))
            assert ours == pytest.approx(theirs, rel=1e-3)
    else:
        picture, shipped = cv2.imread(str(new)), cv2.imread(str(old))
        assert picture is not None
        assert shipped is not None
        assert picture.shape == shipped.shape
        assert np.abs(picture.astype(np.float64) - shipped).mean() < PRINT_LEVELS


def _points(group: Mesh) -> NDArray[np.float64]:
    """The welded vertices in an order that does not depend on their last digit."""
    vertices = mesh.weld(group)[0]
    return vertices[np.lexsort(np.round(vertices, 5).T)]


def test_a_part_is_written_the_same_twice(made: Path, tmp_path: Path) -> None:
    for name in ("l_bracket", "carton_small"):
        write(PARTS[name](), tmp_path / name)
        for file in (tmp_path / name).iterdir():
            assert file.read_bytes() == (made / name / file.name).read_bytes()


def test_the_parts_are_small_enough_to_ship() -> None:
    sizes = [path.stat().st_size for path in OBJECTS.rglob("*") if path.is_file()]
    assert sum(sizes) < 6_000_000
    assert max(sizes) < 200_000


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["one", "two"]) == 2
    assert capsys.readouterr().out.count("usage: python -m simenv.parts") == 2
