"""The JSON, the card and the exit status say what the audit found, and nothing else."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import simenv
from simenv.audit.cells import extremes
from simenv.audit.coverage import coverage
from simenv.audit.evidence import evidence
from simenv.audit.examples import examples
from simenv.audit.observe import Observed, observe
from simenv.audit.report import FORMAT, Report, audit, plain
from simenv.cli import run
from simenv.dataset.read import Dataset
from simenv.dataset.record import Record
from simenv.errors import InputError
from simenv.spec import yaml
from simenv.view.audit import write_audit
from simenv.view.audit.card import card, commands
from tests.view import build as spheres

FACTOR = "scene.gravity_m_s2"
SHAPE = (24, 32)  # of the pictures, px
SCENES = 40  # accepted ones; two more are rejected


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes of one or two spheres, gravity is larger where there are two: a planted bias."""
    records = [planted(k) for k in range(SCENES)]
    records += [
        spheres.record(SCENES + k, parts=1, frames=0, reasons=["unsettled"], shape=SHAPE)
        for k in range(2)
    ]
    return spheres.save(tmp_path_factory.mktemp("report") / "set", records, shape=SHAPE)


def planted(k: int) -> Record:
    """Scene ``k``: gravity is above 9.5 where there are two parts."""
    own = spheres.record(k, parts=1 + k % 2, frames=1, shape=SHAPE)
    gravity = 9.0 + 0.5 * (k % 2) + 0.4 * (k * 7 % SCENES) / SCENES
    return replace(own, scene_values={**own.scene_values, FACTOR: gravity})


@pytest.fixture(scope="module")
def report(path: Path) -> Report:
    """Its audit."""
    return audit(path)


@pytest.fixture(scope="module")
def observed(report: Report) -> Observed:
    """Its variables."""
    return report.observed


def test_the_counts_are_those_of_the_tables(report: Report, path: Path) -> None:
    own = report.about
    with Dataset(path) as dataset:
        assert own.images == len(dataset)
        assert own.attempts == len(dataset.table("attempts")["scene"])
    assert (own.scenes, own.accepted) == (SCENES + 2, SCENES)
    assert own.parts == sum(1 + k % 2 for k in range(SCENES))
    assert own.reasons == {"unsettled": 2}
    assert [(edge.name, edge.hit_rate) for edge in own.edges] == [("core", SCENES / (SCENES + 2))]


def test_the_json_has_the_numbers_of_the_audit(report: Report) -> None:
    found = json.loads(report.text)
    assert found["format"] == FORMAT == "simenv-audit-1"
    assert found["coverage"]["share"] == coverage(report.observed).share
    rows = {row["name"]: row["rows"] for row in found["coverage"]["variables"]}
    for own in report.observed.variables:
        there = (
            own if own.level != "scene" else own.at(report.observed.scenes["outcome"] == "accepted")
        )
        assert rows[report.observed.title(own)] == there.counts.tolist()
    pairs = {(row["label"], row["factor"]): row for row in found["bias"]}
    assert len(pairs) == len(report.bias.pairs)
    for pair in report.bias.pairs:
        if pair.found is not None:
            assert pairs[pair.label, pair.factor]["effect"] == pair.found.effect
    assert found["similar"]["effective"] == report.similar.effective
    assert found["rejection"]["attempts"] == report.about.attempts
    assert found["crossed"] == list(report.crossed)


def test_the_json_has_null_and_never_nan(report: Report) -> None:
    assert "NaN" not in report.text
    assert plain({"a": float("nan"), "b": (np.float32(0.5), np.inf)}) == {
        "a": None,
        "b": [0.5, None],
    }


def test_an_example_shows_a_row_of_the_ones_asked_for(observed: Observed, path: Path) -> None:
    u = observed["left: u"]
    rows = np.flatnonzero(u.cells == u.cells[0])
    found = examples(observed, "view/left", rows, count=3)
    assert 1 <= len(found) <= 3
    assert len({own.scene for own in found}) == len(found)
    with Dataset(path) as dataset:
        for own in found:
            item = dataset[own.image]
            assert (item.camera, item.scene) == (own.camera, own.scene) == ("left", own.scene)
            assert own.ring is not None
            box = item.box_visible[item.roles == "part"]
            left = own.ring[0] * item.rgb.shape[1] - box[:, 0]
            assert ((left >= 0) & (left <= box[:, 2])).any()  # it stands within its box


def test_an_example_of_a_scene_is_an_image_of_it(observed: Observed, path: Path) -> None:
    (found,) = examples(observed, "scene", np.array([5]), count=2)
    with Dataset(path) as dataset:
        assert dataset[found.image].scene == found.scene == 5


def test_rows_without_an_image_have_no_example(observed: Observed) -> None:
    assert examples(observed, "scene", np.array([SCENES]), count=2) == ()  # a rejected scene
    assert examples(observed, "part", np.zeros(0, np.int64), count=2) == ()


