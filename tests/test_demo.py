"""Demonstrations are what the expert did, bit for bit, whatever was interrupted on the way."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import h5py
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Dict

from simenv.cli import run
from simenv.dataset.demo import Episode, episode_paths, open_demos, write_episode
from simenv.dataset.lock import Lock
from simenv.demo import LEFT_OUT, Stage, record
from simenv.envs.env import TaskEnv
from simenv.envs.expert import Expert
from simenv.errors import InputError, StorageError
from simenv.spec.load import load_task
from tests.dataset.test_store import full_disk
from tests.export.demos import same

ROOT = Path(__file__).parent.parent
TASK = "table_push"


@pytest.fixture(scope="module", autouse=True)
def _loaded_once() -> Iterator[None]:
    """A robot's meshes are read and hulled once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simenv.envs.env.load_task", cache(load_task))
        yield


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes without pictures; not to be written to."""
    out = tmp_path_factory.mktemp("demo") / "pushed"
    record(TASK, out, episodes=2)
    return out


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's command for demonstrations makes, by another renderer."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run([*lines_of_the_page()[0], "--renderer", "tiny"]) == 0
    return folder / "demos"


@pytest.fixture
def clumsy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expert that does nothing in the first scene."""
    act = Expert.act

    def still(self: Expert) -> Any:
        action = act(self)
        return action if self.env.scene.index else np.zeros_like(action)

    monkeypatch.setattr(Expert, "act", still)


