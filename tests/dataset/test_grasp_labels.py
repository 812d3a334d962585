"""Grasps of a dataset: the laws that validate asks of, the sets they come from, the same twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import simenv
from simenv.dataset.grasps import read_grasps
from simenv.dataset.index import merge_to_file
from simenv.dataset.store import manifest_path
from simenv.dataset.validate import validate
from simenv.errors import InputError
from simenv.generate import generate
from simenv.spec.load import load_task
from tests.grasp.hand_made import FOUR, POST, project, save

SCENES = 18  # two shards: one of 16, and one of 2


def run(folder: Path, name: str = "out", **options: Any) -> Path:
    """Two shards of the project in ``folder``."""
    values: dict[str, Any] = {"scenes": SCENES, "jobs": 0, "renderer": "tiny", **options}
    generate(load_task(folder / "task.yaml"), folder / name, **values)
    return folder / name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a finished dataset; not to be written to."""
    folder = tmp_path_factory.mktemp("made")
    project(folder)
    run(folder)
    return folder


@pytest.fixture(scope="module")
def single(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as one file."""
    return merge_to_file(made / "out", tmp_path_factory.mktemp("single") / "one.h5")


def shards(out: Path) -> dict[str, bytes]:
    """Every file but the log, which has a clock."""
    kept = ("*.h5", "manifest/*")
    return {p.name: p.read_bytes() for pattern in kept for p in sorted(out.glob(pattern))}


def test_a_sound_dataset_has_no_findings(made: Path, single: Path) -> None:
    assert validate(made / "out").findings == ()
    assert validate(single).findings == ()


def test_rows_are_those_of_the_set_in_each_frame(made: Path) -> None:
    own = read_grasps(made / "grasps/jaw85/post.h5").grasps
    with simenv.open(made / "out") as dataset:
        table, bodies = dataset.table("grasps/jaw85"), dataset.table("bodies")
        frames = len(dataset.table("frames")["scene"])
    assert table["grasp"].tolist() == list(range(len(own))) * frames
    assert table["frame"].tolist() == np.repeat(np.arange(frames), len(own)).tolist()
    np.testing.assert_array_equal(table["X_BG"], np.tile(own.X_BG, (frames, 1, 1)))
    assert set(bodies["role"][table["body"]]) == {"part"}
    np.testing.assert_array_equal(bodies["frame"][table["body"]], table["frame"])
    assert table["free"].reshape(frames, -1).mean(axis=0).tolist() == [1, 0, 1, 1]


def shift(values: Any) -> Any:
    values[3, 0, 3] += 1e-3
    return values


TAMPERED: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "pose": ("grasps/jaw85/X_WG", shift, "/grasps/jaw85/X_WG is not X_WB @ X_BG"),
    "in the part": ("grasps/jaw85/X_BG", shift, "/grasps/jaw85/X_WG is not X_WB @ X_BG"),
    "share": (
        "grasps/jaw85/object_probability",
        lambda p: p + 1.0,
        "/grasps/jaw85/object_probability is no probability",
    ),
    "success": (
        "grasps/jaw85/success_probability",
        lambda p: p - 0.1,
        "/grasps/jaw85/success_probability is no probability",
    ),
    "not free": (
        "grasps/jaw85/free",
        lambda free: 0 * free,
        "/grasps/jaw85/success_probability is not 0 of a grasp that is out of reach",
    ),
    "not reached": (
        "grasps/jaw85/reachable",
        lambda able: 1 - able,
        "/grasps/jaw85/window_s disagrees with reachable",
    ),
    "window": (
        "grasps/jaw85/window_s",
        lambda window: 0 * window - 1,
        "/grasps/jaw85/window_s disagrees with reachable",
    ),
    "seen": (
        "cameras/top/grasps/X_CG",
        shift,
        "/cameras/top/grasps/X_CG is not inverse(X_WC) @ X_WG",
    ),
    "seen rows": (
        "cameras/side/grasps/grasp",
        lambda rows: rows[::-1],
        "/cameras/side/grasps is not one row for each row of /grasps/jaw85",
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_changed_column_is_named(single: Path, tmp_path: Path, case: str) -> None:
    name, change, text = TAMPERED[case]
    path = Path(shutil.copy(single, tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        file[name][...] = change(file[name][()])
    found = [str(finding) for finding in validate(path).findings]
    assert any(text in line for line in found), found
    assert any("another digest" in line for line in found)


@pytest.mark.parametrize("name", ["width_m", "opening_m", "contacts_W", "trials", "grasp"])
def test_what_follows_from_nothing_else_has_a_digest(
    single: Path, tmp_path: Path, name: str
) -> None:
    path = Path(shutil.copy(single, tmp_path / "x.h5"))
    with h5py.File(path, "r+") as file:
        values = file[f"grasps/jaw85/{name}"][()]
        values.flat[0] += 1
        file[f"grasps/jaw85/{name}"][...] = values
    found = [str(finding) for finding in validate(path).findings]
    assert "x.h5: scene 0: its content has another digest than was recorded" in found


def test_missing_sets_are_one_line_that_names_the_command(tmp_path: Path) -> None:
    task = project(tmp_path, None)
    with pytest.raises(InputError) as error:
        generate(task, tmp_path / "out", scenes=1, jobs=0, renderer="tiny")
    assert str(error.value) == (
        "labels: no grasps of post with jaw85; run simenv grasps post --gripper jaw85"
    )
    assert not (tmp_path / "out").exists()
    save(tmp_path, FOUR)  # what the command leaves
    run(tmp_path, scenes=1)
    assert validate(tmp_path / "out").findings == ()


def test_sets_of_another_part_are_one_line_that_names_the_command(tmp_path: Path) -> None:
    project(tmp_path)
    heavier = POST.replace("mass_kg: 0.1", "mass_kg: 0.3")
    (tmp_path / "objects/post/object.yaml").write_text(heavier)
    with pytest.raises(InputError) as error:
        run(tmp_path, scenes=1)
    path = tmp_path / "grasps/jaw85/post.h5"
    assert str(error.value) == (
        f"{path}: is of another post; run simenv grasps post --gripper jaw85"
    )
    save(tmp_path, FOUR)
    run(tmp_path, scenes=1)


def test_sets_of_another_gripper_of_that_name_are_named(tmp_path: Path) -> None:
    project(tmp_path)
    path = tmp_path / "grasps/jaw85/post.h5"
    with h5py.File(path, "r+") as file:
        text = str(file.attrs["settings"])
        digest = text.split('"hand_sha256": "')[1][:64]
        file.attrs["settings"] = text.replace(digest, "0" * 64)
    with pytest.raises(InputError) as error:
        run(tmp_path, scenes=1)
    assert str(error.value) == (
        f"{path}: is of another jaw85; run simenv grasps post --gripper jaw85"
    )


def test_two_runs_are_the_same_bytes(made: Path, tmp_path: Path) -> None:
    project(tmp_path)
    assert shards(run(tmp_path, jobs=2)) == shards(made / "out")


def test_an_interrupted_run_goes_on_to_the_same_bytes(made: Path, tmp_path: Path) -> None:
    project(tmp_path)
    out = Path(shutil.copytree(made / "out", tmp_path / "out"))
    (out / "shard-00001.h5").unlink()
    manifest_path(out, 1).unlink()
    (out / "dataset.h5").unlink()
    run(tmp_path)
    assert shards(out) == shards(made / "out")
    assert len(shards(out)) == 5


def test_other_sets_are_another_dataset(made: Path, tmp_path: Path) -> None:
    """A folder that was begun with other grasps is not gone on with."""
    project(tmp_path, FOUR[:3])
    out = Path(shutil.copytree(made / "out", tmp_path / "out"))
    (out / "shard-00001.h5").unlink()
    manifest_path(out, 1).unlink()
    with pytest.raises(InputError, match="grasps_sha256"):
        run(tmp_path)
    with simenv.open(made / "out") as dataset:
        assert len(str(dataset.attrs["grasps_sha256"])) == 64
