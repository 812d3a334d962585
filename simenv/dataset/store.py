"""What is committed in a folder: shards written aside, then renamed; the manifest is the commit.

A shard's bytes and its manifest are first written and synced under names of their own, by whoever
made it (`draft_shard`). The holder of the lock then commits (`commit_draft`): the manifest is
renamed to .part, the index goes, the data takes its name, the manifest takes its name; the folder
is synced after each. So at any moment each committed shard has a manifest that agrees with its
bytes: the final one, or, for the instant between the last two renames, the .part.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simenv.dataset.disk import (
    file_sha256,
    make_folder,
    move,
    part,
    remove,
    rename,
    storage,
    write_aside,
)
from simenv.dataset.record import QUARANTINED
from simenv.dataset.schema import FORMAT
from simenv.dataset.slice import WHOLE, Slice
from simenv.errors import StorageError
from simenv.fault import point
from simenv.reading import read_json

__all__ = [
    "INDEX",
    "MANIFESTS",
    "SHARD_NAME",
    "Draft",
    "Manifest",
    "Packed",
    "agreeing",
    "commit_draft",
    "commit_shard",
    "committed",
    "draft_shard",
    "manifest_path",
    "shard_name",
]

INDEX = "dataset.h5"
MANIFESTS = "manifest"
SHARD_NAME = re.compile(r"shard-(\d{5,})\.h5")


class Packed(Protocol):
    """A shard ready to be written: `ShardBuilder`."""

    def image(self) -> bytes | memoryview:
        """The bytes of the file."""
        ...

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of the content."""
        ...


@dataclass(frozen=True)
class Manifest:
    """What was committed as one shard."""

    shard: int
    bytes: int
    sha256: str
    rows: tuple[Mapping[str, Any], ...]  # one a scene: scene, outcome, frames, labels, all
    form: str = ""  # of the shard

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """The manifest in ``path``, or None where there is none that can be read."""
        try:
            return cls.of(read_json(path))
        except (OSError, ValueError):
            return None

    @classmethod
    def of(cls, text: Any) -> Manifest:
        """What the JSON of a manifest says.

        Raises:
            ValueError: it is none.
        """
        try:
            rows = tuple(_row(dict(row)) for row in text["scenes"])
            form = str(text.get("format", ""))
            own = cls(int(text["shard"]), int(text["bytes"]), str(text["sha256"]), rows, form)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no manifest: {error}") from None
        if form not in ("", FORMAT):
            raise ValueError(f"it is of the format {form!r}")
        return own

    @property
    def text(self) -> str:
        """As it stands in its file: there is one way to spell it."""
        head = {"shard": self.shard, "bytes": self.bytes, "sha256": self.sha256}
        own = {**head, "format": self.form, "scenes": [dict(row) for row in self.rows]}
        return json.dumps(own, indent=1)

    @property
    def scenes(self) -> tuple[int, ...]:
        """The scene numbers of the shard."""
        return tuple(int(row["scene"]) for row in self.rows)

    @property
    def quarantined(self) -> tuple[int, ...]:
        """Those that were given up."""
        return tuple(int(row["scene"]) for row in self.rows if row["outcome"] == QUARANTINED)


