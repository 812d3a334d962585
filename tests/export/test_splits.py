"""Each part of a split is apart in every format, and a scene is in one of them."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

import simenv
from simenv.errors import InputError
from simenv.export import FORMATS, export
from simenv.split import split
from tests.dataset.factory import dataset, record
from tests.export.conftest import RUN, files

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PARTS = ("train", "val", "test", "test_unseen")


@pytest.fixture(scope="module")
def split_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scenes; those with a cap are held out."""
    scenes = [record(k, parts=1 + (k % 4 == 0), screws=0, frames=1) for k in range(12)]
    out = dataset(tmp_path_factory.mktemp("split") / "out", scenes, of=RUN)
    split(out, fractions={"train": 0.6, "val": 0.2, "test": 0.2}, hold_out=["object=cap"])
    return out


def scenes_of(path: Path) -> dict[str, set[int]]:
    """What the dataset says."""
    with simenv.open(path) as source:
        return {name: set(own.tolist()) for name, own in source.split().items()}


def load(path: Path) -> Any:
    """A file of COCO, read by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_coco_has_a_file_for_each_part(split_one: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    out = tmp_path / "out"
    line = export(
        split_one, "coco", out, split="default", progress=lambda *step: steps.append(step)
    )
    assert line.startswith(f"{out}: 24 images, ")
    assert steps == [(k + 1, 24) for k in range(24)]
    seen: list[str] = []
    for name, own in scenes_of(split_one).items():
        reader = load(out / f"annotations/instances_{name}.json")
        images = list(reader.imgs.values())
        assert {image["scene"] for image in images} == own
        assert {a["image_id"] for a in reader.anns.values()} <= set(reader.imgs)
        seen += [image["file_name"] for image in images]
        caps = [a for a in reader.anns.values() if a["object"] == "cap"]
        assert bool(caps) == (name == "test_unseen")
    assert len(seen) == len(set(seen)) == 24
    assert set(seen) == {path.name for path in (out / "images").iterdir()}
    stored = split_one / "splits/default.json"
    assert (out / "splits.json").read_bytes() == stored.read_bytes()


def test_bop_has_a_folder_for_each_part_and_targets_of_the_tests(
    split_one: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(split_one, "bop", out, split="default")
    rows = json.loads((out / "simenv_map.json").read_text())
    for name, own in scenes_of(split_one).items():
        folders = {int(path.name) for path in (out / name).iterdir()}
        assert folders == {row["bop_scene"] for row in rows if row["split"] == name}
        assert {number // 2 for number in folders} == own  # two cameras
        targets = out / f"{name}_targets_bop19.json"
        assert targets.exists() == name.startswith("test")
        if targets.exists():
            assert json.loads(targets.read_text()) == list(expected(out / name))


def expected(folder: Path) -> Any:
    """Targets as the toolkit counts them: by image and object, of those seen by a tenth."""
    for scene in sorted(folder.iterdir()):
        gt = json.loads((scene / "scene_gt.json").read_text())
        seen = json.loads((scene / "scene_gt_info.json").read_text())
        for image, rows in gt.items():
            ids = [
                row["obj_id"]
                for row, own in zip(rows, seen[image], strict=True)
                if own["visib_fract"] >= 0.1
            ]
            for number in sorted(set(ids)):
                yield {
                    "im_id": int(image),
                    "inst_count": ids.count(number),
                    "obj_id": number,
                    "scene_id": int(scene.name),
                }


@pytest.mark.parametrize("to", FORMATS)
def test_without_the_option_nothing_is_another(split_one: Path, tmp_path: Path, to: str) -> None:
    export(split_one, to, tmp_path / "with")
    (split_one / "splits").rename(tmp_path / "splits")
    export(split_one, to, tmp_path / "without")
    (tmp_path / "splits").rename(split_one / "splits")
    assert files(tmp_path / "with") == files(tmp_path / "without")


def test_scenes_without_a_part_are_left_out(tmp_path: Path) -> None:
    scenes = [record(k, frames=1) for k in range(8)]
    out = dataset(tmp_path / "out", scenes[:6], of=RUN)
    split(out, fractions={"train": 0.5, "test": 0.5})
    dataset(out, scenes, of=RUN)
    line = export(out, "coco", tmp_path / "coco", split="default")
    assert line.startswith(f"{tmp_path / 'coco'}: 12 images, ")
    assert line.endswith("; 2 scenes that are in no part are left out")


def test_a_split_that_there_is_not_is_one_line(split_one: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no split defalt; did you mean default\?"):
        export(split_one, "coco", tmp_path / "out", split="defalt")
    assert not (tmp_path / "out").exists()
