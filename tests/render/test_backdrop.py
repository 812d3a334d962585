"""What is seen behind everything: exactly there, covering the view, and safe to read."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.render import backdrop, texture
from simenv.render.renderer import Renderer
from simenv.scene import Snapshot
from simenv.spec.files import check_backdrop
from simenv.spec.look import Backdrop, Look
from tests.render.build import Thing, at, block, looking, snapshot

VIEW = looking((0, 0, 0.6), (0, 0, 0))
WHITE = (1.0, 1.0, 1.0)


def save(path: Path, image: NDArray[np.uint8]) -> Path:
    """An RGB image as a file."""
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def before(behind: Backdrop, image: Path | None = None) -> Snapshot:
    """A block before a backdrop."""
    bare = snapshot(Thing(block(0.2, 0.2, 0.1), at(0, 0, 0), "checker"))
    scene = replace(bare.scene, look=Look(backdrop=behind), backdrop=image)
    return replace(bare, scene=scene)


def picture(
    behind: Backdrop, image: Path | None = None, size: tuple[int, int] = (320, 240)
) -> NDArray[np.uint8]:
    """The backdrop of a view of ``size``."""
    found = backdrop.picture(before(behind, image).scene, looking((0, 0, 1), (0, 0, 0), size=size))
    assert found is not None
    return found


def test_a_plain_colour_is_no_picture() -> None:
    assert backdrop.picture(before(Backdrop(color=(0.1, 0.2, 0.3))).scene, VIEW) is None


def test_the_backdrop_covers_exactly_where_nothing_is(renderer: Renderer) -> None:
    plain = renderer.render(before(Backdrop()), VIEW)
    frame = renderer.render(before(Backdrop(texture="shapes", color=WHITE)), VIEW)
    nothing = frame.depth_m == 0
    assert 0.2 < nothing.mean() < 0.9
    assert np.array_equal(
        frame.rgb[nothing], picture(Backdrop(texture="shapes", color=WHITE))[nothing]
    )
    assert np.array_equal(frame.rgb[~nothing], plain.rgb[~nothing])
    assert np.array_equal(frame.depth_m, plain.depth_m)
    assert np.array_equal(frame.instance, plain.instance)


def test_it_stays_whole_where_a_picture_is_made_of_tiles(egl: Renderer) -> None:
    view = looking((0, 0, 0.6), (0, 0, 0), size=(1300, 800))
    behind = Backdrop(texture="gradient")
    frame = egl.render(before(behind), view)
    nothing = frame.depth_m == 0
    assert np.array_equal(frame.rgb[nothing], picture(behind, size=(1300, 800))[nothing])


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (100, 100), (640, 80)])
def test_an_image_covers_the_view_in_proportion_and_centred(
    size: tuple[int, int], tmp_path: Path
) -> None:
    """A disc in the middle of a 300 x 200 image stays round and in the middle."""
    y, x = np.mgrid[0:200, 0:300]
    disc = (x - 149.5) ** 2 + (y - 99.5) ** 2 < 30**2
    image = np.where(disc[..., None], 255, 0).astype(np.uint8) * np.ones(3, np.uint8)
    found = picture(Backdrop(image="x.png", color=WHITE), save(tmp_path / "x.png", image), size)
    assert found.shape == (size[1], size[0], 3)
    scale = max(size[0] / 300, size[1] / 200)
    rows, columns = np.nonzero(found[..., 0] > 127)
    assert rows.mean() == pytest.approx((size[1] - 1) / 2, abs=1.0)
    assert columns.mean() == pytest.approx((size[0] - 1) / 2, abs=1.0)
    assert np.ptp(columns) + 1 == pytest.approx(min(60 * scale, size[0]), abs=2.5)
    assert np.ptp(rows) + 1 == pytest.approx(min(60 * scale, size[1]), abs=2.5)


def test_the_colour_multiplies_and_an_image_wins_over_a_texture(tmp_path: Path) -> None:
    file = save(tmp_path / "x.png", np.full((10, 10, 3), (200, 100, 50), np.uint8))
    found = picture(Backdrop(texture="wood", image="x.png", color=(0.5, 1.0, 0.0)), file)
    assert (found == (100, 100, 0)).all()


def test_a_texture_is_not_stretched() -> None:
    found = picture(Backdrop(texture="checker", color=WHITE), size=(512, 512))
    assert np.array_equal(found, texture.make("checker"))


def test_the_same_again_after_others() -> None:
    behind = Backdrop(texture="noise", color=(0.9, 0.8, 0.7))
    first = picture(behind).copy()
    for size in range(20, 60):
        picture(Backdrop(texture="stripes"), size=(size, size))
    assert np.array_equal(picture(behind), first)


def test_an_image_that_went_away_is_named(renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: not a readable image"):
        renderer.render(before(Backdrop(image="gone.png"), tmp_path / "gone.png"), VIEW)


def test_a_good_image_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "b.jpg", "deep/c.png"):
        save(tmp_path / name, texture.make("shapes"))
        assert check_backdrop(tmp_path, name) is None


def header(width: int, height: int) -> bytes:
    """The start of a PNG of any size, and its end, without pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IEND", b"")


def test_an_unfit_image_is_told_why_and_the_way_out(tmp_path: Path) -> None:
    outside, inside = tmp_path / "out.png", tmp_path / "task"
    inside.mkdir()
    save(outside, texture.make("wood"))
    save(inside / "wall.png", texture.make("wood"))
    (inside / "link.png").symlink_to(outside)
    (inside / "text.png").write_text("hello")
    (inside / "torn.png").write_bytes((inside / "wall.png").read_bytes()[:-30])
    (inside / "vast.png").write_bytes(header(5000, 4000))
    jpeg = bytearray(cv2.imencode(".jpg", texture.make("wood"))[1].tobytes())
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", 60000, 50000)
    (inside / "bomb.jpg").write_bytes(bytes(jpeg))
    (inside / "folder.png").mkdir()
    for name, text in {
        "../out.png": "leaves the folder of the task; copy the file into it",
        str(outside): "leaves the folder of the task; copy the file into it",
        "link.png": "is a link out of the folder; copy the file into it",
        "wal.png": "no file wal.png; did you mean wall.png?",
        "folder.png": "no file folder.png",
        "text.png": "text.png is neither PNG nor JPEG; save it again as PNG or JPEG",
        "torn.png": "torn.png is cut off; save it again as PNG or JPEG",
        "vast.png": "vast.png is 5000 x 4000, more than 16 million pixels; make it smaller",
        "bomb.jpg": "bomb.jpg is 50000 x 60000, more than 16 million pixels; make it smaller",
    }.items():
        problem = check_backdrop(inside, name)
        assert problem is not None, name
        assert text in problem


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xc0", b"\x89PNG\r\n\x1a\n"])
def test_a_stump_of_an_image_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(data)
    assert check_backdrop(tmp_path, "x.png") is not None
