"""The COCO file is what pycocotools reads, and says of every pixel what the dataset says."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import simenv
from simenv import lens
from simenv.dataset.read import Dataset, Item
from simenv.export import export
from tests.export.conftest import PINHOLES

FILE = "annotations/instances.json"
# pycocotools 2.0.11 has an __array__ from before numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def load(root: Path) -> Any:
    """The file, read by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(root / FILE))


def pairs(root: Path, path: Path) -> Iterator[tuple[Any, list[Any], Item, Dataset]]:
    """Each image with its annotations and the picture it comes from."""
    reader = load(root)
    with simenv.open(path) as dataset:
        assert len(reader.imgs) == len(dataset)
        for (number, image), item in zip(sorted(reader.imgs.items()), dataset, strict=True):
            yield image, reader.loadAnns(reader.getAnnIds(number)), item, dataset


def scores(reader: Any, kind: str, categories: list[int], sigmas: int = 0) -> NDArray[np.float64]:
    """COCO's figures of the truth against itself, as if it were a network's answer."""
    wanted = set(categories)
    answers = [
        {**{k: v for k, v in own.items() if k != "area"}, "score": 1.0 - 1e-4 * number}
        for number, own in reader.anns.items()
        if own["category_id"] in wanted
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(reader, reader.loadRes(answers), kind)
        evaluation.params.catIds = categories
        if sigmas:
            evaluation.params.kpt_oks_sigmas = np.full(sigmas, 0.05)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.asarray(evaluation.stats)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_truth_scores_one_against_itself(coco: Path, kind: str) -> None:
    reader = load(coco)
    assert scores(reader, kind, reader.getCatIds())[:3].tolist() == pytest.approx([1.0] * 3)


def test_keypoints_score_one_against_themselves(coco: Path) -> None:
    reader = load(coco)
    posed = [row for row in reader.dataset["categories"] if "keypoints" in row]
    assert [row["name"] for row in posed] == ["brick", "hex_bolt", "mug"]
    for row in posed:
        found = scores(reader, "keypoints", [row["id"]], sigmas=len(row["keypoints"]))
        assert found[:3].tolist() == pytest.approx([1.0] * 3)


def test_masks_decode_to_the_pixels_of_the_instance(coco: Path, labelled: Path) -> None:
    reader, count = load(coco), 0
    for _, annotations, item, _ in pairs(coco, labelled):
        parts = item.ids[(item.roles == "part") & (item.px_visible > 0)]
        assert [own["instance"] for own in annotations] == parts.tolist()
        for own in annotations:
            mask = reader.annToMask(own)
            np.testing.assert_array_equal(mask > 0, item.instance == own["instance"])
            assert own["area"] == mask.sum()
            assert own["iscrowd"] == 0
            count += 1
    assert count > 50


def test_boxes_count_in_corners_of_pixels(coco: Path, labelled: Path) -> None:
    for _, annotations, item, _ in pairs(coco, labelled):
        for own in annotations:
            rows, columns = np.nonzero(item.instance == own["instance"])
            x, y, width, height = own["bbox"]
            assert (x, x + width) == (columns.min(), columns.max() + 1)
            assert (y, y + height) == (rows.min(), rows.max() + 1)


def test_hidden_pixels_are_in_the_amodal_mask(coco: Path, labelled: Path) -> None:
    reader, hidden = load(coco), 0
    for _, annotations, item, _ in pairs(coco, labelled):
        for own in annotations:
            whole = reader.annToMask({**own, "segmentation": own["amodal_segmentation"]})
            seen = reader.annToMask(own)
            assert (whole >= seen).all()
            hidden += int((whole > seen).sum())
            (row,) = np.flatnonzero(item.ids == own["instance"])
            assert own["amodal_bbox"] == item.box_all[row].tolist()
            if item.px_all[row] == whole.sum():  # all of it is in the image
                y, x = np.nonzero(whole)
                assert own["amodal_bbox"][:2] == [x.min(), y.min()]
            share = own["area"] / item.px_all[row]
            assert own["visible_fraction"] == pytest.approx(share, abs=1e-6)
    assert hidden > 1000


def test_keypoints_are_projected_points_of_the_object(coco: Path, labelled: Path) -> None:
    reader, states = load(coco), set()
    for image, annotations, item, dataset in pairs(coco, labelled):
        for own in annotations:
            (row,) = np.flatnonzero(item.ids == own["instance"])
            points = json.loads(dataset.objects[own["object"]].keypoints)
            names = reader.cats[own["category_id"]].get("keypoints", [])
            assert names == sorted(points)
            if not names:
                assert "keypoints" not in own
                continue
            xyv = np.reshape(own["keypoints"], (-1, 3))
            p_C = np.array([points[name] for name in names]) @ item.X_CB[row, :3, :3].T
            uv = lens.project(p_C + item.X_CB[row, :3, 3], item.K, item.distortion)
            labelled_ = xyv[:, 2] > 0
            assert own["num_keypoints"] == labelled_.sum()
            np.testing.assert_allclose(xyv[labelled_, :2], uv[labelled_], atol=1e-3)
            assert (xyv[~labelled_] == 0).all()
            limit = (image["width"] - 0.5, image["height"] - 0.5)
            inside = ((uv >= -0.5) & (uv <= limit)).all(axis=1)
            np.testing.assert_array_equal(labelled_, inside)
            states |= set(xyv[:, 2].astype(int).tolist())
    assert states == {0, 1, 2}


def test_a_keypoint_called_visible_lies_on_its_instance(coco: Path, labelled: Path) -> None:
    seen = []
    for image, annotations, item, _ in pairs(coco, labelled):
        if image["camera"] in PINHOLES:  # the third one is coarse
            for own in annotations:
                for x, y, v in np.reshape(own.get("keypoints", []), (-1, 3)):
                    if v == 2:
                        y0, x0 = max(round(y) - 1, 0), max(round(x) - 1, 0)
                        around = item.instance[y0 : round(y) + 2, x0 : round(x) + 2]
                        seen.append(bool((around == own["instance"]).any()))
    assert len(seen) > 10
    assert all(seen)


def test_images_are_those_of_the_dataset(coco: Path, labelled: Path) -> None:
    for image, _, item, _ in pairs(coco, labelled):
        picture = cv2.imread(str(coco / "images" / image["file_name"]))
        assert picture is not None
        np.testing.assert_array_equal(picture[..., ::-1], item.rgb)
        assert (image["height"], image["width"]) == item.rgb.shape[:2]
        assert (image["scene"], image["camera"]) == (item.scene, item.camera)
        np.testing.assert_array_equal(image["K"], item.K.ravel())
        np.testing.assert_array_equal(image["distortion"], item.distortion)
    assert len(list((coco / "images").iterdir())) == len(load(coco).imgs)


def test_the_id_of_a_class_is_its_value_in_semantic_masks(coco: Path, labelled: Path) -> None:
    reader = load(coco)
    with simenv.open(labelled) as dataset:
        assert dataset.classes == ("belt", "brick", "drum", "hex_bolt", "mug")
        for own in reader.anns.values():
            name = reader.cats[own["category_id"]]["name"]
            assert name == dataset.objects[own["object"]].class_
            assert own["category_id"] == dataset.classes.index(name) + 1
    assert [row["name"] for row in reader.cats.values()] == ["brick", "drum", "hex_bolt", "mug"]


def test_categories_can_be_objects(labelled: Path, tmp_path: Path) -> None:
    export(labelled, "coco", tmp_path / "out", categories="object", cameras=["top"])
    reader = load(tmp_path / "out")
    assert [row["name"] for row in reader.cats.values()] == ["brick", "drum", "hex_bolt", "mug"]
    assert sorted(reader.cats) == [1, 2, 3, 4]
    for own in reader.anns.values():
        assert reader.cats[own["category_id"]]["name"] == own["object"]


def test_labels_that_are_not_there_are_not_made_up(bare: Path, tmp_path: Path) -> None:
    export(bare, "coco", tmp_path / "out")
    reader = load(tmp_path / "out")
    assert not any("keypoints" in row for row in reader.cats.values())
    for own in reader.anns.values():
        assert not {"keypoints", "num_keypoints", "amodal_segmentation", "amodal_bbox"} & set(own)


def test_numbers_start_at_one_without_gaps(coco: Path) -> None:
    reader = load(coco)
    assert sorted(reader.imgs) == list(range(1, len(reader.imgs) + 1))
    assert sorted(reader.anns) == list(range(1, len(reader.anns) + 1))
    assert {"info", "licenses", "categories", "images", "annotations"} == set(reader.dataset)
