"""What the README says is so: its example runs, its floor table and commands are the real ones."""

import re
from pathlib import Path
from typing import Any

import pytest

from simenv.cli import run
from simenv.generate import generate
from simenv.spec.load import task_from_text
from simenv.spec.task import LABELS
from tests.test_floors import FLOORS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MINI = ROOT / "tests/data/project/tasks/mini.yaml"


def test_the_reading_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(code.strip().splitlines()) <= 10
    generate(MINI, tmp_path / "out", scenes=1, jobs=0, renderer="tiny")
    exec(code.replace("out/conveyor", str(tmp_path / "out")), {})
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(re.match(r"(overhead|side) [\d.]+ (brick|drum|belt_main) \[", line) for line in said)


def test_the_training_example_runs() -> None:
    _, code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["info"]["time_s"] > 5.0
    names["env"].close()


def test_the_floor_table_is_the_one_that_is_enforced() -> None:
    rows = re.findall(r"^\| (\d+) \| ((?:`\w+` ?)+)\|", README, re.MULTILINE)
    told = {int(level): set(re.findall(r"\w+", rooms)) for level, rooms in rows}
    assert FLOORS[-1] == {"__main__"}  # only calls cli
    assert told == dict(enumerate(FLOORS[:-1]))


def test_every_command_of_the_table_exists(capsys: pytest.CaptureFixture[str]) -> None:
    commands = set(re.findall(r"^\| `simenv (\w+)", README, re.MULTILINE))
    assert run(["--help"]) == 0
    listed = set(re.findall(r"^  (\w+)  +\w", capsys.readouterr().out, re.MULTILINE))
    assert commands == listed


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_to_files(link: str) -> None:
    assert (ROOT / link).exists()


def test_commands_to_paste_are_one_line_each() -> None:
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL):
        assert block.count("\n") == 1


def test_the_example_of_labels_cameras_and_looks_is_a_task() -> None:
    (block,) = re.findall(r"```yaml\n(labels:.*?)```", README, re.DOTALL)
    task = "\n".join(
        [
            "format: simenv-task-1",
            "name: readme",
            "actors: {parts: {objects: [washer], spawn: {zone: here}}}",
            "scene: {zones: {here: {center: [0, 0, 0], size_m: [0.2, 0.2]}}, robot: {use: panda}}",
            block,
        ]
    )
    assert len(task_from_text(task).spec.labels) == len(LABELS)
