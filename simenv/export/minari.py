"""Minari: what offline RL in the Gymnasium family reads. See docs/export.md.

Minari's own `create_dataset_from_buffers` writes it, with pictures as they are: its JPEGs of
version 0.5.3, and of later ones unless told otherwise, change every pixel.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simenv.dataset.demo import Episode, read_actions
from simenv.dataset.disk import storage
from simenv.errors import InputError
from simenv.export.demos import Array, DemoSource, task_name, task_sentence
from simenv.export.folder import Folder

if TYPE_CHECKING:
    from gymnasium import Space
    from gymnasium.envs.registration import EnvSpec

__all__ = ["dataset_id", "write"]

LEAST = (0, 5, 4)  # the first Minari that can leave pictures as they are
ROOT = "MINARI_DATASETS_PATH"  # where Minari looks for datasets


def _require() -> None:
    """That Minari can be used."""
    try:
        import minari
        import PIL  # noqa: F401  which Minari needs and does not ask for
    except ImportError as error:
        raise InputError(
            f"--to minari: {error.name} is not installed; pip install 'simenv[formats]'"
        ) from None
    if tuple(map(int, re.findall(r"\d+", minari.__version__)[:3])) < LEAST:
        raise InputError(
            f"--to minari: version {minari.__version__} stores pictures as JPEG, which changes "
            "them; pip install 'minari>=0.5.4', which needs Python 3.11"
        )


def dataset_id(source: DemoSource) -> str:
    """How `minari.load_dataset` calls the dataset."""
    return f"simenv/{re.sub(r'[^A-Za-z0-9_-]+', '-', task_name(source.first))}/demo-v0"


def write(source: DemoSource, folder: Folder) -> int:
    """Write the episodes; how many steps they have. ``folder`` becomes Minari's root.

    Raises:
        InputError: Minari is missing or too old.
    """
    _require()
    import minari

    spec, rows = _env_spec(source.first.env_spec), list[dict[str, Any]]()
    with storage(folder.out, 0), _root(folder.part), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that nobody is named as the author
        dataset = minari.create_dataset_from_buffers(
            dataset_id(source),
            _buffers(source, rows),
            observation_space=_observation_space(source),
            action_space=_action_space(source),
            algorithm_name="simenv expert",
            description=task_sentence(source.first),
            requirements=[f"simenv=={source.first.version}"],
            jpeg_encoding=False,
        )
        dataset.storage.update_metadata(_about(source.first, spec))
        dataset.storage.update_episode_metadata(rows)
        return int(dataset.storage.total_steps)


@contextmanager
def _root(folder: Path) -> Iterator[None]:
    """Minari writes below ``folder``; it takes its root from the environment alone."""
    before = os.environ.get(ROOT)
    os.environ[ROOT] = str(folder)
    try:
        yield
    finally:
        del os.environ[ROOT]
        if before is not None:
            os.environ[ROOT] = before


def _buffers(source: DemoSource, rows: list[dict[str, Any]]) -> Iterator[Any]:
    """One episode in memory at a time; Minari goes through them once. Fills ``rows``."""
    from minari.data_collector import EpisodeBuffer

    for number, episode in enumerate(source):
        rows.append({"success": episode.success})
        yield EpisodeBuffer(
            id=number,
            seed=episode.seed,
            options={"scene": episode.scene},  # what env.reset takes beside the seed
            observations=dict(episode.observations),
            actions=episode.actions,
            rewards=episode.rewards,
            terminations=episode.terminations,
            truncations=episode.truncations,
            infos=_infos(episode),
        )


def _infos(episode: Episode) -> dict[str, Any]:
    """Row t + 1 belongs to step t: Minari's first row is of the reset, which has none of these."""
    steps = {"success": episode.successes, **{f"terms/{k}": v for k, v in episode.terms.items()}}
    return {
        name: np.concatenate([np.zeros_like(values[:1]), values]) for name, values in steps.items()
    }


def _observation_space(source: DemoSource) -> Space[Any]:
    from gymnasium.spaces import Dict

    return Dict({name: _box(array) for name, array in source.observations.items()})


def _box(array: Array) -> Space[Any]:
    """All that the type can say."""
    from gymnasium.spaces import Box

    low: Any = -np.inf
    high: Any = np.inf
    if array.dtype.kind == "b":
        low, high = 0, 1
    elif array.dtype.kind in "iu":
        low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
    return Box(low, high, array.shape, array.dtype.type)


def _action_space(source: DemoSource) -> Space[Any]:
    """From -1 to 1 where no action lies outside, else without bounds."""
    from gymnasium.spaces import Box

    within = all(np.abs(read_actions(path)).max(initial=0) <= 1 for path in source.demos.files)
    bound = 1.0 if within else np.inf
    return Box(-bound, bound, source.first.actions.shape[1:], np.float32)


def _env_spec(text: str) -> EnvSpec | None:
    """The environment, which is not made: it may need what this machine lacks."""
    from gymnasium.envs.registration import EnvSpec

    try:
        return EnvSpec.from_json(text)
    except Exception:  # whatever a text that is no spec sets off in gymnasium
        return None


def _about(episode: Episode, spec: EnvSpec | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "rate_hz": episode.rate_hz,
        "simenv_version": episode.version,
        "task": episode.task,
    }
    return about if spec is None else {**about, "env_spec": spec.to_json()}
