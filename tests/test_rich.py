"""A task that asks for everything: labels obey their laws, pictures are where they belong."""

from pathlib import Path

import numpy as np
import pytest

import simenv
from simenv.dataset.read import Item
from simenv.dataset.validate import validate
from simenv.generate import generate
from simenv.pose import inverse
from simenv.rerender import rerender
from simenv.verify import verify

RICH = Path(__file__).parent / "data/project/tasks/rich.yaml"
SCENES = 2


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of it."""
    out = tmp_path_factory.mktemp("rich") / "out"
    generate(RICH, out, scenes=SCENES, jobs=0, renderer="tiny")
    return out


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(RICH.parents[1]))


def items(path: Path, camera: str) -> list[Item]:
    """All pictures of one camera."""
    with simenv.open(path) as dataset:
        return [item for item in dataset if item.camera == camera]


def test_it_validates(rich: Path) -> None:
    assert [str(finding) for finding in validate(rich).findings] == []


def test_it_regenerates_bit_by_bit(rich: Path) -> None:
    assert len(list(verify(rich, scenes=1))) == 1


def test_drawn_again_it_is_the_same(rich: Path, tmp_path: Path) -> None:
    rerender(rich, tmp_path / "twin", jobs=0)
    with simenv.open(rich) as one, simenv.open(tmp_path / "twin") as two:
        for digest in ("labels_sha256", "all_sha256"):
            assert one.table("scenes")[digest].tolist() == two.table("scenes")[digest].tolist()


def test_another_look_changes_sensors_and_no_label(rich: Path, tmp_path: Path) -> None:
    rerender(rich, tmp_path / "twin", jobs=0, look_seed=11)
    with simenv.open(rich) as one, simenv.open(tmp_path / "twin") as two:
        assert (
            one.table("scenes")["labels_sha256"].tolist()
            == two.table("scenes")["labels_sha256"].tolist()
        )
    for a, b in zip(items(rich, "bent"), items(tmp_path / "twin", "bent"), strict=True):
        assert a.rgb_sensor is not None
        assert b.rgb_sensor is not None
        assert not np.array_equal(a.rgb_sensor, b.rgb_sensor)
        np.testing.assert_array_equal(a.depth_m, b.depth_m)


def test_only_cameras_with_a_device_have_its_pictures(rich: Path) -> None:
    assert all(item.depth_sensor_m is not None for item in items(rich, "left"))
    assert all(item.rgb_sensor is None for item in items(rich, "left"))
    assert all(item.rgb_sensor is not None for item in items(rich, "bent"))
    assert all(item.depth_sensor_m is None for item in items(rich, "moving"))


def test_the_right_camera_of_a_pair_sees_the_disparity(rich: Path) -> None:
    for left, right in zip(items(rich, "left"), items(rich, "right"), strict=True):
        np.testing.assert_array_equal(left.K, right.K)
        between = inverse(left.X_WC) @ right.X_WC
        np.testing.assert_allclose(between[:3, 3], [0.06, 0, 0], atol=1e-12)
        np.testing.assert_allclose(between[:3, :3], np.eye(3), atol=1e-12)


def test_a_camera_on_a_part_stays_on_it(rich: Path) -> None:
    for item in items(rich, "riding"):
        X_BC = inverse(item.X_WB[item.ids == 1][0]) @ item.X_WC
        np.testing.assert_allclose(X_BC[:3, 3], [0, 0, 0.4], atol=1e-9)


def test_a_mount_carries_its_camera(rich: Path) -> None:
    first, second = items(rich, "moving")[:2]
    np.testing.assert_allclose(first.X_WC[:3, 3], [0.0, 0.0, 1.3], atol=1e-12)
    np.testing.assert_allclose(second.X_WC[:3, 3], [0.025, 0.0, 1.3], atol=1e-12)


def test_classes_are_those_of_the_objects(rich: Path) -> None:
    with simenv.open(rich) as dataset:
        assert dataset.classes == ("belt", "brick", "drum")
        for item in dataset:
            assert item.semantic is not None
            for identity, key in zip(item.ids, item.objects, strict=True):
                seen = set(item.semantic[item.instance == identity].tolist())
                name = dataset.objects[key].class_
                assert seen <= {dataset.classes.index(name) + 1}


def test_distractors_are_bodies_of_their_own_role(rich: Path) -> None:
    for item in items(rich, "left"):
        assert item.roles[item.groups == "clutter"].tolist() == ["distractor"]
        assert set(item.roles[item.groups == "belts"]) == {"furniture"}


def test_flow_of_the_last_frame_of_a_scene_is_nothing(rich: Path) -> None:
    flows = [item.flow for item in items(rich, "left")]
    for frame, flow in enumerate(flows):
        assert flow is not None
        assert bool(flow.any()) == (frame % 3 != 2)


def test_parts_touch_what_carries_them(rich: Path) -> None:
    for item in items(rich, "left"):
        assert item.contacts is not None
        assert set(item.ids[item.roles != "furniture"].tolist()) <= set(item.contacts.id_a.tolist())