def lines_of_the_page() -> list[list[str]]:
    """The commands that lead to demonstrations and their exports, without `simenv`."""
    page = (ROOT / "docs/export.md").read_text().split("\n## Demonstrations\n")[1]
    lines = [line for line in page.splitlines() if line.startswith("    simenv ")]
    return [shlex.split(line)[1:] for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is no lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def environment(episode: Episode) -> gymnasium.Env[Any, Any]:
    """As anybody would make it again."""
    return gymnasium.make(EnvSpec.from_json(episode.env_spec))


@pytest.mark.parametrize("folder", ["pushed", "seen"])
def test_an_episode_is_all_that_the_spaces_say(folder: str, request: pytest.FixtureRequest) -> None:
    demos = open_demos(request.getfixturevalue(folder))
    env = environment(demos[0])
    for number, episode in enumerate(demos):
        assert (episode.seed, episode.scene, episode.rate_hz) == (0, number, 10.0)
        assert isinstance(env.observation_space, Dict)
        assert set(episode.observations) == set(env.observation_space.spaces)
        for t in range(len(episode) + 1):
            one = {name: values[t] for name, values in episode.observations.items()}
            assert env.observation_space.contains(one)
        assert all(env.action_space.contains(action) for action in episode.actions)
        assert set(episode.terms) == {"reach", "grasp", "goal", "success"}
        last = np.arange(len(episode)) == len(episode) - 1
        same(episode.successes, last)
        same(episode.terminations, last)
        assert not episode.truncations.any()
        assert episode.success
    env.close()


@pytest.mark.parametrize("folder", ["pushed", "seen"])
def test_the_stored_actions_give_the_stored_observations_bit_for_bit(
    folder: str, request: pytest.FixtureRequest
) -> None:
    demos = open_demos(request.getfixturevalue(folder))
    env = environment(demos[0])
    for episode in reversed([*demos]):
        seen, _ = env.reset(seed=episode.seed, options={"scene": episode.scene})
        found = [(seen, *[0.0] * 4)]
        found += [env.step(action) for action in episode.actions]
        for name, values in episode.observations.items():
            same(np.stack([step[0][name] for step in found]), values)
        same(np.array([step[1] for step in found[1:]], np.float64), episode.rewards)
        same(np.array([step[2] for step in found[1:]]), episode.terminations)
        same(np.array([step[3] for step in found[1:]]), episode.truncations)
    env.close()


def test_more_episodes_go_on_and_are_those_of_one_run(pushed: Path, tmp_path: Path) -> None:
    shutil.copytree(pushed, tmp_path / "more")
    before = contents(pushed)
    done: list[int] = []
    summary = record(TASK, tmp_path / "more", episodes=4, progress=done.append)
    assert done == [2, 3, 4]
    assert (summary.episodes, summary.successes, summary.found) == (4, 4, 2)
    assert summary.steps == sum(map(len, open_demos(tmp_path / "more")))
    assert summary.text == (
        f"{tmp_path / 'more'}: 4 episodes, 4 successes, {summary.steps} steps; 2 were there already"
    )
    record(TASK, tmp_path / "one", episodes=4)
    assert contents(tmp_path / "one") == contents(tmp_path / "more")
    assert {name: contents(tmp_path / "more")[name] for name in before} == before


KILLED = """
import os, signal, sys
from simenv.demo import record
def die(done):
    if done == 1:
        os.kill(os.getpid(), signal.SIGKILL)
record("table_push", sys.argv[1], episodes=2, progress=die)
"""


def test_a_killed_run_goes_on(pushed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, str(out)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(episode_paths(out)) == [0]
    for name in ("episode-000001.h5.part", f"{LEFT_OUT}.part"):
        (out / name).write_bytes(b"half")
    assert record(TASK, out, episodes=2).found == 1
    assert contents(out) == contents(pushed)


def test_ctrl_c_is_an_end_that_can_be_resumed(
    pushed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["demo", TASK, "--episodes", "2", "--out", str(tmp_path / "out")]
    with monkeypatch.context() as patch:
        episode = Stage.episode

        def stopped(self: Stage, number: int) -> Episode | None:
            if number == 1:
                raise KeyboardInterrupt
            return episode(self, number)

        patch.setattr(Stage, "episode", stopped)
        assert run(words) == 130
    assert capsys.readouterr().err == (
        f"simenv: interrupted; the same command resumes {tmp_path / 'out'}\n"
    )
    assert run(words) == 0
    assert capsys.readouterr().out.endswith("; 1 were there already\n")
    assert contents(tmp_path / "out") == contents(pushed)


@pytest.mark.usefixtures("clumsy")
def test_failed_episodes_are_kept_and_marked(tmp_path: Path) -> None:
    summary = record(TASK, tmp_path, episodes=2)
    assert (summary.episodes, summary.successes, summary.left_out) == (2, 1, {})
    failed, reached = open_demos(tmp_path)
    assert (failed.success, reached.success) == (False, True)
    assert len(failed) == 50
    same(failed.truncations, np.arange(50) == 49)
    assert not failed.successes.any()


@pytest.mark.usefixtures("clumsy")
def test_left_out_episodes_are_counted_and_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = record(TASK, tmp_path, episodes=2, keep="success")
    assert first.text.endswith(" steps; left out: 1 failed")
    assert json.loads((tmp_path / LEFT_OUT).read_text()) == {"0": "failed"}
    assert list(episode_paths(tmp_path)) == [1]
    monkeypatch.setattr(Stage, "episode", None)
    assert record(TASK, tmp_path, episodes=2, keep="success") == replace(first, found=1)


@pytest.mark.usefixtures("clumsy")
def test_a_run_that_keeps_nothing_is_exit_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert run(["demo", TASK, "--episodes", "1", "--out", out, "--keep", "success"]) == 1
    said = capsys.readouterr()
    assert said.out == f"{out}: 0 episodes, 0 successes, 0 steps; left out: 1 failed\n"
    assert said.err == "simenv: every episode was left out; see them with --keep all\n"


def test_a_scene_that_never_rests_has_no_episode(
    pushed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = TaskEnv.reset

    def restless(self: TaskEnv, *, seed: int | None = None, options: Any = None) -> Any:
        return reset(self, seed=seed, options={"scene": options["scene"] or 1})

    monkeypatch.setattr(TaskEnv, "reset", restless)
    summary = record(TASK, tmp_path, episodes=2)
    assert summary.left_out == {0: "never at rest"}
    (path,) = episode_paths(tmp_path).values()
    assert path.read_bytes() == (pushed / path.name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seed": 1}, "was begun with seed 0, this run has 1; choose another --out"),
        ({"images": ["rgb"], "renderer": "tiny"}, r"was begun with observe \['state'\], this run"),
        ({"keep": "success"}, "was begun with keep 'all', this run has 'success'"),
        ({"tier": "all"}, "was begun with tier 'core', this run has 'all'"),
        ({"episodes": 1}, "holds 2 episodes, 1 would lose some; ask for 2 or more, or"),
    ],
)
def test_the_folder_of_another_run_is_left_alone(
    pushed: Path, changes: dict[str, Any], text: str
) -> None:
    before = contents(pushed)
    arguments: dict[str, Any] = {"task": TASK, "episodes": 2, **changes}
    with pytest.raises(InputError, match=text):
        record(arguments.pop("task"), pushed, **arguments)
    assert contents(pushed) == before


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"task": "table_clutter"}, "has no env section; add scene.robot, success and env"),
        ({"episodes": 0}, "--episodes: 0 makes no demonstrations; ask for 1 or more"),
        ({"out": ""}, "--out: is empty; name a folder"),
        ({"images": ["rgbd"], "renderer": "tiny"}, "cannot observe 'rgbd'; there is state, rgb"),
        ({"keep": "succes"}, "--keep: no choice succes; did you mean success"),
    ],
)
def test_wrong_arguments_are_one_line_and_make_nothing(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    arguments: dict[str, Any] = {"task": TASK, "out": tmp_path / "out", "episodes": 1, **changes}
    with pytest.raises(InputError, match=text):
        record(arguments.pop("task"), arguments.pop("out"), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_broken_files_of_a_run_are_named(pushed: Path, tmp_path: Path) -> None:
    for name, harm in ((LEFT_OUT, b"[1"), (LEFT_OUT, b"[1]"), ("episode-000001.h5", b"")):
        folder = tmp_path / f"{name}-{len(harm)}"
        shutil.copytree(pushed, folder)
        (folder / name).write_bytes(harm)
        with pytest.raises(InputError, match=name):
            record(TASK, folder, episodes=2)


def test_two_runs_do_not_share_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Lock(tmp_path):
        assert run(["demo", TASK, "--episodes", "1", "--out", str(tmp_path)]) == 3
    assert "another run is writing here" in capsys.readouterr().err


def test_a_full_disk_keeps_what_was_recorded(
    pushed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(pushed, tmp_path / "out")

    def refused(*arguments: Any) -> Path:
        with full_disk(1000):
            return write_episode(*arguments)

    monkeypatch.setattr("simenv.demo.write_episode", refused)
    with pytest.raises(StorageError, match="File too large"):
        record(TASK, tmp_path / "out", episodes=3)
    assert contents(tmp_path / "out") == contents(pushed)


def test_a_registered_task_has_its_own_name_and_a_file_any_tasks(
    pushed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_demos(pushed)[0].env_id == "simenv/TablePush-v0"
    (tmp_path / "mine.yaml").write_bytes((ROOT / "tasks/table_push.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    stage = Stage.of("mine.yaml")
    assert stage.spec.id == "simenv/Task-v0"
    assert stage.spec.kwargs == {"task": "mine.yaml", "tier": "core", "observe": ["state"]}
    env = gymnasium.make(EnvSpec.from_json(stage.spec.to_json()))
    assert env.observation_space == environment(open_demos(pushed)[0]).observation_space
    env.close()


@pytest.mark.parametrize("words", lines_of_the_page()[1:], ids=lambda words: str(words[-1]))
def test_the_commands_of_the_page_export_them(
    words: list[str], seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, _, out, _, to = words
    assert (command, out) == ("export", f"out-{to}")
    if to != "robomimic":
        pytest.importorskip("minari" if to == "minari" else "pyarrow")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demos").symlink_to(seen)
    assert run(words) == 0
    READ_BACK[to](tmp_path / out, [*open_demos(seen)])


def read_minari(out: Path, episodes: list[Episode]) -> None:
    """Minari's own loader finds every value, and makes the environment."""
    import minari

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(out))
        dataset = minari.load_dataset("simenv/table_push/demo-v0")
    for found, episode in zip(dataset.iterate_episodes(), episodes, strict=True):
        same(found.actions, episode.actions)
        for name, values in episode.observations.items():
            same(found.observations[name], values)
    env = dataset.recover_environment()
    assert env.observation_space == environment(episodes[0]).observation_space


def read_robomimic(out: Path, episodes: list[Episode]) -> None:
    """Every transition, and an environment by its name and arguments."""
    with h5py.File(out / "demo.hdf5") as file:
        arguments = json.loads(file["data"].attrs["env_args"])
        assert [*file["mask/success"]] == [b"demo_0", b"demo_1", b"demo_2"]
        for number, episode in enumerate(episodes):
            group = file[f"data/demo_{number}"]
            same(group["actions"][()], episode.actions)
            for name, values in episode.observations.items():
                same(group[f"obs/{name}"][()], values[:-1])
                same(group[f"next_obs/{name}"][()], values[1:])
    env = gymnasium.make(arguments["env_name"], **arguments["env_kwargs"])
    assert env.observation_space == environment(episodes[0]).observation_space


def read_lerobot(out: Path, episodes: list[Episode]) -> None:
    """Every action and every pixel."""
    from pyarrow import parquet

    rows = parquet.read_table(out / "data/chunk-000/file-000.parquet")
    actions = np.concatenate([episode.actions for episode in episodes])
    same(np.array(rows["action"].to_pylist(), np.float32), actions)
    pictures = np.concatenate([episode.observations["rgb"][:-1] for episode in episodes])
    for cell, picture in zip(rows["observation.images.rgb"].to_pylist(), pictures, strict=True):
        found = cv2.imdecode(np.frombuffer(cell["bytes"], np.uint8), cv2.IMREAD_COLOR)
        assert found is not None
        np.testing.assert_array_equal(found[..., ::-1], picture)


READ_BACK = {"minari": read_minari, "robomimic": read_robomimic, "lerobot": read_lerobot}
