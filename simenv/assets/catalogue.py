"""How a whole folder or archive of meshes is imported: in parallel, each file on its own."""

from __future__ import annotations

import csv
import math
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from simenv.assets.archive import ARCHIVES, extract
from simenv.assets.importer import import_object
from simenv.assets.read import FORMATS
from simenv.assets.report import Report
from simenv.assets.wish import Wish, legal_name
from simenv.errors import InputError, SimenvError, StorageError

__all__ = ["Row", "import_folder", "table"]

LIMIT_S = 900.0  # of one file
MAX_CSV = 10_000_000  # bytes


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    file: str  # relative to the folder
    name: str
    verdict: str  # "imported", "repaired", "refused"
    text: str  # what was repaired, or why it was refused


def import_folder(
    source: Path,
    wish: Callable[[Path, str, float | None], Wish],
    *,
    masses: Path | None = None,
    jobs: int = 1,
    progress: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Import every mesh file of a folder or an archive.

    Args:
        source: the folder, or a .zip, .tar, .tar.gz.
        wish: from a file, the object's name, and its mass in kg if ``masses`` says it.
        masses: a CSV file of name, mass_kg; names are those of the files or of the objects.
        jobs: worker processes.
        progress: called with each row as it comes.

    Raises:
        InputError: the folder, archive or CSV file as such is wrong.
    """
    kilograms = {} if masses is None else _masses(masses)
    with ExitStack() as stack:
        folder = source
        if source.is_file() and source.name.lower().endswith(ARCHIVES):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simenv-import-")))
            extract(source, folder)
        elif not source.is_dir():
            known = ", ".join(ARCHIVES)
            raise InputError(f"{source}: is no folder and no archive ({known}); name one")
        wishes, rows = _plan(folder, wish, kilograms)
        if not wishes and not rows:
            raise InputError(f"{source}: holds no mesh file ({', '.join(sorted(FORMATS))})")
        for row in rows:
            progress(row)
        for row in _run(wishes, folder, jobs):
            rows.append(row)
            progress(row)
    return sorted(rows, key=lambda row: row.file)


def _plan(
    folder: Path, wish: Callable[[Path, str, float | None], Wish], kilograms: dict[str, float]
) -> tuple[list[Wish], list[Row]]:
    """What to import, and what is refused before it is read."""
    wishes: list[Wish] = []
    refused: list[Row] = []
    names: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in FORMATS:
            continue
        file, name = str(path.relative_to(folder)), legal_name(path.stem)
        try:
            if not path.resolve().is_relative_to(folder.resolve()):
                raise InputError("is a link out of the folder; copy the file into it")
            if name in names:
                raise InputError(f"has the same name as {names[name]}; rename one of them")
            wishes.append(wish(path, name, kilograms.get(path.stem, kilograms.get(name))))
            names[name] = file
        except (InputError, OSError, RuntimeError) as error:
            refused.append(Row(file, name, "refused", _reason(error, path)))
    return wishes, refused


def _reason(error: BaseException, path: Path) -> str:
    """The text without the path, on one line."""
    return " ".join(str(error).replace(f"{path}: ", "").split()) or type(error).__name__


def _run(wishes: list[Wish], folder: Path, jobs: int) -> Iterator[Row]:
    if jobs <= 1 or len(wishes) <= 1:
        for wish in wishes:
            yield _one(wish, folder)
        return
    from pebble import ProcessPool

    with ProcessPool(min(jobs, len(wishes)), context=get_context("spawn")) as pool:
        try:
            futures = {pool.schedule(_one, args=(w, folder), timeout=LIMIT_S): w for w in wishes}
            for future in as_completed(futures):
                error, wish = future.exception(), futures[future]  # type: ignore[index]
                if isinstance(error, StorageError):
                    raise error
                file = str(wish.path.relative_to(folder))
                if error is None:
                    yield future.result()
                else:  # the process died or hung
                    text = f"{type(error).__name__}: {_reason(error, wish.path)}"
                    yield Row(file, wish.name, "refused", text)
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()
            raise


def _one(wish: Wish, folder: Path) -> Row:
    file = str(wish.path.relative_to(folder))
    try:
        report = import_object(wish)
    except StorageError:
        raise
    except SimenvError as error:
        return Row(file, wish.name, "refused", _reason(error, wish.path))
    verdict = "repaired" if report.repaired else "imported"
    return Row(file, wish.name, verdict, "; ".join(_told(report)))


def _told(report: Report) -> list[str]:
    """Repairs, and what is to be looked at."""
    return [line.text for line in report.findings if line.verdict != "ok"]


def _masses(path: Path) -> dict[str, float]:
    """Kilograms by name.

    Raises:
        InputError: with the line.
    """
    try:
        if path.stat().st_size > MAX_CSV:
            raise InputError(f"{path}: has more than {MAX_CSV} bytes; is it the CSV file?")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); write name,mass_kg as UTF-8") from None
    found: dict[str, float] = {}
    for number, row in enumerate(csv.reader(lines), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[:2] == ["name", "mass_kg"]):
            continue
        try:
            name, mass = cells[0], float(cells[1])
            if len(cells) != 2 or not (math.isfinite(mass) and mass > 0):
                raise ValueError
        except (ValueError, IndexError):
            text = f"must be a name and kilograms above 0, got {','.join(row)[:60]!r}"
            raise InputError(f"{path}:{number}: {text}; write for example gear,0.128") from None
        if found.setdefault(name, mass) != mass:
            raise InputError(f"{path}:{number}: {name} has another mass already; remove one")
    return found


def table(rows: list[Row]) -> list[str]:
    """One line a file, and a sum."""
    width = max(len(row.file) for row in rows)
    lines = [f"{row.verdict:8}  {row.file:{width}}  {row.text}".rstrip() for row in rows]
    verdicts = ("imported", "repaired", "refused")
    counts = [f"{sum(row.verdict == v for row in rows)} {v}" for v in verdicts]
    return [*lines, ", ".join(counts)]
