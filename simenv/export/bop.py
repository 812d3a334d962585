"""BOP, scene by scene: what pose estimators and the BOP toolkit read. See docs/export.md.

The format is that of docs/bop_datasets_format.md in github.com/thodan/bop_toolkit; what that page
leaves open (how wide a box is, what is said of hidden parts) is as the toolkit computes it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.errors import InputError
from simenv.export.folder import Folder, Rows
from simenv.export.model import MM, info, ply
from simenv.export.png import png
from simenv.export.silhouette import Silhouettes
from simenv.export.source import Shot, Source
from simenv.export.text import by_line, compact, numbers

__all__ = ["write"]

SPLIT = "train"  # where the dataset is not split
TARGETS = "_targets_bop19.json"  # of the parts of a split whose names start with test
LEAST_SEEN = 0.1  # of a target, as in the challenges
UNSEEN = [-1, -1, -1, -1]  # the boxes of a part that is not visible


@dataclass
class Book:
    """The JSON files of one BOP scene: a row for each image."""

    scene_camera: dict[int, Any] = field(default_factory=dict)
    scene_gt: dict[int, Any] = field(default_factory=dict)
    scene_gt_info: dict[int, Any] = field(default_factory=dict)

    @property
    def instances(self) -> int:
        """In all images together."""
        return sum(len(rows) for rows in self.scene_gt.values())

    def write(self, folder: Folder, name: str) -> None:
        """Write them into the scene's folder ``name``."""
        for stem, rows in vars(self).items():
            folder.write(f"{name}/{stem}.json", by_line(rows))


def write(source: Source, folder: Folder) -> int:
    """Write the dataset; how many instances it has.

    Raises:
        InputError: a camera's lens is not a pinhole.
    """
    _refuse_lenses(source)
    _write_models(source, folder)
    _write_cameras(source, folder)
    folder.write("dataset_info.md", _about(source).encode())
    silhouettes, instances = Silhouettes(source.dataset), 0
    with folder.rows("simenv_map.json") as rows:
        rows.raw("[\n")
        for split, part in source.parts():
            targets: list[dict[str, int]] = []
            for _, shots in groupby(part.shots(), key=lambda shot: shot.item.scene):
                books = _write_scene(part, folder, shots, silhouettes, rows, split)
                instances += sum(book.instances for book in books.values())
                targets += _targets(books)
            if split.startswith("test"):
                lines = ",\n".join(compact(row) for row in targets)
                folder.write(f"{split}{TARGETS}", f"[\n{lines}\n]\n".encode())
        rows.raw("\n]\n")
    return instances


def _write_scene(
    source: Source,
    folder: Folder,
    shots: Iterable[Shot],
    silhouettes: Silhouettes,
    rows: Rows,
    split: str,
) -> dict[int, Book]:
    """All cameras of one scene, each a BOP scene of its own: by number, written to its folder."""
    books: dict[int, Book] = defaultdict(Book)
    for shot in shots:
        number = shot.item.scene * len(source.dataset.cameras) + shot.camera
        name = f"{split or SPLIT}/{number:06d}"
        book = books[number]
        if not book.scene_gt:
            rows.add(_map_row(number, shot) | ({"split": split} if split else {}))
        masks = list(silhouettes.of(shot))
        _write_pictures(folder, name, shot, masks)
        book.scene_camera[shot.frame] = _camera(source, shot)
        book.scene_gt[shot.frame] = [_pose(source, shot, row) for row in shot.rows]
        book.scene_gt_info[shot.frame] = [
            _seen(shot, row, mask) for row, mask in zip(shot.rows, masks, strict=True)
        ]
    for number, book in books.items():
        book.write(folder, f"{split or SPLIT}/{number:06d}")
    return books


def _targets(books: Mapping[int, Book]) -> Iterator[dict[str, int]]:
    """What a method is asked for: how many of which object it is to find in which image."""
    for number, book in sorted(books.items()):
        for image, rows in book.scene_gt.items():
            seen = [row["visib_fract"] >= LEAST_SEEN for row in book.scene_gt_info[image]]
            found = Counter(row["obj_id"] for row, good in zip(rows, seen, strict=True) if good)
            for obj_id, count in sorted(found.items()):
                yield {"im_id": image, "inst_count": count, "obj_id": obj_id, "scene_id": number}


def _write_pictures(folder: Folder, name: str, shot: Shot, masks: list[NDArray[np.bool_]]) -> None:
    folder.write(f"{name}/rgb/{shot.frame:06d}.png", png(shot.rgb))
    folder.write(f"{name}/depth/{shot.frame:06d}.png", png(shot.depth))
    for index, (row, mask) in enumerate(zip(shot.rows, masks, strict=True)):
        file = f"{shot.frame:06d}_{index:06d}.png"
        folder.write(f"{name}/mask/{file}", png(_white(mask)))
        folder.write(f"{name}/mask_visib/{file}", png(_white(shot.visible(row))))


