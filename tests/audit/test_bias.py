"""A bias is found where it was planted, and chance is not taken for one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from simenv.audit.association import LEAST_SCENES, Association, associate, joined
from simenv.audit.bias import Bias, balance, bias
from simenv.audit.expected import expected
from simenv.audit.observe import Observed
from simenv.audit.scores import moments, one_hot_scores
from simenv.audit.variable import Variable, by_edges, evenly
from simenv.errors import InputError
from simenv.spec.audit import AuditSpec
from simenv.spec.load import load_task, task_from_text, with_values
from simenv.spec.task import TaskSpec
from tests.audit.build import TASK, observed, variable

Rows = np.ndarray[Any, np.dtype[np.int64]]

MINI = Path(__file__).parents[1] / "data/project/tasks/mini.yaml"
CLASSES = ("ball", "bolt", "can", "gear", "mug")
BORDER = (0.0, 0.1, 0.2, 0.3, 0.5)
WARM_K = 4500.0


def crowd(seed: int, *, scenes: int = 80, frames: int = 2, planted: str = "") -> Observed:
    """Parts under a lamp, each in several frames; ``planted``: a bias of the first class."""
    rng = np.random.default_rng(seed)
    parts = rng.integers(2, 10, scenes)
    scene = np.repeat(np.arange(scenes), parts)
    lamp = rng.uniform(3000, 6000, scenes)
    # Half of the parts of a scene are of one class: rows of a scene are far from independent.
    usual = rng.integers(0, len(CLASSES), scenes)[scene]
    class_ = np.where(rng.random(len(scene)) < 0.5, usual, rng.integers(0, 5, len(scene)))
    border = rng.uniform(0, 0.5, len(scene))
    if planted == "warm":
        class_[(class_ == 0) & (lamp[scene] > WARM_K)] = 1
    if planted == "border":
        border[class_ == 0] = rng.uniform(0, 0.15, int((class_ == 0).sum()))
    again = np.tile(np.arange(len(scene)), frames)
    moved = np.random.default_rng([seed, 1]).normal(0, 0.01, frames * len(scene))
    border = np.tile(border, frames) + moved
    return observed(
        *_of_scenes(rng, parts, lamp),
        variable("class", class_[again], level="part", role="label", names=CLASSES),
        Variable("border", "part", "realised", *by_edges(border, BORDER), values=border),
        scene=scene[again],
    )


def _of_scenes(rng: np.random.Generator, parts: Rows, lamp: np.ndarray[Any, Any]) -> list[Variable]:
    cells, names = evenly(lamp, low=3000, high=6000)
    name = "look.light.temperature_k"
    table = rng.integers(0, 3, len(parts))
    return [
        variable("parts", parts - 2, role="label", names="23456789", values=parts),
        Variable(name, "scene", "visual", cells, names, planned=True, values=lamp),
        variable("scene.tables.main.texture", table, role="visual", names=("wood", "zinc", "oak"),
                 planned=True),
    ]  # fmt: skip


def of(found: Bias, label: str, factor: str) -> Association:
    """What was found of a pair."""
    own = found[label, factor].found
    assert own is not None
    return own


def test_class_only_under_warm_light_is_found_and_named() -> None:
    found = bias(crowd(1, planted="warm"))
    (pair,) = found.flagged
    assert (pair.label, pair.factor) == ("class", "look.light.temperature_k")
    assert pair.q < 0.01
    assert pair.found is not None
    assert pair.found.labels[pair.found.cell[0]] == "ball"
    assert float(pair.found.factors[pair.found.cell[1]].split("..")[1]) <= WARM_K
    (line,) = found.crossed
    assert line.startswith("class x look.light.temperature_k: V 0.")
    assert "ball: " in line


def test_class_near_the_border_is_found_and_named() -> None:
    found = bias(crowd(2, planted="border"))
    (pair,) = found.flagged
    assert (pair.label, pair.factor) == ("class", "border")
    assert pair.q < 0.01
    assert pair.found is not None
    assert pair.found.labels[pair.found.cell[0]] == "ball"
    assert pair.found.factors[pair.found.cell[1]] in ("0..0.1", "0.1..0.2")
    assert pair.found.share > 2 * pair.found.share_of_all


def test_clean_datasets_raise_no_alarm() -> None:
    found = [bias(crowd(100 + seed, scenes=40), AuditSpec(q=0.05)) for seed in range(20)]
    assert sum(len(own.flagged) for own in found) <= 1


def test_more_frames_of_the_same_scenes_prove_nothing_more() -> None:
    one, ten = (bias(crowd(3, planted="warm", frames=frames)) for frames in (1, 10))
    for name in ("look.light.temperature_k", "scene.tables.main.texture"):
        a, b = of(one, "class", name), of(ten, "class", name)
        assert a.scenes == b.scenes
        assert (a.rows, a.p, a.cramers_v) == pytest.approx((b.rows, b.p, b.cramers_v))


def test_chance_in_clusters_is_called_chance() -> None:
    rng = np.random.default_rng(4)
    ours, plain = [], []
    for _ in range(150):
        scene = np.repeat(np.arange(60), 6)
        usual, factor = rng.integers(0, 4, 60)[scene], rng.integers(0, 3, 60)[scene]
        label = np.where(rng.random(360) < 0.7, usual, rng.integers(0, 4, 360))
        own = associate(variable("a", label), variable("b", factor), scene, np.ones(360))
        assert own is not None
        ours.append(own.p)
        plain.append(chi2_contingency(own.table, correction=False).pvalue)
    assert np.mean(np.array(ours) < 0.05) < 0.08
    assert np.mean(np.array(plain) < 0.05) > 0.3  # what a test that knows no scenes makes of it


def test_squared_scores_are_pearsons_chi_square() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    table = np.zeros((200, 3, 4))
    table[np.arange(200), a, b] = 1
    found = moments(one_hot_scores(table).reshape(200, -1))
    judge = chi2_contingency(table.sum(axis=0), correction=False)
    assert float(found.square) == pytest.approx(judge.statistic)
    assert float(found.mean) == pytest.approx(judge.dof, rel=0.05)
    assert float(found.p) == pytest.approx(judge.pvalue, abs=0.03)


@pytest.mark.parametrize("tie", [0.0, 0.3, 0.8])
def test_v_of_independent_rows_is_bergsmas(tie: float) -> None:
    rng = np.random.default_rng(6)
    a, b, n = rng.integers(0, 4, 5000), rng.integers(0, 4, 5000), 5000
    b = np.where(rng.random(n) < tie, a, b)
    found = associate(variable("a", a), variable("b", b), np.arange(n), np.ones(n))
    assert found is not None
    phi2 = chi2_contingency(found.table, correction=False).statistic / n
    side = 4 - 9 / (n - 1)
    judge = np.sqrt(max(0.0, phi2 - 9 / (n - 1)) / (side - 1))
    assert found.cramers_v == pytest.approx(judge, abs=0.01)


def test_correlation_has_a_sign_where_both_have_an_order() -> None:
    x = np.linspace(0, 1, 100)
    cells, names = evenly(x)
    up = Variable("parts", "scene", "label", cells, names, values=x)
    down = Variable("b", "scene", "visual", cells, names, values=-(x**3))
    found = associate(up, down, np.arange(100), np.ones(100))
    assert found is not None
    assert found.correlation == pytest.approx(-1.0)
    assert found.effect == pytest.approx(1.0)


def test_rare_cells_are_counted_with_others_in_order() -> None:
    rng = np.random.default_rng(7)
    x, scene = rng.exponential(size=400), np.repeat(np.arange(50), 8)
    cells, names = evenly(x, bins=12)
    own, kept = joined(Variable("x", "scene", "visual", cells, names, values=x), scene)
    assert all(len(set(scene[own == k])) >= LEAST_SCENES for k in range(len(kept)))
    assert all(x[own == k].max() <= x[own == k + 1].min() for k in range(len(kept) - 1))
    ends = [name.split("..") for name in kept]
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    words = rng.choice(9, 400, p=[0.3, 0.3, 0.3, 0.05, 0.03, 0.01, 0.005, 0.0025, 0.0025])
    own, kept = joined(variable("w", words, names="abcdefghi"), scene)
    assert kept[-1] == "the rest"
    assert len(set(scene[own == len(kept) - 1])) >= LEAST_SCENES


def test_too_few_scenes_are_said_to_be() -> None:
    found = bias(crowd(8, scenes=LEAST_SCENES))
    assert found.tested == ()
    assert found["class", "border"].text == "class x border: too few scenes"


def test_ignored_pairs_are_measured_and_not_flagged() -> None:
    data = crowd(1, planted="warm")
    found = bias(data, AuditSpec(ignore=(("class", "look.light.temperature_k"),)))
    assert found.flagged == ()
    assert of(found, "class", "look.light.temperature_k").effect > 0.15
    assert "the task ignores it" in found["class", "look.light.temperature_k"].text


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (("class", "bordr"), r"audit\.ignore\.0: no factor bordr; did you mean border\?"),
        (("clas", "border"), r"audit\.ignore\.0: no label clas; did you mean class\?"),
    ],
)
def test_unknown_names_in_ignore_say_the_way_out(pair: tuple[str, str], text: str) -> None:
    with pytest.raises(InputError, match=text):
        bias(crowd(1), AuditSpec(ignore=(pair,)))


def test_thresholds_come_from_the_task() -> None:
    data = crowd(1, planted="warm")
    task = data.task.model_copy(update={"audit": AuditSpec(cramers_v=0.99)})
    assert bias(data).flagged
    assert not bias(replace(data, task=task)).flagged


AXES: dict[str, Any] = {
    "actors.parts.count": {"kind": "semantic", "integers": (1, 5)},
    "actors.parts.texture": {"kind": "visual", "choice": "all", "each": "actor"},
    "actors.parts.color": {"kind": "visual", "choice": ((1.0, 1.0, 1.0),), "each": "actor"},
    "actors.parts.spawn.orientation": {
        "kind": "semantic", "each": "actor",
        "choice": ({"rpy_deg": (0.0, 0.0, 0.0)}, {"rpy_deg": (90.0, 0.0, 0.0)}),
    },
    "look.light.azimuth_deg": {"kind": "visual", "uniform": (0.0, 90.0)},
}  # fmt: skip
EACH = {"actors.parts.objects": {"kind": "semantic", "choice": "all", "each": "actor"}}


@pytest.mark.parametrize(
    ("label", "factor", "depends"),
    [
        ("parts", "actors.parts.count", True),
        ("class", "actors.parts.count", True),  # objects are dealt in turn: the second is last
        ("class", "actors.parts.texture", True),
        ("orientation", "actors.parts.texture", True),
        ("class", "actors.parts.color", False),
        ("face", "actors.parts.spawn.orientation", True),
        ("class", "actors.parts.spawn.orientation", False),
        ("class", "look.light.azimuth_deg", False),
    ],
)
def test_what_must_depend_is_known(label: str, factor: str, depends: bool) -> None:
    group = {**TASK["actors"]["parts"], "objects": ("can", "mug")}  # type: ignore[index]
    task = TaskSpec.model_validate({**TASK, "actors": {"parts": group}, "domain": AXES})
    one = variable(label, [0], role="label")
    other = variable(factor, [0], role=task.domain[factor].kind, planned=True)
    assert bool(expected(task, one, other)) == depends
    drawn = task.model_copy(update={"domain": {**task.domain, **_axis()}})
    if factor.endswith("count"):
        assert bool(expected(drawn, one, other)) == (label == "parts")


def _axis() -> dict[str, Any]:
    return TaskSpec.model_validate({**TASK, "domain": EACH}).domain


def test_size_in_the_picture_depends_on_class_and_place_does_not() -> None:
    task = crowd(1).task
    label = variable("class", [0], role="label")
    for name, depends in (("scale_px", True), ("border", False), ("u", False)):
        assert bool(expected(task, label, variable(name, [0], level="view/top"))) == depends


def test_even_cells_are_even_and_a_single_one_is_not() -> None:
    even = balance("a", variable("a", np.arange(100) % 4), np.ones(100))
    assert even.evenness == pytest.approx(1.0)
    one = balance("b", variable("b", np.zeros(100), names="xyz"), np.ones(100))
    assert (one.evenness, one.shares) == (0.0, (1.0, 0.0, 0.0))


def test_a_task_may_say_its_thresholds() -> None:
    task = with_values(load_task(MINI), {"audit.q": 0.05, "audit.ignore": (("class", "u"),)})
    assert task.spec.audit == AuditSpec(q=0.05, ignore=(("class", "u"),))
    assert task_from_text(task.text, near=MINI.parent).spec.audit == task.spec.audit
    with pytest.raises(InputError, match=r"audit\.q: .*1.*got 2"):
        with_values(task, {"audit.q": 2.0})
