"""How bodies become instanced draws: grouped by mesh and texture, in an order of the scene's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.render import light
from simenv.render.meshfile import texture_source
from simenv.render.raster.library import Part
from simenv.render.surface import Surface
from simenv.scene import Body, Scene

__all__ = ["INSTANCE", "INSTANCE_FORMAT", "Batch", "Cast", "Group", "group"]

INSTANCE = np.dtype(
    [
        ("X", "f4", (3, 4)),
        ("albedo", "f4", 3),
        ("roughness", "f4"),
        ("metallic", "f4"),
        ("id", "f4"),
    ]
)
INSTANCE_FORMAT = "4f4 4f4 4f4 4f4 2f4/i"  # rows of X, paint, tag
COMMAND_WORDS = 5  # of DrawElementsIndirectCommand


@dataclass(frozen=True, eq=False)
class Group:
    """Bodies that are drawn together: one surface, one texture."""

    surface: Surface
    source: str | Path | None
    floor: bool
    rows: tuple[int, ...]  # in Scene.bodies


def group(scene: Scene, surfaces: list[Surface]) -> tuple[Group, ...]:
    """The bodies' groups in the order of their first bodies, floors last.

    Where two surfaces tie, the one drawn first wins: the order is the scene's alone.
    """
    found: dict[tuple[Any, ...], list[int]] = {}
    for row, (body, surface) in enumerate(zip(scene.bodies, surfaces, strict=True)):
        key = (body.id == 0, surface.digest, source(scene, body))
        found.setdefault(key, []).append(row)
    groups = [Group(surfaces[rows[0]], key[2], key[0], tuple(rows)) for key, rows in found.items()]
    textures = {g.source: k for k, g in reversed(list(enumerate(groups)))}
    return tuple(sorted(groups, key=lambda g: (g.floor, textures[g.source])))


def source(scene: Scene, body: Body) -> str | Path | None:
    """The image that a body wears."""
    return texture_source(scene.objects[body.object], body.texture)


@dataclass(frozen=True)
class Batch:
    """Consecutive commands of one texture."""

    source: str | Path | None
    first: int
    count: int


class Cast:
    """The draws of a scene, whatever the poses."""

    def __init__(
        self, of: Sequence[Body] = (), groups: Sequence[Group] = (), parts: Sequence[Part] = ()
    ) -> None:
        """``of`` are the bodies of the scene, ``parts`` the places of the groups' meshes."""
        self.throws_shadow = np.array([body.id > 0 for body in of], bool)
        self.rows = np.array([row for g in groups for row in g.rows], int)
        bodies = [of[row] for row in self.rows]
        self.instances = np.zeros(len(bodies), INSTANCE)
        colors = np.array([body.color for body in bodies]).reshape(-1, 3)
        self.instances["albedo"] = light.linear(colors)
        self.instances["roughness"] = [body.roughness for body in bodies]
        self.instances["metallic"] = [body.metallic for body in bodies]
        self.instances["id"] = [body.id for body in bodies]
        first = np.cumsum([0, *(len(g.rows) for g in groups)])
        self.commands = np.array(
            [
                (part.indices, len(g.rows), part.first_index, part.first_vertex, first[k])
                for k, (g, part) in enumerate(zip(groups, parts, strict=True))
            ],
            np.uint32,
        ).reshape(-1, COMMAND_WORDS)
        self.casters = sum(not g.floor for g in groups)  # the first commands
        self.batches = tuple(_batches(groups))

    def posed(self, X_WB: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[Any]:
        """Instances with poses relative to ``centre`` (3,)."""
        X = X_WB[self.rows, :3]
        self.instances["X"][..., :3] = X[..., :3]
        self.instances["X"][..., 3] = X[..., 3] - centre
        return self.instances


def _batches(groups: Sequence[Group]) -> list[Batch]:
    batches: list[Batch] = []
    for k, g in enumerate(groups):
        if batches and batches[-1].source == g.source:
            batches[-1] = Batch(g.source, batches[-1].first, batches[-1].count + 1)
        else:
            batches.append(Batch(g.source, k, 1))
    return batches
