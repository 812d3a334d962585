"""What a dataset holds of labels and devices reaches the page, and its head says so."""

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from simenv.dataset.read import open as open_dataset
from simenv.errors import InputError
from simenv.label.rle import decode
from simenv.view import write_page
from simenv.view.source import Source
from simenv.view.tile import VIEWS
from tests.view import build, spheres
from tests.view.html import Page

SHAPE = (120, 160)
PARTS = 14  # so many that some are hidden


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every label; two frames of two cameras."""
    out = tmp_path_factory.mktemp("rich") / "set"
    records = [build.record(0, parts=PARTS, shape=SHAPE, labels=True)]
    return build.save(out, records, shape=SHAPE, labels=True, poses_sha256="0123456789abcdef")


def test_the_head_says_labels_devices_lenses_and_whose_poses_they_are(dataset: Path) -> None:
    with open_dataset(dataset) as images:
        facts = dict(Source(images).about().facts)
    assert facts["labels"].startswith("amodal, boxes_3d, contacts, flow, keypoints, nocs")
    assert facts["poses"] == "drawn again from 0123456789ab"
    assert facts["camera left"] == "160 x 120, sensor: rgb and depth"
    assert facts["camera right"] == "160 x 120, distorted"
    assert facts["renderer"] == "tiny"


def test_a_shot_holds_what_the_item_holds(dataset: Path) -> None:
    with open_dataset(dataset) as images:
        item, shot = images[0], Source(images).shot(0)
    assert shot.classes == ("ball", "shelf")
    assert shot.distortion is None
    for name in ("semantic", "normals", "nocs", "flow", "rgb_sensor", "depth_sensor_m"):
        assert np.array_equal(getattr(shot, name), getattr(item, name)), name
    assert len(shot.parts) == PARTS
    for row, part in enumerate(shot.parts):
        assert part.truncation == pytest.approx(row * 0.5 / PARTS)
        assert item.corners_uv is not None
        assert np.array_equal(np.asarray(part.corners_uv), item.corners_uv[row])
        assert item.keypoints_state is not None
        assert np.array_equal(np.asarray(part.keypoints_state), item.keypoints_state[row])
    assert [part.distractor for part in shot.parts] == [False] * (PARTS - 1) + [True]
    touches = [part.touches for part in shot.parts]
    assert touches == [(0, PARTS), *[()] * (PARTS - 2), (1,)]


def test_the_camera_with_a_lens_has_its_coefficients(dataset: Path) -> None:
    with open_dataset(dataset) as images:
        shot = Source(images).shot(1)
    assert np.array_equal(np.asarray(shot.distortion), spheres.LENS)
    assert shot.rgb_sensor is None


def test_an_outline_runs_around_the_amodal_mask_of_what_is_hidden(dataset: Path) -> None:
    outlined = 0
    with open_dataset(dataset) as images:
        for image in range(len(images)):
            item, shot = images[image], Source(images).shot(image)
            assert item.amodal is not None
            for row, part in enumerate(shot.parts):
                assert bool(part.outline) == bool(part.occluder)
                if part.outline:
                    outlined += 1
                    filled = np.zeros(SHAPE, dtype=np.uint8)
                    cv2.fillPoly(filled, [ring.astype(np.int32) for ring in part.outline], 1)
                    mask = decode(item.amodal[row], *SHAPE)
                    assert (filled.astype(bool) ^ mask).sum() <= 0.1 * mask.sum()
    assert outlined >= 2


def test_each_tile_has_the_buttons_of_its_camera(dataset: Path) -> None:
    page = Page.of(write_page(dataset).read_text(encoding="utf-8"))
    left, right = list(VIEWS), list(VIEWS[:-2])
    shown = [attributes["data-show"] for attributes in page.attributes("button")]
    assert shown == list(VIEWS) + 2 * (left + right)
    assert "Dashes run around" in page.said
    assert {path["class"] for path in page.attributes("path")} == {"amodal", "box3d"}


def test_a_damaged_outline_is_told_in_one_line(dataset: Path, tmp_path: Path) -> None:
    records = [build.record(0, parts=PARTS, shape=SHAPE, labels=True)]
    out = build.save(tmp_path / "set", records, shape=SHAPE, labels=True)
    with h5py.File(out / "shard-00000.h5", "r+") as file:
        for camera in ("left", "right"):
            file[f"cameras/{camera}/seen/amodal"][:] = "zzz"
    with pytest.raises(InputError, match=r"amodal of body \d+, camera .*simenv validate lists"):
        write_page(out / "shard-00000.h5")
