"""How a dataset leaves simenv: other formats, from what the first pass measured.

Nothing is rendered again. What each format holds, and its conventions: docs/export.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simenv.dataset.read import open as open_dataset
from simenv.errors import InputError
from simenv.export import bop, coco
from simenv.export.folder import Folder
from simenv.export.source import Progress, Source
from simenv.spec.explain import suggest

__all__ = ["CATEGORIES", "FORMATS", "export"]

FORMATS = ("bop", "coco")
CATEGORIES = coco.CATEGORIES


def export(
    path: str | Path,
    to: str,
    out: str | Path,
    *,
    cameras: Sequence[str] = (),
    sensor: bool = False,
    categories: str = "class",
    progress: Progress = lambda done, total: None,
) -> str:
    """Write the dataset at ``path`` into the new folder ``out``; what was written, in a line.

    Args:
        path: a dataset: its folder, or an .h5 file.
        to: one of FORMATS.
        out: must not exist, or be empty.
        cameras: whose pictures; none: all.
        sensor: colour and depth as the device sees them, where a camera has one; else clean.
        categories: of coco: "class" or "object".
        progress: called after each picture with how many are done, and how many there are.

    Raises:
        InputError: an argument is wrong, ``out`` is in the way, or the format cannot say it.
        Locked: another export writes there.
        StorageError: the disk refuses; nothing of the export stays.
    """
    _check("--to", "format", to, FORMATS)
    _check("--categories", "choice", categories, CATEGORIES)
    with open_dataset(path) as dataset:
        source = Source.of(dataset, cameras, sensor=sensor, progress=progress)
        with Folder(out) as folder:
            if to == "bop":
                instances = bop.write(source, folder)
            else:
                instances = coco.write(source, folder, categories=categories)
    return f"{out}: {len(source)} images, {instances} instances of {len(source.objects)} objects"


def _check(option: str, what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{option}: no {what} {value}; {suggest(value, known)}")
