"""How records become one closed file: pictures are compressed on arrival, the rest is small."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from simenv.dataset.hdf5 import create_image, in_memory, write_attributes, write_tables
from simenv.dataset.layout import Layout
from simenv.dataset.pixels import chunk
from simenv.dataset.record import Record
from simenv.dataset.rows import Digests, digests, images_of, tables_of
from simenv.dataset.schema import Header
from simenv.dataset.tables import Surface, Tables, concatenate

__all__ = ["ShardBuilder", "manifest_row"]


class ShardBuilder:
    """Collects the scenes of one shard, in increasing order.

    Example:
        >>> builder = ShardBuilder(header)
        >>> builder.add(record)
        >>> commit_shard(out, 0, builder)
    """

    def __init__(self, header: Header) -> None:
        self.header, self.layout = header, Layout.of(header)
        self._scenes: list[Tables] = []
        self._digests: list[Digests] = []
        self._surfaces: dict[str, Surface] = {}  # each mesh once, however many scenes show it
        self._chunks: dict[str, list[bytes]] = {name: [] for name in self.layout.images}

    def add(self, record: Record) -> Digests:
        """Append a scene; its pictures are compressed now and can be dropped.

        Raises:
            ValueError: if the scene is not after the last one, or does not fit the task.
        """
        if self._scenes and record.scene <= self._scenes[-1]["scenes/index"][0]:
            raise ValueError(f"scene {record.scene} comes after a later one; add them in order")
        tables, images = tables_of(record, self.layout), images_of(record)
        found = digests(tables, images, self.layout)
        tables.columns["scenes/labels_sha256"] = np.array([found.labels], dtype=object)
        tables.columns["scenes/all_sha256"] = np.array([found.all], dtype=object)
        keys = tables["objects/mesh_sha256"]
        shared = (self._surfaces.setdefault(*row) for row in zip(keys, tables.meshes, strict=True))
        self._scenes.append(Tables(tables.columns, tuple(shared)))
        self._digests.append(found)
        for name, chunks in self._chunks.items():
            _, camera, image = name.split("/")
            chunks.extend(map(chunk, images[camera][image]))
        return found

    @property
    def attributes(self) -> dict[str, Any]:
        """The root attributes of this shard."""
        first = int(self._scenes[0]["scenes/index"][0]) if self._scenes else -1
        return {**self.header.attributes, "first_scene": first, "scenes": len(self._scenes)}

    def image(self) -> memoryview:
        """The whole file, as it is to stand on the disk."""
        image = BytesIO()
        with in_memory(image) as file:
            write_attributes(file, self.attributes, self.header.task_text)
            write_tables(file, concatenate(self._scenes, self.layout), self.layout)
            for name, chunks in self._chunks.items():
                dataset = create_image(file, name, self.layout.images[name], len(chunks))
                for frame, data in enumerate(chunks):
                    dataset.id.write_direct_chunk((frame,) + (0,) * (dataset.ndim - 1), data)
        return image.getbuffer()

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of the content: one row a scene."""
        both = zip(self._scenes, self._digests, strict=True)
        rows = [manifest_row(tables, 0, found) for tables, found in both]
        return {"format": self.header.attributes["format"], "scenes": rows}


def manifest_row(tables: Tables, row: int, found: Digests) -> dict[str, Any]:
    """What a manifest says of the scene in ``row`` of /scenes."""
    index = int(tables["scenes/index"][row])
    return {
        "scene": index,
        "outcome": str(tables["scenes/outcome"][row]),
        "frames": int((tables["frames/scene"] == index).sum()),
        "labels": found.labels,
        "all": found.all,
    }
