"""Which columns a LeRobot dataset has, and how an episode fills them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.demo import Episode
from simenv.export.demos import Array
from simenv.export.png import png

__all__ = ["CLOCK", "Feature", "columns", "features_of", "table_of", "tasks_table"]

STATE, IMAGES, OTHER = "observation.state", "observation.images.", "observation."
TERMS = "next.reward_terms"
IMAGE_AXES = ("height", "width", "channels")


@dataclass(frozen=True)
class Feature:
    """A column: an entry of `features` in meta/info.json."""

    dtype: str  # numpy's name, or "image"
    shape: tuple[int, ...] = (1,)
    names: tuple[str, ...] | None = None

    def described(self) -> dict[str, Any]:
        """As meta/info.json has it."""
        return {"dtype": self.dtype, "shape": list(self.shape), "names": self.names}

    def decoded(self) -> dict[str, Any]:
        """As Hugging Face's `datasets` has it: get_hf_features_from_features of LeRobot."""
        if self.dtype == "image":
            return {"_type": "Image"}
        value = {"dtype": self.dtype, "_type": "Value"}
        if self.shape == (1,):
            return value
        if len(self.shape) == 1:
            return {"feature": value, "length": self.shape[0], "_type": "Sequence"}
        return {"shape": list(self.shape), "dtype": self.dtype, "_type": f"Array{len(self.shape)}D"}

    def stored(self, values: NDArray[Any]) -> Any:
        """The column of an episode as an Arrow array; ``values`` has a row a step."""
        import pyarrow

        if self.dtype == "image":
            rows = [{"bytes": png(_plane(v)), "path": _path(t)} for t, v in enumerate(values)]
            kinds = {"bytes": pyarrow.binary(), "path": pyarrow.string()}
            return pyarrow.array(rows, type=pyarrow.struct(kinds))
        array = pyarrow.array(np.ascontiguousarray(values).reshape(-1))
        if self.shape == (1,):
            return array
        if len(self.shape) == 1:
            return pyarrow.FixedSizeListArray.from_arrays(array, self.shape[0])
        for size in reversed(self.shape):
            ends = np.arange(0, len(array) + 1, size, dtype=np.int32)
            array = pyarrow.ListArray.from_arrays(ends, array)
        return array


# What LeRobot counts itself: DEFAULT_FEATURES of lerobot/utils/constants.py.
CLOCK = {
    "timestamp": Feature("float32"),
    "frame_index": Feature("int64"),
    "episode_index": Feature("int64"),
    "index": Feature("int64"),
    "task_index": Feature("int64"),
}


def features_of(episode: Episode, observations: Mapping[str, Array]) -> dict[str, Feature]:
    """The columns but for those of CLOCK, as in every episode like this one."""
    found = {
        f"{IMAGES if array.is_image else OTHER}{name}": _feature(array)
        for name, array in observations.items()
        if len(array.shape) > 1
    }
    state = [label for name, array in observations.items() for label in _labels(name, array)]
    if state:
        found[STATE] = Feature("float32", (len(state),), tuple(state))
    found["action"] = Feature("float32", episode.actions.shape[1:])
    found["next.reward"] = Feature("float32")
    found |= dict.fromkeys(("next.done", "next.success"), Feature("bool"))
    if episode.terms:
        found[TERMS] = Feature("float32", (len(episode.terms),), tuple(sorted(episode.terms)))
    return found


def _feature(array: Array) -> Feature:
    if array.is_image:
        return Feature("image", array.shape, IMAGE_AXES)
    return Feature(array.dtype.name, array.shape)


def _labels(name: str, array: Array) -> list[str]:
    """The names of an observation's numbers in the state; pictures and matrices are not in it."""
    if array.shape == ():
        return [name]
    return [f"{name}_{i}" for i in range(array.shape[0])] if len(array.shape) == 1 else []


def columns(
    episode: Episode, features: Mapping[str, Feature], *, number: int, first: int, task: int
) -> dict[str, NDArray[Any]]:
    """What each column holds: row t is what was seen before action t, and what came of it.

    Args:
        episode: any with these features; its last observation, after which nothing is done, is
            left out.
        features: of `features_of`.
        number: of the episode, from 0.
        first: how many rows the episodes before it have.
        task: the number of its task.
    """
    steps = len(episode)
    seen = {name: values[:-1] for name, values in sorted(episode.observations.items())}
    flat = [v.reshape(steps, -1).astype(np.float32) for v in seen.values() if v.ndim < 3]
    found: dict[str, NDArray[Any]] = {
        "action": episode.actions,
        "next.reward": episode.rewards.astype(np.float32),
        "next.done": episode.terminations | episode.truncations,
        "next.success": episode.successes,
        "timestamp": (np.arange(steps) / episode.rate_hz).astype(np.float32),
        "frame_index": np.arange(steps),
        "episode_index": np.full(steps, number),
        "index": np.arange(first, first + steps),
        "task_index": np.full(steps, task),
    }
    for prefix in (IMAGES, OTHER):
        found |= {f"{prefix}{name}": values for name, values in seen.items()}
    if flat:
        found[STATE] = np.concatenate(flat, axis=1)
    if episode.terms:
        terms = [values for _, values in sorted(episode.terms.items())]
        found[TERMS] = np.stack(terms, axis=1).astype(np.float32)
    return {name: found[name] for name in (*features, *CLOCK)}


def _plane(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey picture without its axis of one channel, as PNG wants it."""
    return image[..., 0] if image.shape[2] == 1 else image


def _path(step: int) -> str:
    return f"frame-{step:06d}.png"


def table_of(values: Mapping[str, NDArray[Any]], features: Mapping[str, Feature]) -> Any:
    """The rows of an episode as an Arrow table, with what makes `datasets` decode it."""
    import pyarrow

    every = {**features, **CLOCK}
    decoded = {name: feature.decoded() for name, feature in every.items()}
    text = json.dumps({"info": {"features": decoded}})
    arrays = [feature.stored(values[name]) for name, feature in every.items()]
    table = pyarrow.Table.from_arrays(arrays, names=list(every))
    return table.replace_schema_metadata({"huggingface": text})


def tasks_table(tasks: Mapping[str, int]) -> Any:
    """meta/tasks.parquet: a pandas frame whose index is the sentence, written without pandas."""
    import pyarrow

    texts = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    numbers = {"pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    about = {
        "index_columns": ["task"],
        "column_indexes": [
            {"name": None, "field_name": None, **texts, "metadata": {"encoding": "UTF-8"}}
        ],
        "columns": [
            {"name": "task_index", "field_name": "task_index", **numbers},
            {"name": "task", "field_name": "task", **texts},
        ],
        "creator": {"library": "pyarrow", "version": pyarrow.__version__},
        "pandas_version": "2.0.0",
    }
    return pyarrow.table(
        {"task_index": pyarrow.array(list(tasks.values()), pyarrow.int64()), "task": list(tasks)}
    ).replace_schema_metadata({"pandas": json.dumps(about)})
