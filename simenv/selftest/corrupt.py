"""One bit or one sector corrupted anywhere in a dataset, or a file that is lost or mistaken."""

from __future__ import annotations

import random
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from simenv.dataset.repair import DAMAGED, repair
from simenv.dataset.store import MANIFESTS
from simenv.dataset.validate import Report, validate
from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

RUN = Run(4)
SECTOR = 512  # bytes
MENDED = 25  # every so many trials the dataset is repaired and finished, which takes a second
PICTURES = 0.3  # of the bytes of shards that are damaged are of pictures
SINGLE = 4  # every so many trials are on a single file


@dataclass(frozen=True)
class _Damage:
    """What was done, and what a validator should name."""

    what: str
    file: str
    scene: int | None = None  # where the damage is in one scene's pictures


@dataclass
class _Tally:
    found: int = 0
    scenes: int = 0
    mended: int = 0
    failures: list[str] = field(default_factory=list)


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Damage a copy, look whether it is found and named, now and then repair and finish it."""
    rng, tally = random.Random(seed), _Tally()
    calm, single = folder / "calm", folder / "calm.h5"
    RUN.into(calm)
    RUN.into(single)
    truth, owners = files(calm), {path.name: _owners(path) for path in calm.glob("shard-*.h5")}
    for trial in range(trials):
        if trial % SINGLE == SINGLE - 1:
            path = folder / "copy.h5"
            shutil.copyfile(single, path)
            damage = _in_bytes(path, rng, path.name, {})
        else:
            path = folder / "copy"
            shutil.copytree(calm, path)
            damage = _in_folder(path, rng, owners)
        _look(damage, validate(path) if path.exists() else None, trial, tally)
        if path.is_dir():
            if trial % MENDED == 0:
                _mend(path, truth, damage, trial, tally)
            shutil.rmtree(path)
    figures = (
        f"{tally.found} of {trials} found and named, the scene in {tally.scenes} of {tally.scenes} "
        f"where it is in one scene's picture; {tally.mended} repaired and finished, bit-identical"
    )
    return Outcome(trials, tuple(tally.failures), figures)


def _owners(path: Path) -> list[tuple[int, int, int]]:
    """First byte, last byte and scene of every stored picture of a shard."""
    found = []
    with h5py.File(path, "r") as file:
        scene = file["frames/scene"][()]
        for camera in file["cameras"].values():
            for item in camera.values():
                if isinstance(item, h5py.Dataset) and item.chunks and len(item) == len(scene):
                    for k in range(item.id.get_num_chunks()):
                        chunk = item.id.get_chunk_info(k)
                        first = chunk.byte_offset
                        row = int(chunk.chunk_offset[0])
                        found.append((first, first + chunk.size, int(scene[row])))
    return found


def _in_folder(
    path: Path, rng: random.Random, owners: Mapping[str, list[tuple[int, int, int]]]
) -> _Damage:
    """Most often bytes of a file, drawn by size; sometimes a whole file."""
    own = sorted([*path.glob("*.h5"), *path.glob(f"{MANIFESTS}/*"), path / "run.json"])
    if rng.random() < 0.25:
        return rng.choice(WHOLE)(path, rng)
    weights = [file.stat().st_size + 2000 for file in own]
    (file,) = rng.choices(own, weights)
    return _in_bytes(file, rng, str(file.relative_to(path)), owners)


def _in_bytes(
    path: Path,
    rng: random.Random,
    name: str,
    owners: Mapping[str, list[tuple[int, int, int]]],
) -> _Damage:
    """One bit turned, or one sector zeroed or filled with noise."""
    data = np.fromfile(path, dtype=np.uint8)
    before, rows = data.copy(), owners.get(path.name, [])
    place, length = rng.randrange(len(data)), 1
    picture = bool(rows) and rng.random() < PICTURES
    if picture:
        first, last, _ = rng.choice(rows)
        place = rng.randrange(first, last)
    if picture or rng.random() < 0.5:
        data[place] ^= 1 << rng.randrange(8)
        what = f"bit of byte {place}"
    else:
        place -= place % SECTOR
        length = len(data[place : place + SECTOR])
        noise = np.frombuffer(rng.randbytes(length), dtype=np.uint8)
        data[place : place + length] = noise if rng.random() < 0.5 else 0
        what = f"sector at {place}"
        if (data == before).all():  # it was zero before
            data[place] ^= 1
    data.tofile(path)
    inside = [
        scene
        for first, last, scene in rows
        if first <= place and place + length <= last and _changed(before, data, first, last)
    ]
    return _Damage(f"{what} of {name}", Path(name).name, inside[0] if inside else None)


def _changed(before: NDArray[np.uint8], after: NDArray[np.uint8], first: int, last: int) -> bool:
    """Whether a picture reads otherwise: DEFLATE has a few bits that say nothing (RFC 1951)."""
    whole = zlib.decompress(before[first:last].tobytes())
    try:
        return zlib.decompress(after[first:last].tobytes()) != whole
    except zlib.error:
        return True


def _lost(path: Path, rng: random.Random) -> _Damage:
    file = rng.choice(sorted([*path.glob("shard-*.h5"), *path.glob(f"{MANIFESTS}/*")]))
    file.unlink()
    return _Damage(f"lost {file.name}", f"{file.stem}.h5")


def _swapped(path: Path, rng: random.Random) -> _Damage:
    one, other = rng.sample(sorted(path.glob("shard-*.h5")), 2)
    one.rename(path / "x")
    other.rename(one)
    (path / "x").rename(other)
    return _Damage(f"swapped {one.name} and {other.name}", one.name)


def _duplicated(path: Path, rng: random.Random) -> _Damage:
    one, other = rng.sample(sorted(path.glob("shard-*.h5")), 2)
    shutil.copyfile(one, other)
    manifests = [path / MANIFESTS / f"{file.stem}.json" for file in (one, other)]
    if rng.random() < 0.5:
        shutil.copyfile(*manifests)
    return _Damage(f"{one.name} also as {other.name}", other.name)


def _cut(path: Path, rng: random.Random) -> _Damage:
    file = rng.choice(sorted([*path.glob("*.h5"), *path.glob(f"{MANIFESTS}/*")]))
    data = file.read_bytes()
    file.write_bytes(data[: rng.randrange(len(data))])
    return _Damage(f"cut {file.name}", file.name)


def _lengthened(path: Path, rng: random.Random) -> _Damage:
    file = rng.choice(sorted([*path.glob("*.h5"), *path.glob(f"{MANIFESTS}/*"), path / "run.json"]))
    with file.open("ab") as end:
        end.write(rng.choice([b"\0", b"\n", b" " * SECTOR]))
    return _Damage(f"lengthened {file.name}", file.name)


WHOLE: tuple[Callable[[Path, random.Random], _Damage], ...] = (
    _lost,
    _swapped,
    _duplicated,
    _cut,
    _lengthened,
)


def _look(damage: _Damage, report: Report | None, trial: int, tally: _Tally) -> None:
    where = f"trial {trial}: {damage.what}"
    findings = () if report is None else report.findings
    stem = Path(damage.file).stem
    if not any(stem in f"{finding.file} {finding.what}" for finding in findings):
        said = "; ".join(map(str, findings)) or "no findings"
        tally.failures.append(f"{where}: not named: {said[:200]}")
        return
    tally.found += 1
    if damage.scene is not None:
        if not any(finding.scene == damage.scene for finding in findings):
            tally.failures.append(f"{where}: scene {damage.scene} is not named")
        tally.scenes += 1


def _mend(
    path: Path, truth: Mapping[str, bytes], damage: _Damage, trial: int, tally: _Tally
) -> None:
    """Repair, repair again, run: what comes out is what was there before."""
    where = f"trial {trial}: {damage.what}"
    list(repair(path))
    again = list(repair(path))
    if again:
        tally.failures.append(f"{where}: a second repair found {again}")
    ended = in_child(lambda tell: RUN.status(path))
    shutil.rmtree(path / DAMAGED, ignore_errors=True)
    tally.mended += 1
    if ended.status != 0:
        tally.failures.append(f"{where}: not finished after the repair: {ended.printed.strip()}")
    elif files(path) != truth or validate(path).findings:
        odd = sorted(name for name in truth if files(path).get(name) != truth[name])
        tally.failures.append(f"{where}: {odd} differ after the repair")
