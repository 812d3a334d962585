"""What a dataset's tables say of its scenes, its parts and what its cameras saw of them.

No pixel is read. Three levels, each a table of rows: ``scene``; ``part``, one of a scene's parts in
one frame; ``view/<camera>``, a part of which that camera sees something. A row of a finer level
belongs to one of the coarser, so any two variables meet at the finer one's rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simenv.audit.foot import foot, foot_uv
from simenv.audit.rotation import ROTATIONS, face_cells, orientation_cells
from simenv.audit.variable import (
    Variable,
    axis_variable,
    by_edges,
    by_ratio,
    by_word,
    components,
    evenly,
    integers,
)
from simenv.dataset.read import Dataset
from simenv.errors import InputError
from simenv.spec.domain import AxisSpec
from simenv.spec.task import TaskSpec

__all__ = [
    "CORE",
    "NEIGHBOURS",
    "Observed",
    "axis_variables",
    "neighbours",
    "observe",
    "view_variables",
]

CORE = "core"
LENS = "distortion"
NEAR = 1.5  # neighbours: centres closer than this times the sum of both half diameters
VISIBLE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
BORDER = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)  # of the shorter side, from its foot to the border
NEIGHBOURS = ("0", "1", "2", "3", "4 or more")

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Observed:
    """The variables of a dataset, and how their rows belong together.

    Only accepted scenes have parts and views; ``scenes`` has the others, too.
    """

    path: Path
    task: TaskSpec
    attrs: Mapping[str, Any]
    scenes: Table  # /scenes: index, tier, outcome, attempts, time_days
    variables: tuple[Variable, ...]
    scene_of: Mapping[str, Rows]  # level -> (N,) row of scenes
    part_of: Mapping[str, Rows]  # "view/<camera>" -> (N,) row of the level part
    image_of: Mapping[str, Rows]  # "view/<camera>" -> (N,) number of the image: Dataset[i]
    frames: int
    images: int

    def __getitem__(self, name: str) -> Variable:
        """The variable of that name; of a camera's, as in ``overhead: u``."""
        return next(own for own in self.variables if self.title(own) == name)

    @property
    def levels(self) -> tuple[str, ...]:
        """The coarsest first."""
        return ("scene", "part", *self.part_of)

    def title(self, variable: Variable) -> str:
        """Its name, after that of the camera if it is a camera's."""
        camera = variable.level.partition("/")[2]
        return f"{camera}: {variable.name}" if camera else variable.name

    def meets(self, one: Variable, other: Variable) -> bool:
        """Whether the two have rows in common: not those of two cameras."""
        both = {one.level, other.level} - {"scene", "part"}
        return len(both) < 2

    def together(self, one: Variable, other: Variable) -> tuple[Variable, Variable, Rows]:
        """Both at the rows of the finer level, and the scene of each row."""
        level = max(one.level, other.level, key=lambda name: self.levels.index(name))
        return self.at(one, level), self.at(other, level), self.scene_of[level]

    def first(self, number: int) -> Observed:
        """The scenes below ``number`` alone; frames and images are counted as they are."""
        scenes = int(np.searchsorted(self.scenes["index"], number))
        ends = {name: int(np.searchsorted(own, scenes)) for name, own in self.scene_of.items()}
        return replace(
            self,
            scenes={name: column[:scenes] for name, column in self.scenes.items()},
            variables=tuple(own.at(np.arange(ends[own.level])) for own in self.variables),
            scene_of={name: own[: ends[name]] for name, own in self.scene_of.items()},
            part_of={name: own[: ends[name]] for name, own in self.part_of.items()},
            image_of={name: own[: ends[name]] for name, own in self.image_of.items()},
        )

    def at(self, variable: Variable, level: str) -> Variable:
        """The variable at the rows of a finer level."""
        if variable.level == level:
            return variable
        if variable.level == "scene":
            return variable.at(self.scene_of[level])
        return variable.at(self.part_of[level])


def observe(path: str | Path, *, tier: str | None = CORE) -> Observed:
    """Read the tables of the dataset at ``path``; ``tier``: only scenes of it, None: of all.

    Raises:
        InputError: there is no dataset, or no scene of that tier.
    """
    with Dataset(path) as dataset:
        reader = _Reader(dataset, dataset.spec, tier)
        if not len(reader.kept):
            word = "scenes" if tier is None else f"{tier} scenes"
            raise InputError(f"{path}: has no {word}; generate some, or audit another tier")
        return reader.observed(Path(path))


