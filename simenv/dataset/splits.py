"""Which scenes are for training and which are for tests: a file beside the data, by scene number.

A split names scenes, never frames, so all pictures of a scene are on one side. It stays true for
every twin of the dataset (another look, one merged file), because it is bound to the digests of
the scenes' labels and not to files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from simenv.dataset.disk import make_folder, replace_file, storage
from simenv.dataset.lock import Lock
from simenv.dataset.store import INDEX, MANIFESTS
from simenv.errors import InputError
from simenv.reading import MAX_LIST, read_bytes
from simenv.spec.explain import suggest
from simenv.spec.model import Name, Spec

__all__ = [
    "DEFAULT",
    "UNSEEN",
    "Origin",
    "Request",
    "Split",
    "Table",
    "carry",
    "check_current",
    "labels_sha256",
    "read_split",
    "split_file",
    "split_names",
    "splits_folder",
    "write_split",
]

DEFAULT = "default"
UNSEEN = "test_unseen"  # the scenes in which something held out occurs; BOP reads it as test, too
SUFFIX = ".splits"  # of the folder beside a single file

Table = Mapping[str, NDArray[Any]]  # /scenes by column
Number = Annotated[int, Field(ge=0)]


class Request(Spec):
    """What was asked for; the same request extends a split."""

    fractions: dict[Name, Annotated[float, Field(gt=0, le=1)]]
    seed: Number
    hold_out: tuple[str, ...] = ()


class Origin(Spec):
    """The dataset that it is of."""

    task_sha256: str
    seed: int
    labels_sha256: str
    """Of the number and the digest of the labels of every scene that is listed."""


class Split(Spec):
    """Name of each part -> the numbers of its scenes, sorted; rejected scenes are in none."""

    format: Literal["simenv-split-1"] = "simenv-split-1"
    name: Name
    request: Request
    dataset: Origin
    splits: dict[Name, tuple[Number, ...]]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All scenes that it lists, sorted; one that is listed twice is there twice."""
        return tuple(sorted(number for own in self.splits.values() for number in own))

    @property
    def text(self) -> str:
        """The file: one line for each part, and the digest of all others."""
        lines = [f'  "{key}": {_json(self, key)}' for key in ("format", "name", "request")]
        lines.append(f'  "dataset": {_json(self, "dataset")}')
        parts = ",\n".join(f'    "{name}": {list(own)}' for name, own in self.splits.items())
        lines.append(f'  "splits": {{\n{parts}\n  }}')
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        lines.append(f'  "sha256": "{digest}"')
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(split: Split, key: str) -> str:
    return split.model_dump_json(include={key})[len(key) + 4 : -1]


def splits_folder(path: Path) -> Path:
    """Where the splits of the dataset at ``path`` are: in its folder, or beside its single file."""
    if path.is_dir():
        return path / "splits"
    if path.name == INDEX and (path.parent / MANIFESTS).is_dir():
        return path.parent / "splits"
    return path.with_suffix(SUFFIX)


def split_file(path: Path, name: str) -> Path:
    """Where split ``name`` of the dataset at ``path`` is."""
    return splits_folder(path) / f"{name}.json"


def split_names(path: Path) -> tuple[str, ...]:
    """Names of the splits that there are, sorted."""
    return tuple(sorted(file.stem for file in splits_folder(path).glob("*.json")))


def read_split(path: Path, name: str = DEFAULT) -> Split:
    """Split ``name`` of the dataset at ``path``.

    Raises:
        InputError: there is none, or the file is no split.
    """
    file, names = split_file(path, name), split_names(path)
    if name not in names:
        way_out = suggest(name, names) if names else f"make one with `simenv split {path}`"
        raise InputError(f"{path}: has no split {name}; {way_out}")
    try:
        data = read_bytes(file, most=MAX_LIST)
        split = Split.model_validate_json(_without_digest(data))
    except ValidationError as error:
        row = error.errors(include_url=False)[0]
        where = ".".join(map(str, row["loc"]))
        why = f"{where}: {row['msg']}" if where else row["msg"]
        raise InputError(f"{file}: is no split ({why}); remove it and make it again") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); make it readable") from None
    if split.name != name:
        raise InputError(f"{file}: is split {split.name}; name the file {split.name}.json")
    if split.text.encode() != data:
        raise InputError(f"{file}: is not as it was written; remove it and make it again")
    return split


def _without_digest(data: bytes) -> bytes:
    """The file without its own digest; as it is where there is none."""
    return re.sub(rb',\s*"sha256":\s*"[0-9a-f]*"\s*}\s*\Z', b"\n}\n", data)


def write_split(path: Path, split: Split) -> Path:
    """Put ``split`` beside the data, whole or not at all, in the place of one of its name.

    Raises:
        Locked: another run is writing there.
        StorageError: the disk refuses.
    """
    file = split_file(path, split.name)
    with Lock(file.parent if file.parent.suffix == SUFFIX else file.parent.parent):
        with storage(file, 0):
            make_folder(file.parent)
            for pending in file.parent.glob("*.json.part"):  # of a run that was killed
                pending.unlink()
        replace_file(file, split.text.encode())
    return file


def carry(source: Path, target: Path) -> None:
    """The splits of the dataset ``source`` are those of ``target`` as well: the same scenes."""
    for name in split_names(source):
        write_split(target, read_split(source, name))


def labels_sha256(scenes: Table, numbers: tuple[int, ...]) -> str:
    """The digest that binds a split to its scenes; a scene that is not there has no labels."""
    labels = dict(zip(scenes["index"].tolist(), scenes["labels_sha256"], strict=True))
    lines = "".join(f"{number} {labels.get(number, '')}\n" for number in sorted(set(numbers)))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_current(split: Split, attrs: Mapping[str, Any], scenes: Table, file: Path) -> None:
    """That the dataset is the one which was split; one that has grown since is.

    Raises:
        InputError: it is another one; the text says in what.
    """
    if labels_sha256(scenes, split.numbers) == split.dataset.labels_sha256:
        return
    missing = np.setdiff1d(split.numbers, scenes["index"])
    why = "scenes have other labels"
    if split.dataset.task_sha256 != attrs["task_sha256"]:
        why = "the task is another"
    elif split.dataset.seed != attrs["seed"]:
        why = f"the seed was {split.dataset.seed}, is {attrs['seed']}"
    elif len(missing):
        why = f"scene {missing[0]} is not there"
    raise InputError(
        f"{file}: is of another dataset ({why}); remove it and split again, "
        "or finish the dataset with simenv generate"
    )
