"""Which scenes were added to a dataset because they fill its holes: the rounds of `simenv fill`.

A round is committed to manifest/fill-000.json before its first scene is made, so that a run that is
killed goes on with the same numbers. Its scenes come after all earlier ones, with gaps.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simenv.dataset.disk import make_folder, replace_file, storage
from simenv.dataset.store import MANIFESTS
from simenv.errors import InputError
from simenv.reading import MAX_LIST, parse_json, read_bytes

__all__ = ["FillRound", "commit_fill", "read_fills"]

NAME = re.compile(r"fill-(\d{3,})\.json")


@dataclass(frozen=True)
class FillRound:
    """The scenes that one round adds, and why."""

    round: int  # 0, 1, ...
    begun_with: int  # scenes 0 to this number - 1 were generated before any round
    scenes: tuple[int, ...]  # increasing
    coverage: float  # before the round
    wanted: float
    max_scenes: int  # that the dataset may have

    @classmethod
    def read(cls, path: Path) -> FillRound:
        """The round in ``path``.

        Raises:
            InputError: if it cannot be read.
        """
        try:
            data = read_bytes(path, most=MAX_LIST)
            own = parse_json(data)
            del own["sha256"]
            found = cls(**{**own, "scenes": tuple(int(scene) for scene in own["scenes"])})
            if found.text != data:
                raise ValueError("it is not as it was written")
            return found
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: cannot be read ({error}); copy it back, or remove the shards that it "
                "added and all fill-*.json files from it on"
            ) from None

    @property
    def text(self) -> bytes:
        """As it stands in the file."""
        own: dict[str, Any] = asdict(self)
        digest = hashlib.sha256(json.dumps(own).encode()).hexdigest()
        return (json.dumps({**own, "sha256": digest}) + "\n").encode()


def read_fills(out: str | Path) -> tuple[FillRound, ...]:
    """The rounds of the folder ``out``, in order; none where nothing was filled.

    Raises:
        InputError: if one is missing or cannot be read.
    """
    folder = Path(out) / MANIFESTS
    found = {int(m[1]): p for p in folder.glob("fill-*.json") if (m := NAME.fullmatch(p.name))}
    rounds = []
    for number in range(max(found, default=-1) + 1):
        if number not in found:
            raise InputError(f"{_path(Path(out), number)}: is missing; copy it back")
        rounds.append(FillRound.read(found[number]))
    return tuple(rounds)


def commit_fill(out: str | Path, fill: FillRound) -> None:
    """Write a round down, before its scenes are made.

    Raises:
        InputError: if another run has added one meanwhile.
        StorageError: if the disk refuses.
    """
    if len(read_fills(out)) != fill.round:
        raise InputError(f"{out}: another run filled it meanwhile; run the same command again")
    path = _path(Path(out), fill.round)
    with storage(path, len(fill.text)):
        make_folder(path.parent)
    replace_file(path, fill.text)


def _path(out: Path, number: int) -> Path:
    return out / MANIFESTS / f"fill-{number:03d}.json"
