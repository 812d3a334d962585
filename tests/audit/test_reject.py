"""What rejection takes away is found: a class that will not rest, a belt that is too fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from simenv.audit.observe import Observed, observe
from simenv.audit.proposed import Proposed, proposed
from simenv.audit.reject import Rejection, reject, wilson
from simenv.dataset.read import Dataset
from simenv.generate import generate
from simenv.spec.audit import AuditSpec
from simenv.spec.load import load_task
from simenv.studio import Studio
from tests.audit.build import observed, variable

Rows = NDArray[np.int64]

SCENES = 48
OBJECT = """format: simenv-object-1
name: {name}
class: {name}
mesh: [{shape}]
collision: [{shape}]
mass_kg: 0.1
friction: {{lateral: 0.5, rolling: {rolling}, spinning: {rolling}}}
"""
TASK = """format: simenv-task-1
name: rolling
actors:
  parts: {objects: [ball, block], count: 2, spawn: {zone: infeed, height_m: 0.005}}
scene:
  belts: {main: {length_m: 3.0, width_m: 0.6, top_z_m: 0.4, speed_m_s: 0.2}}
  zones: {infeed: {center: [-0.5, 0, 0.4], size_m: [0.5, 0.4]}}
cameras:
  top:
    resolution: [16, 12]
    fov_y_deg: 60
    X_WC: {eye: [-0.5, 0, 1.4], target: [-0.5, 0, 0.4], up: [0, 1, 0]}
