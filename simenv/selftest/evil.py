"""Datasets and archives that want to do harm: all refused, no other file opened; sound ones pass.

libhdf5 opens files in C, where Python's audit hooks see nothing. So a folder with secrets lies
beside each case, the kernel tells (inotify) whether anybody opens them, and whether it does tell is
tried first.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from simenv.assets.archive import extract
from simenv.audit.report import audit
from simenv.dataset.guard import safe_open
from simenv.dataset.read import Dataset
from simenv.dataset.store import INDEX, SHARD_NAME
from simenv.dataset.validate import validate
from simenv.errors import InputError
from simenv.export import export
from simenv.selftest.batch import Case, judge
from simenv.selftest.campaign import Outcome
from simenv.selftest.evil_archives import ARCHIVES, SOUND
from simenv.selftest.evil_files import FILES, FOLDERS, Attack
from simenv.selftest.small import Run, files
from simenv.view import write_page

__all__ = ["campaign"]

RUN = Run(2)
SHARD = "shard-00000.h5"
IN_OPEN, IN_ACCESS = 0x20, 0x1
EVENT_BYTES = 4096


class _Watch:
    """What the kernel says of a folder: whether any file in it was opened or read."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = IN_OPEN | IN_ACCESS
        self.sees = self.fd >= 0 and libc.inotify_add_watch(self.fd, os.fsencode(folder), mask) >= 0

    def opened(self) -> bool:
        """Since it was asked last."""
        try:
            return bool(os.read(self.fd, EVENT_BYTES))
        except OSError:
            return False


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """In turn sound and evil ones; beyond those with a name, files with random bytes changed."""
    secrets, clean = folder / "secrets", folder / "clean"
    RUN.into(clean)
    _plant(secrets, clean)
    watch = _Watch(secrets)
    h5py.File(secrets / "other.h5", "r").close()
    if not watch.sees or not watch.opened():
        return Outcome(0, skipped="the kernel does not tell which files are opened")
    cases = _cases(clean, secrets, trials, seed)
    failures, refused, accepted = list[str](), 0, 0
    evil = sum(case.must == "refuse" for case in cases)
    for verdict in judge(cases, folder):
        refused += verdict.case.must == "refuse" and verdict.word == "refused"
        accepted += verdict.case.must == "accept" and verdict.word == "accepted"
        failures += [verdict.failure] if verdict.failure else []
    if watch.opened():
        failures.append(f"secrets were opened: {_culprit(cases, folder, watch)}")
    sound = sum(case.must == "accept" for case in cases)
    others = len(cases) - evil - sound
    figures = f"{refused} of {evil} evil ones refused, {accepted} of {sound} sound ones accepted"
    figures += f", {others} with random bytes changed in the structure" if others else ""
    return Outcome(len(cases), tuple(failures), f"{figures}; no other file opened")


def _culprit(cases: list[Case], folder: Path, watch: _Watch) -> str:
    """The first case that does it alone."""
    for k, case in enumerate(cases):
        list(judge([case], folder / f"again{k}"))
        if watch.opened():
            return case.name
    return "by none alone"


def _plant(secrets: Path, clean: Path) -> None:
    """What nobody may open: bytes, and a dataset that a reader would take."""
    secrets.mkdir()
    (secrets / "bytes").write_bytes(b"nobody may read this" * 50)
    shutil.copyfile(clean / SHARD, secrets / "other.h5")
    shutil.copyfile(clean / SHARD, secrets / SHARD)


def _cases(clean: Path, secrets: Path, trials: int, seed: int) -> list[Case]:
    """Those with a name in an order that mixes them, then by chance."""
    rng = random.Random(seed)
    named = [
        *(_sound(name, clean) for name in ("folder", INDEX, SHARD)),
        *(_file(attack, name, clean, secrets) for attack in FILES for name in (SHARD, INDEX)),
        *(_folder(attack, clean, secrets) for attack in FOLDERS),
        *(_archive(pack) for pack in ARCHIVES),
        *(_archive(pack, "accept") for pack in SOUND),
    ]
    rng.shuffle(named)
    structures = [(name, _structure(clean / name)) for name in (SHARD, INDEX)]
    fuzzed = (_fuzzed(rng, clean, *structures[k % 2]) for k in range(trials - len(named)))
    return [*named[:trials], *fuzzed]


