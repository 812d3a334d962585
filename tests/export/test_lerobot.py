"""The files of LeRobot v3.0 hold every step, by a reader of pyarrow and OpenCV alone.

That LeRobot's own loader reads them was tried by hand: docs/export.md, "What is shown".
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.dataset.demo import Episode, write_episode
from simenv.errors import InputError
from simenv.export import export, lerobot
from simenv.export.columns import Feature
from simenv.export.stats import stats_of
from tests.dataset.demos import demo, demos
from tests.export.conftest import files
from tests.export.demos import steps_of

parquet = pytest.importorskip("pyarrow.parquet")

STATE = [*(f"q_{i}" for i in range(7)), "target", "time_s"]


@pytest.fixture
def made(tmp_path: Path) -> list[Episode]:
    """Three episodes in demos/, exported to out/."""
    episodes = demos(tmp_path / "demos")
    said = export(tmp_path / "demos", "lerobot", tmp_path / "out")
    assert said == f"{tmp_path / 'out'}: 3 episodes, {steps_of(episodes)} steps"
    return episodes


def data(out: Path) -> dict[str, list[Any]]:
    """All rows of all data files, column by column."""
    tables = [parquet.read_table(path) for path in sorted(out.glob("data/*/*.parquet"))]
    return {n: [v for t in tables for v in t[n].to_pylist()] for n in tables[0].schema.names}


def picture(cell: dict[str, Any]) -> NDArray[Any]:
    """The pixels of a PNG, RGB."""
    found = cv2.imdecode(np.frombuffer(cell["bytes"], np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found[..., ::-1] if found.ndim == 3 else found[..., None]


def joined(episodes: list[Episode], name: str) -> NDArray[Any]:
    """An observation of every step that was followed by another."""
    return np.concatenate([e.observations[name][:-1] for e in episodes])


def test_pictures_come_back_pixel_by_pixel(made: list[Episode], tmp_path: Path) -> None:
    rows = data(tmp_path / "out")
    for name in ("rgb_top", "mask"):
        found = np.stack([picture(cell) for cell in rows[f"observation.images.{name}"]])
        np.testing.assert_array_equal(found, joined(made, name))
    paths = [cell["path"] for cell in rows["observation.images.mask"]]
    assert paths[:6] == [*(f"frame-00000{t}.png" for t in range(5)), "frame-000000.png"]


def test_the_state_is_every_vector_in_the_order_of_its_names(
    made: list[Episode], tmp_path: Path
) -> None:
    rows, info = data(tmp_path / "out"), json.loads((tmp_path / "out/meta/info.json").read_text())
    state = np.array(rows["observation.state"], np.float32)
    names = info["features"]["observation.state"]["names"]
    assert names == ["held_0", *STATE]
    assert info["features"]["observation.state"]["shape"] == list(state.shape[1:]) == [len(names)]
    for name in ("held", "q", "target", "time_s"):
        own = [i for i, label in enumerate(names) if label == name or label.startswith(f"{name}_")]
        values = joined(made, name).astype(np.float32).reshape(len(state), -1)
        np.testing.assert_array_equal(state[:, own], values)


def test_matrices_are_columns_of_their_own(made: list[Episode], tmp_path: Path) -> None:
    rows = data(tmp_path / "out")
    for name in ("depth", "X_WG"):
        found = np.array(rows[f"observation.{name}"], joined(made, name).dtype)
        np.testing.assert_array_equal(found, joined(made, name))


def test_a_row_is_a_step_and_what_came_of_it(made: list[Episode], tmp_path: Path) -> None:
    rows = data(tmp_path / "out")
    whole = {
        "action": np.concatenate([e.actions for e in made]),
        "next.reward": np.concatenate([e.rewards for e in made]).astype(np.float32),
        "next.done": np.concatenate([e.terminations | e.truncations for e in made]),
        "next.success": np.concatenate([e.successes for e in made]),
        "next.reward_terms": np.concatenate(
            [np.stack([e.terms["grasp"], e.terms["reach"]], axis=1) for e in made]
        ).astype(np.float32),
        "frame_index": np.concatenate([np.arange(len(e)) for e in made]),
        "timestamp": np.concatenate([np.arange(len(e)) / 10 for e in made]).astype(np.float32),
        "episode_index": np.repeat(np.arange(3), [len(e) for e in made]),
        "index": np.arange(steps_of(made)),
        "task_index": np.zeros(steps_of(made)),
    }
    for name, values in whole.items():
        np.testing.assert_array_equal(np.array(rows[name], values.dtype), values, err_msg=name)


def test_columns_features_and_what_datasets_decodes_are_one_list(
    made: list[Episode], tmp_path: Path
) -> None:
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    (path,) = (tmp_path / "out/data").glob("*/*.parquet")
    schema = parquet.read_schema(path)
    decoded = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert schema.names == list(decoded)
    assert set(decoded) == set(info["features"])
    assert decoded["observation.images.rgb_top"] == {"_type": "Image"}
    assert decoded["observation.X_WG"] == {"shape": [4, 4], "dtype": "float64", "_type": "Array2D"}
    assert decoded["timestamp"] == {"dtype": "float32", "_type": "Value"}
    for name, feature in info["features"].items():
        dtype = feature["dtype"]
        assert (dtype == "image") == name.startswith("observation.images.")
        assert set(feature) == {"dtype", "shape", "names"}


def test_info_counts_what_is_there(made: list[Episode], tmp_path: Path) -> None:
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    features = info.pop("features")
    assert features["observation.images.rgb_top"]["shape"] == [48, 48, 3]
    assert info == {
        "codebase_version": "v3.0",
        "robot_type": None,
        "total_episodes": 3,
        "total_frames": steps_of(made),
        "total_tasks": 1,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": 10,
        "splits": {"train": "0:3"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
    }


def test_episodes_say_where_their_rows_are(made: list[Episode], tmp_path: Path) -> None:
    path = tmp_path / "out/meta/episodes/chunk-000/file-000.parquet"
    rows = parquet.read_table(path).to_pylist()
    ends = np.cumsum([0, *map(len, made)]).tolist()
    for number, (row, episode) in enumerate(zip(rows, made, strict=True)):
        assert row["episode_index"] == number
        assert (row["dataset_from_index"], row["dataset_to_index"]) == (
            ends[number],
            ends[number + 1],
        )
        assert row["length"] == len(episode)
        assert row["tasks"] == ["Pick the bolt from the belt."]
        assert (row["seed"], row["scene"]) == (episode.seed, episode.scene)
        assert row["success"] is episode.success
        np.testing.assert_allclose(row["stats/action/max"], episode.actions.max(axis=0))


def test_tasks_are_a_frame_of_pandas_indexed_by_the_sentence(tmp_path: Path) -> None:
    demos(tmp_path / "demos", 2)
    write_episode(tmp_path / "demos", 2, demo(2, task="name: push_it"))
    export(tmp_path / "demos", "lerobot", tmp_path / "out")
    table = parquet.read_table(tmp_path / "out/meta/tasks.parquet")
    assert table.to_pydict() == {
        "task_index": [0, 1],
        "task": ["Pick the bolt from the belt.", "push it"],
    }
    assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    assert data(tmp_path / "out")["task_index"] == [0] * 11 + [1] * 7


def test_a_full_file_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = demos(tmp_path / "demos", 5)
    export(tmp_path / "demos", "lerobot", tmp_path / "whole")
    monkeypatch.setattr(lerobot, "FILE_MB", 0.15)
    monkeypatch.setattr(lerobot, "CHUNK_FILES", 2)
    export(tmp_path / "demos", "lerobot", tmp_path / "split")
    names = [name for name in sorted(files(tmp_path / "split")) if name.startswith("data")]
    assert len(names) > 2
    assert names[:3] == [
        "data/chunk-000/file-000.parquet",
        "data/chunk-000/file-001.parquet",
        "data/chunk-001/file-000.parquet",
    ]
    assert data(tmp_path / "split") == data(tmp_path / "whole")
    rows = parquet.read_table(tmp_path / "split/meta/episodes/chunk-000/file-000.parquet")
    for row, episode in zip(rows.to_pylist(), episodes, strict=True):
        place = f"data/chunk-{row['data/chunk_index']:03d}/file-{row['data/file_index']:03d}"
        file = parquet.ParquetFile(tmp_path / f"split/{place}.parquet")
        groups = [file.read_row_group(k).to_pydict() for k in range(file.num_row_groups)]
        (own,) = [g for g in groups if g["episode_index"][0] == row["episode_index"]]
        assert len(own["index"]) == len(episode)  # one row group an episode


def test_statistics_are_those_of_all_numbers(made: list[Episode], tmp_path: Path) -> None:
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    actions = np.concatenate([e.actions for e in made]).astype(float)
    pixels = joined(made, "rgb_top") / 255
    for name, values, axes, shape in (
        ("action", actions, 0, (4,)),
        ("observation.images.rgb_top", pixels, (0, 1, 2), (3, 1, 1)),
    ):
        own = {key: np.array(value) for key, value in stats[name].items()}
        assert own["count"].tolist() == [len(values)]
        for key in ("min", "max", "mean", "std"):
            wanted = np.reshape(getattr(values, key)(axis=axes), shape)
            np.testing.assert_allclose(own[key], wanted, atol=1e-9)
        assert {f"q{q}" for q in ("01", "10", "50", "90", "99")} < set(own)
        assert (own["q01"] <= own["q50"]).all()
        assert (own["q50"] <= own["q99"]).all()


def test_quantiles_of_pictures_are_levels() -> None:
    frames = np.arange(100, dtype=np.uint8).reshape(1, 10, 10, 1)
    stats = stats_of({"x": frames}, {"x": Feature("image", (10, 10, 1))}, "it")["x"]
    assert [round(float(stats[q].item()) * 255) for q in ("q01", "q10", "q50", "q90", "q99")] == [
        0,
        9,
        49,
        89,
        98,
    ]


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    q = np.zeros((6, 7), np.float32)
    q[3, 2] = np.nan
    demos(tmp_path / "demos", 1, steps=5, observations={"q": q})
    with pytest.raises(InputError) as error:
        export(tmp_path / "demos", "lerobot", tmp_path / "out")
    assert str(error.value) == (
        "episode 0: observation.state is not finite, which LeRobot cannot scale"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"demos"}


def test_the_same_episodes_give_the_same_bytes(made: list[Episode], tmp_path: Path) -> None:
    export(tmp_path / "demos", "lerobot", tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "out")