physics: {max_attempts: 3, settle: {limit_s: 0.7}}
domain:
  actors.parts.count: {kind: semantic, integers: [1, 3]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  scene.belts.main.speed_m_s: {kind: semantic, uniform: [0.1, 0.3]}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
"""


def project(folder: Path, *, rolling: float) -> Path:
    """The task file of balls, which roll, and blocks on a belt."""
    shapes = {
        "ball": "{shape: sphere, radius_m: 0.02}",
        "block": "{shape: box, size_m: [0.04, 0.04, 0.04]}",
    }
    for name, shape in shapes.items():
        own = folder / "objects" / name
        own.mkdir(parents=True)
        text = OBJECT.format(name=name, shape=shape, rolling=rolling if name == "ball" else 0.001)
        (own / "object.yaml").write_text(text)
    (folder / "rolling.yaml").write_text(TASK)
    return folder / "rolling.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose balls do not stop, with its dataset ``out``."""
    path = tmp_path_factory.mktemp("rolling")
    task = load_task(project(path, rolling=0.0))
    generate(task, path / "out", scenes=SCENES, jobs=0, renderer="tiny")
    return path


@pytest.fixture
def rolling(folder: Path) -> Iterator[Observed]:
    """Its tables, in its folder, where its objects are found."""
    with chdir(folder):
        yield observe(folder / "out")


def test_class_that_rolls_away_is_flagged_and_nothing_else(rolling: Observed) -> None:
    found = reject(rolling)
    flagged = {loss.name: loss for loss in found.losses if loss.crossed}
    assert set(flagged) >= {"class ball"}
    assert not any(name.startswith(("look", "scene")) for name in flagged)
    ball = flagged["class ball"]
    assert ball.effect < -0.5
    assert ball.q < 0.01
    assert ball.rates[0].rate < 0.1 < 0.9 < ball.rates[1].rate
    assert any(line.startswith("rejection: class ball: ") for line in found.crossed)
    assert found.reasons.keys() == {"unsettled"}
    assert found.left_out == ""


def test_every_attempt_is_counted(rolling: Observed) -> None:
    found = reject(rolling)
    with Dataset(rolling.path) as dataset:
        outcomes = dataset.table("attempts")["outcome"]
    assert (found.attempts, found.accepted) == (len(outcomes), (outcomes == "accepted").sum())
    for loss in found.losses:
        assert sum(rate.attempts for rate in loss.rates) == found.attempts
        assert sum(rate.accepted for rate in loss.rates) == found.accepted


def test_proposals_are_those_that_the_studio_tried(rolling: Observed, folder: Path) -> None:
    own = proposed(rolling)
    rejected = np.flatnonzero(~own.accepted)[:4]
    numbers, at = np.unique(own.scene, return_index=True)
    first = dict(zip(numbers.tolist(), at.tolist(), strict=True))
    with Studio(load_task(folder / "rolling.yaml"), renderer="tiny") as studio:
        for k in rejected:
            attempt = int(k - first[int(own.scene[k])])
            scene = studio._compose(int(rolling.scenes["index"][own.scene[k]]), attempt)
            names = [body.object for body in scene.bodies if body.group == "parts"]
            assert [names.count(name) for name in own.objects] == own.counts[k].tolist()


def test_without_the_objects_the_classes_of_rejections_are_left_out(
    folder: Path, tmp_path: Path
) -> None:
    with chdir(tmp_path):
        found = reject(observe(folder / "out"))
    assert (
        "classes of rejected attempts are left out: the task is not accepted here" in found.left_out
    )
    assert "no object ball" in found.left_out
    assert found.attempts > SCENES


def test_balls_that_stop_lose_nothing(tmp_path: Path) -> None:
    task = load_task(project(tmp_path, rolling=0.05))
    generate(task, tmp_path / "out", scenes=16, jobs=0, renderer="tiny")
    with chdir(tmp_path):
        found = reject(observe(tmp_path / "out"))
    assert (found.attempts, found.accepted, found.crossed) == (16, 16, ())
    assert all(np.isnan(loss.q) for loss in found.losses)


def of_axis(seed: int, slope: float, monkeypatch: pytest.MonkeyPatch) -> Rejection:
    """200 scenes of one axis of five cells, whose acceptance falls with the cell by ``slope``."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 5, 200)
    tries = np.minimum(rng.geometric(np.clip(0.8 - slope * (cells - 2), 0.05, 1)), 5)
    data = observed(variable("scene.gravity_m_s2", cells, role="semantic", planned=True))
    scene = np.repeat(np.arange(200), tries)
    last = np.cumsum(tries) - 1
    accepted = np.zeros(len(scene), dtype=bool)
    accepted[last] = True
    own = _without_parts(scene, accepted)
    monkeypatch.setattr("simenv.audit.reject.proposed", lambda _: own)
    return reject(replace(data, scenes={**data.scenes, "attempts": tries}))


def _without_parts(scene: Rows, accepted: NDArray[np.bool_]) -> Proposed:
    counts, reasons = np.zeros((len(scene), 0), np.int64), {"unsettled": int((~accepted).sum())}
    return Proposed(scene, accepted, reasons, (), (), counts)


def test_axis_whose_far_end_is_rejected_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    (loss,) = of_axis(0, 0.15, monkeypatch).losses
    assert loss.crossed
    assert loss.cell in ("a", "e")
    assert loss.text.startswith("rejection: scene.gravity_m_s2: ")
    rates = [rate.rate for rate in loss.rates]
    assert rates[0] > rates[-1] + 0.3


def test_even_rejection_is_no_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    ps = [of_axis(seed, 0.0, monkeypatch).losses[0].p for seed in range(60)]
    assert np.mean(np.array(ps) < 0.05) < 0.15
    assert min(ps) > 1e-3


def test_classes_are_compared_among_attempts_of_equally_many_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    total = rng.integers(1, 7, 400)
    balls = rng.binomial(total, 0.5)
    accepted = rng.random(400) < 1.1 - 0.15 * total  # crowds are rejected, whatever is in them
    counts = np.column_stack([balls, total - balls])
    own = Proposed(np.arange(400), accepted, {}, ("ball", "block"), ("ball", "block"), counts)
    monkeypatch.setattr("simenv.audit.reject.proposed", lambda _: own)
    for loss in reject(observed(variable("parts", total, role="label"))).losses:
        crude = loss.rates[0].rate - loss.rates[1].rate
        assert crude < -0.1
        assert abs(loss.effect) < 0.1
        assert loss.p > 0.05


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (10, 10), (490, 1000)])
def test_intervals_are_wilsons(successes: int, trials: int) -> None:
    judge = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((judge.low, judge.high), abs=1e-9)


def test_thresholds_decide_what_is_flagged(rolling: Observed) -> None:
    assert reject(rolling, AuditSpec(rejection=1.0)).crossed == ()
