"""What a person at a shell meets: exit status, one clear line, nothing written by a mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import simenv
from simenv.cli import run
from simenv.system import LIBRARIES, Library

PROJECT = Path(__file__).parent / "data/project"
MINI = PROJECT / "tasks/mini.yaml"


def test_list_names_tasks_objects_and_robots(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    said = capsys.readouterr().out
    assert "  conveyor_pick\n" in said
    assert "  hex_bolt\n" in said
    assert "robots:\n  arm6\n" in said


@pytest.mark.parametrize("kind", ["task", "object"])
def test_schema_is_json_schema(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", kind]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


def test_generate_validate_view_and_verify_work_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))
    out = str(tmp_path / "out")
    words = ["generate", str(MINI), "--scenes", "3", "--out", out, "--renderer", "tiny"]
    assert run([*words, "--jobs", "0"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 scenes made: 3 accepted, 12 images in ")
    assert run([*words, "--jobs", "0"]) == 0
    assert "0 scenes made, 3 were there already" in capsys.readouterr().out
    assert run(["validate", out]) == 0
    assert run(["view", out, "--images", "2"]) == 0
    assert (tmp_path / "out/view.html").exists()
    assert run(["verify", out, "--scenes", "2"]) == 0
    with simenv.open(out) as dataset:
        assert len(dataset) == 12


BAD = {
    "no such task": (["generate", "conveyor_pik"], "did you mean conveyor_pick?"),
    "no such file": (["generate", "tasks/none.yaml"], "tasks/none.yaml"),
    "no scenes": (["generate", str(MINI), "--scenes", "0"], "ask for 1 or more"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_exit_status_2_and_no_file(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, expected = BAD[case]
    scenes = [] if "--scenes" in words else ["--scenes", "1"]
    assert run([*words, *scenes, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("simenv: ")
    assert expected in said
    assert not list(tmp_path.iterdir())


def test_a_wrong_task_file_names_line_column_and_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = tmp_path / "tasks/mini.yaml"
    task.parent.mkdir()
    task.write_text(MINI.read_text().replace("scene.belts.main.speed_m_s", "scene.belts.main.sped"))
    (tmp_path / "objects").symlink_to(PROJECT / "objects")
    assert run(["generate", str(task), "--scenes", "1", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"simenv: {task}:17:3: domain.scene.belts.main.sped: ")
    assert "did you mean scene.belts.main.speed_m_s?" in said
    assert not (tmp_path / "out").exists()


def test_an_empty_out_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", str(MINI), "--scenes", "1", "--out", ""]) == 2
    assert "--out: is empty" in capsys.readouterr().err


def test_a_run_without_one_accepted_scene_is_a_failed_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "objects").symlink_to(PROJECT / "objects")
    task = tmp_path / "hasty.yaml"
    task.write_text(MINI.read_text() + "physics: {settle: {limit_s: 0.31}, max_attempts: 1}\n")
    out = ["--out", str(tmp_path / "out"), "--renderer", "tiny", "--jobs", "0"]
    assert run(["generate", str(task), "--scenes", "1", *out]) == 1
    assert "no scene was accepted" in capsys.readouterr().err


def test_verify_says_where_it_looks_for_objects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    words = ["--scenes", "1", "--out", out, "--renderer", "tiny", "--jobs", "0"]
    assert run(["generate", str(MINI), *words]) == 0
    assert run(["verify", out]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "SIMENV_PATH" in said


def test_a_group_of_parts_may_not_be_called_like_furniture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "objects").symlink_to(PROJECT / "objects")
    task = tmp_path / "floor.yaml"
    task.write_text(MINI.read_text().split("domain:")[0].replace("  parts:", "  floor:"))
    assert run(["generate", str(task), "--scenes", "1", "--out", str(tmp_path / "out")]) == 2
    assert "actors.floor: floor is the name of furniture" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["view", "validate", "verify"])
def test_a_path_that_is_no_dataset_is_bad_input(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_system_library_is_named_with_its_package_and_purpose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Library("libnonsense.so.9", "libnonsense9", "nothing draws without it", True)
    monkeypatch.setattr("simenv.system.LIBRARIES", (*LIBRARIES, absent))
    assert run(["list"]) == 1
    said = capsys.readouterr().err
    assert "libnonsense.so.9: nothing draws without it" in said
    assert "apt-get install libnonsense9" in said


@pytest.mark.egl
def test_doctor_finds_this_machine_healthy() -> None:
    done = subprocess.run(  # a process of its own: EGL is one per process
        [sys.executable, "-m", "simenv", "doctor"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = [line.split()[0] for line in done.stdout.splitlines()]
    assert verdicts == ["ok"] * len(verdicts)
    assert done.stdout.count("golden picture") == 3
    assert done.stderr == ""


def test_doctor_examines_a_robot_with_its_gripper(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--robot", "arm6", "--gripper", "cup"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert lines[0].startswith("ok    arm6: ")
    assert "is held" in lines[-1]


def test_doctor_names_what_is_wrong_with_a_robot(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--robot", "arm66"]) == 2
    assert "did you mean arm6?" in capsys.readouterr().err
    assert run(["doctor", "--gripper", "cup"]) == 2
    assert "--gripper cup needs an arm" in capsys.readouterr().err


def test_wrong_usage_is_exit_status_2() -> None:
    assert run(["generate"]) == 2
    assert run(["no-such-command"]) == 2


def test_the_public_names_are_there() -> None:
    assert sorted(simenv.__all__) == ["__version__", "load_task", "open"]
    for name in simenv.__all__:
        assert getattr(simenv, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        simenv.nonsense  # noqa: B018
