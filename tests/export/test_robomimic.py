"""robomimic's file holds every transition bit for bit, under the names that robomimic asks for."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from simenv.dataset.demo import Episode
from simenv.export import export
from tests.dataset.demos import ENV_ID, demos
from tests.export.conftest import files
from tests.export.demos import same, steps_of


@pytest.fixture
def made(tmp_path: Path) -> list[Episode]:
    """Three episodes in demos/, exported to out/."""
    episodes = demos(tmp_path / "demos")
    said = export(tmp_path / "demos", "robomimic", tmp_path / "out")
    assert said == f"{tmp_path / 'out'}: 3 episodes, {steps_of(episodes)} steps"
    return episodes


def test_every_value_comes_back(made: list[Episode], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        assert set(file["data"]) == {"demo_0", "demo_1", "demo_2"}
        for number, episode in enumerate(made):
            group = file[f"data/demo_{number}"]
            assert group.attrs["num_samples"] == len(episode)
            assert (group.attrs["seed"], group.attrs["scene"]) == (100 + number, number)
            same(group["actions"][()], episode.actions)
            same(group["rewards"][()], episode.rewards)
            assert set(group["obs"]) == set(group["next_obs"]) == set(episode.observations)
            for name, values in episode.observations.items():
                same(group[f"obs/{name}"][()], values[:-1])
                same(group[f"next_obs/{name}"][()], values[1:])


def test_what_comes_next_is_what_is_seen_then(made: list[Episode], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        for group in file["data"].values():
            for name in group["obs"]:
                same(group[f"next_obs/{name}"][:-1], group[f"obs/{name}"][1:])


def test_only_the_last_step_is_done_however_it_ended(made: list[Episode], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        for number, episode in enumerate(made):
            dones = file[f"data/demo_{number}/dones"][()]
            same(dones, (np.arange(len(episode)) == len(episode) - 1).astype(np.int32))


def test_an_episode_that_was_cut_off_is_done_at_its_end(tmp_path: Path) -> None:
    flags = np.zeros(5, bool)
    demos(tmp_path / "demos", 1, steps=5, terminations=flags, truncations=flags)
    export(tmp_path / "demos", "robomimic", tmp_path / "out")
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        assert file["data/demo_0/dones"][()].tolist() == [0, 0, 0, 0, 1]


def test_the_environment_can_be_made_again(made: list[Episode], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        assert file["data"].attrs["total"] == steps_of(made)
        assert json.loads(file["data"].attrs["env_args"]) == {
            "env_name": ENV_ID,
            "env_version": made[0].version,
            "type": 2,
            "env_kwargs": {"task": "pick_demo"},
        }


@pytest.mark.parametrize(
    ("count", "valid"), [(1, []), (2, [1]), (9, [8]), (10, [9]), (21, [9, 19])]
)
def test_train_and_valid_part_the_episodes(tmp_path: Path, count: int, valid: list[int]) -> None:
    demos(tmp_path / "demos", count, steps=2)
    export(tmp_path / "demos", "robomimic", tmp_path / "out")
    with h5py.File(tmp_path / "out/demo.hdf5") as file:
        masks = {name: [key.decode() for key in rows[()]] for name, rows in file["mask"].items()}
    every = [f"demo_{k}" for k in range(count)]
    assert masks.get("valid", []) == [every[k] for k in valid]
    assert masks["train"] == [key for key in every if key not in masks.get("valid", [])]
    assert masks["success"] == every[::2]


def test_the_same_episodes_give_the_same_bytes(made: list[Episode], tmp_path: Path) -> None:
    export(tmp_path / "demos", "robomimic", tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["demo.hdf5"]
