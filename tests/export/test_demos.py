"""What the exports of demonstrations share: who may be exported where, and whole or not at all."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv.cli import run
from simenv.dataset.demo import write_episode
from simenv.errors import InputError, StorageError
from simenv.export import DEMO_FORMATS, FORMATS, export
from tests.dataset.demos import demo, demos
from tests.dataset.test_store import full_disk


@pytest.mark.parametrize("to", FORMATS)
def test_demonstrations_are_no_dataset(tmp_path: Path, to: str) -> None:
    demos(tmp_path / "demos", 1)
    with pytest.raises(InputError) as error:
        export(tmp_path / "demos", to, tmp_path / "out")
    assert str(error.value) == (
        f"{tmp_path / 'demos'}: holds demonstrations, which {to} cannot say; use --to minari, "
        "robomimic or lerobot"
    )


@pytest.mark.parametrize("to", DEMO_FORMATS)
def test_a_dataset_holds_no_demonstrations(painted: Path, tmp_path: Path, to: str) -> None:
    for path in (painted, painted / "dataset.h5", tmp_path / "nothing"):
        with pytest.raises(InputError) as error:
            export(path, to, tmp_path / "out")
        assert str(error.value) == (
            f"{path}: holds no episode-*.h5, which {to} is made of; name a folder of "
            "demonstrations, or export a dataset with --to bop or coco"
        )
    assert list(tmp_path.iterdir()) == []


def test_options_of_datasets_are_refused(tmp_path: Path) -> None:
    demos(tmp_path / "demos", 1)
    options: list[dict[str, Any]] = [{"cameras": ["top"]}, {"sensor": True}]
    for option in options:
        with pytest.raises(InputError, match="--sensor, --split: are of datasets; leave them"):
            export(tmp_path / "demos", "robomimic", tmp_path / "out", **option)


@pytest.mark.parametrize("to", DEMO_FORMATS)
@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"observations": {"q": np.zeros((8, 7))}}, "observations"),
        ({"terms": {}}, "terms"),
        ({"actions": np.zeros((7, 3), np.float32)}, "actions"),
        ({"env_id": "other/Env-v0"}, "env_id"),
        ({"rate_hz": 20.0}, "rate_hz"),
    ],
)
def test_episodes_of_two_kinds_are_refused(
    tmp_path: Path, to: str, changes: dict[str, Any], what: str
) -> None:
    demos(tmp_path / "demos", 2)
    path = write_episode(tmp_path / "demos", 2, demo(2, **changes))
    with pytest.raises(InputError) as error:
        export(tmp_path / "demos", to, tmp_path / "out")
    assert str(error.value) == (
        f"{path}: {what} differ from those of episode-000000.h5; put episodes of each environment "
        "into a folder of their own"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"demos"}


@pytest.mark.parametrize("to", DEMO_FORMATS)
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, to: str) -> None:
    demos(tmp_path / "demos", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty; choose a folder that does not exist"):
        export(tmp_path / "demos", to, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("to", DEMO_FORMATS)
def test_ctrl_c_leaves_nothing(tmp_path: Path, to: str) -> None:
    demos(tmp_path / "demos", 3)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "demos", to, tmp_path / "out", progress=stop)
    assert {path.name for path in tmp_path.iterdir()} == {"demos"}


@pytest.mark.parametrize("to", ["robomimic", "lerobot"])
@pytest.mark.parametrize("limit", [0, 1000, 100_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, to: str, limit: int) -> None:
    demos(tmp_path / "demos", 3)
    with full_disk(limit), pytest.raises(StorageError) as error:
        export(tmp_path / "demos", to, tmp_path / "out")
    assert str(error.value).startswith(str(tmp_path / "out"))
    assert "bytes: File too large; " in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"demos"}
    export(tmp_path / "demos", to, tmp_path / "out")  # the advice, taken


FULL = """
import sys
from simenv.export import export
from tests.dataset.test_store import full_disk
with full_disk(int(sys.argv[1])):
    export(sys.argv[2], "minari", sys.argv[3])
"""


@pytest.mark.parametrize("limit", [0, 1000, 100_000])
def test_minari_on_a_full_disk_leaves_no_export(tmp_path: Path, limit: int) -> None:
    """libhdf5 may crash there, which is Minari's own; what has the name is whole all the same."""
    pytest.importorskip("minari")
    demos(tmp_path / "demos", 3)
    words = [sys.executable, "-c", FULL, str(limit), str(tmp_path / "demos"), str(tmp_path / "out")]
    root = Path(__file__).parents[2]
    assert subprocess.run(words, cwd=root, capture_output=True).returncode != 0
    assert not (tmp_path / "out").exists()
    export(tmp_path / "demos", "minari", tmp_path / "out")


def test_the_command_exports_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demos(tmp_path / "demos", 2)
    words = ["export", str(tmp_path / "demos"), str(tmp_path / "out"), "--to"]
    assert run([*words, "bop"]) == 2
    assert "holds demonstrations, which bop cannot say" in capsys.readouterr().err
    assert run([*words, "robomimic"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: 2 episodes, 11 steps\n"