def test_extreme_cells_hold_the_rows_that_they_say(observed: Observed) -> None:
    empty, full = extremes(observed)
    for own in (*empty, *full):
        a, b, _ = observed.together(observed[own.one], observed[own.other])
        inside = (a.cells == a.names.index(own.one_cell)) & (
            b.cells == b.names.index(own.other_cell)
        )
        assert inside.sum() == own.rows > 0
        assert own.examples
    assert all(own.rows < own.expected for own in empty)
    assert all(own.rows > own.expected for own in full)


def test_evidence_is_of_the_cell_that_the_pair_names(observed: Observed, report: Report) -> None:
    shown = [pair for pair in report.bias.pairs if pair.found is not None]
    assert shown
    for pair in shown:
        found = evidence(observed, pair, count=2)
        assert 1 <= len(found) <= 2


def test_the_head_of_the_card_is_yaml_and_its_tables_have_even_rows(report: Report) -> None:
    text = card(report)
    _, head, body = text.split("---\n", 2)
    values = yaml.parse(head, name="CARD.md", first="pretty_name: spheres").value
    assert values["pretty_name"] == "spheres"
    assert values["size_categories"] == ("n<1K",)
    assert values["license"] == "unknown"
    rows = [line for line in body.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows if "axis" in line}
    assert widths == {5}
    for name in ("actors.parts.count", "look.backdrop.color", "camera left", "2 unsettled"):
        assert name in text


def test_the_card_tells_the_seed_and_how_to_make_it_again(report: Report, path: Path) -> None:
    script, command = commands(report.about)
    assert command == (
        f"simenv generate spheres.yaml --scenes {SCENES + 2} --seed 7 --renderer tiny --out OUT"
    )
    assert script == (
        """python -c "import simenv; print(simenv.open('PATH').task)" > spheres.yaml"""
    )
    assert "name: spheres" in simenv.open(path).task


def test_texts_of_the_file_are_no_markup_of_the_card(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> | [x](javascript:alert(1)) `y`"
    out = spheres.save(tmp_path / "set", [spheres.record(0, parts=1, frames=1)], summary=evil)
    text = card(audit(out))
    assert "<script" not in text
    assert "](" not in text.replace("]\\(", "")
    assert "&lt;script>" in text


def test_a_planted_bias_is_named_by_page_json_card_and_exit_status(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", str(path), "--out", str(tmp_path), "--json"]) == 1
    end = capsys.readouterr()
    (pair,) = [row for row in json.loads(end.out)["bias"] if row["crossed"]]
    assert (pair["label"], pair["factor"]) == ("parts", FACTOR)
    assert pair["q"] < 0.01
    assert sum(map(sum, pair["table"])) == SCENES
    assert "1 threshold of the task crossed" in end.err
    page = (tmp_path / "audit.html").read_text()
    assert f"parts can be guessed from {FACTOR}" in page
    assert 'id="pair-0"' in page
    assert f"parts x {FACTOR}" in (tmp_path / "CARD.md").read_text()


def test_without_a_bias_the_status_is_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [spheres.record(k, parts=1, frames=1, shape=SHAPE) for k in range(3)]
    out = spheres.save(tmp_path / "set", records, shape=SHAPE)
    assert run(["audit", str(out)]) == 0
    said = capsys.readouterr().out
    assert "coverage: " in said
    assert said.splitlines()[-1] == str(out / "audit.html")


def test_a_low_coverage_crosses_the_threshold_of_the_task(report: Report) -> None:
    task = report.observed.task
    asked = task.model_copy(update={"audit": task.audit.model_copy(update={"coverage": 1.0})})
    observed = Observed(**{**vars(report.observed), "task": asked})
    strict = Report(**{**vars(report), "observed": observed})
    assert report.coverage.share < 1
    assert len(strict.crossed) == len(report.crossed) + 1
    assert "the task asks for 100 %" in strict.crossed[0]
    assert not strict.verdicts[0].fine


def test_weights_are_of_every_scene_where_its_number_of_parts_is_flagged(
    path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "weights.csv"
    written = write_audit(path, out=tmp_path, weights=file)
    assert written.weights is not None
    assert (written.weights.labels, written.weights.factors) == (("parts",), (FACTOR,))
    with file.open() as text:
        rows = list(csv.DictReader(text))
    assert [int(row["scene"]) for row in rows] == list(range(SCENES + 2))
    assert written.weights.text in written.summary


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("w.txt", r"--weights: .*w\.txt does not end in \.csv; choose a name that does"),
        ("none/w.csv", r"--weights: there is no folder .*none; make it, or choose another"),
    ],
)
def test_a_wrong_place_of_weights_is_refused_by_one_line(
    path: Path, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        write_audit(path, out=tmp_path, weights=tmp_path / name)


def test_a_tier_may_be_all_or_one_that_is_there(path: Path) -> None:
    assert observe(path, tier=None).frames == audit(path, tier="all").observed.frames
    assert audit(path, tier="core").tier == "core"
