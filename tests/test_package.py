"""The wheel works outside the checkout and carries the content, and no code in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree and unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def simenv_at(site: Path, *words: str) -> str:
    """Run `simenv` from ``site``, in an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = (
        "import simenv, sys; sys.stderr.write(simenv.__file__); from simenv.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=site.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.startswith(str(site)), done.stderr
    return done.stdout


def test_the_wheel_carries_content_and_no_python_in_it(installed: Path) -> None:
    content = installed / "simenv/content"
    assert (content / "tasks/conveyor_pick.yaml").is_file()
    assert (content / "objects/hex_bolt/object.yaml").is_file()
    assert (content / "robots/arm6/robot.yaml").is_file()
    assert not list(content.rglob("*.py"))
    assert sorted(p.name for p in installed.iterdir() if not p.name.endswith("dist-info")) == [
        "simenv"
    ]


def test_an_installed_simenv_lists_and_loads_its_own_robots(installed: Path) -> None:
    """Each with every mesh that its URDF names; `doctor` reads them all."""
    said = simenv_at(installed, "list").split("robots:\n")[1].split()
    assert said == sorted(path.parent.name for path in (ROOT / "robots").glob("*/robot.yaml"))
    for robot in said:
        assert f"ok    {robot}: " in simenv_at(installed, "doctor", "--robot", robot)


def test_an_installed_simenv_lists_and_generates_its_own_tasks(installed: Path) -> None:
    assert "  conveyor_pick\n" in simenv_at(installed, "list")
    words = ["generate", "table_clutter", "--scenes", "1", "--out", "made.h5"]
    assert "1 scenes made" in simenv_at(installed, *words, "--renderer", "tiny", "--jobs", "0")
    assert (installed.parent / "made.h5").is_file()
