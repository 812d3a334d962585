"""The strip shows one image as seen, as depth, as mask, with its labels; and what else there is."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.dataset.read import open as open_dataset
from simenv.errors import InputError
from simenv.view import write_picture
from simenv.view.color import DepthScale, mask_picture, shades
from simenv.view.draw import draw_marks
from simenv.view.paint import nocs_picture, normals_picture
from simenv.view.picture import foot_px, gap_px, strip
from tests.view import build, spheres

SHAPE = (120, 160)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scene 1 has the most parts."""
    records = [build.record(i, parts=parts, shape=SHAPE) for i, parts in enumerate((2, 7, 3))]
    return build.save(tmp_path_factory.mktemp("strip") / "set", records, shape=SHAPE)


def panels(picture: NDArray[np.uint8], shape: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """The rgb of the four panels, without captions."""
    height, width = shape
    starts = [i * (width + gap_px(width)) for i in range(4)]
    return [picture[:height, start : start + width, :3] for start in starts]


def saved(png: Path) -> NDArray[np.uint8]:
    """Rgba of a PNG file."""
    bgra = cv2.imread(str(png), cv2.IMREAD_UNCHANGED)
    assert bgra is not None
    return np.asarray(bgra[..., [2, 1, 0, 3]], dtype=np.uint8)


def test_the_panels_are_rgb_depth_mask_and_rgb_with_labels(dataset: Path, tmp_path: Path) -> None:
    picture = saved(write_picture(dataset, tmp_path / "strip.png", image=5))
    height, width = SHAPE
    assert picture.shape == (height + foot_px(width), 4 * width + 3 * gap_px(width), 4)
    rgb, depth, mask, labelled = panels(picture, SHAPE)
    with open_dataset(dataset) as images:
        item = images[5]
    assert np.array_equal(rgb, item.rgb)
    assert np.array_equal(depth, DepthScale.of(item.depth_m, item.instance).picture(item.depth_m))
    assert np.array_equal(mask, mask_picture(item.instance, {int(item.ids[-1])}))
    changed = (labelled != rgb).any(axis=2)
    assert 0.01 < changed.mean() < 0.6


def test_panels_are_opaque_and_the_ground_between_is_clear() -> None:
    picture = strip(spheres.shot(2))
    alpha = picture[:480, :, 3]
    assert (alpha[:, :640] == 255).all()
    assert (alpha[:, 640 : 640 + gap_px(640)] == 0).all()
    foot = picture[480:, :640, 3]
    assert 0.01 < (foot > 0).mean() < 0.3  # a word stands there


def test_the_scale_under_the_depth_panel_runs_from_near_to_far() -> None:
    picture = strip(spheres.shot(2))
    left = 640 + gap_px(640)
    bar = picture[480 + 2, left : left + 640, :3]
    assert np.array_equal(bar[0], shades()[0])
    assert np.array_equal(bar[-1], shades()[-1])


def test_the_richest_image_is_taken_by_default(dataset: Path, tmp_path: Path) -> None:
    with open_dataset(dataset) as images:
        fractions = [item.visible_fraction[item.groups == "parts"].sum() for item in images]
    best = int(np.argmax(fractions))
    assert 4 <= best < 8  # scene 1
    by_default = saved(write_picture(dataset, tmp_path / "a.png"))
    assert np.array_equal(by_default, saved(write_picture(dataset, tmp_path / "b.png", image=best)))


def grid(picture: NDArray[np.uint8], across: int) -> list[NDArray[np.uint8]]:
    """The rgba of the panels of two rows of 640x480, without captions."""
    down, right = 480 + foot_px(640) + gap_px(640), 640 + gap_px(640)
    places = [(row * down, column * right) for row in range(2) for column in range(across)]
    return [picture[top : top + 480, left : left + 640] for top, left in places]


def test_further_labels_stand_in_a_second_row() -> None:
    shot = spheres.rich_shot()
    picture = strip(shot)
    assert picture.shape == (2 * (480 + foot_px(640)) + gap_px(640), 4 * 640 + 3 * gap_px(640), 4)
    scale = DepthScale.of(shot.depth_m, shot.instance)
    assert shot.normals is not None
    assert shot.nocs is not None
    assert shot.depth_sensor_m is not None
    expected = [
        shot.rgb,
        scale.picture(shot.depth_m),
        mask_picture(shot.instance),
        draw_marks(shot.rgb, shot.marks),
        normals_picture(shot.normals),
        nocs_picture(shot.nocs),
        None,  # flow
        scale.picture(shot.depth_sensor_m),
    ]
    for panel, pixels in zip(grid(picture, 4), expected, strict=True):
        assert (panel[..., 3] == 255).all()
        assert pixels is None or np.array_equal(panel[..., :3], pixels)


def test_one_further_label_makes_rows_of_three_and_clear_ground() -> None:
    rich = spheres.rich_shot()
    picture = strip(replace(spheres.shot(5), semantic=rich.semantic))
    *shown, empty = grid(picture, 3)
    assert all((panel[..., 3] == 255).all() for panel in shown)
    assert not empty[..., 3].any()
    assert rich.semantic is not None
    assert np.array_equal(shown[4][..., :3], mask_picture(rich.semantic))


def test_a_scene_that_stands_still_has_no_panel_of_flow() -> None:
    plain = spheres.shot(2)
    still = replace(plain, flow=np.zeros((480, 640, 2), dtype=np.float32))
    assert np.array_equal(strip(still), strip(plain))


def test_no_image_and_wrong_names_are_refused(dataset: Path, tmp_path: Path) -> None:
    png = tmp_path / "strip.png"
    with pytest.raises(InputError, match="image 12 is not there; the last one is 11"):
        write_picture(dataset, png, image=12)
    with pytest.raises(InputError, match="image -1 is not there"):
        write_picture(dataset, png, image=-1)
    with pytest.raises(InputError, match=r"--png: .*strip\.jpg does not end in \.png"):
        write_picture(dataset, tmp_path / "strip.jpg")
    assert not png.exists()


def test_a_dataset_without_images_is_refused_in_one_line(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(0, frames=0, reasons=["unsettled"])])
    with pytest.raises(InputError, match="no scene was accepted, so there is no image"):
        write_picture(out, tmp_path / "strip.png")


def test_a_missing_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--png: there is no folder"):
        write_picture(tmp_path, tmp_path / "nowhere/x.png")
