"""Does a dataset hold what it says? Every byte against the manifests, every label against the rest.

Each check is a law that holds whatever made the data: a mask's pixels are counted again, a pose is
composed again, a digest is taken again of the decoded values.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pydantic import ValidationError

from simenv.dataset.apart import apart
from simenv.dataset.disk import file_sha256, part
from simenv.dataset.fills import read_fills
from simenv.dataset.guard import safe_open
from simenv.dataset.hdf5 import read_header, read_layout, read_tables, read_text
from simenv.dataset.index import Part, build_index
from simenv.dataset.laws import scene_problems, table_problems
from simenv.dataset.layout import Layout
from simenv.dataset.leaks import leaks
from simenv.dataset.lock import RUN, identity_of, run_text
from simenv.dataset.param import Param, params_of
from simenv.dataset.read import Dataset
from simenv.dataset.rows import digests
from simenv.dataset.schema import BODY_OFFSET
from simenv.dataset.seal import ATTRIBUTE, broken_seal, has_seal
from simenv.dataset.shard import manifest_row
from simenv.dataset.splits import check_current, read_split, split_file
from simenv.dataset.store import INDEX, MANIFESTS, SHARD_NAME, Manifest, manifest_path, shard_name
from simenv.dataset.stored import scene_of
from simenv.dataset.tables import Tables
from simenv.errors import InputError
from simenv.reading import is_regular
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import parse

__all__ = ["Finding", "Report", "against_manifest", "numbers_of", "validate"]

UNREADABLE = "cannot be read: libhdf5 crashes or hangs on it"
# Addresses inside the file, which netCDF-style scales hold; they say nothing of the content.
_SCALE_ATTRIBUTES = {"DIMENSION_LIST", "REFERENCE_LIST"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    file: str
    what: str
    scene: int | None = None

    def __str__(self) -> str:
        where = self.file if self.scene is None else f"{self.file}: scene {self.scene}"
        return f"{where}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found."""

    files: int
    scenes: int
    images: int
    findings: tuple[Finding, ...]

    @property
    def summary(self) -> str:
        """One line."""
        looked = f"{self.files} files, {self.scenes} scenes, {self.images} images"
        return f"{looked}: {len(self.findings) or 'no'} findings"


