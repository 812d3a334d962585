"""Weights take a bias away, and say what that costs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv.audit.association import associate
from simenv.audit.observe import Observed, observe
from simenv.audit.weights import effective, weights, write_weights
from simenv.dataset.read import Dataset
from simenv.errors import InputError
from tests.audit.build import observed, variable
from tests.dataset.factory import THREE, dataset

LAMP, TABLE = "look.light.temperature_k", "scene.tables.main.texture"
CLASSES = ("bolt", "can", "gear")


def biased(seed: int = 0, scenes: int = 120) -> Observed:
    """Six parts a scene; bolts are many, and most of them under the first lamp."""
    rng = np.random.default_rng(seed)
    lamp, table = rng.integers(0, 3, scenes), rng.integers(0, 2, scenes)
    scene = np.repeat(np.arange(scenes), 6)
    chances = np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])[lamp[scene]]
    class_ = (rng.random(len(scene))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    parts = np.full(scenes, 6)
    return observed(
        variable("parts", parts * 0, role="label", names="6", values=parts),
        variable(LAMP, lamp, role="visual", planned=True),
        variable(TABLE, table, role="visual", planned=True),
        variable("class", class_, level="part", role="label", names=CLASSES),
        variable("u", rng.integers(0, 4, len(scene)), level="part"),
        scene=scene,
    )


@pytest.mark.parametrize("factors", [(), (LAMP,), (LAMP, TABLE)])
def test_weighted_labels_are_uniform_and_depend_on_no_factor(factors: tuple[str, ...]) -> None:
    data = biased()
    found = weights(data, ("class",), factors)
    shares = np.bincount(data["class"].cells, found.weight) / found.weight.sum()
    assert shares == pytest.approx(np.full(3, 1 / 3), rel=1e-4)
    for name in factors:
        a, b, scene = data.together(data["class"], data[name])
        before, after = (associate(a, b, scene, w) for w in (np.ones(len(scene)), found.weight))
        assert before is not None
        assert after is not None
        table = after.table / after.table.sum()
        assert table == pytest.approx(np.outer(table.sum(1), table.sum(0)), abs=1e-6)
        assert after.cramers_v == pytest.approx(0.0, abs=1e-3)
        if name == LAMP:
            assert before.cramers_v > 0.3


def test_a_factor_keeps_its_own_shares() -> None:
    data = biased()
    found = weights(data, ("class",), (LAMP,))
    lamp = data.at(data[LAMP], "part").cells
    weighted = np.bincount(lamp, found.weight) / found.weight.sum()
    assert weighted == pytest.approx(np.bincount(lamp) / len(lamp), rel=1e-4)


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=50))
def test_no_weights_are_worth_more_than_their_rows(values: list[float]) -> None:
    worth = effective(np.array(values))
    assert 1 - 1e-9 <= worth <= len(values) * (1 + 1e-9)


def test_equal_weights_are_worth_all_rows_and_one_alone_is_one() -> None:
    assert effective(np.full(7, 3.0)) == pytest.approx(7.0)
    assert effective(np.array([5.0, 0.0, 0.0])) == pytest.approx(1.0)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_weights_have_mean_one_and_cost_rows(seed: int) -> None:
    found = weights(biased(seed, 30), ("class",), (LAMP,))
    assert found.weight.mean() == pytest.approx(1.0)
    assert found.effective < len(found.weight)


def test_what_does_not_go_within_the_limit_is_said() -> None:
    free, held = (weights(biased(), ("class",), (LAMP,), limit=limit) for limit in (10.0, 1.5))
    assert (free.clipped, held.clipped > 0) == (0, True)
    assert free.far < 1e-3 < held.far
    assert held.effective > free.effective
    assert f"{held.clipped} clipped" in held.text
    assert max(held.weight) / min(held.weight) <= 1.5**2 * (1 + 1e-9)


def test_weights_of_scenes_even_out_the_number_of_parts() -> None:
    rng = np.random.default_rng(3)
    parts = rng.choice([1, 2, 3], 150, p=[0.6, 0.3, 0.1])
    label = variable("parts", parts - 1, role="label", names="123", values=parts)
    found = weights(observed(label), ("parts",))
    assert found.level == "scene"
    assert np.bincount(parts, found.weight)[1:] == pytest.approx(np.full(3, 50.0), rel=1e-4)


def test_rejected_scenes_have_no_weight() -> None:
    label = variable(
        "parts", [0, 1] * 20 + [-1], role="label", names="12", values=[1, 2] * 20 + [-1]
    )
    found = weights(observed(label, rejected=(40,)), ("parts",))
    assert found.weight[40] == 0.0
    assert found.weight[:40] == pytest.approx(np.full(40, 41 / 40))


@pytest.mark.parametrize(
    ("labels", "factors", "text"),
    [
        (("clas",), (), "weights: no label clas; did you mean class?"),
        (("class",), ("u",), "weights: no factor u; there is"),
        (("parts", "class"), (), "weights: class is of each part, not of each scene"),
    ],
)
def test_wrong_names_say_the_way_out(
    labels: tuple[str, ...], factors: tuple[str, ...], text: str
) -> None:
    with pytest.raises(InputError) as error:
        weights(biased(), labels, factors)
    assert text in str(error.value)


def test_the_file_names_every_part_of_every_frame(tmp_path: Path) -> None:
    out = dataset(tmp_path / "out", *THREE)
    data = observe(out)
    found = weights(data, ("object",)) if "object" in _labels(data) else weights(data)
    write_weights(tmp_path / "weights.csv", data, found)
    with (tmp_path / "weights.csv").open() as file:
        rows = list(csv.DictReader(file))
    with Dataset(out) as file_:
        bodies, frames = file_.table("bodies"), file_.table("frames")
    parts = bodies["role"].astype(str) == "part"
    assert [int(row["frame"]) for row in rows] == bodies["frame"][parts].tolist()
    assert [int(row["id"]) for row in rows] == bodies["id"][parts].tolist()
    assert [int(row["scene"]) for row in rows] == frames["scene"][bodies["frame"][parts]].tolist()
    assert [float(row["weight"]) for row in rows] == pytest.approx(found.weight.tolist(), rel=1e-5)


def _labels(data: Observed) -> set[str]:
    return {own.name for own in data.variables if own.role == "label"}
