"""An export is there whole or not at all: through Ctrl-C, kill -9, a full disk, a second export."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simenv.errors import InputError, Locked, SimenvError, StorageError
from simenv.export import FORMATS, export
from tests.export.conftest import files


def test_a_folder_with_something_in_it_is_left_alone(painted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, what in (("out", "is not empty"), ("file", "is a file")):
        with pytest.raises(InputError) as error:
            export(painted, "coco", tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: {what}; choose a folder that does not exist"
    assert files(tmp_path) == {"out/mine.txt": b"mine", "file": b"mine"}


def test_an_empty_folder_is_taken(painted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(painted, "coco", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"annotations", "images"}


def test_a_part_folder_that_no_export_made_is_left_alone(painted: Path, tmp_path: Path) -> None:
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part/mine.txt").write_text("mine")
    with pytest.raises(InputError) as error:
        export(painted, "coco", tmp_path / "out")
    assert str(error.value) == (
        f"{tmp_path / 'out.part'}: is in the way, and no export made it; move it elsewhere"
    )
    assert files(tmp_path) == {"out.part/mine.txt": b"mine"}


KILLED = """
import os, signal, sys
from simenv.export import export
def die(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
export(sys.argv[1], "bop", sys.argv[2], progress=die)
"""


def test_what_a_killed_export_left_is_swept_by_the_next(painted: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", KILLED, str(painted), str(tmp_path / "out")]
    assert subprocess.run(arguments).returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    left = files(tmp_path / "out.part")
    assert len(left) > 5
    (tmp_path / "out.part/train/stale.txt").write_text("of the killed one")
    export(painted, "bop", tmp_path / "out")
    export(painted, "bop", tmp_path / "undisturbed")
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "undisturbed"}


def test_ctrl_c_leaves_nothing(painted: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(painted, "coco", tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_two_exports_do_not_write_to_one_folder(painted: Path, tmp_path: Path) -> None:
    failures: list[SimenvError] = []

    def again(done: int, total: int) -> None:
        with pytest.raises(Locked) as error:
            export(painted, "coco", tmp_path / "out")
        failures.append(error.value)

    export(painted, "coco", tmp_path / "out", progress=again)
    assert str(failures[0]) == (
        f"{tmp_path / 'out.part'}: another export is writing here; wait for it, or choose another "
        "folder"
    )
    export(painted, "coco", tmp_path / "undisturbed")
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: write fails with EFBIG, as with ENOSPC."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("limit", [0, 200, 1000])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    painted: Path, tmp_path: Path, to: str, limit: int
) -> None:
    with full_disk(limit), pytest.raises(StorageError) as error:
        export(painted, to, tmp_path / "out")
    text = str(error.value)
    assert text.startswith(str(tmp_path / "out"))
    assert "bytes: File too large; " in text
    assert "\n" not in text
    assert list(tmp_path.iterdir()) == []
    export(painted, to, tmp_path / "out")  # the advice, taken
