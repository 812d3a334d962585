"""What the files hold of one scene, and in what that differs from another making of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from simenv.dataset.guard import safe_open
from simenv.dataset.hdf5 import read_layout, read_tables
from simenv.dataset.layout import Layout
from simenv.dataset.rows import Images
from simenv.dataset.schema import IMAGES
from simenv.dataset.store import INDEX, MANIFESTS, committed, shard_name
from simenv.dataset.tables import Tables, frames_of, scene
from simenv.errors import InputError

__all__ = ["Stored", "difference", "files_of", "read_scene", "scene_of"]


@dataclass(frozen=True, eq=False)
class Stored:
    """One scene: its rows, numbered from 0, and its decoded pictures."""

    tables: Tables
    images: Images


def files_of(path: Path) -> dict[int, Path] | None:
    """In a folder of a run: the shard that holds each scene. None for a file that holds all."""
    out = path.parent if path.name == INDEX and (path.parent / MANIFESTS).is_dir() else path
    if not out.is_dir():
        return None
    shards = committed(out)
    return {int(row["scene"]): out / shard_name(n) for n in shards for row in shards[n].rows}


def read_scene(path: Path, index: int, layout: Layout) -> Stored:
    """Scene ``index`` of a shard or single file.

    Raises:
        InputError: the file is damaged, or has other columns than ``layout``.
    """
    with safe_open(path) as file:
        own = read_layout(file)  # keypoints that no label asks for are not told by a file
        if (own.fields, own.cameras) != (layout.fields, layout.cameras):
            raise InputError(f"{path}: has other columns than its task gives; simenv validate")
        return Stored(*scene_of(file, read_tables(file, layout), layout, index))


def scene_of(file: h5py.File, tables: Tables, layout: Layout, index: int) -> tuple[Tables, Images]:
    """The decoded rows and pictures of scene ``index``; `rows.digests` names them."""
    first, last = frames_of(tables, index)
    images = {
        name: {image: list(file[f"cameras/{name}/{image}"][first:last]) for image in camera.images}
        for name, camera in layout.cameras.items()
    }
    return scene(tables, index, layout), images


def difference(one: Stored, other: Stored, layout: Layout) -> str:
    """In what they are not bit for bit the same, labels first; empty: in nothing."""
    for visual, what in ((False, "labels differ"), (True, "only what is visual differs")):
        for where in (*_columns(one, other, layout, visual), *_pictures(one, other, visual)):
            return f"{what}, first in {where}"
    return ""


def _columns(one: Stored, other: Stored, layout: Layout, visual: bool) -> Iterator[str]:
    for name, field in sorted(layout.fields.items()):
        if field.hashed and field.visual == visual:
            if not _same(one.tables[name], other.tables[name]):
                yield f"/{name}"


def _pictures(one: Stored, other: Stored, visual: bool) -> Iterator[str]:
    """Only those of frames that both have: other frames are another /frames/time_s."""
    for camera, images in sorted(one.images.items()):
        for image, frames in images.items():
            if IMAGES[image].visual != visual:
                continue
            for frame, (a, b) in enumerate(zip(frames, other.images[camera][image], strict=False)):
                if not _same(a, b):
                    count = np.count_nonzero(a != b)
                    yield f"/cameras/{camera}/{image}, frame {frame}, in {count} values"


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Bit by bit: -0 is not 0, a NaN is itself."""
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if one.dtype == object:
        return bool(one.tolist() == other.tolist())
    return np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()