class _Reader:
    """Makes the variables, level by level."""

    def __init__(self, dataset: Dataset, spec: TaskSpec, tier: str | None) -> None:
        self.dataset, self.spec = dataset, spec
        scenes = dataset.table("scenes")
        keep = np.ones(len(scenes["index"]), bool) if tier is None else scenes["tier"] == tier
        self.kept = np.flatnonzero(keep)
        self.scenes = {name: column[self.kept] for name, column in scenes.items()}
        self.objects = dataset.table("objects")
        self._frames()
        self._parts()

    def _frames(self) -> None:
        """``frame_scene`` (F,): row of scenes of each frame of the file; -1 for those left out."""
        frames = self.dataset.table("frames")
        number = self.scenes["index"]
        at = np.clip(np.searchsorted(number, frames["scene"]), 0, max(len(number) - 1, 0))
        there = number[at] == frames["scene"] if len(number) else np.zeros(len(at), bool)
        self.frame_scene = np.where(there, at, -1)

    def _parts(self) -> None:
        """``rows`` (P,): rows of bodies that are parts, in the order of the file."""
        bodies = self.dataset.table("bodies")
        groups = [name for name, group in self.spec.actors.items() if group.role == "part"]
        wanted = np.isin(bodies["group"].astype(str), groups)
        wanted &= self.frame_scene[bodies["frame"]] >= 0
        self.bodies, self.rows = bodies, np.flatnonzero(wanted)
        self.scene = self.frame_scene[bodies["frame"][self.rows]]
        self.object = bodies["object"][self.rows]
        self.foot_W = self._feet()

    def _feet(self) -> Floats:
        """Where each part stands (P, 3), world."""
        feet, keys = np.zeros((len(self.rows), 3)), self.objects["key"]
        for row in np.unique(self.object):
            own = self.object == row
            points = self.dataset.objects[str(keys[row])].vertices.astype(float)
            feet[own] = foot(self.bodies["X_WB"][self.rows[own]], points)
        return feet

    def observed(self, path: Path) -> Observed:
        variables = [*self._of_scenes(), *self._of_parts()]
        scene_of = {"scene": np.arange(len(self.kept)), "part": self.scene}
        part_of, image_of = {}, {}
        for k, camera in enumerate(self.dataset.cameras):
            level = f"view/{camera}"
            own, rows, frames = self._of_views(camera, level)
            variables += own
            part_of[level], scene_of[level] = rows, self.scene[rows]
            image_of[level] = frames * len(self.dataset.cameras) + k
        return Observed(
            path,
            self.spec,
            self.dataset.attrs,
            self.scenes,
            tuple(variables),
            scene_of,
            part_of,
            image_of,
            frames=int((self.frame_scene >= 0).sum()),
            images=int((self.frame_scene >= 0).sum()) * len(self.dataset.cameras),
        )

    def _of_scenes(self) -> Iterator[Variable]:
        for path, axis in self.spec.domain.items():
            if axis.each is None:
                yield from axis_variables(path, axis, "scene", self.scenes[f"param/{path}"])
        counts = self._count()
        there = counts[counts >= 0]
        low, high = (int(there.min()), int(there.max())) if len(there) else (0, 0)
        cells, names = integers(counts, low, high)
        yield Variable("parts", "scene", "label", cells, names, values=counts.astype(float))

    def _count(self) -> Rows:
        """Parts in the first frame of each scene; -1 where there is no frame."""
        counts = np.full(len(self.kept), -1)
        frame = self.bodies["frame"][self.rows]
        present = np.flatnonzero(self.frame_scene >= 0)
        scene, first = np.unique(self.frame_scene[present], return_index=True)
        counts[scene] = 0
        own = np.isin(frame, present[first])
        np.add.at(counts, self.scene[own], 1)
        return counts

    def _of_parts(self) -> Iterator[Variable]:
        names = self.objects["name"][self.object]
        yield self._words("class", self.objects["class"][self.object])
        own = np.unique(self.object)
        if len(set(self.objects["class"][own])) != len(set(self.objects["name"][own])):
            yield self._words("object", names)
        R = self.bodies["X_WB"][self.rows][:, :3, :3]
        faces, turns, sides = self._rotations(R)
        yield Variable("face", "part", "label", faces, sides)
        turned = tuple(f"turn {k}" for k in range(len(ROTATIONS)))
        yield Variable("orientation", "part", "label", turns, turned)
        near = np.minimum(self._neighbours(), len(NEIGHBOURS) - 1)
        yield Variable("neighbours", "part", "realised", near, NEIGHBOURS)
        yield from self._own_axes()

    def _words(self, name: str, words: NDArray[Any]) -> Variable:
        known = sorted({str(word) for word in words})
        return Variable(name, "part", "label", *by_word(words.tolist(), known))

    def _rotations(self, R: NDArray[np.float64]) -> tuple[Rows, Rows, tuple[str, ...]]:
        faces, turns = np.full(len(R), -1), np.full(len(R), -1)
        names: tuple[str, ...] = ()
        for row in np.unique(self.object):
            own, symmetry = self.object == row, str(self.objects["symmetry"][row])
            faces[own], names = face_cells(R[own], symmetry)
            turns[own] = orientation_cells(R[own], symmetry)
        return faces, turns, names

    def _neighbours(self) -> Rows:
        p = self.bodies["X_WB"][self.rows][:, :3, 3]
        half = self.objects["diameter_m"][self.object] / 2
        return neighbours(p, half, self.bodies["frame"][self.rows])

    def _own_axes(self) -> Iterator[Variable]:
        """Axes with ``each: actor``, at the rows of the parts."""
        parts = self.dataset.table("parts")
        key = parts["scene"].astype(np.int64) << 16 | parts["id"]
        order = np.argsort(key)
        wanted = self.scenes["index"][self.scene].astype(np.int64) << 16
        wanted |= self.bodies["id"][self.rows]
        place = np.searchsorted(key[order], wanted)
        if np.any(place == len(order)) or np.any(key[order[place]] != wanted):
            text = "a body has no row in /parts; simenv validate says what is damaged"
            raise InputError(f"{self.dataset.path}: {text}")
        rows = order[place]
        for path, axis in self.spec.domain.items():
            if axis.each is not None and not path.endswith(".objects") and axis.so3 is None:
                yield from axis_variables(path, axis, "part", parts[f"param/{path}"][rows])

    def _of_views(self, camera: str, level: str) -> tuple[list[Variable], Rows, Rows]:
        """A camera's variables, the part of each of its rows, and the frame."""
        seen = self.dataset.table(f"cameras/{camera}/seen")
        at = np.full(len(self.bodies["frame"]), -1)
        at[self.rows] = np.arange(len(self.rows))
        there = (at[seen["body"]] >= 0) & (seen["px_visible"] > 0)
        own = {name: column[there] for name, column in seen.items()}
        frame, part = own["frame"].astype(np.int64), at[own["body"]]
        shot = [self.dataset.column(f"cameras/{camera}/{name}") for name in ("X_WC", "K", LENS)]
        own["foot"] = foot_uv(self.foot_W[part], *(column[frame] for column in shot))
        size = np.array(
            [self.dataset.layout.cameras[camera].width, self.dataset.layout.cameras[camera].height]
        )
        variables = list(view_variables(own, level, size))
        return variables, part, frame


