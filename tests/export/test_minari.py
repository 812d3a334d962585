"""Minari reads back every bit of the demonstrations, by its own loader."""

import builtins
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv.dataset.demo import Episode
from simenv.errors import InputError
from simenv.export import export
from tests.dataset.demos import ENV_ID, TASK, demo, demos
from tests.export.demos import Lines, counted, same, snippet, steps_of

minari = pytest.importorskip("minari", reason="Minari 0.5.4 needs Python 3.11")

ID = "simenv/pick_demo/demo-v0"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Episode]:
    """Three episodes in demos/, exported to out/, where Minari looks."""
    episodes = demos(tmp_path / "demos")
    export(tmp_path / "demos", "minari", tmp_path / "out")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    return episodes


def test_every_value_comes_back(made: list[Episode]) -> None:
    dataset = minari.load_dataset(ID)
    assert (dataset.total_episodes, dataset.total_steps) == (3, steps_of(made))
    for found, episode in zip(dataset.iterate_episodes(), made, strict=True):
        assert set(found.observations) == set(episode.observations)
        for name, values in episode.observations.items():
            same(found.observations[name], values)
        for name in ("actions", "rewards", "terminations", "truncations"):
            same(getattr(found, name), getattr(episode, name))
        same(found.infos["success"][1:], episode.successes)
        same(found.infos["terms"]["reach"][1:], episode.terms["reach"])
        assert not found.infos["success"][0]


def test_a_sampled_episode_is_one_of_them(made: list[Episode]) -> None:
    dataset = minari.load_dataset(ID)
    dataset.set_seed(0)
    (found,) = dataset.sample_episodes(1)
    same(found.observations["rgb_top"], made[found.id].observations["rgb_top"])


def test_values_lie_in_the_spaces(made: list[Episode]) -> None:
    dataset = minari.load_dataset(ID)
    for episode in made:
        for step in range(len(episode) + 1):
            one = {name: np.asarray(values[step]) for name, values in episode.observations.items()}
            assert dataset.observation_space.contains(one)
        assert all(dataset.action_space.contains(action) for action in episode.actions)
    assert dataset.action_space.high.tolist() == [1.0] * 4


def test_actions_beyond_one_have_no_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demos(tmp_path / "demos", 2, actions=np.full((5, 4), 1.5, np.float32), steps=5)
    export(tmp_path / "demos", "minari", tmp_path / "out")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    assert minari.load_dataset(ID).action_space.high.tolist() == [np.inf] * 4


def test_seed_scene_success_environment_and_task_are_kept(made: list[Episode]) -> None:
    dataset = minari.load_dataset(ID)
    assert dataset.env_spec.id == ENV_ID
    assert dataset.env_spec.kwargs == {"task": "pick_demo"}
    for row, episode in zip(dataset.storage.get_episode_metadata(range(3)), made, strict=True):
        assert row["seed"] == episode.seed
        assert row["options"]["scene"] == episode.scene
        assert bool(row["success"]) is episode.success
    metadata = dataset.storage.metadata
    assert metadata["task"] == TASK
    assert metadata["description"] == "Pick the bolt from the belt."
    assert metadata["rate_hz"] == 10.0


def test_a_spec_that_cannot_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos(tmp_path / "demos", 2, env_spec="{}", task="no: name")
    export(tmp_path / "demos", "minari", tmp_path / "out")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))
    (found,) = minari.list_local_datasets()
    assert found == "simenv/simenv-PickDemo-v0/demo-v0"
    assert minari.load_dataset(found).env_spec is None


def test_the_users_own_root_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demos(tmp_path / "demos", 1)
    for before in ("/somewhere", None):
        monkeypatch.delenv("MINARI_DATASETS_PATH", raising=False)
        if before:
            monkeypatch.setenv("MINARI_DATASETS_PATH", before)
        export(tmp_path / "demos", "minari", tmp_path / f"out-{before is None}")
        assert os.environ.get("MINARI_DATASETS_PATH") == before


def test_it_says_what_it_wrote_and_counts_episodes(tmp_path: Path) -> None:
    episodes, lines = demos(tmp_path / "demos"), Lines()
    said = export(tmp_path / "demos", "minari", tmp_path / "out", progress=counted(lines))
    assert said == f"{tmp_path / 'out'}: 3 episodes, {steps_of(episodes)} steps"
    assert lines == [(1, 3), (2, 3), (3, 3)]
    assert {path.name for path in tmp_path.iterdir()} == {"demos", "out"}


def test_a_missing_library_is_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos(tmp_path / "demos", 1)
    found = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "minari":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *rest)

    monkeypatch.delitem(sys.modules, "minari")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError) as error:
        export(tmp_path / "demos", "minari", tmp_path / "out")
    assert str(error.value) == (
        "--to minari: minari is not installed; pip install 'simenv[formats]'"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"demos"}


def test_a_version_that_makes_jpegs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos(tmp_path / "demos", 1)
    monkeypatch.setattr(minari, "__version__", "0.5.3")
    with pytest.raises(InputError, match=r"version 0\.5\.3 stores pictures as JPEG"):
        export(tmp_path / "demos", "minari", tmp_path / "out")


def test_the_snippet_of_the_page_runs(
    made: list[Episode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").rename(tmp_path / "out-minari")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(snippet("Minari"), found)
    same(found["episode"].actions, made[2].actions)
    assert found["success"] == [True, False, True]


def test_metadata_is_plain_json(made: list[Episode], tmp_path: Path) -> None:
    text = (tmp_path / "out" / ID / "data/metadata.json").read_text()
    assert json.loads(text)["jpeg_encoding"] is False
    assert demo().env_id in text