def _sound(name: str, clean: Path) -> Case:
    def make(place: Path) -> Path:
        return Path(shutil.copytree(clean, place / "out"))

    def read(out: Path) -> None:
        before = files(out)
        _read(out if name == "folder" else out / name)
        if validate(out).findings:
            raise InputError("a sound dataset has findings")
        export(out, "coco", out.parent / "coco")
        if files(out) != before:
            raise RuntimeError("reading has changed a file")

    return Case(f"sound {name}", make, read, "accept")


def _file(attack: Attack, name: str, clean: Path, secrets: Path) -> Case:
    def make(place: Path) -> Path:
        out = Path(shutil.copytree(clean, place / "out"))
        attack(out / name, secrets)
        return out / name

    def read(path: Path) -> None:
        if not validate(path.parent).findings:
            raise RuntimeError("validate finds nothing")
        _read(path)

    return Case(f"{attack.__name__} in {name}", make, read)


def _folder(attack: Attack, clean: Path, secrets: Path) -> Case:
    def make(place: Path) -> Path:
        out = Path(shutil.copytree(clean, place / "out"))
        attack(out, secrets)
        return out

    return Case(f"folder with {attack.__name__}", make, _read)


def _read(path: Path) -> None:
    """All that is in a dataset, and the page of it."""
    with Dataset(path) as dataset:
        for name in dataset.layout.tables:
            dataset.table(name)
        for item in dataset:
            _ = item.rgb.max(), item.depth_m.max()
        _ = dataset.task, dataset.objects, dataset.splits
    write_page(path)


def _archive(pack: Callable[[Path], Path], must: Literal["refuse", "accept"] = "refuse") -> Case:
    def make(place: Path) -> Path:
        (place / "in").mkdir()
        (place / "deep" / "target").mkdir(parents=True)
        return pack(place / "in")

    return Case(f"archive {pack.__name__}", make, _unpack, must)


def _unpack(archive: Path) -> None:
    place = archive.parent.parent
    before, target = _tree(place), place / "deep" / "target"
    try:
        extract(archive, target)
    finally:
        strange = [path for path in target.rglob("*") if path.is_symlink()]
        if _tree(place) != before or strange or {*(place / "deep").iterdir()} != {target}:
            raise RuntimeError("something was written outside the folder, or is a link")


def _tree(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "deep" not in path.relative_to(folder).parts}


def _structure(path: Path) -> list[tuple[int, int]]:
    """First and last byte of what is not pictures: headers, trees, heaps, tables."""
    taken: list[tuple[int, int]] = []
    with safe_open(path, virtual=SHARD_NAME) as file:
        for camera in file["cameras"].values():
            for item in camera.values():
                if isinstance(item, h5py.Dataset) and item.chunks:
                    chunks = (item.id.get_chunk_info(k) for k in range(item.id.get_num_chunks()))
                    taken += [(c.byte_offset, c.byte_offset + c.size) for c in chunks]
    return list(_between(sorted(taken), path.stat().st_size))


def _between(taken: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    at = 0
    for first, last in [*taken, (size, size)]:
        if first > at:
            yield at, first
        at = max(at, last)


def _fuzzed(rng: random.Random, clean: Path, name: str, structure: list[tuple[int, int]]) -> Case:
    """Some bytes of a file's structure changed: of a shard, that is read alone, or of an index."""
    weights = [last - first for first, last in structure]
    places = [
        rng.randrange(*structure[k])
        for k in rng.choices(range(len(structure)), weights, k=rng.choice([1, 2, 8, 64]))
    ]
    values = [rng.choice([0, 1, 255, rng.randrange(256)]) for _ in places]

    def make(place: Path) -> Path:
        data = np.fromfile(clean / name, dtype=np.uint8)
        data[places] = values
        if name == INDEX:
            shutil.copytree(clean, place, dirs_exist_ok=True)
        data.tofile(place / name)
        return place / name

    return Case(f"{name} {list(zip(places, values, strict=True))[:4]}", make, _look, "either")


def _look(path: Path) -> None:
    """All that reads it; what cannot be read is what validate finds something in."""
    findings = validate(path.parent if path.name == INDEX else path).findings
    try:
        _read(path)
        audit(path)
    except InputError:
        if not findings:
            raise RuntimeError("validate finds nothing in a file that cannot be read") from None
        raise