def _row(said: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says of one scene, if it is of the kinds that it should be."""
    kinds = {"scene": int, "outcome": str, "frames": int, "labels": str, "all": str}
    if {key: type(value) for key, value in said.items()} != kinds:
        raise ValueError("no row of a manifest")
    return said


def shard_name(number: int) -> str:
    """Of the file of shard ``number``."""
    return f"shard-{number:05d}.h5"


@dataclass(frozen=True)
class Draft:
    """A shard that lies in the folder, whole and synced, under names that no reader looks at."""

    number: int
    token: str  # of its writer, so that two writers never share a file
    bytes: int

    def data(self, out: Path) -> Path:
        """Where its bytes lie."""
        return _draft_path(out / shard_name(self.number), self.token)

    def manifest(self, out: Path) -> Path:
        """Where its manifest lies."""
        return _draft_path(manifest_path(out, self.number), self.token)

    def discard(self, out: Path) -> None:
        """Remove it."""
        for path in (self.data(out), self.manifest(out)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _draft_path(path: Path, token: str) -> Path:
    return path.with_name(f"{path.name}.{token}.part")


def draft_shard(out: str | Path, number: int, shard: Packed) -> Draft:
    """Write ``shard`` aside in ``out``; nothing that is committed changes, whoever does this.

    Raises:
        StorageError: if the disk refuses.
    """
    out, data = Path(out), shard.image()
    said, digest = shard.manifest(), hashlib.sha256(data).hexdigest()
    text = Manifest(number, len(data), digest, said["scenes"], said.get("format", "")).text.encode()
    draft = Draft(number, secrets.token_hex(6), len(data))
    with storage(out / shard_name(number), len(data)):
        make_folder(out / MANIFESTS)
        write_aside({draft.data(out): data, draft.manifest(out): text})
    point("after_draft", number)
    return draft


def commit_draft(out: str | Path, draft: Draft) -> Manifest:
    """The draft becomes the shard of its number, in place of an older one.

    Only the holder of the folder's lock may do this: so a worker that comes late, after its work
    was given to another, changes nothing. An index (dataset.h5) is removed first: one that stands
    always agrees with its shards.

    Raises:
        StorageError: if the disk refuses; nothing that was committed is touched.
    """
    out, number = Path(out), draft.number
    path, manifest = out / shard_name(number), manifest_path(out, number)
    with storage(path, draft.bytes):
        move(draft.manifest(out), part(manifest))
        point("after_manifest_aside", number)
        remove(out / INDEX)
        point("after_index_removed", number)
        move(draft.data(out), path)
        point("after_data_rename", number)
        rename(manifest)
        point("after_manifest_rename", number)
    committed_now = Manifest.read(manifest)
    assert committed_now is not None, manifest
    return committed_now


def commit_shard(out: str | Path, number: int, shard: Packed) -> Manifest:
    """Draft and commit: for one who writes alone.

    Raises:
        StorageError: if the disk refuses; nothing that was committed is touched.
    """
    draft = draft_shard(out, number, shard)
    try:
        return commit_draft(out, draft)
    except StorageError:
        draft.discard(Path(out))
        raise


def committed(
    out: str | Path, *, check_sha256: bool = False, own: Slice = WHOLE
) -> dict[int, Manifest]:
    """The shards of ``out`` that stand: a manifest, and a file that agrees with it.

    Agreeing means size; with ``check_sha256`` the bytes are read and compared as well. Shards of
    other slices than ``own`` are not looked at.
    """
    found = {}
    for path in sorted(Path(out).glob("shard-*.h5")):
        name = SHARD_NAME.fullmatch(path.name)
        if name and not own.owns(int(name[1])):
            continue
        manifest = _standing(Path(out), int(name[1]), check_sha256) if name else None
        if manifest is not None:
            found[manifest.shard] = manifest
    return dict(sorted(found.items()))


def manifest_path(out: Path, number: int) -> Path:
    """Where the manifest of shard ``number`` stands."""
    return out / MANIFESTS / f"shard-{number:05d}.json"


def _standing(out: Path, number: int, check_sha256: bool) -> Manifest | None:
    """The manifest that agrees with the data of a shard, if one does."""
    path, manifest = out / shard_name(number), manifest_path(out, number)
    pending = part(manifest)
    if pending.exists():  # a commit was cut short: the digest says which of the two is true
        return next((m for p in (pending, manifest) if (m := agreeing(p, path, True))), None)
    return agreeing(manifest, path, check_sha256)


def agreeing(manifest: Path, path: Path, check_sha256: bool) -> Manifest | None:
    """What ``manifest`` says, if the file ``path`` is what it speaks of."""
    found = Manifest.read(manifest)
    try:
        if found is None or (shard_name(found.shard), found.bytes) != (
            path.name,
            path.stat().st_size,
        ):
            return None
        if check_sha256 and file_sha256(path) != found.sha256:
            return None
    except OSError:
        return None
    return found
