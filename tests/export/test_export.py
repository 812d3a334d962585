"""Exports count the same in twins and subsets, say what they cannot do, and the page is true."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import simenv
from simenv.dataset.index import merge_to_file
from simenv.errors import InputError
from simenv.export import CATEGORIES, FORMATS, export
from simenv.generate import generate
from simenv.rerender import rerender
from simenv.spec import yaml
from simenv.spec.load import task_from_text
from simenv.spec.task import TaskSpec
from tests.dataset.factory import dataset, header, record, task, with_images
from tests.export.conftest import HEAP, PINHOLES, PROJECT, RUN, files


@pytest.mark.parametrize("to", FORMATS)
def test_the_same_dataset_gives_the_same_bytes(labelled: Path, tmp_path: Path, to: str) -> None:
    for name in ("one", "two"):
        export(labelled, to, tmp_path / name, cameras=PINHOLES)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert len(files(tmp_path / "one")) > 8


@pytest.mark.parametrize("to", FORMATS)
def test_shards_and_one_file_give_the_same_bytes(painted: Path, tmp_path: Path, to: str) -> None:
    merge_to_file(painted, tmp_path / "one.h5")
    for name, path in (("shards", painted), ("file", tmp_path / "one.h5")):
        export(path, to, tmp_path / name)
    assert files(tmp_path / "shards") == files(tmp_path / "file")


def test_it_says_what_it_wrote(painted: Path, tmp_path: Path) -> None:
    with simenv.open(painted) as source:
        images = list(source)
    parts = sum(int((item.roles == "part").sum()) for item in images)
    seen = sum(int(((item.roles == "part") & (item.px_visible > 0)).sum()) for item in images)
    assert parts >= seen > 0
    for to, instances in (("bop", parts), ("coco", seen)):
        line = export(painted, to, tmp_path / to)
        assert line == (
            f"{tmp_path / to}: {len(images)} images, {instances} instances of 2 objects"
        )


def test_progress_counts_every_picture(painted: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    export(painted, "coco", tmp_path / "out", progress=lambda *step: steps.append(step))
    with simenv.open(painted) as source:
        assert steps == [(k + 1, len(source)) for k in range(len(source))]


def test_a_scene_without_parts_is_a_picture_without_annotations(tmp_path: Path) -> None:
    empty = dataset(tmp_path / "data", [record(0, parts=0, screws=0), record(1)], of=RUN)
    export(empty, "bop", tmp_path / "bop")
    export(empty, "coco", tmp_path / "coco")
    gt = json.loads((tmp_path / "bop/train/000000/scene_gt.json").read_text())
    assert gt == {"0": [], "1": []}
    coco = json.loads((tmp_path / "coco/annotations/instances.json").read_text())
    first = {row["id"] for row in coco["images"] if row["scene"] == 0}
    assert len(first) == 4
    assert not any(row["image_id"] in first for row in coco["annotations"])


def test_a_twin_with_another_look_has_the_same_labels(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))
    rerender(labelled, tmp_path / "twin", jobs=0, look={"look.light.azimuth_deg": 200.0})
    for name, path in (("one", labelled), ("two", tmp_path / "twin")):
        export(path, "bop", tmp_path / name, cameras=PINHOLES)
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    different = {name for name in one if one[name] != two[name]}
    assert set(one) == set(two)
    assert different == {name for name in one if "/rgb/" in name}


SLAB = """
format: simenv-object-1
name: slab
class: brick
mesh: [{shape: box, size_m: [0.06, 0.06, 0.02]}]
collision: [{shape: box, size_m: [0.06, 0.06, 0.02]}]
mass_kg: 0.1
keypoints: {corner: [0.03, 0.03, 0.01], edge: [0.03, 0, 0.01]}
"""


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the four objects of a task, both of one class, with other keypoints."""
    near = tmp_path_factory.mktemp("sparse")
    shutil.copytree(PROJECT / "objects", near / "objects")
    (near / "objects/slab").mkdir()
    (near / "objects/slab/object.yaml").write_text(SLAB)
    text = HEAP.read_text().replace(
        "[brick, drum, hex_bolt, mug], count: 6", "[brick, slab, drum, can], count: 2"
    )
    text = text.replace("objects: [drum], count: 2", "objects: [drum], count: 0")
    generate(task_from_text(text, near=near), near / "out", scenes=1, jobs=0, renderer="tiny")
    return near / "out"


def test_objects_that_do_not_occur_keep_their_numbers(sparse: Path, tmp_path: Path) -> None:
    export(sparse, "bop", tmp_path / "bop", cameras=["top"])
    names = json.loads((tmp_path / "bop/objects.json").read_text())
    assert {number: row["name"] for number, row in names.items()} == {
        "1": "brick",
        "2": "can",
        "3": "drum",
        "4": "slab",
    }
    models = {path.name for path in (tmp_path / "bop/models").glob("*.ply")}
    assert models == {"obj_000001.ply", "obj_000004.ply"}
    gt = json.loads((tmp_path / "bop/train/000002/scene_gt.json").read_text())
    assert {row["obj_id"] for rows in gt.values() for row in rows} == {1, 4}


def test_classes_that_do_not_occur_keep_their_numbers(sparse: Path, tmp_path: Path) -> None:
    export(sparse, "coco", tmp_path / "coco")
    coco = json.loads((tmp_path / "coco/annotations/instances.json").read_text())
    assert [(row["id"], row["name"]) for row in coco["categories"]] == [
        (2, "brick"),
        (3, "can"),
        (4, "drum"),
    ]


