"""Tables of variables without a dataset: what statistics are tried on by the hundred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simenv.audit.observe import Observed
from simenv.audit.variable import Role, Variable
from simenv.spec.task import TaskSpec

TASK = {
    "format": "simenv-task-1",
    "name": "tabled",
    "actors": {"parts": {"objects": ("can",), "count": 1, "spawn": {"zone": "here"}}},
    "scene": {
        "tables": {"main": {"size_m": (1.0, 1.0), "top_z_m": 0.4}},
        "zones": {"here": {"center": (0.0, 0.0, 0.4), "size_m": (0.2, 0.2)}},
    },
    "cameras": {
        "top": {
            "resolution": (16, 12),
            "fov_y_deg": 45.0,
            "X_WC": {"eye": (0.0, 0.0, 1.0), "target": (0.0, 0.0, 0.4)},
        }
    },
}


def variable(
    name: str,
    cells: ArrayLike,
    *,
    level: str = "scene",
    role: Role = "realised",
    names: Sequence[str] | None = None,
    planned: bool = False,
    values: ArrayLike | None = None,
) -> Variable:
    """One column; the names are a, b, c, ... unless they are given."""
    found = np.asarray(cells, dtype=np.int64)
    if names is None:
        names = [chr(ord("a") + k) for k in range(int(found.max(initial=0)) + 1)]
    numbers = None if values is None else np.asarray(values, dtype=float)
    return Variable(name, level, role, found, tuple(names), planned, numbers)


def observed(
    *variables: Variable,
    scene: ArrayLike | None = None,
    rejected: Sequence[int] = (),
    first: int = 0,
    domain: dict[str, Any] | None = None,
) -> Observed:
    """A dataset of these variables, of the levels scene and part.

    Args:
        variables: columns.
        scene: of each row of the level part; default: one part a scene.
        rejected: numbers of scenes.
        first: number of the first scene.
        domain: of the task.
    """
    sizes = [len(own) for own in variables if own.level == "scene"]
    rows = [len(own) for own in variables if own.level == "part"]
    if scene is None:
        scene = np.arange(rows[0] if rows else 0)
    part = np.asarray(scene, dtype=np.int64)
    count = sizes[0] if sizes else int(part.max(initial=-1)) + 1
    outcome = np.array(["accepted"] * count, dtype=object)
    outcome[np.asarray(rejected, dtype=np.int64)] = "rejected"
    return Observed(
        path=Path("tabled"),
        task=TaskSpec.model_validate({**TASK, "domain": domain or {}}),
        attrs={"tier": "core", "seed": 0},
        scenes={
            "index": np.arange(first, first + count),
            "tier": np.array(["core"] * count, dtype=object),
            "outcome": outcome,
            "attempts": np.ones(count, dtype=np.int64),
            "time_days": np.zeros(count),
        },
        variables=variables,
        scene_of={"scene": np.arange(count), "part": part},
        part_of={},
        image_of={},
        frames=count,
        images=count,
    )