def neighbours(p_W: Floats, half_m: Floats, frame: Rows) -> Rows:
    """How many other parts of its frame are near each part (P,): see NEAR.

    Args:
        p_W: (P, 3) where the parts are.
        half_m: (P,) half of their diameters.
        frame: (P,) a number for each frame; frames are kept apart by a long way.
    """
    counts = np.zeros(len(p_W), np.int64)
    if len(p_W) < 2:
        return counts
    reach, apart = 2 * NEAR * float(half_m.max()), 1e3
    number = np.unique(frame, return_inverse=True)[1].ravel()
    tree = cKDTree(np.column_stack([p_W, number * (apart + reach)]))
    pairs = tree.query_pairs(reach, output_type="ndarray")
    gap = np.linalg.norm(p_W[pairs[:, 0]] - p_W[pairs[:, 1]], axis=1)
    near = pairs[gap < NEAR * (half_m[pairs[:, 0]] + half_m[pairs[:, 1]])]
    np.add.at(counts, near.ravel(), 1)
    return counts


def axis_variables(
    path: str, axis: AxisSpec, level: str, values: NDArray[Any]
) -> Iterator[Variable]:
    """The variables of one axis, whose ``values`` are a column of a dataset: none of rotations."""
    vector = values.ndim == 2 and (axis.uniform is not None or axis.on_sphere is not None)
    if vector:
        yield from components(path, axis, level, values)
    elif (found := axis_variable(path, axis, level, values)) is not None:
        yield found


def view_variables(seen: Table, level: str, size: NDArray[np.int64]) -> Iterator[Variable]:
    """Where in the image a part is, how large, how far, how much of it is seen.

    Args:
        seen: columns box_visible, X_CB and visible_fraction, as datasets have them, and foot
            (P, 2), the pixel where a part stands; outside the picture counts as at its border.
        level: of the rows.
        size: width and height of the image.
    """
    box = seen["box_visible"].astype(float)
    middle = np.clip((seen["foot"] + 0.5) / size, 0.0, 1.0)
    for k, name in enumerate("uv"):
        cells, names = evenly(middle[:, k], low=0.0, high=1.0)
        yield Variable(name, level, "realised", cells, names, values=middle[:, k])
    border = np.minimum(middle, 1 - middle) * size
    border = border.min(axis=1) / size.min()
    yield Variable("border", level, "realised", *by_edges(border, BORDER), values=border)
    distance = np.linalg.norm(seen["X_CB"][:, :3, 3], axis=1)
    yield Variable("distance_m", level, "realised", *by_ratio(distance, 2**0.25), values=distance)
    scale = np.linalg.norm(box[:, 2:], axis=1)
    yield Variable("scale_px", level, "realised", *by_ratio(scale, 2**0.5), values=scale)
    visible = seen["visible_fraction"].astype(float)
    yield Variable("visible_fraction", level, "realised", *by_edges(visible, VISIBLE),
                   values=visible)  # fmt: skip
