"""How parts start: what is known of them before anything falls, and says much of where they end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.rotation import face_cells, orientation_cells
from simenv.compose import compose
from simenv.domain.sample import Sample
from simenv.fill.draw import Draw
from simenv.spec.load import Task

__all__ = ["Starts", "rotations", "starts"]

Cells = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Starts:
    """P parts, scene after scene."""

    object: NDArray[np.object_]  # (P,) names
    face: Cells  # (P,) which side is down, see `simenv.audit.rotation`
    turn: Cells  # (P,) cell of the rotation
    p_W: Floats  # (P, 2) x and y, metres
    counts: Cells  # (N,) parts of each scene

    def at(self, rows: Cells) -> Starts:
        """Of some parts; how many each scene has is no longer known."""
        none = np.zeros(0, np.int64)
        return Starts(self.object[rows], self.face[rows], self.turn[rows], self.p_W[rows], none)

    @classmethod
    def join(cls, several: Sequence[Starts]) -> Starts:
        """All of several, one after the other."""
        return cls(
            np.concatenate([own.object for own in several]),
            np.concatenate([own.face for own in several]),
            np.concatenate([own.turn for own in several]),
            np.concatenate([own.p_W for own in several]),
            np.concatenate([own.counts for own in several]),
        )


def starts(draw: Draw, samples: Iterable[Sample]) -> Starts:
    """The labelled parts of some scenes, in the order of their ids."""
    scenes = [compose(draw.task, own, seed=draw.seed) for own in samples]
    rows = [[body for body in scene.bodies if body.role == "part"] for scene in scenes]
    bodies = [body for own in rows for body in own]
    X_WB = np.array([body.X_WB for body in bodies]).reshape(-1, 4, 4)
    names = np.array([body.object for body in bodies], dtype=object)
    face, turn = rotations(draw.task, names, X_WB[:, :3, :3])
    counts = np.array([len(own) for own in rows], dtype=np.int64)
    return Starts(names, face, turn, X_WB[:, :2, 3], counts)


def rotations(task: Task, names: NDArray[np.object_], R_WB: Floats) -> tuple[Cells, Cells]:
    """Which side is down, and the cell of the rotation, of parts by the names of their objects."""
    face, turn = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    for name in sorted(set(names)):
        own, symmetry = names == name, task.objects[name].spec.symmetry.model_dump_json()
        face[own], _ = face_cells(R_WB[own], symmetry)
        turn[own] = orientation_cells(R_WB[own], symmetry)
    return face, turn