def validate(path: str | Path) -> Report:
    """Look at everything in ``path``: a run's folder, its dataset.h5, a shard or a single file.

    Raises:
        InputError: if there is nothing to look at.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: does not exist; name a dataset's folder or .h5 file")
    if not path.is_dir() and not is_regular(path):
        raise InputError(f"{path}: is no regular file; name a dataset's folder or .h5 file")
    if path.name == INDEX and (path.parent / MANIFESTS).is_dir():
        path = path.parent
    tally = _Tally()
    findings = tuple(_folder(path, tally) if path.is_dir() else _alone(path, tally))
    if not findings:  # rows can be followed
        findings = tuple(_splits(path))
    return Report(tally.files, tally.scenes, tally.images, findings)


def _splits(path: Path) -> Iterator[Finding]:
    """Each split that is stored with the dataset: of this dataset, and without leaks."""
    with Dataset(path) as dataset:
        for name in dataset.splits:
            file = split_file(dataset.path, name)
            try:
                split = read_split(dataset.path, name)
                check_current(split, dataset.attrs, dataset.table("scenes"), file)
            except InputError as error:
                yield Finding(file.name, str(error).removeprefix(f"{file}: "))
                continue
            yield from (Finding(file.name, leak.what, leak.scene) for leak in leaks(dataset, split))


@dataclass
class _Tally:
    files: int = 0
    scenes: int = 0
    images: int = 0
    parts: dict[str, Part] = field(default_factory=dict)  # of shards that are whole, read once


def _folder(out: Path, tally: _Tally) -> Iterator[Finding]:
    """The shards, each against its manifest, then together, then the index."""
    numbers = numbers_of(out)
    if not numbers:
        raise InputError(f"{out}: holds no shard; name the folder that simenv generate wrote")
    sound: dict[int, Manifest] = {}
    for number in numbers:
        findings, manifest = against_manifest(out, number)
        yield from findings
        if manifest is not None and not findings:
            sound[number] = manifest
        path = out / shard_name(number)
        if manifest is not None and not findings:
            yield from _file(path, tally, manifest)
        elif path.exists():
            yield from _damaged(path, manifest)
    yield from _together(out, numbers, sound)
    yield from _run(out, tally.parts)
    if os.path.lexists(out / INDEX):
        tally.files += 1
        yield from _index(out, sound, tally.parts, complete=len(tally.parts) == len(numbers))


def numbers_of(out: Path) -> list[int]:
    """Of all shards that have a file or a manifest."""
    names = [p.name for p in out.glob("shard-*.h5")]
    names += [f"{p.stem}.h5" for p in (out / MANIFESTS).glob("shard-*.json")]
    return sorted({int(match[1]) for name in names if (match := SHARD_NAME.fullmatch(name))})


def against_manifest(out: Path, number: int) -> tuple[list[Finding], Manifest | None]:
    """What is wrong with the bytes of a shard, and the manifest that speaks of it."""
    path, name = out / shard_name(number), shard_name(number)
    files = [part(manifest_path(out, number)), manifest_path(out, number)]
    known = [(file, own) for file in files if (own := Manifest.read(file)) is not None]
    if not path.exists():
        return [Finding(name, "has a manifest but no file; generate again to make it anew")], None
    if not is_regular(path):
        return [Finding(name, "is no regular file; simenv repair")], None
    if not files[1].exists() and not files[0].exists():
        return [Finding(name, "has no manifest, so it is not committed; generate again")], None
    if not known:
        return [Finding(f"{MANIFESTS}/{files[1].name}", "cannot be read; simenv repair")], None
    digest = file_sha256(path)
    for file, own in known:
        if (own.shard, own.sha256, own.bytes) == (number, digest, path.stat().st_size):
            if own.text.encode() != file.read_bytes():
                what = "is not as it was written; simenv repair"
                return [Finding(f"{MANIFESTS}/{file.name}", what)], own
            return [], own
    return [Finding(name, "differs from its manifest; simenv repair, then generate again")], known[
        -1
    ][1]


def _run(out: Path, parts: dict[str, Part]) -> Iterator[Finding]:
    """run.json is what the shards say of their run."""
    if not parts:
        return
    expected = run_text(identity_of(parts[min(parts)].attributes))
    try:
        same = (out / RUN).read_bytes() == expected
    except OSError as error:
        yield Finding(RUN, f"cannot be read ({error.strerror}); simenv repair")
        return
    if not same:
        yield Finding(RUN, "is not what the shards say; simenv repair")


def _together(out: Path, numbers: list[int], sound: dict[int, Manifest]) -> Iterator[Finding]:
    """No shard is left out, and no scene is missing or there twice."""
    for number in sorted(set(range(numbers[-1] + 1)) - set(numbers)):
        yield Finding(shard_name(number), "is missing; generate again to make it anew")
    owner: dict[int, int] = {}
    for number, manifest in sound.items():
        for row in manifest.rows:
            index = int(row["scene"])
            if index in owner:
                where = shard_name(owner[index])
                yield Finding(shard_name(number), f"is in {where} as well", index)
            owner[index] = number
    try:
        fills = read_fills(out)
    except InputError as error:
        yield Finding(out.name, str(error).removeprefix(f"{out}/"))
        return
    if len(sound) == numbers[-1] + 1:
        added = {scene for fill in fills for scene in fill.scenes}
        first = fills[0].begun_with if fills else max(owner, default=-1) + 1
        for index in sorted({*range(first), *added} - owner.keys()):
            yield Finding(out.name, "is in no shard", index)
        for index in sorted(owner.keys() - added - set(range(first))):
            yield Finding(shard_name(owner[index]), "is of no round that was added", index)


def _alone(path: Path, tally: _Tally) -> Iterator[Finding]:
    """A file that has no manifest: its seal is looked at before libhdf5 sees it."""
    if has_seal(path):
        if broken := broken_seal(path):
            yield Finding(path.name, broken)
            yield from _damaged(path, None)
            return
        yield from _file(path, tally)
        return
    found, counted = apart(lambda: _unsealed(path), ([Finding(path.name, UNREADABLE)], _Tally()))
    tally.files += 1
    tally.scenes, tally.images = tally.scenes + counted.scenes, tally.images + counted.images
    yield from found


def _unsealed(path: Path) -> tuple[list[Finding], _Tally]:
    """Of a shard, or of a file from before there were seals; or the seal is gone."""
    tally = _Tally()
    found = list(_file(path, tally))
    with suppress(InputError), safe_open(path) as file:
        if ATTRIBUTE in file.attrs:
            found.insert(0, Finding(path.name, broken_seal(path)))
    return found, tally


def _damaged(path: Path, manifest: Manifest | None) -> list[Finding]:
    """Which scenes of a file are touched whose bytes are known to be wrong."""
    return apart(lambda: list(_file(path, _Tally(), manifest)), [Finding(path.name, UNREADABLE)])


def _file(path: Path, tally: _Tally, manifest: Manifest | None = None) -> Iterator[Finding]:
    """One shard or single file, scene by scene."""
    tally.files += 1
    try:
        with safe_open(path) as file:
            yield from _content(file, path.name, tally, manifest)
    except Exception as error:  # a damaged file can set off anything in what reads it
        text = str(error) if isinstance(error, InputError) else f"cannot be read ({error})"
        yield Finding(path.name, text.removeprefix(f"{path}: "))


def _content(
    file: h5py.File, name: str, tally: _Tally, manifest: Manifest | None
) -> Iterator[Finding]:
    layout = read_layout(file)
    tables = read_tables(file, layout)
    problems = list(table_problems(tables, layout, np.asarray(file[BODY_OFFSET][()])))
    small = Part(read_header(file), read_text(file["task"]), layout, tables)
    problems += _root_problems(small)
    yield from (Finding(name, what) for what in problems)
    if problems:
        return  # rows cannot be followed
    if manifest is not None:
        tally.parts[name] = small
    indices = [int(index) for index in tables["scenes/index"]]
    if manifest is not None and indices != [int(row["scene"]) for row in manifest.rows]:
        yield Finding(name, "has other scenes than its manifest says; simenv repair")
        return
    for row in range(len(indices)):
        tally.scenes += 1
        yield from _scene(file, tables, layout, row, name, tally, manifest)


def _scene(
    file: h5py.File,
    tables: Tables,
    layout: Layout,
    row: int,
    name: str,
    tally: _Tally,
    manifest: Manifest | None,
) -> Iterator[Finding]:
    """One scene: its digests, and the laws of its labels."""
    index = int(tables["scenes/index"][row])
    try:
        own, images = scene_of(file, tables, layout, index)
        found = digests(own, images, layout)
        problems = list(scene_problems(own, images, layout))
    except Exception as error:  # as above
        yield Finding(name, f"cannot be read ({error})", index)
        return
    tally.images += own.count("frames") * len(layout.cameras)
    said = (str(tables["scenes/labels_sha256"][row]), str(tables["scenes/all_sha256"][row]))
    if said != (found.labels, found.all):
        yield Finding(name, "its content has another digest than was recorded", index)
    elif manifest is not None and dict(manifest.rows[row]) != manifest_row(tables, row, found):
        yield Finding(name, "is not what the manifest says; simenv repair", index)
    yield from (Finding(name, what, index) for what in problems)


def _root_problems(small: Part) -> Iterator[str]:
    """The root attributes against what they describe."""
    attributes, rows = small.attributes, small.tables.count("scenes")
    if hashlib.sha256(small.task_text.encode()).hexdigest() != attributes.get("task_sha256"):
        yield "/task is not the text that task_sha256 names"
    if _params(small.task_text) not in (None, dict(small.layout.params)):
        yield "its columns are not those of its task"
    if attributes.get("scenes") != rows:
        yield f"scenes is {attributes.get('scenes')}, /scenes has {rows} rows"


@lru_cache(maxsize=4)
def _params(task_text: str) -> dict[str, Param] | None:
    """The columns of a task's domain; None of a task of another version."""
    try:
        return params_of(TaskSpec.model_validate(parse(task_text, name="task").value))
    except (InputError, ValidationError):
        return None


