"""How a dataset is read: lazily, by image, from a folder, an index, a shard or a single file.

>>> with simenv.open("out") as dataset:
...     item = dataset[0]
...     item.rgb, item.depth_m, item.X_CB[item.objects == "hex_bolt"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from pydantic import ValidationError

from simenv.dataset.files import Files
from simenv.dataset.hdf5 import (
    item_of,
    read_column,
    read_header,
    read_layout,
    read_rows,
    read_text,
)
from simenv.dataset.layout import Layout
from simenv.dataset.links import FAR, is_measured, link_problems, offset_problem
from simenv.dataset.param import params_of
from simenv.dataset.schema import BODY_OFFSET, DEPTHS, STEPS
from simenv.dataset.splits import DEFAULT, check_current, read_split, split_file, split_names
from simenv.dataset.store import Manifest
from simenv.dataset.subset import Subset
from simenv.dataset.url import check_local
from simenv.errors import InputError
from simenv.scene import Contacts
from simenv.spec.explain import suggest
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import parse

__all__ = ["Dataset", "Item", "ObjectEntry", "open"]

VALIDATE = "simenv validate says what is damaged"
# What bytes that are not as they were written set off in h5py, zlib and numpy.
_DAMAGE: Any = (IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError, isal_zlib.error)


@dataclass(frozen=True, eq=False)
class Item:
    """One camera's picture of one frame, with the N labelled bodies of that frame."""

    camera: str
    frame: int  # row of /frames
    scene: int  # scene number: /scenes/index
    time_s: float
    rgb: NDArray[np.uint8]  # (H, W, 3)
    depth_m: NDArray[np.float32]  # (H, W) metres along camera z, 0 = no surface
    instance: NDArray[np.uint16]  # (H, W) one of ids, 0 = background
    K: NDArray[np.float64]  # (3, 3)
    distortion: NDArray[np.float64]  # (8,) k1 k2 p1 p2 k3 k4 k5 k6 of OpenCV
    X_WC: NDArray[np.float64]  # (4, 4)
    near_far: NDArray[np.float64]  # (2,) metres
    ids: NDArray[np.uint16]  # (N,) values in the instance mask
    objects: NDArray[np.object_]  # (N,) keys of Dataset.objects
    groups: NDArray[np.object_]  # (N,) "parts", "belts", ...
    roles: NDArray[np.object_]  # (N,) "part", "distractor", "furniture", "robot"
    textures: NDArray[np.object_]  # (N,) variant, "" for none
    X_WB: NDArray[np.float64]  # (N, 4, 4)
    velocity: NDArray[np.float64]  # (N, 6) m/s, rad/s
    X_CB: NDArray[np.float64]  # (N, 4, 4)
    px_visible: NDArray[np.int32]  # (N,)
    px_all: NDArray[np.int32]  # (N,) silhouette, hidden and off-image pixels included
    visible_fraction: NDArray[np.float32]  # (N,)
    box_visible: NDArray[np.int32]  # (N, 4) x, y, width, height; -1 where nothing is visible
    box_all: NDArray[np.int32]  # (N, 4) may reach outside the image
    # What follows is there where the task's `labels:` or the camera's `sensor:` asked for it.
    semantic: NDArray[np.uint16] | None = None  # (H, W) value k is Dataset.classes[k - 1]
    normals: NDArray[np.float32] | None = None  # (H, W, 3) camera axes; 0 = no surface
    nocs: NDArray[np.float32] | None = None  # (H, W, 3) 0..1; 0 0 0 where instance is 0
    flow: NDArray[np.float32] | None = None  # (H, W, 2) px to the next frame of this scene
    rgb_sensor: NDArray[np.uint8] | None = None  # (H, W, 3) as the device sees it
    depth_sensor_m: NDArray[np.float32] | None = None  # (H, W) 0 = no reading
    amodal: NDArray[np.object_] | None = None  # (N,) COCO's compressed RLE of the silhouette
    occluder: NDArray[np.uint16] | None = None  # (N,) id of what hides most of it; 0 = nothing
    truncation: NDArray[np.float32] | None = None  # (N,) of px_all, outside the image
    corners_C: NDArray[np.float64] | None = None  # (N, 8, 3) of the bounding box, metres
    corners_uv: NDArray[np.float32] | None = None  # (N, 8, 2) NaN behind the camera
    keypoints_uv: NDArray[np.float32] | None = None  # (N, K, 2)
    keypoints_state: NDArray[np.uint8] | None = None  # (N, K) 0 none, 1 outside, 2 hidden, 3 seen
    contacts: Contacts | None = None  # of the frame: the same for every camera


@dataclass(frozen=True, eq=False)
class ObjectEntry:
    """What is stored of an object; ``symmetry`` and ``keypoints`` are JSON."""

    name: str
    key: str
    class_: str
    mass_kg: float
    size_m: NDArray[np.float64]  # (3,) bounding box, body axes
    center_m: NDArray[np.float64]  # (3,) its middle, body frame
    diameter_m: float
    mesh_sha256: str
    symmetry: str
    keypoints: str
    vertices: NDArray[np.float32]  # (V, 3) metres, body frame
    faces: NDArray[np.int32]  # (T, 3)


