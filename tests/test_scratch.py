"""Scratch folders come and go with the process that needs them."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from simenv.scratch import ScratchFolder

MAKE = "from simenv.scratch import ScratchFolder; folder = ScratchFolder()"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def left_by(ending: str, tmp_path: Path) -> list[Path]:
    """Folders that a process leaves which ends like that."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", f"{MAKE}; {ending}"], env=environment, check=False)
    return list(tmp_path.iterdir())


def test_close_removes_the_folder(tmp_path: Path) -> None:
    folder = ScratchFolder()
    (folder.path / "file").touch()
    folder.close()
    folder.close()  # twice is fine
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_by_a_process_that_ends(tmp_path: Path) -> None:
    assert not left_by("pass", tmp_path)


def test_a_forked_child_leaves_its_parents_files_alone(tmp_path: Path) -> None:
    killed = "os.waitpid(child, 0), os.kill(os.getpid(), 9)"
    ending = f"import os; child = os.fork(); child and ({killed})"
    assert len(left_by(ending, tmp_path)) == 1


def test_what_a_killed_process_left_is_swept_up_by_the_next(tmp_path: Path) -> None:
    (stale,) = left_by("import os; os.kill(os.getpid(), 9)", tmp_path)
    first = ScratchFolder()
    assert stale.exists(), "too young to tell"
    for folder in (stale, first.path):
        os.utime(folder, (0, 0))
    second = ScratchFolder()
    assert not stale.exists()
    assert first.path.exists()
    first.close()
    second.close()
