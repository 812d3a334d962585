"""Which columns one dataset has: those of schema.py, one set a camera, one a row of `domain:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from simenv.dataset.param import Param, params_of
from simenv.dataset.schema import IMAGES, KEYPOINTS, TABLES, TOUCHES, Field, Header
from simenv.spec.camera import CameraSpec

__all__ = ["CameraLayout", "Layout"]


@dataclass(frozen=True)
class CameraLayout:
    """The size of a camera's pictures and the metres of one unit of its depth."""

    width: int
    height: int
    depth_scale_m: float
    images: tuple[str, ...]  # names of its pictures, in the order of IMAGES

    def shape(self, image: str) -> tuple[int, ...]:
        """Of one frame of ``image``: (H, W) or (H, W, channels)."""
        channels = IMAGES[image].channels
        return (self.height, self.width, channels) if channels else (self.height, self.width)


@dataclass(frozen=True)
class Layout:
    """The columns of one dataset: the fixed ones, one set a camera, and one a row of `domain:`."""

    cameras: Mapping[str, CameraLayout]
    params: Mapping[str, Param]  # "scenes/param/<path>" or "parts/param/<path>"
    labels: frozenset[str] = frozenset()  # what is there beside the labels always there
    keypoints: int = 0  # columns of keypoints/uv
    gripper: str = ""  # whose grasps there are
    touches: int = 0  # contacts of a grasp
    # The groups of actors: what counts as a part. Needed to write, not told by a file's columns.
    groups: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, header: Header) -> Layout:
        """The columns that every shard of a run has, whatever its scenes hold."""
        task, labels = header.task, frozenset(header.task.labels)
        cameras = {
            name: CameraLayout(*spec.resolution, spec.depth_scale_m, _pictures(spec, labels))
            for name, spec in sorted(task.cameras.items())
        }
        params = params_of(task)
        return cls(
            cameras,
            params,
            labels,
            header.keypoints,
            header.gripper,
            header.touches,
            tuple(task.actors),
        )

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Full column name -> field, in the order of the file."""
        columns: dict[str, Field] = {}
        for table in self.tables:
            columns |= {f"{table}/{name}": column for name, column in self._fixed(table).items()}
            columns |= {
                name: _param_field(param)
                for name, param in self.params.items()
                if name.startswith(f"{table}/param/")
            }
        return columns

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of all tables, the cameras' included."""
        shared = [table.replace("<g>", self.gripper) for table in TABLES if "<c>" not in table]
        tails = ("", "/seen", "/grasps")
        all_ = (*shared, *(f"cameras/{c}{tail}" for c in self.cameras for tail in tails))
        return tuple(table for table in all_ if self._fixed(table))

    @property
    def images(self) -> dict[str, CameraLayout]:
        """Full name of every image dataset -> its camera."""
        return {
            f"cameras/{name}/{image}": camera
            for name, camera in self.cameras.items()
            for image in camera.images
        }

    def columns(self, table: str) -> dict[str, Field]:
        """The fields of one table by full name."""
        names = {f"{table}/{name}" for name in self._fixed(table)}
        return {
            name: column
            for name, column in self.fields.items()
            if name in names or name.startswith(f"{table}/param/")
        }

    def _fixed(self, table: str) -> Mapping[str, Field]:
        """The fields of ``table`` that no row of `domain:` brings."""
        parts = table.split("/")
        known = table
        if parts[0] == "cameras":
            known = "/".join(["cameras", "<c>", *parts[2:]])
        elif parts[0] == "grasps":
            known = "grasps/<g>"
        return {
            name: self._sized(column)
            for name, column in TABLES[known].items()
            if not column.label or column.label in self.labels
        }

    def _sized(self, column: Field) -> Field:
        sizes = {KEYPOINTS: self.keypoints, TOUCHES: self.touches}
        shape = tuple(sizes.get(size, size) for size in column.shape)
        refers = column.refers.replace("<g>", self.gripper)
        if (shape, refers) == (column.shape, column.refers):
            return column
        return replace(column, shape=shape, refers=refers)


def _pictures(camera: CameraSpec, labels: frozenset[str]) -> tuple[str, ...]:
    """What is taken with ``camera``: always, by label, by device."""
    return tuple(
        name
        for name, image in IMAGES.items()
        if (not image.label or image.label in labels)
        and (not image.sensor or getattr(camera.sensor, image.sensor) is not None)
    )


def _param_field(param: Param) -> Field:
    return Field(param.dtype, param.shape, param.axes, visual=param.visual, param=param)
