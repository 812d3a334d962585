"""What to do about a damaged dataset: keep what is proven whole, put aside what is not.

Nothing that may have been committed is deleted: a shard that does not agree with a manifest goes to
damaged/, where it can still be looked at; only drafts are removed. A manifest is written again
where the digest of the data is known from elsewhere. Then the same `simenv generate` command makes
anew what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from simenv.dataset.disk import file_sha256, make_folder, move, part, remove, replace_file, storage
from simenv.dataset.guard import safe_open
from simenv.dataset.hdf5 import read_column, read_header, read_layout, read_tables
from simenv.dataset.index import build_index, write_index
from simenv.dataset.lock import RUN, Lock, identity_of, run_text
from simenv.dataset.rows import Digests
from simenv.dataset.seal import broken_seal
from simenv.dataset.shard import manifest_row
from simenv.dataset.store import (
    INDEX,
    SHARD_NAME,
    Manifest,
    committed,
    manifest_path,
    shard_name,
)
from simenv.dataset.validate import against_manifest, numbers_of
from simenv.errors import InputError
from simenv.reading import is_regular

__all__ = ["DAMAGED", "repair"]

DAMAGED = "damaged"  # folder beside the shards


def repair(path: str | Path) -> Iterator[str]:
    """Mend the folder of a run; a line for each thing that is done. None: nothing was wrong.

    Raises:
        InputError: it is no folder of a run.
        Locked: a run is writing there.
        StorageError: the disk refuses.
    """
    out = Path(path)
    if not out.is_dir():
        raise InputError(
            f"{out}: is no folder of a run; a single file is made again or copied back"
        )
    if not numbers_of(out) and not (out / RUN).exists():
        raise InputError(f"{out}: holds no shard; name the folder that simenv generate wrote")
    drafts = sorted([*out.glob("*.part"), *out.glob("manifest/*.part")])
    with Lock(out):  # finishes or removes what was never committed
        for draft in drafts:
            if not draft.exists():
                yield f"{draft.relative_to(out)}: finished or removed: it was never committed"
        known = _known_digests(out)
        for number in numbers_of(out):
            yield from _shard(out, number, known.get(shard_name(number)))
        yield from _run(out)
        yield from _index(out)


def _known_digests(out: Path) -> dict[str, str]:
    """What an index that is whole says of the shards."""
    path = out / INDEX
    try:
        if broken_seal(path):
            return {}
        with safe_open(path, virtual=SHARD_NAME) as file:
            table = {key: read_column(file[f"shards/{key}"]) for key in ("file", "sha256")}
    except (InputError, OSError, KeyError):
        return {}
    return dict(zip(map(str, table["file"]), map(str, table["sha256"]), strict=True))


def _shard(out: Path, number: int, known: str | None) -> Iterator[str]:
    """A shard whose digest is known stands; its manifest says what follows from it."""
    _, said = against_manifest(out, number)
    path, manifest = out / shard_name(number), manifest_path(out, number)
    digest = file_sha256(path) if is_regular(path) else ""
    if digest and digest in (known, said.sha256 if said is not None else None):
        text = _manifest(path, number, digest).text.encode()
        if not manifest.exists() or manifest.read_bytes() != text:
            replace_file(manifest, text)
            yield f"manifest/{manifest.name}: written again: {path.name} is whole"
        return
    why = "it is not what was committed" if manifest.exists() else "it has no manifest"
    for own in (path, manifest):
        if own.exists():
            yield f"{own.relative_to(out)}: put aside as {_aside(out, own)}: {why}"


def _manifest(path: Path, number: int, digest: str) -> Manifest:
    """What was committed as a shard that is whole, so that its own digests are right."""
    with safe_open(path) as file:
        layout, form = read_layout(file), str(read_header(file)["format"])
        tables = read_tables(file, layout)
    said = zip(tables["scenes/labels_sha256"], tables["scenes/all_sha256"], strict=True)
    rows = [manifest_row(tables, row, Digests(*map(str, own))) for row, own in enumerate(said)]
    return Manifest(number, path.stat().st_size, digest, tuple(rows), form)


def _aside(out: Path, path: Path) -> Path:
    """Put a file into damaged/, under a name that is free; where it is now, seen from ``out``."""
    folder = out / DAMAGED
    taken = [folder / f"{path.name}.{k}" for k in range(len(list(folder.glob("*"))) + 1)]
    place = next(place for place in (folder / path.name, *taken) if not place.exists())
    with storage(place, 0):
        make_folder(folder)
        move(path, place)
    return place.relative_to(out)


def _run(out: Path) -> Iterator[str]:
    """run.json, as the first shard that stands says it."""
    shards = committed(out)
    if not shards:
        return
    with safe_open(out / shard_name(min(shards))) as file:
        text = run_text(identity_of(read_header(file)))
    try:
        same = (out / RUN).read_bytes() == text
    except OSError:
        same = False
    if not same:
        replace_file(out / RUN, text)
        yield f"{RUN}: written again, as the shards say it"


def _index(out: Path) -> Iterator[str]:
    """dataset.h5 of the shards that stand; none without them."""
    path, shards = out / INDEX, committed(out)
    if not shards:
        if path.exists():
            remove(path)
            yield f"{INDEX}: removed: it has no shards"
        return
    try:
        same = is_regular(path) and path.read_bytes() == build_index(out, shards)
    except OSError:
        same = False
    if not same:
        part(path).unlink(missing_ok=True)
        write_index(out)
        yield f"{INDEX}: written again, of {len(shards)} shards"
