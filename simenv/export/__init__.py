"""How datasets, demonstrations and grasps leave simenv: other formats, from what was measured once.

Nothing is rendered again. What each format holds, and its conventions: docs/export.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simenv.dataset.demo import is_demos, open_demos
from simenv.dataset.grasps import is_grasps
from simenv.dataset.read import open as open_dataset
from simenv.dataset.splits import read_split
from simenv.errors import InputError
from simenv.export import (
    acronym,
    bop,
    coco,
    graspnet,
    isaac_grasp,
    lerobot,
    minari,
    rectangles,
    robomimic,
)
from simenv.export.demos import DemoSource
from simenv.export.folder import Folder
from simenv.export.grasps import GraspSource
from simenv.export.source import Progress, Source
from simenv.spec.explain import suggest

__all__ = [
    "CATEGORIES",
    "DEMO_FORMATS",
    "FORMATS",
    "GRASP_FORMATS",
    "RECTANGLE_FORMATS",
    "export",
]

FORMATS = ("bop", "coco")  # of datasets
RECTANGLE_FORMATS = ("cornell", "jacquard")  # of datasets with the label grasps
DEMO_FORMATS = ("minari", "robomimic", "lerobot")  # of demonstrations
GRASP_FORMATS = ("acronym", "graspnet", "isaac_grasp")  # of grasps
CATEGORIES = coco.CATEGORIES


def export(
    path: str | Path,
    to: str,
    out: str | Path,
    *,
    cameras: Sequence[str] = (),
    sensor: bool = False,
    categories: str = "class",
    split: str | None = None,
    progress: Progress = lambda done, total: None,
) -> str:
    """Write what is at ``path`` into the new folder ``out``; what was written, in a line.

    Args:
        path: a dataset: its folder, or an .h5 file; or a folder of demonstrations; or a file of
            grasps, or a folder of them.
        to: one of FORMATS for a dataset, of RECTANGLE_FORMATS for one with the label grasps, of
            DEMO_FORMATS for demonstrations, of GRASP_FORMATS for grasps.
        out: must not exist, or be empty.
        cameras: whose pictures; none: all. This and the next three are of datasets alone.
        sensor: colour and depth as the device sees them, where a camera has one; else clean.
        categories: of coco: "class" or "object".
        split: of a dataset: each part of this split apart, as the format has it, and what the split
            says as splits.json.
        progress: called after each picture, episode or file of grasps, with how many are done, and
            how many there are.

    Raises:
        InputError: an argument is wrong, ``out`` is in the way, or the format cannot say it.
        Locked: another export writes there.
        StorageError: the disk refuses; nothing of the export stays.
    """
    _check("--to", "format", to, FORMATS + RECTANGLE_FORMATS + DEMO_FORMATS + GRASP_FORMATS)
    _check("--categories", "choice", categories, CATEGORIES)
    _check_kind(path, to)
    if to not in FORMATS + RECTANGLE_FORMATS and (cameras or sensor or split):
        raise InputError("--cameras, --sensor, --split: are of datasets; leave them out")
    if to in DEMO_FORMATS:
        return _export_demos(DemoSource(open_demos(path), progress), to, out)
    if to in GRASP_FORMATS:
        return _export_grasps(Path(path), to, out, progress)
    with open_dataset(path) as dataset:
        source = Source.of(dataset, cameras, sensor=sensor, progress=progress, split=split)
        with Folder(out) as folder:
            if split is not None:
                folder.write("splits.json", read_split(dataset.path, split).text.encode())
            return f"{out}: {_export_images(source, folder, to, categories)}{_left_out(source)}"


def _export_images(source: Source, folder: Folder, to: str, categories: str) -> str:
    if to == "cornell":
        return str(rectangles.write_cornell(source, folder))
    if to == "jacquard":
        return str(rectangles.write_jacquard(source, folder))
    if to == "bop":
        instances = bop.write(source, folder)
    else:
        instances = coco.write(source, folder, categories=categories)
    return f"{len(source)} images, {instances} instances of {len(source.objects)} objects"


def _left_out(source: Source) -> str:
    """What to say of scenes that came after the split was made."""
    scenes = source.dataset.column("frames/scene")
    count = len(set(scenes.tolist())) - len(set(scenes[source.frames].tolist()))
    return f"; {count} scenes that are in no part are left out" if count else ""


def _export_demos(source: DemoSource, to: str, out: str | Path) -> str:
    write = {"minari": minari.write, "robomimic": robomimic.write, "lerobot": lerobot.write}[to]
    with Folder(out) as folder:
        steps = write(source, folder)
    return f"{out}: {len(source)} episodes, {steps} steps"


def _export_grasps(path: Path, to: str, out: str | Path, progress: Progress) -> str:
    room = {"acronym": acronym, "graspnet": graspnet, "isaac_grasp": isaac_grasp}[to]
    source = GraspSource(path, progress, room.KINDS, to)
    with Folder(out) as folder:
        count = room.write(source, folder)
    return f"{out}: {count} grasps of {len(source)} files"


def _check_kind(path: str | Path, to: str) -> None:
    """That what is at ``path`` is asked for a format of its kind."""
    demos, grasps = is_demos(path), is_grasps(path)
    found = DEMO_FORMATS if demos else GRASP_FORMATS if grasps else FORMATS
    if to in found or (found is FORMATS and to in RECTANGLE_FORMATS):
        return
    if demos or grasps:
        what = "demonstrations" if demos else "grasps"
        raise InputError(f"{path}: holds {what}, which {to} cannot say; use --to {_one_of(found)}")
    if to in DEMO_FORMATS:
        raise InputError(
            f"{path}: holds no episode-*.h5, which {to} is made of; name a folder of "
            f"demonstrations, or export a dataset with --to {_one_of(FORMATS)}"
        )
    raise InputError(
        f"{path}: holds no grasps, which {to} is made of; name a file that `simenv grasps` wrote, "
        f"or a folder of them, or export a dataset with --to {_one_of(FORMATS)}"
    )


def _one_of(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _check(option: str, what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{option}: no {what} {value}; {suggest(value, known)}")
