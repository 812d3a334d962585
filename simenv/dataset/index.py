"""How closed shards become one dataset: dataset.h5 shows them all, or one plain file holds them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from simenv.dataset.disk import replace_file
from simenv.dataset.guard import safe_open
from simenv.dataset.hdf5 import (
    FORMAT_RANGE,
    View,
    create_image,
    in_memory,
    read_header,
    read_layout,
    read_tables,
    read_text,
    write_attributes,
    write_column,
    write_tables,
)
from simenv.dataset.layout import Layout
from simenv.dataset.schema import SHARDS
from simenv.dataset.seal import ATTRIBUTE, seal
from simenv.dataset.sink import Sink
from simenv.dataset.splits import carry
from simenv.dataset.store import INDEX, Manifest, committed, shard_name
from simenv.dataset.tables import Tables, concatenate
from simenv.errors import InputError
from simenv.fault import point

__all__ = ["Joined", "Part", "build_index", "join", "merge_to_file", "read_part", "write_index"]

# What may differ from shard to shard, because a run was finished on another machine.
_MAY_DIFFER = ("gl", "simenv_version", "pybullet_version")


@dataclass(frozen=True, eq=False)
class Part:
    """The small content of one shard: all but its pictures."""

    attributes: Mapping[str, Any]
    task_text: str
    layout: Layout
    tables: Tables


@dataclass(frozen=True, eq=False)
class Joined:
    """The small content of several shards, and how many frames each has."""

    names: tuple[str, ...]  # file names, in order
    manifests: tuple[Manifest, ...]
    frames: tuple[int, ...]
    attributes: Mapping[str, Any]
    task_text: str
    layout: Layout
    tables: Tables


def write_index(out: str | Path) -> Path:
    """Write ``out``/dataset.h5 over all committed shards; equal shards give equal bytes.

    Raises:
        InputError: if nothing is committed, or the shards are not of one run.
        StorageError: if the disk refuses.
    """
    path = Path(out) / INDEX
    point("before_index")
    replace_file(path, build_index(out))
    point("after_index")
    return path


def build_index(
    out: str | Path,
    shards: Mapping[int, Manifest] | None = None,
    *,
    parts: Mapping[str, Part] | None = None,
) -> memoryview:
    """The bytes of dataset.h5: tables copied and re-based, pictures as virtual datasets.

    ``parts``: the content of shards by file name, where it has been read already.
    """
    joined = join(Path(out), committed(out) if shards is None else shards, parts or {})
    image = BytesIO()
    with in_memory(image) as file:
        _write_small(file, joined)
        _write_shards(file, joined)
        frames, views = sum(joined.frames), _views(joined)
        for name, camera in joined.layout.images.items():
            create_image(file, name, camera, frames, views=views)
    image.seek(0, os.SEEK_END)
    image.write(seal(hashlib.sha256(image.getbuffer()).hexdigest()))
    return image.getbuffer()


def merge_to_file(out: str | Path, path: str | Path) -> Path:
    """Copy all committed shards of ``out`` into one plain HDF5 file; no picture is recompressed.

    Raises:
        InputError: if nothing is committed, or the shards are not of one run.
        StorageError: if the disk refuses; ``path`` is then as it was.
    """
    joined, path = join(Path(out), committed(out), {}), Path(path)
    with Sink(path) as sink:
        with h5py.File(sink, "w", libver=FORMAT_RANGE) as file:
            _write_small(file, joined)
            _copy_images(file, joined, Path(out), sink)
        sink.append(seal(sink.sha256()))
        sink.commit()
    carry(Path(out), path)
    return path


def join(out: Path, shards: Mapping[int, Manifest], known: Mapping[str, Part]) -> Joined:
    """The tables of ``shards``, as one; those of ``known`` are not read again.

    Raises:
        InputError: if there is none, or they are not of one run.
    """
    if not shards:
        raise InputError(f"{out}: no shard is committed; run simenv generate with --out {out}")
    names = tuple(shard_name(number) for number in sorted(shards))
    parts = [known.get(name) or read_part(out / name) for name in names]
    layout = parts[0].layout
    for name, part in zip(names, parts, strict=True):
        if part.layout != layout:
            raise InputError(f"{out / name}: has other columns than {names[0]}: not one run")
    return Joined(
        names=names,
        manifests=tuple(shards[number] for number in sorted(shards)),
        frames=tuple(part.tables.count("frames") for part in parts),
        attributes=_joined_attributes(out, names, [part.attributes for part in parts]),
        task_text=parts[0].task_text,
        layout=layout,
        tables=concatenate([part.tables for part in parts], layout),
    )


def read_part(path: Path) -> Part:
    """The small content of a shard.

    Raises:
        InputError: if it cannot be read.
    """
    with safe_open(path) as file:
        layout = read_layout(file)
        return Part(read_header(file), read_text(file["task"]), layout, read_tables(file, layout))


def _joined_attributes(
    out: Path, names: Sequence[str], all_attributes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Those of the first shard, checked against the others."""
    joined = dict(all_attributes[0])
    joined["scenes"] = sum(int(attributes["scenes"]) for attributes in all_attributes)
    for name, attributes in zip(names, all_attributes, strict=True):
        for key in attributes.keys() - {"first_scene", "scenes", *_MAY_DIFFER}:
            if attributes[key] != joined.get(key):
                raise InputError(
                    f"{out / name}: {key} is {attributes[key]!r}, in {names[0]} "
                    f"{joined.get(key)!r}: not one run; remove the shards that do not belong"
                )
    for key in _MAY_DIFFER:
        joined[key] = " | ".join(sorted({str(attributes[key]) for attributes in all_attributes}))
    return joined


def _write_small(file: h5py.File, joined: Joined) -> None:
    write_attributes(file, {**joined.attributes, ATTRIBUTE: "sha256"}, joined.task_text)
    write_tables(file, joined.tables, joined.layout)


def _write_shards(file: h5py.File, joined: Joined) -> None:
    """Table /shards: what the virtual datasets look at, so that a reader can check it is there."""
    columns = {
        "file": np.array(joined.names, dtype=object),
        "frames": np.array(joined.frames, dtype="<i8"),
        "bytes": np.array([manifest.bytes for manifest in joined.manifests], dtype="<i8"),
        "sha256": np.array([manifest.sha256 for manifest in joined.manifests], dtype=object),
    }
    for name, column in columns.items():
        write_column(file, f"shards/{name}", column, SHARDS[name])


def _views(joined: Joined) -> list[View]:
    """Which frames of the virtual datasets each shard shows."""
    starts = np.cumsum((0, *joined.frames)).tolist()
    return [
        (shard, start, frames)
        for shard, start, frames in zip(joined.names, starts, joined.frames, strict=False)
        if frames
    ]


def _copy_images(file: h5py.File, joined: Joined, out: Path, sink: Sink) -> None:
    """Chunks as they are, shard after shard; the disk is asked after each whether it still can."""
    copies = {
        name: create_image(file, name, camera, sum(joined.frames))
        for name, camera in joined.layout.images.items()
    }
    start = 0
    for shard, frames in zip(joined.names, joined.frames, strict=True):
        with safe_open(out / shard) as source:
            for name, copy in copies.items():
                rest = (0,) * (copy.ndim - 1)
                for frame in range(frames):
                    mask, data = source[name].id.read_direct_chunk((frame, *rest))
                    copy.id.write_direct_chunk((start + frame, *rest), data, filter_mask=mask)
                    sink.check()
        start += frames
