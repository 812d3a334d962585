"""One wrong bit in any byte of a small file is found; those of large ones have digests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simenv.dataset.fills import FillRound, commit_fill, read_fills
from simenv.dataset.lock import RUN
from simenv.dataset.splits import read_split, split_file
from simenv.dataset.store import manifest_path
from simenv.dataset.validate import against_manifest, validate
from simenv.errors import InputError
from tests.dataset.factory import builder, commit, record
from tests.dataset.test_splits import CLEAN, stored


def unfound(path: Path, finds: Callable[[], bool], *, step: int = 1) -> list[int]:
    """Which bytes can have a wrong bit that is not found; every ``step``-th is tried."""
    whole, missed = path.read_bytes(), []
    assert not finds(), "it is found where nothing is wrong"
    for place in range(0, len(whole), step):
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        if not finds():
            missed.append(place)
    path.write_bytes(whole)
    return missed


def refused(read: Callable[[], object]) -> bool:
    """Whether reading it ends in one clear line."""
    try:
        read()
    except InputError as error:
        return "\n" not in str(error)
    return False


def test_in_a_list_of_added_scenes(tmp_path: Path) -> None:
    commit_fill(tmp_path, FillRound(0, 12, (12, 15, 40), 0.5, 0.95, 4000))
    path = tmp_path / "manifest/fill-000.json"
    assert unfound(path, lambda: refused(lambda: read_fills(tmp_path))) == []


def test_in_a_split(out: Path) -> None:
    stored(out, CLEAN)
    path = split_file(out, "default")
    assert unfound(path, lambda: refused(lambda: read_split(out))) == []
    path.write_bytes(path.read_bytes().replace(b"train", b"brain"))
    assert [finding.file for finding in validate(out).findings] == [path.name]


def test_in_a_manifest(tmp_path: Path) -> None:
    commit(tmp_path, 0, builder([record(0, frames=0)]))
    path = manifest_path(tmp_path, 0)
    missed = unfound(path, lambda: bool(against_manifest(tmp_path, 0)[0]))
    values = path.read_bytes()[missed[0] : missed[-1] + 1]
    assert values.startswith(b"0,"), "only values of scenes are left to those who open the shard"
    assert unfound(path, lambda: bool(validate(tmp_path).findings), step=7) == []


@pytest.mark.parametrize("step", range(3))
def test_in_run_json(out: Path, step: int) -> None:
    path = out / RUN
    data = bytearray(path.read_bytes())
    data[step * (len(data) - 1) // 2] ^= 1
    path.write_bytes(data)
    assert [finding.file for finding in validate(out).findings] == [RUN]
