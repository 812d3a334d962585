"""A split is by scene, even, repeatable, extended and never of another dataset."""

import json
from pathlib import Path

import numpy as np
import pytest

import simenv
from simenv.cli import run
from simenv.dataset.factors import HoldOut, values
from simenv.dataset.index import merge_to_file
from simenv.dataset.lock import Lock
from simenv.dataset.splits import read_split
from simenv.dataset.validate import validate
from simenv.errors import InputError, Locked
from simenv.generate import generate
from simenv.rerender import rerender
from simenv.split import check, split
from simenv.split.strata import labels
from tests.split.conftest import REJECTED, SCENES, painted

PROJECT = Path(__file__).parents[1] / "data/project"
MINI = PROJECT / "tasks/mini.yaml"
HALVES = {"train": 0.5, "test": 0.5}


def test_every_accepted_scene_is_in_one_part_and_rejected_ones_in_none(many: Path) -> None:
    made = split(many).split
    assert list(made.splits) == ["train", "val", "test"]
    assert made.numbers == tuple(sorted(set(range(SCENES)) - set(REJECTED)))
    assert [len(own) for own in made.splits.values()] == pytest.approx([46.4, 5.8, 5.8], abs=1)


def test_every_label_is_within_a_scene_of_its_share(many: Path) -> None:
    report = split(many, fractions=HALVES)
    with simenv.open(many) as dataset:
        scenes = np.array(report.split.numbers)
        found = labels(dataset, scenes)
        for name, flags in found.items():
            own = np.isin(scenes, report.split.splits["train"])
            assert abs((own & flags).sum() - 0.5 * flags.sum()) <= 1.5, name
    assert report.worst <= 1.5
    assert {"tier core", "tier look.light.elevation_deg/glare", "object cap"} < set(found)
    assert {f"look.light.elevation_deg {cell}" for cell in range(4)} < set(found)


def test_parts_do_not_depend_on_files_but_on_the_seed(many: Path, tmp_path: Path) -> None:
    one = merge_to_file(many, tmp_path / "one.h5")
    first = split(many).split
    assert split(one).split == first
    assert read_split(one) == first
    assert (tmp_path / "one.splits/default.json").exists()
    other = split(many, name="other", seed=1).split
    assert other.splits != first.splits


def test_a_longer_dataset_keeps_the_parts_of_its_scenes(half: Path, tmp_path: Path) -> None:
    before = split(half).split
    grown = painted(half, SCENES)
    report = split(grown)
    assert report.added == SCENES // 2 - 1  # scene 31 is rejected
    for name, own in before.splits.items():
        assert set(own) < set(report.split.splits[name])
    assert report.worst <= 3.0
    assert split(grown).added == 0
    assert validate(grown).findings == ()


def test_what_is_held_out_is_in_no_other_part(many: Path) -> None:
    made = split(many, hold_out=["look.light.elevation_deg=70..85", "object=cap"]).split
    unseen = made.splits["test_unseen"]
    with simenv.open(many) as dataset:
        numbers, names = values(dataset, "object")
        light = dict(zip(*values(dataset, "look.light.elevation_deg"), strict=True))
    for scene in made.numbers:
        held = 70 <= light[scene] <= 85 or "cap" in names[numbers == scene]
        assert held == (scene in unseen)
    assert 0 < len(unseen) < len(made.numbers)
    assert check(many) == ((), 0)


FACTORS = {  # and the scenes that have it
    "actors.parts.count=3": lambda k: k * 7 % 4 == 3,
    "actors.parts.objects=cap": lambda k: k * 7 % 4 >= 2,
    "texture=red": lambda k: k * 7 % 4 >= 1,
    "tier=look.light.elevation_deg/glare": lambda k: k % 5 == 0,
}


@pytest.mark.parametrize("factor", FACTORS)
def test_factors_are_found_where_they_are(many: Path, factor: str) -> None:
    with simenv.open(many) as dataset:
        (found,) = HoldOut.parse(factor).scenes(dataset).values()
    there = [k for k in range(SCENES) if k not in REJECTED and FACTORS[factor](k)]
    assert found.tolist() == there


@pytest.mark.parametrize(
    "factor", ["scene.belts.main.texture=null", "scene.belts.main.top_z_m=0.4"]
)
def test_what_all_scenes_have_cannot_be_held_out(many: Path, factor: str) -> None:
    with pytest.raises(InputError, match="is in 58 of 58 scenes, and 0 are left to learn from"):
        split(many, hold_out=[factor])


