"""Grasps as rectangles in pictures: the folders of Cornell and of Jacquard. See docs/export.md.

Both formats are read with a look at the files' names, so these are the originals': the readers of
GG-CNN and of what came after it find ``*/pcd*cpos.txt`` and ``*/*_grasps.txt``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.export.folder import Folder
from simenv.export.grasps import Hand
from simenv.export.png import png
from simenv.export.source import Shot, Source
from simenv.label.points import HIDDEN
from simenv.label.rectangle import as_cornell, as_jacquard, rectangles
from simenv.scene import View
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import Jaw

__all__ = ["PAD_M", "Counts", "write_cornell", "write_jacquard"]

STEEPEST_RAD = np.radians(30.0)  # between the approach and the camera's axis
HELD, LOST = 0.5, 0.1  # probability: of a positive at least, of a negative less
PAD_M = 0.02  # of a gripper that is not in the catalog
FIRST = 100  # number of Cornell's first picture
EACH = 100  # pictures of one of its folders


@dataclass(frozen=True)
class Counts:
    """What an export wrote."""

    images: int
    left_out: int  # pictures without a positive: readers take the middle of all positives
    positives: int
    negatives: int

    def __str__(self) -> str:
        said = f"{self.images} images, {self.positives} positive, {self.negatives} negative grasps"
        return f"{said}; {self.left_out} images without a positive left out"


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture and its rectangles, corners (N, 4, 2) in pixels."""

    shot: Shot
    number: int  # of the picture in the dataset
    positives: NDArray[np.float32]
    negatives: NDArray[np.float32]
    objects: tuple[str, ...]  # keys of those that the positives are of


def write_cornell(source: Source, folder: Folder) -> Counts:
    """``01/pcd0100r.png``, ``...d.tiff``, ``...cpos.txt``, ``...cneg.txt``: one set a picture."""

    def write(picture: _Picture) -> str:
        number, shot = FIRST + picture.number, picture.shot
        start = f"{number // EACH:02d}/pcd{number:04d}"
        step_m = np.float32(source.depth_step_m(shot.item.camera))
        folder.write(f"{start}r.png", png(shot.rgb))
        folder.write(f"{start}d.tiff", _tiff(shot.depth * step_m))
        folder.write(f"{start}cpos.txt", as_cornell(picture.positives).encode())
        folder.write(f"{start}cneg.txt", as_cornell(picture.negatives).encode())
        return start

    return _write(_Seen(source, "cornell"), write, folder)


def write_jacquard(source: Source, folder: Folder) -> Counts:
    """``<object>/N_<object>_RGB.png``, ``..._perfect_depth.tiff``, ``..._mask.png``, grasps.

    N is the picture's number in the dataset. Where a picture has grasps of several objects, the
    task's name stands for them.
    """
    task = str(source.dataset.attrs["task_name"])

    def write(picture: _Picture) -> str:
        item = picture.shot.item
        name = picture.objects[0] if len(picture.objects) == 1 else task
        start = f"{name}/{picture.number}_{name}"
        folder.write(f"{start}_RGB.png", png(picture.shot.rgb))
        folder.write(f"{start}_perfect_depth.tiff", _tiff(item.depth_m))
        if item.depth_sensor_m is not None:
            folder.write(f"{start}_stereo_depth.tiff", _tiff(item.depth_sensor_m))
        parts = np.isin(item.instance, item.ids[picture.shot.rows])
        folder.write(f"{start}_mask.png", png(np.uint8(255) * parts))
        folder.write(f"{start}_grasps.txt", _jacquard_text(picture.positives).encode())
        return start

    return _write(_Seen(source, "jacquard"), write, folder)


def _write(seen: _Seen, write: Callable[[_Picture], str], folder: Folder) -> Counts:
    """All pictures with a positive; ``write`` says how the names of a picture's files begin."""
    images = left_out = positives = negatives = 0
    starts: dict[str, list[str]] = defaultdict(list)  # by part of the split
    for picture in seen.pictures():
        if not len(picture.positives):
            left_out += 1
            continue
        starts[seen.source.part_of(picture.shot.item.scene)].append(write(picture))
        images += 1
        positives += len(picture.positives)
        negatives += len(picture.negatives)
    if not images:
        raise InputError(
            f"{seen.source.dataset.path}: no picture has a grasp within "
            f"{round(np.degrees(STEEPEST_RAD))} degrees of the camera's axis that holds; look from "
            "where the gripper comes from, or generate more scenes"
        )
    for part in seen.source.split or ():
        folder.write(f"splits/{part}.txt", "".join(f"{start}\n" for start in starts[part]).encode())
    return Counts(images, left_out, positives, negatives)