def _index(
    out: Path, sound: dict[int, Manifest], parts: dict[str, Part], *, complete: bool
) -> Iterator[Finding]:
    """dataset.h5 is what the shards give: the same bytes, or at least the same values."""
    if not complete:
        yield Finding(INDEX, "not compared, because shards are wrong or missing")
        return
    expected = build_index(out, sound, parts=parts)
    if not is_regular(out / INDEX):
        yield Finding(INDEX, "is no regular file; simenv repair")
        return
    if (out / INDEX).read_bytes() == expected:
        return
    if broken := broken_seal(out / INDEX):
        yield Finding(INDEX, f"{broken}; simenv repair")
        return
    if differing := apart(lambda: _difference(out / INDEX, expected), UNREADABLE):
        yield Finding(INDEX, f"{differing}; simenv repair")


def _difference(index: Path, expected: bytes | memoryview) -> str:
    """Where an index of other bytes says something else than it should; empty: nowhere."""
    try:
        with (
            safe_open(index, virtual=SHARD_NAME) as found,
            h5py.File(io.BytesIO(expected), "r") as truth,
        ):
            return _first_difference(found, truth)
    except (InputError, OSError, RuntimeError, KeyError) as error:
        return f"cannot be read ({error})"


def _first_difference(found: h5py.File, truth: h5py.File) -> str:
    """Where two index files differ in what they say; another libhdf5 may lay them out otherwise."""
    names: dict[bool, list[str]] = {True: [], False: []}
    found.visit(names[True].append)
    truth.visit(names[False].append)
    if names[True] != names[False]:
        return f"has {len(names[True])} entries, not {len(names[False])}"
    for name in ("/", *names[True]):
        if not _same(found[name], truth[name]):
            return f"/{name.strip('/')} is not what the shards give"
    return ""


def _same(found: Any, truth: Any) -> bool:
    """Two groups or datasets of one name: attributes, and values or where they are shown from."""
    attributes = [
        {k: v for k, v in item.attrs.items() if k not in _SCALE_ATTRIBUTES}
        for item in (found, truth)
    ]
    if attributes[0] != attributes[1]:
        return False
    if not isinstance(truth, h5py.Dataset):
        return True
    if truth.is_virtual:
        return bool(found.is_virtual) and _views(found) == _views(truth)
    return (found.dtype, found.shape) == (truth.dtype, truth.shape) and np.array_equal(
        found[()], truth[()], equal_nan=truth.dtype.kind == "f"
    )


def _views(dataset: h5py.Dataset) -> list[tuple[Any, ...]]:
    """What a virtual dataset shows: where, of which file, and of which dataset."""
    return [
        (view.vspace.get_select_bounds(), view.file_name, view.dset_name)
        for view in dataset.virtual_sources()
    ]
