"""How `simenv import` turns its options into wishes, and results into lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simenv.assets.catalogue import Row, import_folder, table
from simenv.assets.importer import import_object
from simenv.assets.wish import Wish, legal_name
from simenv.errors import InputError

__all__ = ["import_all", "import_one"]


def import_one(path: Path, given: Mapping[str, Any]) -> Iterator[str]:
    """The report of one file, line by line; ``given`` are the fields of `Wish` as text has them."""
    wish = Wish(path, **_fields(given, given["name"] or legal_name(path.stem)))
    report = import_object(wish)
    yield from map(str, report.findings)
    yield f"{wish.out / wish.name}: object.yaml, report.json, preview.png"


def import_all(
    source: Path, given: Mapping[str, Any], *, masses: Path | None, jobs: int
) -> tuple[list[str], int]:
    """The table of a folder or archive, and how many files were refused."""
    from tqdm import tqdm

    if given["name"]:
        raise InputError("--name is for one mesh file; a folder's objects are named by their files")
    quiet = None if sys.stderr else True
    with tqdm(unit="file", disable=quiet, dynamic_ncols=True) as bar:

        def wish(path: Path, name: str, mass_kg: float | None) -> Wish:
            fields = _fields(given, name)
            if mass_kg is not None:
                fields.update(mass_kg=mass_kg, density_kg_m3=None)
            return Wish(path, **fields)

        def show(row: Row) -> None:
            bar.update()

        rows = import_folder(source, wish, masses=masses, jobs=jobs, progress=show)
    return table(rows), sum(row.verdict == "refused" for row in rows)


def _fields(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    fields = {**given, "name": name}
    try:
        fields["color"] = tuple(float(part) for part in given["color"].split(","))
    except ValueError:
        text = f"must be three numbers from 0 to 1, got {given['color']!r}"
        raise InputError(f"--color: {text}; write for example 0.8,0.1,0.1") from None
    return fields