BAD = {
    "--fractions train=0.5": "--fractions: they sum to 0.5; change them to sum to 1",
    "--fractions train=0.5,test": "--fractions: 'test' is no name=number; write for example",
    "--fractions train=1,test=0": "--fractions: test=0 is no share; give one above 0 up to 1",
    "--fractions train=0.5,train=0.5": "--fractions: train is there twice; keep one",
    "--fractions train=0.5,test_unseen=0.5": "--fractions: test_unseen is what is held out",
    "--fractions train=0.999,test=0.001": "test gets none of 58 scenes; generate more, or raise",
    "--fractions Train=1": "--fractions: 'Train' is no name of a-z, 0-9 and _; write for example",
    "--name ../x": "--name: '../x' is no name of a-z, 0-9 and _; write for example fold_1",
    "--seed -1": "--seed: -1 is negative; use 0 or larger",
    "--hold-out object": "--hold-out: 'object' is no factor=value; write for example object=gear",
    "--hold-out object=cp": "--hold-out: object=cp: cp is in no scene; did you mean cap?",
    "--hold-out objct=cap": "--hold-out: no factor objct; did you mean object?",
    "--hold-out object=1..2": "--hold-out: object=1..2: its values are no numbers; list the values",
    "--hold-out look.light.elevation_deg=9..5": "low 9 is above high 5; swap them",
    "--hold-out look.light.elevation_deg=x": "'x' is no number, and those of look.light",
    "--hold-out look.light.elevation_deg=1..2": "1..2 is in no scene; there is ",
    "--hold-out cameras.top.X_WC.eye=1": "its values are vectors, of which none is like another",
    "--hold-out class=box": "is in 58 of 58 scenes, and 0 are left to learn from, less than 20%",
    "--check": "has no split default; make one with `simenv split ",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line_and_writes_nothing(
    words: str, many: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["split", str(many), *words.split()]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert BAD[words] in said
    assert not (many / "splits").exists()


def test_another_request_under_the_same_name_is_refused(many: Path) -> None:
    split(many, seed=3)
    assert split(many).split.request.seed == 3  # nothing asked: as it was
    with pytest.raises(InputError, match=r"--seed: .*default.json was made with 3, this is 4; cho"):
        split(many, seed=4)
    with pytest.raises(InputError, match=r"made with train=0.8,val=0.1,test=0.1, this is train=0"):
        split(many, fractions=HALVES)


def test_a_split_of_another_dataset_is_refused(many: Path, half: Path) -> None:
    split(many)
    (half / "splits").mkdir()
    (many / "splits/default.json").rename(half / "splits/default.json")
    with simenv.open(half) as dataset:
        with pytest.raises(InputError, match="is of another dataset \\(scene 30 is not there\\)"):
            dataset.split()
    with pytest.raises(InputError, match="is of another dataset"):
        split(half)
    (finding,) = validate(half).findings
    assert "default.json: is of another dataset" in str(finding)


def test_nothing_is_written_while_a_run_writes(many: Path) -> None:
    with Lock(many), pytest.raises(Locked):
        split(many)
    assert not (many / "splits").exists()
    assert split(many).added == SCENES - len(REJECTED)
    assert sorted(path.name for path in (many / "splits").iterdir()) == ["default.json"]


def test_a_real_dataset_is_split_checked_merged_and_drawn_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))
    out = tmp_path / "out"
    generate(MINI, out, scenes=6, jobs=0, renderer="tiny")
    words = ["split", str(out), "--fractions", "train=0.5,test=0.5"]
    assert run([*words, "--hold-out", "scene.belts.main.texture=steel", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "splits/default.json").read_text())
    assert run(["split", str(out), "--check"]) == 0
    assert capsys.readouterr().out == f"{out}: split default: no leaks\n"
    with simenv.open(merge_to_file(out, tmp_path / "one.h5")) as merged:
        assert {name: own.tolist() for name, own in merged.split().items()} == told["splits"]
    rerender(out, tmp_path / "twin", jobs=0, look={"look.light.azimuth_deg": 200.0})
    (tmp_path / "twin/splits").symlink_to(out / "splits")
    with simenv.open(tmp_path / "twin") as twin:
        assert {item.scene for item in twin.subset("train")} == set(told["splits"]["train"])
    assert check(tmp_path / "twin") == ((), 0)
