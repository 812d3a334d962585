"""What the exports of grasps read: files of them, the gripper of each, and what was tried of each.

A grasp that was not tried has no label, and is in no export.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.grasps import GraspFile, grasp_paths, read_grasps
from simenv.errors import InputError
from simenv.export.source import Progress
from simenv.grasp.model import GraspSet
from simenv.pose import Matrix
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import Jaw, RobotModel

__all__ = ["GraspSource", "Hand", "Tried"]


@dataclass(frozen=True, eq=False)
class Hand:
    """A gripper without an arm: where its frames are, in the words of other formats."""

    model: RobotModel

    @cached_property
    def _X_HL(self) -> dict[str, Matrix]:
        return self.model.urdf.poses(self.model.start())

    @cached_property
    def X_LG(self) -> Matrix:
        """(4, 4) G in the link that it is fixed to, with that link's axes."""
        return self.model.grasp.X_AB

    @cached_property
    def _X_GH(self) -> Matrix:
        return pose.inverse(self._X_HL[self.model.grasp.link] @ self.X_LG)

    @property
    def reach_m(self) -> float:
        """From where the gripper is mounted to G, along the approach: 0.1034 of the panda's."""
        return float(-self._X_GH[2, 3])

    @property
    def tip_m(self) -> float:
        """How far the pads reach beyond G, along the approach."""
        return self.model.tip_m

    @cached_property
    def pad_m(self) -> float:
        """How wide the pads are at G, across the approach and the closing direction."""
        assert isinstance(self.model.gripper, Jaw)
        sides = [
            hull_G[:, 1]
            for name in self.model.gripper.pads
            for shape in self.model.urdf.link(name).collisions
            for hull in shape.hulls()
            for hull_G in [pose.apply(self._X_GH @ self._X_HL[name], hull)]
            if hull_G[:, 2].min() <= 0.0 <= hull_G[:, 2].max()
        ]
        return float(max((np.ptp(y) for y in sides), default=0.0))

    def joints(self, between_m: float) -> dict[str, float]:
        """Joint positions that leave so much between the pads; of a cup there is none."""
        if not isinstance(self.model.gripper, Jaw):
            return {}
        return self.model.start(float(np.clip(self.model.gripper.share(between_m), 0, 1)))


@dataclass(frozen=True, eq=False)
class Tried:
    """One file: the grasps in it that were tried."""

    path: Path
    file: GraspFile
    hand: Hand

    @property
    def grasps(self) -> GraspSet:
        """All of them, tried or not."""
        return self.file.grasps

    @property
    def object(self) -> str:
        """The part's name."""
        return self.grasps.object

    @property
    def name(self) -> str:
        """Of the files that are made of it; names of the catalog have no hyphen."""
        return f"{self.object}-{self.grasps.gripper}"

    @cached_property
    def mesh(self) -> bytes:
        """The object's surface as Wavefront OBJ; float32 comes back exactly."""
        return _obj(self.file)

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """(M,) those that were tried."""
        return np.flatnonzero(self.grasps.trials > 0)


@dataclass(frozen=True, eq=False)
class GraspSource:
    """Files of grasps to export, read one at a time.

    Raises:
        InputError: a file cannot be said in the format, or contradicts another one.
    """

    path: Path  # a file, or a folder of them
    progress: Progress
    kinds: tuple[str, ...]  # of grippers, that the format can say
    to: str  # the format

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Tried]:
        """Each file; what was done with it is counted when the next one is asked for."""
        seen: dict[str, Path] = {}
        meshes: dict[str, bytes] = {}
        for number, path in enumerate(self._paths, start=1):
            tried = self._read(path)
            if other := seen.get(tried.name):
                raise InputError(
                    f"{path}: is of the same object and gripper as {other}; remove one of the two"
                )
            if meshes.setdefault(tried.object, tried.mesh) != tried.mesh:
                raise InputError(
                    f"{path}: has another mesh of {tried.object} than the files before; "
                    "make the grasps of both grippers again"
                )
            seen[tried.name] = path
            yield tried
            self.progress(number, len(self))

    @cached_property
    def _paths(self) -> tuple[Path, ...]:
        return grasp_paths(self.path)

    def _read(self, path: Path) -> Tried:
        file = read_grasps(path)
        grasps = file.grasps
        if grasps.kind not in self.kinds:
            raise InputError(
                f"{path}: {self.to} cannot say grasps of {grasps.gripper}, a {grasps.kind} "
                "gripper; use --to isaac_grasp"
            )
        hand = load_robot(grasps.gripper, near=path.absolute().parent).hand
        tried = Tried(path, file, Hand(hand))
        if not len(tried.rows):
            raise InputError(f"{path}: no grasp in it was tried, so none has a label; try them")
        return tried


def _obj(file: GraspFile) -> bytes:
    def lines(letter: str, rows: NDArray[Any], form: str) -> list[str]:
        return [f"{letter} {a:{form}} {b:{form}} {c:{form}}" for a, b, c in rows.tolist()]

    text = [*lines("v", file.vertices, ".9g"), *lines("f", file.faces + 1, "d")]
    return ("\n".join(text) + "\n").encode()
