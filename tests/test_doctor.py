"""What `simenv doctor --robot` finds: each fault that is put into a sound robot."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simenv.cli import run
from simenv.doctor import Line, examine_robot
from simenv.spec import catalog

ROBOTS = {
    "arm6+jaw85": ("arm6", "jaw85"),
    "iiwa+wsg50": ("iiwa", "wsg50"),
    **{name: (name, None) for name in catalog.names("robots")},
}


@pytest.mark.parametrize("key", ROBOTS)
def test_the_robots_of_the_catalog_are_sound(key: str) -> None:
    lines = list(examine_robot(*ROBOTS[key]))
    assert {line.verdict for line in lines} == {"ok"}, "\n".join(map(str, lines))


def changed(folder: Path, name: str, *pairs: tuple[str, str], file: str = "robot.yaml") -> Path:
    """A copy of a robot of the catalog in which text is replaced."""
    copy = folder / name
    shutil.copytree(catalog.content_root() / "robots" / name, copy)
    text = (copy / file).read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (copy / file).write_text(text)
    return copy


def faults(lines: list[Line]) -> list[str]:
    return [str(line) for line in lines if line.verdict != "ok"]


def fault(name: str, *pairs: tuple[str, str], file: str = "robot.yaml") -> Callable[[Path], Path]:
    return lambda folder: changed(folder, name, *pairs, file=file)


FAULTS = {
    "folded into itself": (
        fault("arm6", ("0.0245, 1.5075, 0.0388", "0.0, 2.75, 1.5")),
        ["FAIL  at home upper_arm and wrist_2 touch"],
    ),
    "not straight down": (fault("panda", ("2.355", "2.155")), ["11.5 deg off straight down"]),
    "close to a limit": (fault("panda", ("0.785398", "2.95")), ["panda_joint7", "from a limit"]),
    "opens less than it says": (
        fault("jaw85", ("[0.0, 0.085]", "[0.0, 0.095]")),
        ["84.6 open, but opening_m says 0.0 and 95.0"],
    ),
    "pads on one finger": (
        fault("jaw85", ("[left_finger, right_finger]", "[left_finger, left_finger]")),
        ["FAIL  all pads are one rigid piece"],
    ),
    "slippery pads": (
        fault("jaw85", ("lateral: 1.0", "lateral: 0.001")),
        ["FAIL  a cube of 30 mm and 0.1 kg is not held"],
    ),
    "too weak a vacuum": (
        fault("cup", ("force_n: 17.0", "force_n: 0.2")),
        ["FAIL  a cube of 30 mm and 0.1 kg is not held"],
    ),
    "too weak an arm": (
        fault("arm6", ('effort="150"', 'effort="15"'), file="arm6.urdf"),
        ["FAIL  the arm sags by"],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_found(case: str, tmp_path: Path) -> None:
    build, expected = FAULTS[case]
    found = "\n".join(faults(list(examine_robot(build(tmp_path)))))
    assert found
    for words in expected:
        assert words in found


def test_the_exit_status_is_that_of_a_failed_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    robot = changed(tmp_path, "jaw85", ("[0.0, 0.085]", "[0.0, 0.095]"))
    assert run(["doctor", "--robot", str(robot)]) == 1
    assert "is not yet what its files say" in capsys.readouterr().err