def test_objects_of_a_class_share_one_list_of_keypoints(sparse: Path, tmp_path: Path) -> None:
    """What an object lacks is "not labelled", which is what COCO's zeros mean."""
    export(sparse, "coco", tmp_path / "coco")
    coco = json.loads((tmp_path / "coco/annotations/instances.json").read_text())
    names = ["corner", "edge", "middle", "stamp"]
    assert coco["categories"][0]["keypoints"] == names
    for own in coco["annotations"]:
        xyv = np.reshape(own["keypoints"], (-1, 3))
        lacking = [1] if own["object"] == "brick" else [2, 3]
        assert (xyv[lacking] == 0).all()
        assert own["num_keypoints"] == (xyv[:, 2] > 0).sum() > 0
    assert {own["object"] for own in coco["annotations"]} == {"brick", "slab"}


def test_objects_as_categories_have_their_own_keypoints(sparse: Path, tmp_path: Path) -> None:
    export(sparse, "coco", tmp_path / "coco", categories="object")
    coco = json.loads((tmp_path / "coco/annotations/instances.json").read_text())
    rows = [(row["name"], row.get("keypoints"), row["supercategory"]) for row in coco["categories"]]
    assert rows[0] == ("brick", ["corner", "middle", "stamp"], "brick")
    assert rows[3] == ("slab", ["corner", "edge"], "brick")


def with_devices() -> Any:
    """A run whose camera `top` has pictures as a device sees them; `side` has none."""
    values = json.loads(task().model_dump_json(by_alias=True))
    values["cameras"]["top"]["sensor"] = {
        "rgb": {},
        "depth": {"kind": "stereo", "baseline_m": 0.05},
    }
    return header(
        task=TaskSpec.model_validate(yaml.parse(json.dumps(values), name="task").value),
        classes=("box",),
    )


def test_pictures_of_the_device_are_exported_when_asked_for(tmp_path: Path) -> None:
    rng, plain = np.random.default_rng(3), record(0)
    noisy = {
        "rgb_sensor": list(rng.integers(0, 256, (2, 30, 40, 3), dtype=np.uint8)),
        "depth_sensor": list(rng.integers(0, 2, (2, 30, 40), dtype=np.uint16) * np.uint16(900)),
    }
    cameras = {**plain.cameras, "top": with_images(plain.cameras["top"], **noisy)}
    data = dataset(tmp_path / "data", [replace(plain, cameras=cameras)], of=with_devices())
    for to in FORMATS:
        export(data, to, tmp_path / f"clean-{to}")
        export(data, to, tmp_path / f"sensor-{to}", sensor=True)
    for kind in ("clean", "sensor"):
        own = {**plain.cameras["top"].images, **(noisy if kind == "sensor" else {})}
        rgb, depth = own.get("rgb_sensor", own["rgb"]), own.get("depth_sensor", own["depth"])
        top = tmp_path / f"{kind}-bop/train/000001"  # side is camera 0
        np.testing.assert_array_equal(picture(top / "rgb/000001.png")[..., ::-1], rgb[1])
        np.testing.assert_array_equal(picture(top / "depth/000001.png"), depth[1])
        file = tmp_path / f"{kind}-coco/images/000000_0001_top.png"
        np.testing.assert_array_equal(picture(file)[..., ::-1], rgb[1])
        info = json.loads((top / "scene_gt_info.json").read_text())["1"]
        for number, row in enumerate(info):
            mask = picture(top / f"mask/000001_{number:06d}.png") > 0
            assert row["px_count_valid"] == np.count_nonzero(depth[1][mask])
    names = sorted(name for name in files(tmp_path / "clean-bop") if "train/000000" in name)
    for name in names:  # a camera without devices
        assert (tmp_path / "clean-bop" / name).read_bytes() == (
            tmp_path / "sensor-bop" / name
        ).read_bytes()


def picture(path: Path) -> Any:
    """A PNG as it is."""
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None, path
    return found


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"to": "bob"}, "--to: no format bob; did you mean bop?"),
        ({"categories": "clas"}, "--categories: no choice clas; did you mean class?"),
        ({"cameras": ["tip"]}, "--cameras: no camera tip; did you mean top?"),
    ],
)
def test_what_does_not_exist_is_said_with_what_does(
    painted: Path, tmp_path: Path, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InputError) as error:
        export(painted, **{"to": "coco", "out": tmp_path / "out", **arguments})
    assert str(error.value) == text
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_pictures_is_refused(tmp_path: Path) -> None:
    empty = dataset(tmp_path / "data", [record(0, frames=0)], of=RUN)
    with pytest.raises(InputError) as error:
        export(empty, "bop", tmp_path / "out")
    assert str(error.value) == f"{empty}: holds no picture; generate scenes first"


def test_names_are_those_of_the_command() -> None:
    assert FORMATS == ("bop", "coco")
    assert CATEGORIES == ("class", "object")


PAGE = Path(__file__).parents[2] / "docs/export.md"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_the_snippets_of_the_page_run(
    painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for to in FORMATS:
        export(painted, to, f"out-{to}")
    page = PAGE.read_text().split("## Demonstrations")[0]  # the others: test_minari.py and so on
    blocks = [text.split("```")[0] for text in page.split("```python\n")[1:]]
    assert len(blocks) == len(FORMATS)
    found: dict[str, Any] = {}
    for block in blocks:
        exec(block, found)
    with simenv.open(painted) as source:
        np.testing.assert_array_equal(found["visible"], source[0].instance == source[0].ids[0])
        np.testing.assert_allclose(found["depth_mm"], source[0].depth_m * 1000, rtol=1e-6)
    assert found["name"] == "box"
    assert found["mask"].any()