def _white(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return mask.astype(np.uint8) * np.uint8(255)


def _camera(source: Source, shot: Shot) -> dict[str, Any]:
    """A row of scene_camera.json."""
    X_CW = pose.inverse(shot.item.X_WC)
    return {
        "cam_K": numbers(shot.item.K),
        "cam_R_w2c": numbers(X_CW[:3, :3]),
        "cam_t_w2c": numbers(X_CW[:3, 3] * MM),
        "depth_scale": _depth_scale(source, shot.item.camera),
    }


def _depth_scale(source: Source, camera: str) -> float:
    """Millimetres of one step of the depth PNG, without the noise of the multiplication."""
    return float(f"{source.depth_step_m(camera) * MM:.12g}")


def _pose(source: Source, shot: Shot, row: int) -> dict[str, Any]:
    """An entry of scene_gt.json."""
    X_CB = shot.item.X_CB[row]
    return {
        "cam_R_m2c": numbers(X_CB[:3, :3]),
        "cam_t_m2c": numbers(X_CB[:3, 3] * MM),
        "obj_id": source.numbers[shot.item.objects[row]],
    }


def _seen(shot: Shot, row: int, mask: NDArray[np.bool_]) -> dict[str, Any]:
    """An entry of scene_gt_info.json; as scripts/calc_gt_info.py of the toolkit has it."""
    item = shot.item
    px_visible, px_all = int(item.px_visible[row]), int(item.px_all[row])
    return {
        "bbox_obj": _box(item.box_all[row]) if px_visible else UNSEEN,
        "bbox_visib": _box(item.box_visible[row]) if px_visible else UNSEEN,
        "px_count_all": px_all,
        "px_count_valid": int(np.count_nonzero(shot.depth[mask])),
        "px_count_visib": px_visible,
        "visib_fract": px_visible / max(px_all, 1),
    }


def _box(box: NDArray[np.int32]) -> list[int]:
    """The toolkit's boxes (misc.calc_2d_bbox) reach from the first to the last pixel's centre."""
    x, y, width, height = (int(value) for value in box)
    return [x, y, width - 1, height - 1]


def _map_row(number: int, shot: Shot) -> dict[str, Any]:
    """Which scene and camera a BOP scene is, and the ids of its instances 0, 1, ..."""
    return {
        "bop_scene": number,
        "camera": shot.item.camera,
        "ids": shot.item.ids[shot.rows].tolist(),
        "scene": shot.item.scene,
    }


def _refuse_lenses(source: Source) -> None:
    for camera in source.cameras:
        if source.dataset.table(f"cameras/{camera}")["distortion"].any():
            raise InputError(
                f"{source.dataset.path}: camera {camera} has a distorted lens, which BOP cannot "
                "say; leave it out with --cameras, export to coco, or generate it as a pinhole"
            )


def _write_cameras(source: Source, folder: Folder) -> None:
    """camera_<name>.json for each camera, from its first picture; camera.json for the first."""
    for index, name in enumerate(source.cameras):
        layout, K = (
            source.dataset.layout.cameras[name],
            source.dataset.table(f"cameras/{name}")["K"],
        )
        values = {
            "cx": float(K[0, 0, 2]),
            "cy": float(K[0, 1, 2]),
            "depth_scale": _depth_scale(source, name),
            "fx": float(K[0, 0, 0]),
            "fy": float(K[0, 1, 1]),
            "height": layout.height,
            "width": layout.width,
        }
        for file in ["camera.json"] * (index == 0) + [f"camera_{name}.json"]:
            folder.write(file, by_line(values))


def _write_models(source: Source, folder: Folder) -> None:
    """models/ of the objects that occur, objects.json with the numbers of all."""
    entries = {source.numbers[key]: source.dataset.objects[key] for key in source.objects}
    for number, entry in entries.items():
        folder.write(f"models/obj_{number:06d}.ply", ply(entry))
    folder.write("models/models_info.json", by_line({n: info(e) for n, e in entries.items()}))
    names = {number: {"name": name} for name, number in source.numbers.items()}
    for number, entry in entries.items():
        names[number]["class"] = entry.class_
    folder.write("objects.json", by_line(names))


def _about(source: Source) -> str:
    """dataset_info.md."""
    attrs = source.dataset.attrs
    pictures = "of the device, where a camera has one" if source.sensor else "without sensor noise"
    return ABOUT.format(
        pictures=pictures,
        cameras=len(source.dataset.cameras),
        names=", ".join(source.dataset.cameras),
        split=", ".join(source.split or (SPLIT,)),
        **{key: attrs[key] for key in ("task_name", "seed", "renderer", "simenv_version")},
    )


ABOUT = """\
# {task_name}

Exported by simenv {simenv_version}: seed {seed}, renderer {renderer}.

- `{split}/SSSSSS`: BOP scene = simenv scene * {cameras} + camera, cameras counted from 0: {names}.
  Image = frame of the scene. `simenv_map.json` lists them, with the id in simenv of each instance.
- `objects.json`: the names behind the object ids. Poses refer to the object's own frame, which need
  not be the centre of its bounding box.
- `cam_K` is OpenCV's: the centre of the upper left pixel is (0, 0). A renderer that counts from the
  corner of that pixel, such as the toolkit's, needs cx + 0.5 and cy + 0.5.
- Colour and depth are {pictures}. Masks, counts and boxes are exact.
"""
