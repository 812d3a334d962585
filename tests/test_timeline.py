"""Datasets of two days differ in what the timeline moves, and each knows its day."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simenv
from simenv.cli import run
from simenv.domain.diff import diff
from simenv.errors import InputError
from simenv.generate import generate
from simenv.rerender import rerender
from simenv.spec.load import Task, load_task, task_from_text
from simenv.verify import verify

PROJECT = Path(__file__).parent / "data/project"
MINI = PROJECT / "tasks/mini.yaml"
SCENES = 4
TIMELINE = """
timeline:
  - {axis: look.light.temperature_k, cycle: {period_days: 1, amplitude: 800}}
  - {axis: look.backdrop.color, drift: {per_day: [0.001, 0, 0], from_day: 10, until_day: 60}}
  - {axis: scene.belts.main.texture, shift: {day: 30, to: wood}}
  - {axis: scene.floor.texture, shift: {day: 45, to: {choice: [wood, steel]}}}
"""
GUESTS = "  guests: {objects: drum, from_day: 30, spawn: {zone: infeed, height_m: 0.03}}\n"
DAYS = 0.0, 30.25


def task_of(text: str) -> Task:
    """A task beside mini."""
    return task_from_text(text, near=MINI.parent)


@pytest.fixture(scope="module")
def task() -> Task:
    """Mini with a timeline, and one camera."""
    lines = [line for line in MINI.read_text().splitlines() if not line.startswith("  side:")]
    return task_of("\n".join(lines) + TIMELINE)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))


@pytest.fixture(scope="module")
def datasets(task: Task, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same scenes on two days."""
    folder = tmp_path_factory.mktemp("days")
    for day in DAYS:
        make(task, folder / str(day), at_day=day)
    return folder / str(DAYS[0]), folder / str(DAYS[1])


def make(task: Task, out: Path, **options: Any) -> Path:
    """A dataset, in this process."""
    generate(task, out, scenes=SCENES, jobs=0, renderer="tiny", **options)
    return out


def table(path: Path, name: str) -> dict[str, Any]:
    """A table of a dataset."""
    with simenv.open(path) as dataset:
        return dataset.table(name)


def moved_params(one: Path, other: Path) -> set[str]:
    """Paths of the axes whose columns differ, bit by bit."""
    found = set()
    for name in ("scenes", "parts"):
        was, is_ = table(one, name), table(other, name)
        assert was.keys() == is_.keys()
        keys = [key for key in was if key.startswith("param/")]
        found |= {key[6:] for key in keys if was[key].tolist() != is_[key].tolist()}
    return found


def test_two_days_differ_in_exactly_the_axes_that_diff_names(
    task: Task, datasets: tuple[Path, Path]
) -> None:
    named = {row.path for row in diff(task, *DAYS)}
    assert named == {
        "look.light.temperature_k",
        "look.backdrop.color",
        "scene.belts.main.texture",
    }
    assert moved_params(*datasets) == named
    was, is_ = (table(path, "scenes") for path in datasets)
    assert (set(was["time_days"]), set(is_["time_days"])) == ({DAYS[0]}, {DAYS[1]})
    color = is_["param/look.backdrop.color"] - was["param/look.backdrop.color"]
    np.testing.assert_allclose(color, np.tile([0.02025, 0, 0], (SCENES, 1)), atol=1e-15)


def test_a_day_that_moves_only_the_look_moves_no_label_but_the_date(
    datasets: tuple[Path, Path],
) -> None:
    bodies = [table(path, "bodies") for path in datasets]
    assert np.array_equal(bodies[0]["X_WB"], bodies[1]["X_WB"])
    with simenv.open(datasets[0]) as was, simenv.open(datasets[1]) as is_:
        for before, after in zip(was, is_, strict=True):
            assert np.array_equal(before.instance, after.instance)
            assert np.array_equal(before.depth_m, after.depth_m)
            assert not np.array_equal(before.rgb, after.rgb)


def test_a_timeline_changes_nothing_on_day_0(task: Task, datasets: tuple[Path, Path]) -> None:
    bare = {change.axis for change in task.spec.timeline} - task.spec.domain.keys()
    text = task.text[: task.text.index("timeline:")]
    assert bare == {"look.light.temperature_k", "scene.floor.texture"}
    plain = table(make(task_of(text), datasets[0].parent / "plain"), "scenes")
    dated = table(datasets[0], "scenes")
    assert dated.keys() - plain.keys() == {f"param/{path}" for path in bare}
    for key in (key for key in plain if key.startswith("param/")):
        assert plain[key].tolist() == dated[key].tolist()


