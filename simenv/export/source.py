"""What of a dataset is exported: which cameras, which objects under which number, which pictures.

Targets are the bodies of role "part". Distractors, furniture and robots are in the pictures and
hide parts, but nobody asks for their poses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset, Item
from simenv.errors import InputError
from simenv.spec.check import group_of, named_objects
from simenv.spec.explain import suggest

__all__ = ["Progress", "Shot", "Source"]

Progress = Callable[[int, int], None]  # images done, images in all


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture, and where it stands among those of its scene."""

    item: Item
    camera: int  # index into Dataset.cameras
    frame: int  # 0 for the first of its scene
    rows: NDArray[np.int64]  # (T,) the targets among the bodies of the item, in id order
    rgb: NDArray[np.uint8]  # (H, W, 3) the picture to export
    depth: NDArray[np.uint16]  # (H, W) steps of Source.depth_step_m, 0 = no surface

    @property
    def name(self) -> str:
        """Scene, frame and camera, the same in every export of the dataset and of its twins."""
        return f"{self.item.scene:06d}_{self.frame:04d}_{self.item.camera}"

    def visible(self, row: int) -> NDArray[np.bool_]:
        """The pixels (H, W) that show a body."""
        return np.asarray(self.item.instance == self.item.ids[row])


@dataclass(frozen=True, eq=False)
class Source:
    """A dataset, and what is wanted of it."""

    dataset: Dataset
    cameras: tuple[str, ...]
    sensor: bool = False  # pictures of the device, where a camera has one
    progress: Progress = lambda done, total: None
    split: Mapping[str, NDArray[np.int64]] | None = None  # part -> scenes
    scenes: NDArray[np.int64] | None = None  # only these

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        cameras: Sequence[str],
        *,
        sensor: bool,
        progress: Progress,
        split: str | None = None,
    ) -> Source:
        """Check what is asked for; no cameras means all, and no split all scenes.

        Raises:
            InputError: there is no such camera or split, or no picture at all.
        """
        for camera in cameras:
            if camera not in dataset.cameras:
                raise InputError(
                    f"--cameras: no camera {camera}; {suggest(camera, dataset.cameras)}"
                )
        if not len(dataset):
            raise InputError(f"{dataset.path}: holds no picture; generate scenes first")
        chosen = tuple(name for name in dataset.cameras if not cameras or name in cameras)
        if split is None:
            return cls(dataset, chosen, sensor, progress)
        parts = dataset.split(split)
        scenes = np.concatenate(list(parts.values()))
        return cls(dataset, chosen, sensor, progress, parts, scenes)

    def parts(self) -> Iterator[tuple[str, Source]]:
        """Each part of the split by its name, which is "" where all scenes are one."""
        if self.split is None:
            yield "", self
            return
        done = 0
        for name, scenes in self.split.items():
            part = replace(self, split=None, scenes=scenes, progress=self._from(done))
            yield name, part
            done += len(part)

    def part_of(self, scene: int) -> str:
        """The part that a scene is in; "" without a split."""
        parts = (self.split or {}).items()
        return next((name for name, scenes in parts if scene in scenes), "")

    def _from(self, start: int) -> Progress:
        """Progress of a part that begins after ``start`` pictures."""
        return lambda done, _: self.progress(start + done, len(self))

    def __len__(self) -> int:
        return len(self.frames) * len(self.cameras)

    @cached_property
    def frames(self) -> NDArray[np.int64]:
        """The rows of /frames that are exported."""
        scene = self.dataset.column("frames/scene")
        wanted = np.ones(len(scene), bool) if self.scenes is None else np.isin(scene, self.scenes)
        return np.flatnonzero(wanted)

    def shots(self) -> Iterator[Shot]:
        """All pictures, by frame and camera, one in memory at a time; frames of a scene adjoin."""
        done, every = 0, len(self.dataset.cameras)
        wanted = [self.dataset.cameras.index(name) for name in self.cameras]
        for frame in self.frames.tolist():
            for camera in wanted:
                yield self._shot(self.dataset[frame * every + camera], camera)
                done += 1
                self.progress(done, len(self))

    def depth_step_m(self, camera: str) -> float:
        """Metres of one step of `Shot.depth`."""
        return self.dataset.layout.cameras[camera].depth_scale_m

    def _shot(self, item: Item, camera: int) -> Shot:
        rgb, depth_m = item.rgb, item.depth_m
        if self.sensor:
            rgb = rgb if item.rgb_sensor is None else item.rgb_sensor
            depth_m = depth_m if item.depth_sensor_m is None else item.depth_sensor_m
        steps = np.rint(depth_m / np.float32(self.depth_step_m(item.camera)))
        return Shot(
            item,
            camera,
            frame=item.frame - self._first_frame[item.scene],
            rows=np.flatnonzero(item.roles == "part"),
            rgb=rgb,
            depth=steps.astype(np.uint16),
        )

    @cached_property
    def _first_frame(self) -> Mapping[int, int]:
        """Scene -> the row of /frames where it begins."""
        scenes, rows = np.unique(self.dataset.table("frames")["scene"], return_index=True)
        return dict(zip(scenes.tolist(), rows.tolist(), strict=True))

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Key of each object that a part can be -> 1, 2, ... in the order of the alphabet.

        Counted are all that the task names, so two datasets of one task agree; an object that is
        in none of the scenes has a number and no entry in Dataset.objects.
        """
        names = set(self._named) | set(self.objects)
        return {name: number for number, name in enumerate(sorted(names), start=1)}

    @cached_property
    def objects(self) -> tuple[str, ...]:
        """Keys of the objects that parts of this dataset are, sorted."""
        table, keys = self.dataset.table("parts"), list(self.dataset.objects)
        known = np.isin(table["group"], list(self._groups)) & (table["object"] >= 0)
        return tuple(sorted(keys[row] for row in np.unique(table["object"][known])))

    @cached_property
    def _named(self) -> tuple[str, ...]:
        return tuple(
            name
            for path, name in named_objects(self.dataset.spec).items()
            if group_of(path, self.dataset.spec) in self._groups
        )

    @cached_property
    def _groups(self) -> frozenset[str]:
        """The groups of the task's actors whose poses are wanted."""
        return frozenset(
            name for name, own in self.dataset.spec.actors.items() if own.role == "part"
        )
