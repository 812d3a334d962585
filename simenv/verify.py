"""Is a dataset what its task and seed say? Some scenes are generated again and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

import simenv
from simenv.dataset.layout import Layout
from simenv.dataset.rows import digests, images_of, tables_of
from simenv.dataset.stored import Stored, difference, files_of, read_scene
from simenv.errors import CheckFailed, InputError
from simenv.generate.plan import Plan
from simenv.generate.source import Source
from simenv.studio import Studio

__all__ = ["verify"]


def verify(path: str | Path, *, scenes: int = 3) -> Iterator[str]:
    """Make ``scenes`` evenly spread scenes again; one line for each that is equal bit by bit.

    What is made is compared with the values in the files and with the digests beside them.

    Raises:
        InputError: the objects are not those that the dataset was made with, or it is damaged.
        CheckFailed: a scene differs; the text says in what, and what else differs here.
    """
    source, path = Source.of(path), Path(path)
    task, attrs, table = source.task, source.attrs, source.scenes
    count, files = len(table["index"]), files_of(path)
    plan = Plan.of(
        task,
        scenes=count,
        seed=int(attrs["seed"]),
        renderer=str(attrs["renderer"]),
        tier=str(attrs["tier"]),
        look_seed=source.look_seed,
        at_day=source.at_day,
    )
    layout = Layout.of(plan.header(task))
    with plan.studio() as studio:
        for row in np.unique(np.linspace(0, count - 1, min(scenes, count)).astype(int)):
            index = int(table["index"][row])
            said = {key: str(table[f"{key}_sha256"][row]) for key in ("labels", "all")}
            stored = read_scene(_file(path, files, index), index, layout)
            record = studio.record(index)
            made = Stored(tables_of(record, layout), images_of(record))
            if differing := _difference(stored, made, said, layout):
                why = _suspects(attrs, studio)
                raise CheckFailed(f"{path}: scene {index}: {differing}; {why}")
            yield f"scene {index}: equal, {said['all']}"


def _file(path: Path, files: Mapping[int, Path] | None, index: int) -> Path:
    """Which file holds the scene."""
    if files is None:
        return path
    if index not in files:
        raise InputError(f"{path}: scene {index} is in no committed shard; simenv validate")
    return files[index]


def _difference(stored: Stored, made: Stored, said: Mapping[str, str], layout: Layout) -> str:
    """In what a scene differs from what is made of it here; empty: in nothing."""
    if found := difference(stored, made, layout):
        return found
    own = digests(stored.tables, stored.images, layout)
    if (own.labels, own.all) != (said["labels"], said["all"]):
        return "its values are equal, but its digests are of others; simenv validate"
    return ""


def _suspects(attrs: Mapping[str, object], studio: Studio) -> str:
    """What is not as it was when the dataset was made."""
    here = {
        "simenv_version": simenv.__version__,
        "pybullet_version": version("pybullet"),
        "gl": studio.renderer.device,
    }
    other = [f"{key} was {attrs[key]}, is {now}" for key, now in here.items() if attrs[key] != now]
    return "; ".join(other) or "versions and driver are the same, so the file has changed"
