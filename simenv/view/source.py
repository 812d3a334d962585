"""How the page's values come out of a dataset: its head, its images, and which are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset, Item
from simenv.errors import InputError
from simenv.label.rle import decode
from simenv.view.choose import spread
from simenv.view.outline import rings
from simenv.view.shot import About, Grasp, Part, Rejection, Shot, Value

__all__ = ["Source"]

Table = dict[str, NDArray[Any]]
ACCEPTED = "accepted"
BEST, GOOD = 5, 0.5  # grasps that are drawn of a part, and their least probability
DIGITS = 12  # of a SHA-256: enough to find its dataset by
T = TypeVar("T")


class Source:
    """A dataset, as the page sees it; each table is read once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def about(self) -> About:
        """The head of the page."""
        return About(
            name=str(self.dataset.attrs["task_name"]),
            summary=str(self.dataset.values.get("summary", "")),
            facts=tuple(self._facts()),
            attempts=self._attempts(),
            rejections=tuple(self._rejections()),
        )

    def spread(self, images: int) -> Iterator[Shot]:
        """At most ``images`` shots, evenly over scenes, cameras and frames."""
        cameras = len(self.dataset.cameras)
        for frame, camera in spread(self._frames["scene"], cameras, images):
            yield self.shot(frame * cameras + camera)

    def richest(self) -> int:
        """The image in which most of the parts are visible; the first of equals.

        Raises:
            InputError: if there is no image.
        """
        if not len(self.dataset):
            raise InputError(f"{self.dataset.path}: no scene was accepted, so there is no image")
        scores = [self._visible(camera) for camera in self.dataset.cameras]
        return int(np.argmax(np.stack(scores, axis=1)))

    def shot(self, image: int) -> Shot:
        """One image.

        Raises:
            InputError: if there is no such image.
        """
        if not 0 <= image < len(self.dataset):
            text = f"image {image} is not there; the last one is {len(self.dataset) - 1}"
            raise InputError(f"{self.dataset.path}: {text}")
        item = self.dataset[image]
        row = int(np.searchsorted(self._scenes["index"], item.scene))
        return Shot(
            image=image,
            scene=item.scene,
            tier=str(self._scenes["tier"][row]),
            camera=item.camera,
            frame=item.frame - int(np.searchsorted(self._frames["scene"], item.scene)),
            time_s=item.time_s,
            rgb=item.rgb,
            depth_m=item.depth_m,
            instance=item.instance,
            K=item.K,
            parts=tuple(self._parts_of(item)),
            values=tuple(self._values(row)),
            distortion=item.distortion if item.distortion.any() else None,
            semantic=item.semantic,
            classes=self.dataset.classes,
            normals=item.normals,
            nocs=item.nocs,
            flow=item.flow,
            rgb_sensor=item.rgb_sensor,
            depth_sensor_m=item.depth_sensor_m,
            grasps=self._best(item),
        )

    def _parts_of(self, item: Item) -> Iterator[Part]:
        ids = self._parts["id"][self._parts["scene"] == item.scene]
        for row in np.flatnonzero(np.isin(item.ids, ids)):
            entry = self.dataset.objects[item.objects[row]]
            x, y, width, height = (int(side) for side in item.box_visible[row])
            yield Part(
                id=int(item.ids[row]),
                object=entry.name,
                diameter_m=float(entry.diameter_m),
                X_CB=item.X_CB[row],
                visible_fraction=float(item.visible_fraction[row]),
                box=(x, y, width, height) if width > 0 else None,
                distractor=item.roles[row] == "distractor",
                truncation=_at(item.truncation, row, float),
                occluder=_at(item.occluder, row, int),
                touches=_touches(item, int(item.ids[row])),
                outline=self._outline(item, int(row)),
                corners_C=_at(item.corners_C, row, np.asarray),
                corners_uv=_at(item.corners_uv, row, np.asarray),
                keypoints_uv=_at(item.keypoints_uv, row, np.asarray),
                keypoints_state=_at(item.keypoints_state, row, np.asarray),
                grasps=self._graspable(item, int(item.ids[row])),
            )

    def _best(self, item: Item) -> tuple[Grasp, ...] | None:
        """At most BEST grasps of each part, the best of all first; None where none are labelled."""
        if self._grasps is None:
            return None
        rows, probability = self._good(item), self._grasps["success_probability"]
        X_CG = self._X_CG[item.camera]
        counts: Counter[int] = Counter()
        found = []
        for row in rows[np.argsort(-probability[rows], kind="stable")]:
            body = self._grasps["body"][row]
            counts[body] += 1
            if counts[body] > BEST:
                continue
            identity = int(self._bodies["id"][body])
            entry = self.dataset.objects[self._object_of(item, identity)]
            found.append(
                Grasp(
                    id=identity,
                    diameter_m=float(entry.diameter_m),
                    X_CG=X_CG[row],
                    width_m=float(self._grasps["width_m"][row]),
                    cup=self.dataset.layout.touches == 1,
                    probability=float(probability[row]),
                )
            )
        return tuple(found)

    def _object_of(self, item: Item, identity: int) -> str:
        """The key of the object of a body of the frame.

        Raises:
            InputError: the frame has no such body.
        """
        keys = item.objects[item.ids == identity]
        if not len(keys):
            text = f"frame {item.frame} has a grasp of body {identity}, which is not there"
            raise InputError(f"{self.dataset.path}: {text}; simenv validate lists what is wrong")
        return str(keys[0])

    def _graspable(self, item: Item, identity: int) -> tuple[int, int] | None:
        """How many grasps of a part are good, and how many there are."""
        if self._grasps is None:
            return None
        owner = self._bodies["id"][self._grasps["body"]]
        good = owner[self._good(item)] == identity
        every = (owner == identity) & (self._grasps["frame"] == item.frame)
        return int(good.sum()), int(every.sum())

    def _good(self, item: Item) -> NDArray[np.intp]:
        """The rows of the frame's grasps that mostly succeed."""
        assert self._grasps is not None
        own = self._grasps["frame"] == item.frame
        return np.flatnonzero(own & (self._grasps["success_probability"] >= GOOD))

    def _outline(self, item: Item, row: int) -> tuple[NDArray[np.float64], ...]:
        """Around the amodal mask of a body that something hides; else the mask shows as much."""
        if item.amodal is None or item.occluder is None or not item.occluder[row]:
            return ()
        try:
            return rings(decode(item.amodal[row], *item.instance.shape))
        except ValueError as error:
            where = f"amodal of body {item.ids[row]}, camera {item.camera}, frame {item.frame}"
            text = f"{where}: {error}; simenv validate lists all that is wrong"
            raise InputError(f"{self.dataset.path}: {text}") from None

    def _values(self, row: int) -> Iterator[Value]:
        for name, param in self.dataset.layout.params.items():
            if name.startswith("scenes/"):
                value = self._scenes[name.removeprefix("scenes/")][row]
                yield Value(param.path, _text(value), param.visual)

    def _visible(self, camera: str) -> NDArray[np.float64]:
        """(F,) visible fractions of all parts of a frame, added up."""
        seen, bodies = self.dataset.table(f"cameras/{camera}/seen"), self._bodies
        scene = self._frames["scene"][bodies["frame"]]
        # One number for (scene, id): ids are 16 bit.
        part = np.isin(scene << 16 | bodies["id"], self._parts["scene"] << 16 | self._parts["id"])
        shown = np.where(part, seen["visible_fraction"], 0.0)
        frames = len(self._frames["scene"])
        return np.asarray(np.bincount(bodies["frame"], shown, frames), dtype=np.float64)

    def _facts(self) -> Iterator[tuple[str, str]]:
        frames, cameras = len(self._frames["scene"]), self.dataset.cameras
        accepted = int(np.sum(self._scenes["outcome"] == ACCEPTED))
        yield "scenes", f"{accepted} of {len(self._scenes['index'])} accepted"
        yield "frames", str(frames)
        yield "images", str(len(self.dataset))
        yield "parts", str(int(np.isin(self._parts["scene"], self._frames["scene"]).sum()))
        for name in cameras:
            yield f"camera {name}", self._camera(name)
        attrs = self.dataset.attrs
        if attrs["labels"]:
            yield "labels", ", ".join(str(attrs["labels"]).split())
        if "poses_sha256" in attrs:
            yield "poses", f"drawn again from {str(attrs['poses_sha256'])[:DIGITS]}"
        if attrs["look_seed"] >= 0:  # -1: the look is drawn from the seed itself
            yield "look seed", str(attrs["look_seed"])
        for key in ("seed", "tier", "renderer", "gl", "simenv_version"):
            yield key.removesuffix("_version"), str(attrs[key])

    def _camera(self, name: str) -> str:
        """Its size, whether its lens bends lines, and the devices behind it."""
        layout = self.dataset.layout.cameras[name]
        devices = [image.split("_")[0] for image in layout.images if image.endswith("_sensor")]
        words = [f"{layout.width} x {layout.height}"]
        words += ["distorted"] if self.dataset.table(f"cameras/{name}")["distortion"].any() else []
        words += [f"sensor: {' and '.join(devices)}"] if devices else []
        return ", ".join(words)

    def _attempts(self) -> tuple[tuple[str, int], ...]:
        table = self.dataset.table("attempts")
        reasons = Counter(str(reason) for reason in table["reason"] if reason)
        accepted = int(np.sum(table["outcome"] == ACCEPTED))
        return ((ACCEPTED, accepted), *reasons.most_common())

    def _rejections(self) -> Iterator[Rejection]:
        table = self.dataset.table("attempts")
        for row in np.flatnonzero(self._scenes["outcome"] != ACCEPTED):
            scene = int(self._scenes["index"][row])
            reasons = tuple(str(r) for r in table["reason"][table["scene"] == scene])
            yield Rejection(scene, str(self._scenes["tier"][row]), reasons)

    @cached_property
    def _grasps(self) -> Table | None:
        gripper = self.dataset.layout.gripper
        return self.dataset.table(f"grasps/{gripper}") if gripper else None

    @cached_property
    def _X_CG(self) -> dict[str, NDArray[np.float64]]:
        """(M, 4, 4) of all grasps, by camera."""
        table = self.dataset.table
        return {name: table(f"cameras/{name}/grasps")["X_CG"] for name in self.dataset.cameras}

    @cached_property
    def _scenes(self) -> Table:
        return self.dataset.table("scenes")

    @cached_property
    def _frames(self) -> Table:
        return self.dataset.table("frames")

    @cached_property
    def _parts(self) -> Table:
        return self.dataset.table("parts")

    @cached_property
    def _bodies(self) -> Table:
        return self.dataset.table("bodies")


def _at(column: NDArray[Any] | None, row: np.integer, kind: Callable[[Any], T]) -> T | None:
    """The value of ``row``, where there is such a column."""
    return None if column is None else kind(column[row])


def _touches(item: Item, own: int) -> tuple[int, ...] | None:
    """The ids of all that touches body ``own``; None where contacts are not held."""
    if item.contacts is None:
        return None
    a, b = item.contacts.id_a, item.contacts.id_b
    return tuple(int(i) for i in np.union1d(b[a == own], a[b == own]))


def _text(value: Any) -> str:
    """A value as it is read best: four digits, vectors in brackets, a dash where there is none."""
    if isinstance(value, np.ndarray):
        return "(" + ", ".join(_text(component) for component in value) + ")"
    if isinstance(value, (float, np.floating)):
        return "-" if np.isnan(value) else f"{value:.4g}"
    return str(value) or "-"