@dataclass(frozen=True, eq=False)
class _Seen:
    """The grasps of a dataset, as rectangles in its pictures.

    Raises:
        InputError: it holds none, or none of a jaw.
    """

    source: Source
    to: str

    def __post_init__(self) -> None:
        dataset = self.source.dataset
        layout = dataset.layout
        if not layout.gripper:
            raise InputError(
                f"{dataset.path}: has no label grasps, which {self.to} is made of; add "
                "`labels: [grasps]` to the task and generate it again"
            )
        if layout.touches != 2:
            raise InputError(
                f"{dataset.path}: its grasps are those of {layout.gripper}, a cup, and {self.to} "
                "is of two jaws; generate with another gripper, or use --to bop or coco"
            )

    def pictures(self) -> Iterator[_Picture]:
        """Every picture of the source, in its order."""
        dataset, pad = self.source.dataset, self._pad_m
        for shot in self.source.shots():
            number = shot.item.frame * len(dataset.cameras) + shot.camera
            rows = self._rows(shot)
            probability = self._grasps["success_probability"][rows]
            corners = rectangles(
                self._cameras[shot.item.camera]["X_CG"][rows],
                self._grasps["opening_m"][rows],
                pad,
                _view(shot),
            )
            whole = np.isfinite(corners).all(axis=(1, 2))
            held, lost = whole & (probability >= HELD), whole & (probability < LOST)
            owners = np.unique(self._bodies["object"][self._grasps["body"][rows[held]]])
            keys = tuple(str(key) for key in np.array(list(dataset.objects))[owners])
            yield _Picture(shot, number, corners[held], corners[lost], keys)

    def _rows(self, shot: Shot) -> NDArray[np.intp]:
        """The grasps of its targets along the camera's axis, whose contacts are in the image."""
        first, last = np.searchsorted(
            self._grasps["frame"], [shot.item.frame, shot.item.frame + 1]
        ).tolist()
        own = self._cameras[shot.item.camera]
        steep = own["X_CG"][first:last, 2, 2] >= np.cos(STEEPEST_RAD)
        inside = (own["contacts_state"][first:last] >= HIDDEN).all(axis=1)
        target = self._bodies["role"][self._grasps["body"][first:last]] == "part"
        return np.asarray(first + np.flatnonzero(steep & inside & target))

    @cached_property
    def _grasps(self) -> Mapping[str, NDArray[Any]]:
        return self.source.dataset.table(f"grasps/{self.source.dataset.layout.gripper}")

    @cached_property
    def _cameras(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        table = self.source.dataset.table
        return {name: table(f"cameras/{name}/grasps") for name in self.source.cameras}

    @cached_property
    def _bodies(self) -> Mapping[str, NDArray[Any]]:
        return self.source.dataset.table("bodies")

    @cached_property
    def _pad_m(self) -> float:
        """Of the robot that the task names; PAD_M where the catalog does not have it any more."""
        dataset = self.source.dataset
        use = dataset.spec.scene.robot
        try:
            robot = load_robot(use.use, use.gripper, near=dataset.path.parent) if use else None
        except InputError:
            robot = None
        if robot is None:
            return PAD_M
        known = robot.gripper_name == dataset.layout.gripper and isinstance(robot.gripper, Jaw)
        return (Hand(robot.hand).pad_m if known else 0.0) or PAD_M


def _view(shot: Shot) -> View:
    item = shot.item
    height, width = item.instance.shape
    bent = item.distortion if item.distortion.any() else None
    return View(item.camera, width, height, item.K, item.X_WC, distortion=bent)


def _jacquard_text(corners: NDArray[np.float32]) -> str:
    rows = as_jacquard(corners).tolist()
    return "".join(";".join(f"{value:.3f}" for value in row) + "\n" for row in rows)


def _tiff(depth_m: NDArray[np.float32]) -> bytes:
    """Float32 metres, not compressed: tifffile needs another package to read OpenCV's LZW."""
    import cv2  # slow to import

    plain = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
    done, data = cv2.imencode(".tiff", np.ascontiguousarray(depth_m, dtype=np.float32), plain)
    assert done
    return data.tobytes()