def open(path: str | Path) -> Dataset:
    """The dataset at ``path``: a run's folder, its dataset.h5, a shard, or a single file.

    A folder whose run was interrupted opens with the shards that are committed.

    Raises:
        InputError: if there is no dataset, a shard is missing, or a file is not safe to read.
    """
    return Dataset(path)


class Dataset:
    """(frame, camera) images in the order of /frames, cameras by name within a frame.

    Safe in worker processes: it pickles as its path, and each process opens its own files.
    """

    def __init__(self, path: str | Path, *, shards: Mapping[int, Manifest] | None = None) -> None:
        check_local(path)
        self.path = Path(path).absolute()
        self._files = Files(self.path, shards)

    def __reduce__(self) -> tuple[Callable[..., Dataset], tuple[Path]]:
        # A worker shows the shards that were committed when this was opened, not later ones.
        return partial(Dataset, shards=self._files.shards), (self.path,)

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files of this process; reading opens them again."""
        self._files.close()

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """The root attributes: task_name, seed, renderer, conventions and so on."""
        return read_header(self._main)

    @cached_property
    def task(self) -> str:
        """The complete task, YAML."""
        return read_text(item_of(self._main, "task"))

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What the task says, as plain values; lists are tuples.

        Raises:
            InputError: it is no YAML that simenv writes.
        """
        found = parse(self.task, name=f"{self.path}: task").value
        if not isinstance(found, Mapping):
            raise InputError(f"{self.path}: its task is no mapping; {VALIDATE}")
        return found

    @cached_property
    def spec(self) -> TaskSpec:
        """The task without the objects that it names.

        Raises:
            InputError: this version knows no such task.
        """
        try:
            found = TaskSpec.model_validate(self.values)
        except ValidationError:
            version = self.attrs["simenv_version"]
            text = f"its task cannot be read by this version; use simenv {version}, which wrote it"
            raise InputError(f"{self.path}: {text}") from None
        if params_of(found) != self.layout.params:
            raise InputError(f"{self.path}: its columns are not those of its task; {VALIDATE}")
        return found

    @cached_property
    def layout(self) -> Layout:
        """The columns that there are."""
        return read_layout(self._main)

    @cached_property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras, in the order of the images of a frame."""
        return tuple(self.layout.cameras)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes: value k of a semantic mask is ``classes[k - 1]``."""
        return tuple(str(self.attrs["classes"]).split())

    @cached_property
    def objects(self) -> Mapping[str, ObjectEntry]:
        """Every object by key: its name, where no other mesh has the same."""
        table = self.table("objects")
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        return {row["key"]: self._object(row) for row in rows}

    def table(self, name: str) -> dict[str, NDArray[Any]]:
        """A whole table by column: "scenes", "attempts", "parts", "cameras/<c>/seen", ..."""
        if name not in self.layout.tables:
            known = ", ".join(self.layout.tables)
            raise KeyError(f"{self.path}: no table {name!r}; there is {known}")
        columns = self._columns(name, self.layout.columns(name))
        return {column.removeprefix(f"{name}/"): values for column, values in columns.items()}

    def column(self, name: str) -> NDArray[Any]:
        """One whole column by its full name, such as "bodies/texture"."""
        if name not in self.layout.fields:
            raise KeyError(f"{self.path}: no column {name!r}; {suggest(name, self.layout.fields)}")
        table = name.split("/param/")[0] if "/param/" in name else name.rsplit("/", 1)[0]
        return self._columns(table, [name])[name]

    def _columns(self, table: str, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Columns of one table, whose rows can be followed."""
        found = {name: read_column(item_of(self._main, name)) for name in names}
        for problem in link_problems(
            table, found, self.layout.fields, self._rows, lambda: self.column("scenes/index")
        ):
            raise InputError(f"{self.path}: {problem}; {VALIDATE}")
        for name, column in found.items():
            if not is_measured(name, self.layout.fields[name], column):
                raise InputError(f"{self.path}: /{name} is not finite; {VALIDATE}")
        return found

    def _rows(self, table: str) -> int:
        """How many a table has."""
        return len(item_of(self._main, next(iter(self.layout.columns(table)))))

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that `simenv split` made."""
        return split_names(self.path)

    def split(self, name: str = DEFAULT) -> Mapping[str, NDArray[np.int64]]:
        """Part ("train", "val", ...) -> the numbers of its scenes, sorted.

        Raises:
            InputError: there is no such split, or it is of another dataset.
        """
        found = read_split(self.path, name)
        check_current(found, self.attrs, self.table("scenes"), split_file(self.path, name))
        return {part: np.array(own, dtype=np.int64) for part, own in found.splits.items()}

    def images(self, scenes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of all images of some scenes: ``dataset[number]``."""
        frames = np.flatnonzero(np.isin(self.column("frames/scene"), scenes))
        every = len(self.cameras)
        return np.asarray(frames[:, None] * every + np.arange(every)).ravel()

    def subset(self, part: str, *, split: str = DEFAULT) -> Subset:
        """The images of one part of a split, with ``len``, ``[i]`` and pickle.

        Raises:
            InputError: there is no such split or part, or it is of another dataset.
        """
        parts = self.split(split)
        if part not in parts:
            raise InputError(f"{self.path}: split {split} has no {part}; {suggest(part, parts)}")
        return Subset(self, self.images(parts[part]))

    def __len__(self) -> int:
        return len(self._offset[:-1]) * len(self.cameras)

    def __iter__(self) -> Iterator[Item]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Item:
        if not -len(self) <= i < len(self):
            raise IndexError(f"{self.path}: image {i} of {len(self)}")
        frame, camera = divmod(i % len(self), len(self.cameras))
        try:
            return self._item(frame, self.cameras[camera])
        except _DAMAGE as error:
            why = " ".join(str(error).split())
            raise InputError(f"{self.path}: image {i} cannot be read ({why}); {VALIDATE}") from None

    def _item(self, frame: int, camera: str) -> Item:
        column = self._files.column
        first, last = (int(edge) for edge in self._offset[frame : frame + 2])
        bodies, seen = slice(first, last), f"cameras/{camera}/seen"
        rows = {
            name.rsplit("/", 1)[1]: read_rows(column(name), bodies)
            for name in self.layout.columns(seen)
            if not name.endswith(("/body", "/frame"))
        }
        return Item(
            camera=camera,
            frame=frame,
            scene=int(column("frames/scene")[frame]),
            time_s=float(column("frames/time_s")[frame]),
            K=column(f"cameras/{camera}/K")[frame],
            distortion=column(f"cameras/{camera}/distortion")[frame],
            X_WC=column(f"cameras/{camera}/X_WC")[frame],
            near_far=column(f"cameras/{camera}/near_far")[frame],
            ids=column("bodies/id")[bodies],
            objects=self._keys_of(column("bodies/object")[bodies]),
            groups=read_rows(column("bodies/group"), bodies),
            roles=read_rows(column("bodies/role"), bodies),
            textures=read_rows(column("bodies/texture"), bodies),
            X_WB=column("bodies/X_WB")[bodies],
            velocity=column("bodies/velocity")[bodies],
            contacts=self.contacts(frame),
            **rows,
            **dict(self._pictures(camera, frame)),
        )

    def _pictures(self, camera: str, frame: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """Name in `Item` and pixels of each picture, in its unit."""
        layout = self.layout.cameras[camera]
        for name in layout.images:
            pixels = self._files.picture(f"cameras/{camera}/{name}", frame)
            if name in DEPTHS:
                yield f"{name}_m", pixels * np.float32(layout.depth_scale_m)
            elif name in STEPS:
                yield name, pixels * np.float32(1 / STEPS[name])
            else:
                yield name, pixels

    def contacts(self, frame: int) -> Contacts | None:
        """Where bodies touch in a row of /frames; None where the dataset does not hold it."""
        if "contacts" not in self.layout.tables:
            return None
        first, last = np.searchsorted(self._contact_frames, [frame, frame + 1])
        names = (field.name for field in fields(Contacts))
        return Contacts(**{n: self._files.column(f"contacts/{n}")[first:last] for n in names})

    @cached_property
    def _contact_frames(self) -> NDArray[np.int64]:
        return self.column("contacts/frame")

    def _object(self, row: Mapping[str, Any]) -> ObjectEntry:
        vertices, faces = (
            read_column(item_of(self._main, f"objects/mesh/{row['key']}/{name}"))
            for name in ("vertices", "faces")
        )
        inside = faces.min(initial=0) >= 0 and faces.max(initial=-1) < len(vertices)
        if not inside or not np.all(np.abs(vertices) <= FAR):
            text = f"the mesh of {row['key']} has vertices that are not there, or not finite"
            raise InputError(f"{self.path}: {text}; {VALIDATE}")
        own = {"class_" if name == "class" else name: value for name, value in row.items()}
        return ObjectEntry(vertices=vertices, faces=faces, **own)

    def _keys_of(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Keys by row of /objects."""
        if rows.min(initial=0) < 0 or rows.max(initial=-1) >= len(self._keys):
            raise IndexError(
                f"/bodies/object points outside the {len(self._keys)} rows of /objects"
            )
        return self._keys[rows]

    @cached_property
    def _keys(self) -> NDArray[np.object_]:
        return self.column("objects/key")

    @cached_property
    def _offset(self) -> NDArray[np.int64]:
        offset = read_column(item_of(self._main, BODY_OFFSET))
        if problem := offset_problem(offset, self._rows("frames"), self._rows("bodies")):
            raise InputError(f"{self.path}: {problem}; {VALIDATE}")
        return offset

    @property
    def _main(self) -> h5py.File:
        return self._files.main
