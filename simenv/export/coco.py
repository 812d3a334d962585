"""COCO: what detectors, segmenters and keypoint networks read. See docs/export.md.

The format is that of cocodataset.org/#format-data; masks are compressed RLE, so nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simenv.dataset.read import Item, ObjectEntry
from simenv.export.folder import Folder, Rows
from simenv.export.png import png
from simenv.export.source import Shot, Source
from simenv.export.text import compact, numbers
from simenv.label import rle
from simenv.label.points import HIDDEN, MISSING, OUTSIDE, VISIBLE

__all__ = ["CATEGORIES", "write"]

CATEGORIES = ("class", "object")  # what a category is
FILE = "annotations/instances{}.json"  # "", or _ and the name of a part of the split
V = {MISSING: 0, OUTSIDE: 0, HIDDEN: 1, VISIBLE: 2}  # COCO's v: not labelled, hidden, visible
UV_DIGITS = 3  # after the point


def write(source: Source, folder: Folder, *, categories: str = "class") -> int:
    """Write the dataset, a file for each part of its split; how many instances it has."""
    book = Book(source, categories)
    return sum(
        _write(part, folder, book, FILE.format(f"_{name}" if name else ""))
        for name, part in source.parts()
    )


def _write(source: Source, folder: Folder, book: Book, name: str) -> int:
    """Write one file and its pictures; how many instances it has."""
    with folder.rows(name) as file, folder.rows(f"{name}.annotations") as annotations:
        file.raw(f'{{"info": {compact(_info(source))},\n"licenses": [],\n')
        file.raw(f'"categories": {compact(book.categories)},\n"images": [\n')
        for shot in source.shots():
            folder.write(f"images/{shot.name}.png", png(shot.rgb))
            file.add(_image(shot, file))
            for row in shot.rows[shot.item.px_visible[shot.rows] > 0]:
                annotations.add(book.annotation(shot, row, annotations.count + 1, file.count))
        file.raw('\n],\n"annotations": [\n')
        file.take(annotations)
        file.raw("\n]}\n")
    return annotations.count


def _info(source: Source) -> dict[str, Any]:
    """No clock and no host: the same dataset gives the same bytes."""
    attrs = source.dataset.attrs
    return {
        "contributor": "",
        "date_created": "",
        "description": f"task {attrs['task_name']}, seed {attrs['seed']}, {attrs['renderer']}",
        "url": "",
        "version": f"simenv {attrs['simenv_version']}",
    }


def _image(shot: Shot, images: Rows) -> dict[str, Any]:
    item, (height, width) = shot.item, shot.item.instance.shape
    return {
        "K": numbers(item.K),
        "camera": item.camera,
        "distortion": numbers(item.distortion),
        "file_name": f"{shot.name}.png",
        "frame": shot.frame,
        "height": height,
        "id": images.count + 1,
        "scene": item.scene,
        "width": width,
    }


@dataclass(frozen=True, eq=False)
class Book:
    """What the categories are, and the annotations that refer to them."""

    source: Source
    kind: str  # of CATEGORIES

    @cached_property
    def categories(self) -> list[dict[str, Any]]:
        """The list of the file."""
        rows = []
        for name, number in sorted(self._numbers.items(), key=lambda item: item[1]):
            own = [e.class_ for e in self._entries if name in (e.key, e.class_)]
            row = {"id": number, "name": name, "supercategory": own[0] if own else name}
            if keypoints := self._keypoints[name]:
                row |= {"keypoints": keypoints, "skeleton": []}
            rows.append(row)
        return rows

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        """Category -> id; does not depend on which of the task's objects happen to occur.

        The id of a class is its value in simenv's semantic masks, so numbers may be left out.
        """
        if self.kind == "object":
            return self.source.numbers
        wanted = {entry.class_ for entry in self._entries}
        others = {entry.class_ for entry in self.source.dataset.objects.values()} - wanted
        named = enumerate(self.source.dataset.classes, start=1)
        return {name: number for number, name in named if name not in others}

    @cached_property
    def _entries(self) -> list[ObjectEntry]:
        return [self.source.dataset.objects[key] for key in self.source.objects]

    @cached_property
    def _keypoints(self) -> Mapping[str, list[str]]:
        """Category -> the names of all keypoints that its objects have, sorted."""
        found: dict[str, set[str]] = {name: set() for name in self._numbers}
        if "keypoints" in self.source.dataset.layout.labels:
            for entry in self._entries:
                found[self._category(entry)] |= set(json.loads(entry.keypoints))
        return {name: sorted(names) for name, names in found.items()}

    def _category(self, entry: ObjectEntry) -> str:
        return entry.key if self.kind == "object" else entry.class_

    def annotation(self, shot: Shot, row: int, number: int, image: int) -> dict[str, Any]:
        """Number ``number``: what picture ``image`` shows of a body; all that was measured."""
        item, entry = shot.item, self.source.dataset.objects[shot.item.objects[row]]
        found = {
            "area": int(item.px_visible[row]),
            "bbox": item.box_visible[row].tolist(),
            "category_id": self._numbers[self._category(entry)],
            "id": number,
            "image_id": image,
            "instance": int(item.ids[row]),
            "iscrowd": 0,
            "object": entry.key,
            "segmentation": _segmentation(rle.encode(shot.visible(row)), item),
            "visible_fraction": round(float(item.visible_fraction[row]), 6),
        }
        if item.amodal is not None:
            found["amodal_bbox"] = item.box_all[row].tolist()
            found["amodal_segmentation"] = _segmentation(item.amodal[row], item)
        if names := self._keypoints[self._category(entry)]:
            points = _points(item, row, entry)
            triples = [points.get(name, (0, 0, 0)) for name in names]
            found["keypoints"] = [value for triple in triples for value in triple]
            found["num_keypoints"] = sum(v > 0 for _, _, v in triples)
        return found


def _segmentation(counts: str, item: Item) -> dict[str, Any]:
    return {"counts": counts, "size": list(item.instance.shape)}


def _points(item: Item, row: int, entry: ObjectEntry) -> dict[str, tuple[float, float, int]]:
    """Name -> x, y, v of each keypoint of a body; zeros where there is none in the picture."""
    assert item.keypoints_uv is not None
    assert item.keypoints_state is not None
    found = {}
    for k, name in enumerate(sorted(json.loads(entry.keypoints))):
        (x, y), v = item.keypoints_uv[row, k].tolist(), V[int(item.keypoints_state[row, k])]
        found[name] = (round(x, UV_DIGITS), round(y, UV_DIGITS), v) if v else (0, 0, 0)
    return found