def test_parts_appear_on_their_day_and_are_labelled(task: Task, tmp_path: Path) -> None:
    own = task_of(task.text.replace("\nscene:", f"\n{GUESTS}scene:".replace("\n\n", "\n"), 1))
    for day, there in ((29.0, 0), (30.0, 1)):
        out = make(own, tmp_path / str(day), at_day=day)
        groups = table(out, "parts")["group"].tolist()
        assert groups.count("guests") == there * SCENES
        assert table(out, "scenes")["param/actors.guests.count"].tolist() == [there] * SCENES
    assert moved_params(tmp_path / "29.0", tmp_path / "30.0") >= {"actors.guests.count"}


def test_a_run_goes_on_on_its_own_day_only(task: Task, datasets: tuple[Path, Path]) -> None:
    make(task, datasets[1], at_day=DAYS[1])
    with pytest.raises(InputError, match=r"was begun with at_day 30\.25, this run has 3\.0"):
        make(task, datasets[1], at_day=3)


def test_no_folder_is_begun_for_a_day_that_is_none(task: Task, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="day nan is not on the timeline; use 0 or larger"):
        make(task, tmp_path / "out", at_day=float("nan"))
    assert not (tmp_path / "out").exists()


def test_a_dataset_is_made_and_drawn_again_on_its_own_day(
    datasets: tuple[Path, Path], tmp_path: Path
) -> None:
    assert all("equal" in line for line in verify(datasets[1], scenes=2))
    rerender(datasets[1], tmp_path / "twin", jobs=0)
    for digest in ("labels_sha256", "all_sha256"):
        twin, source = (table(path, "scenes")[digest] for path in (tmp_path / "twin", datasets[1]))
        assert twin.tolist() == source.tolist()


def test_a_look_that_is_asked_for_does_not_move_with_the_days(
    datasets: tuple[Path, Path], tmp_path: Path
) -> None:
    look = {"scene.belts.main.texture": "steel"}
    rerender(datasets[1], tmp_path / "twin", look=look, jobs=0)
    twin = table(tmp_path / "twin", "scenes")
    assert "param/scene.belts.main.texture" not in twin
    belts = table(tmp_path / "twin", "bodies")
    assert set(belts["texture"][belts["group"] == "belts"]) == {"steel"}
    rest = "param/look.light.temperature_k"
    assert twin[rest].tolist() == table(datasets[1], "scenes")[rest].tolist()


def test_the_command_line_takes_days(
    task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dated.yaml"
    path.write_text(task.text)
    assert run(["diff", str(path), "--days", "0", "0.25", "--scenes", "8"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["look.light.temperature_k", "visual", "6500", "7300"]
    assert run(["diff", str(path), "--days", "3", "4"]) == 0
    assert capsys.readouterr().out == "nothing moved between day 3 and day 4\n"
    assert run(["diff", str(path), "--days", "0", "-1"]) == 2
    assert "day -1 is not on the timeline; use 0 or larger" in capsys.readouterr().err
    out = str(tmp_path / "out")
    words = ["generate", str(path), "--scenes", "1", "--jobs", "0", "--renderer", "tiny"]
    assert run([*words, "--out", out, "--at-day", "0.25"]) == 0
    with simenv.open(out) as dataset:
        assert dataset.attrs["at_day"] == 0.25


def test_an_environment_lives_on_a_day() -> None:
    text = load_task("table_pick").text
    text = text.replace("timeline: []", "timeline:\n" + "\n".join(ROWS_OF_TABLE))
    from simenv.envs.env import TaskEnv

    own = task_from_text(text)
    env = TaskEnv(own, at_day=4.0)
    try:
        env.reset(seed=0)
        assert env.scene.time_days == 4.0
        assert env.scene.gravity_m_s2 == pytest.approx(9.85)
        env.reset(options={"scene": 0, "at_day": 0.0})
        assert env.scene.gravity_m_s2 == 9.81
    finally:
        env.close()


ROWS_OF_TABLE = (
    "  - {axis: scene.gravity_m_s2, drift: {per_day: 0.01, until_day: 10}}",
    "  - {axis: look.light.intensity, shift: {day: 3, to: 0.5}}",
)
