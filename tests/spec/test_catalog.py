"""Where names are looked for, in which order, and what unknown ones are told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simenv.errors import InputError
from simenv.spec.catalog import ENVIRONMENT, content_root, find, load_object, names
from simenv.spec.load import load_task


def test_the_built_in_content_has_its_folders() -> None:
    assert all((content_root() / kind).is_dir() for kind in ("objects", "tasks"))


def test_content_inside_the_package_comes_first(tmp_path: Path) -> None:
    """In a wheel the folders lie in simenv/content; tried on a copy of the package."""
    source = Path(sys.modules["simenv"].__file__ or "").parent
    shutil.copytree(source, tmp_path / "simenv", ignore=shutil.ignore_patterns("content", "__py*"))
    command = "from simenv.spec.catalog import content_root; print(content_root())"
    for made, expected in ((False, tmp_path), (True, tmp_path / "simenv" / "content")):
        if made:
            expected.mkdir()
        run = subprocess.run(
            [sys.executable, "-P", "-c", command],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert Path(run.stdout.strip()) == expected


def test_the_own_project_comes_before_the_path_and_the_path_before_the_built_in(
    tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, other = tasks.parent, tmp_path / "other"
    shutil.copytree(project / "objects", other / "objects")
    shutil.copytree(project / "objects" / "disc", other / "objects" / "extra")
    monkeypatch.setenv(ENVIRONMENT, f"{tmp_path / 'missing'}{os.pathsep}{other}")
    assert find("objects", "disc") == other / "objects" / "disc" / "object.yaml"
    assert find("objects", "disc", near=tasks) == project / "objects" / "disc" / "object.yaml"
    assert find("objects", "extra", near=tasks) == other / "objects" / "extra" / "object.yaml"
    shutil.copytree(project / "objects", tasks / "objects")  # beside the task file itself
    assert find("objects", "disc", near=tasks) == tasks / "objects" / "disc" / "object.yaml"


def test_names_are_those_that_can_be_found(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tasks.parent))
    assert {"block", "disc"} <= set(names("objects"))
    assert {"full", "minimal"} <= set(names("tasks"))
    assert names("objects") == sorted(names("objects"))
    assert all(find("objects", name).is_file() for name in names("objects"))
    assert load_task("full").path == tasks / "full.yaml"


def test_an_unknown_name_is_told_the_nearest(tasks: Path) -> None:
    with pytest.raises(InputError) as caught:
        find("objects", "blokc", near=tasks)
    assert str(caught.value) == "no object blokc; did you mean block?"
    with pytest.raises(InputError, match=r"^no task fulll; did you mean full\?$"):
        find("tasks", "fulll", near=tasks)


@pytest.mark.parametrize("name", ["../tasks", "Block", "", "a/b", "block\n", "x" * 65])
def test_what_is_no_name_is_never_looked_up(name: str, tasks: Path) -> None:
    with pytest.raises(InputError, match=r"^no object "):
        find("objects", name, near=tasks)


def test_an_object_is_loaded_by_name_by_folder_and_by_file(tasks: Path) -> None:
    folder = tasks.parent / "objects" / "block"
    for source in ("block", folder, folder / "object.yaml", str(folder / "object.yaml")):
        assert load_object(source, near=tasks).folder == folder
