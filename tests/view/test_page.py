"""The page shows what the dataset holds, needs nothing else, and trusts no text of the file."""

import base64
import re
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

import simenv.view
from simenv.dataset.read import open as open_dataset
from simenv.errors import InputError
from simenv.view import write_page
from simenv.view.color import DepthScale, body_color, mask_picture
from simenv.view.page import page_html
from simenv.view.shot import About, Rejection
from simenv.view.svg import hex_color
from simenv.view.tile import tile_html
from tests.view import build, spheres
from tests.view.html import Page

EVIL = (
    "</script><script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>&amp;"
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scenes of two frames and two cameras; the third was rejected twice, another once."""
    records = [
        build.record(0, parts=2),
        build.record(1, parts=5, reasons=["penetration"]),
        build.record(4, parts=3, frames=0, reasons=["unsettled", "penetration"]),
        build.record(6, parts=1),
    ]
    return build.save(tmp_path_factory.mktemp("view") / "set", records)


@pytest.fixture(scope="module")
def text(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of all its images."""
    out = tmp_path_factory.mktemp("page") / "page.html"
    return write_page(dataset, out=out, images=12).read_text(encoding="utf-8")


def references(text: str) -> list[str]:
    """All that a browser would fetch, by any attribute or style."""
    fetched = [
        value
        for _, attributes in Page.of(text).tags
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster", "background")
    ]
    return fetched + re.findall(r"url\(([^)]*)\)", text) + re.findall(r"@import[^;]*", text)


def decoded(uri: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The rgb of a data URI."""
    data = np.frombuffer(base64.b64decode(uri.split(",", 1)[1]), dtype=np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(bgr[..., ::-1], dtype=np.uint8)


def test_the_page_is_well_formed_and_refers_to_nothing_outside(text: str) -> None:
    assert len(references(text)) == 12 * 3 + 1  # three pictures a tile, and the depth scale
    assert all(uri.startswith("data:image/") for uri in references(text))
    assert "://" not in text
    assert Page.of(text).attributes("html") == [{"lang": "en"}]


def test_the_head_counts_scenes_frames_images_parts_and_attempts(text: str) -> None:
    said = Page.of(text).said
    for fact in (
        "scenes 3 of 4 accepted",
        "frames 6",
        "images 12",
        "parts 8",
        "camera left 80 x 60",
        "seed 7",
        "renderer tiny",
        "gl analytic",
        "accepted 3 penetration 2 unsettled 1",
        "4 core 2 unsettled, penetration",
    ):
        assert fact in said
    assert said.count("Spheres before a wall.") == 1
    assert "look seed" not in said


def test_a_tile_shows_the_labels_of_its_image(dataset: Path, text: str) -> None:
    page = Page.of(text)
    tiles = [attributes["id"] for attributes in page.attributes("article")]
    assert tiles == [f"image-{i}" for i in range(12)]
    sides = ("x", "y", "width", "height")
    drawn = [tuple(float(box[side]) for side in sides) for box in page.attributes("rect")]
    with open_dataset(dataset) as images:
        parts = [(item, row) for item in images for row in range(len(item.ids) - 1)]
        boxes = [item.box_visible[row].tolist() for item, row in parts]
    assert drawn == [(x - 0.5, y - 0.5, w, h) for x, y, w, h in boxes if w > 0]


def test_the_mask_of_a_tile_is_the_stored_one_in_colours(dataset: Path, text: str) -> None:
    masks = [image["src"] for image in Page.of(text).attributes("img") if image["alt"] == "mask"]
    with open_dataset(dataset) as images:
        for uri, item in zip(masks, images, strict=True):
            shelf = int(item.ids[-1])
            assert np.array_equal(decoded(uri), mask_picture(item.instance, {shelf}))


def test_the_tables_of_a_tile_hold_its_parts_and_its_values(dataset: Path, text: str) -> None:
    tile = text.split("<article")[1]
    said = Page.of("<article" + tile.split("</article>")[0] + "</article>").said
    with open_dataset(dataset) as images:
        item = images[0]
    for row in range(2):
        distance = np.linalg.norm(item.X_CB[row, :3, 3])
        assert f"{row + 1} ball {item.visible_fraction[row]:.2f} {distance:.3f}" in said
    assert "shelf" not in said  # furniture is no part
    assert "semantic actors.parts.count 2 scene.gravity_m_s2 9.812" in said
    assert "visual look.backdrop.color (0.25, 0.5, 0.75)" in said


def test_numbers_of_the_depth_scale_stand_where_their_colour_is() -> None:
    shot = spheres.shot(4)
    scale = DepthScale.of(shot.depth_m, shot.instance)
    places = re.findall(r'left:([\d.]+)%">([\d.]+)<', tile_html(shot))
    assert len(places) >= 3
    for place, text in places:
        depth = scale.near_m + float(place) / 100 * (scale.far_m - scale.near_m)
        assert float(text) == pytest.approx(depth, abs=1e-4)


def test_texts_of_the_file_are_never_markup(tmp_path: Path) -> None:
    records = [
        build.record(0, parts=1),
        build.record(1, parts=1, frames=0, reasons=[EVIL]),
    ]
    out = build.save(tmp_path / "set", records, summary=EVIL, gl=EVIL)
    text = write_page(out).read_text(encoding="utf-8")
    page = Page.of(text)
    assert all(uri.startswith("data:image/") for uri in references(text))
    assert len(page.attributes("script")) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert page.said.count(EVIL) >= 4  # summary, gl, reason twice


def test_a_name_that_is_markup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no plain name; the file is not safe to read"):
        build.save(tmp_path / "set", [build.record(0, parts=1, name=EVIL)])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(0, parts=0, frames=1)])
    with h5py.File(out / "shard-00000.h5", "r+") as file:
        file.attrs.create("gl", b"a\xffb", dtype=h5py.string_dtype())
    with pytest.raises(InputError, match=r"shard-00000\.h5: attribute gl is 'a\\udcffb'"):
        write_page(out / "shard-00000.h5")


def test_a_dataset_without_an_accepted_scene_has_a_page(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(3, frames=0, reasons=["unsettled"])])
    page = Page.of(write_page(out).read_text(encoding="utf-8"))
    said = page.said
    assert "0 of 1 accepted" in said
    assert "No scene was accepted" in said
    assert "3 core 1 unsettled" in said
    assert not page.attributes("article")


def test_a_dataset_with_one_frame_has_a_page_and_no_rejections(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(0, frames=1)])
    page = Page.of(write_page(out, images=1).read_text(encoding="utf-8"))
    assert len(page.attributes("article")) == 1
    assert "Rejected scenes" not in page.said


def test_a_scene_without_parts_has_a_tile(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(0, parts=0, frames=1)])
    said = Page.of(write_page(out).read_text(encoding="utf-8")).said
    assert "no part" in said


def test_many_rejections_are_cut_and_counted() -> None:
    rejections = tuple(Rejection(i, "core", ("unsettled",)) for i in range(203))
    page = Page.of(page_html(About("t", "", (), (("accepted", 0),), rejections), []))
    assert len(page.attributes("tr")) == 201
    assert "and 3 more" in page.said


def test_a_tile_of_640x480_is_small_enough() -> None:
    about = About("t", "", (), (("accepted", 24),), ())
    page = page_html(about, [spheres.shot(12, seed=seed) for seed in range(2)])
    assert len(page) / 2 < 8e6 / 24


def test_a_large_picture_is_stored_smaller_and_its_labels_stay(tmp_path: Path) -> None:
    shape = (900, 1200)
    records = [build.record(0, parts=1, frames=1, shape=shape)]
    out = build.save(tmp_path / "set", records, shape=shape)
    page = Page.of(write_page(out, images=1).read_text(encoding="utf-8"))
    assert page.attributes("svg")[0]["viewbox"] == "-0.5 -0.5 1200 900"
    assert {decoded(image["src"]).shape for image in page.attributes("img")} == {(720, 960, 3)}


def test_the_page_lies_in_the_folder_or_beside_the_file(dataset: Path) -> None:
    assert write_page(dataset, images=1) == dataset / "view.html"
    shard = dataset / "shard-00000.h5"
    page = write_page(str(shard), images=1)
    assert page == dataset / "shard-00000.h5.view.html"
    assert page.exists()
    assert not list(dataset.glob("*.part"))


def test_the_same_dataset_gives_the_same_page(dataset: Path, tmp_path: Path) -> None:
    one, two = (write_page(dataset, out=tmp_path / f"{i}.html", images=3) for i in range(2))
    assert one.read_bytes() == two.read_bytes()


def test_wrong_names_and_places_are_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--out: .*data\.h5 does not end in \.html; choose"):
        write_page(dataset, out=tmp_path / "data.h5")
    with pytest.raises(InputError, match="--images: 0 shows nothing; ask for 1 or more"):
        write_page(dataset, images=0)
    with pytest.raises(InputError, match="does not exist"):
        write_page(tmp_path / "none")
    with pytest.raises(InputError, match="--out: there is no folder"):
        write_page(dataset, out=tmp_path / "none/page.html", images=1)


def test_colours_of_the_part_table_are_those_of_the_mask(text: str) -> None:
    assert f"background:{hex_color(body_color(1))}" in text


def test_the_public_names() -> None:
    assert simenv.view.__all__ == ["write_page", "write_picture"]
