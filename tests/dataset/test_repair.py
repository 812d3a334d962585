"""Repair keeps what is proven whole, puts the rest aside, and does nothing twice."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simenv.dataset.index import merge_to_file, write_index
from simenv.dataset.lock import Lock
from simenv.dataset.read import Dataset
from simenv.dataset.repair import repair
from simenv.dataset.seal import broken_seal
from simenv.dataset.store import commit_shard, committed, manifest_path
from simenv.dataset.validate import validate
from simenv.errors import InputError, Locked
from simenv.selftest.small import files
from tests.dataset.factory import THREE, builder


def test_nothing_is_done_to_a_sound_dataset(out: Path) -> None:
    before = files(out)
    assert list(repair(out)) == []
    assert files(out) == before


def test_a_damaged_shard_is_put_aside_and_the_index_says_so(out: Path) -> None:
    path = out / "shard-00001.h5"
    broken = bytearray(path.read_bytes())
    broken[100] ^= 1
    path.write_bytes(broken)
    assert list(repair(out)) == [
        "shard-00001.h5: put aside as damaged/shard-00001.h5: it is not what was committed",
        "manifest/shard-00001.json: put aside as damaged/shard-00001.json: it is not what was "
        "committed",
        "dataset.h5: written again, of 2 shards",
    ]
    assert list(repair(out)) == []
    assert (out / "damaged/shard-00001.h5").read_bytes() == broken
    with Dataset(out) as ds:
        assert set(ds.table("scenes")["index"]) == {0, 1, 4, 5}
    commit_shard(out, 1, builder(THREE[1]))  # what generate does
    write_index(out)
    assert not validate(out).findings


MANIFEST_DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "{}",
    "spelt otherwise": lambda text: text + "\n",
    "no row": lambda text: text.replace('"scene"', '"scane"'),
    "other format": lambda text: text.replace("simenv-dataset-1", "simenv-dataset-3"),
    "other digest": lambda text: text.replace('"all": "', '"all": "0'),
    "other outcome": lambda text: text.replace("accepted", "acceptee"),
}


@pytest.mark.parametrize("damage", MANIFEST_DAMAGE)
def test_a_manifest_is_written_again_where_the_digest_is_known(out: Path, damage: str) -> None:
    before = files(out)
    text = manifest_path(out, 2).read_text()
    broken = MANIFEST_DAMAGE[damage](text)
    assert broken != text
    manifest_path(out, 2).write_text(broken)
    assert any("simenv repair" in finding.what for finding in validate(out).findings)
    assert list(repair(out)) == [
        "manifest/shard-00002.json: written again: shard-00002.h5 is whole"
    ]
    assert files(out) == before


def test_a_draft_is_removed_and_a_shard_without_manifest_is_kept_aside(out: Path) -> None:
    (out / "dataset.h5").unlink()
    manifest_path(out, 2).unlink()
    (out / "shard-00007.h5.abc.part").write_bytes(b"half")
    (out / "mine.part").write_bytes(b"a file of the user's")
    said = list(repair(out))
    aside = "shard-00002.h5: put aside as damaged/shard-00002.h5: it has no manifest"
    assert aside in said
    assert "shard-00007.h5.abc.part: finished or removed: it was never committed" in said
    assert list(out.glob("*.part")) == [out / "mine.part"]
    assert set(committed(out)) == {0, 1}
    assert (out / "damaged/shard-00002.h5").exists()
    assert list(repair(out)) == []


def test_run_json_is_written_again(out: Path) -> None:
    before = (out / "run.json").read_bytes()
    (out / "run.json").write_bytes(before.replace(b'"seed": ', b'"seed": 1'))
    assert "run.json: is not what the shards say; simenv repair" in map(str, validate(out).findings)
    assert list(repair(out)) == ["run.json: written again, as the shards say it"]
    assert (out / "run.json").read_bytes() == before


def test_a_folder_in_use_is_left_alone(out: Path) -> None:
    draft = out / "shard-00007.h5.abc.part"
    with Lock(out):
        draft.write_bytes(b"half")
        with pytest.raises(Locked, match="another run is writing here"):
            next(repair(out))
        assert draft.exists()


def test_what_is_no_folder_of_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no shard; name the folder"):
        list(repair(tmp_path))
    with pytest.raises(InputError, match="is no folder"):
        list(repair(tmp_path / "x.h5"))


def test_a_seal_tells_of_any_byte(out: Path, tmp_path: Path) -> None:
    path = merge_to_file(out, tmp_path / "one.h5")
    assert not broken_seal(path)
    whole = path.read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 90, len(whole) - 40):
        broken = bytearray(whole)
        broken[place] ^= 4
        path.write_bytes(broken)
        assert broken_seal(path)
    for data in (whole[:-1], whole + b"\n"):
        path.write_bytes(data)
        assert "does not end with its seal" in broken_seal(path)
        assert validate(path).findings
    shutil.rmtree(out)
