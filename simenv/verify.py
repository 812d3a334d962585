"""Is a dataset what its task and seed say? Some scenes are generated again and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

import simenv
from simenv.dataset.layout import Layout
from simenv.dataset.rows import content_hash
from simenv.errors import CheckFailed
from simenv.generate.plan import Plan
from simenv.generate.source import Source
from simenv.studio import Studio

__all__ = ["verify"]


def verify(path: str | Path, *, scenes: int = 3) -> Iterator[str]:
    """Make ``scenes`` evenly spread scenes again; one line for each that is equal bit by bit.

    Raises:
        InputError: the objects are not those that the dataset was made with.
        CheckFailed: a scene differs; the text says in what, and what else differs here.
    """
    source = Source.of(path)
    task, attrs, table = source.task, source.attrs, source.scenes
    count = len(table["index"])
    chosen = np.unique(np.linspace(0, count - 1, min(scenes, count)).astype(int))
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
        for row in chosen:
            index = int(table["index"][row])
            made = content_hash(studio.record(index), layout)
            for digest, what in (("labels", "labels differ"), ("all", "only rgb differs")):
                if getattr(made, digest) != table[f"{digest}_sha256"][row]:
                    why = _suspects(attrs, studio)
                    raise CheckFailed(f"{path}: scene {index}: {what}; {why}")
            yield f"scene {index}: equal, {made.all}"


def _suspects(attrs: Mapping[str, object], studio: Studio) -> str:
    """What is not as it was when the dataset was made."""
    here = {
        "simenv_version": simenv.__version__,
        "pybullet_version": version("pybullet"),
        "gl": studio.renderer.device,
    }
    other = [f"{key} was {attrs[key]}, is {now}" for key, now in here.items() if attrs[key] != now]
    return "; ".join(other) or "versions and driver are the same, so the file has changed"
