"""Parts of one run, made apart, become the dataset that one run makes; nothing else does."""

from pathlib import Path

import pytest

from simenv.dataset.fills import FillRound, commit_fill, read_fills
from simenv.dataset.lock import Lock
from simenv.dataset.merge import merge
from simenv.dataset.store import committed
from simenv.dataset.validate import validate
from simenv.errors import InputError, Locked
from simenv.selftest.small import files
from tests.dataset.factory import THREE, builder, commit, dataset, header, record


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two folders that together hold three shards; both have the last one."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, records in enumerate(THREE):
        commit(folders[number % 2], number, builder(records))
    commit(folders[1], 2, builder(THREE[2]))
    return folders


def test_parts_become_the_dataset_that_one_run_makes(
    out: Path, parts: list[Path], tmp_path: Path
) -> None:
    merged = merge(parts, tmp_path / "merged")
    assert (merged.shards, merged.scenes, merged.copied) == (3, 6, 3)
    assert merged.text == "3 shards, 6 scenes; 3 shards were copied"
    assert files(tmp_path / "merged") == files(out)
    assert merge(parts, tmp_path / "merged").copied == 0


def test_parts_can_be_put_into_one_of_them(out: Path, parts: list[Path]) -> None:
    assert merge(parts, parts[1]).copied == 1
    assert files(parts[1]) == files(out)


def test_a_part_from_before_its_run_was_extended_gives_way(out: Path, tmp_path: Path) -> None:
    early = tmp_path / "early"
    commit(early, 0, builder(THREE[0]))
    commit(early, 1, builder(THREE[1][:1]))
    for order in ([early, out], [out, early]):
        folder = tmp_path / order[0].name
        assert merge(order, folder / "merged").scenes == 6
        assert files(folder / "merged") == files(out)
    assert merge([out], early).copied == 2
    assert files(early) == files(out)


def test_a_damaged_part_is_named_and_what_was_copied_stands(
    parts: list[Path], tmp_path: Path
) -> None:
    path = parts[1] / "shard-00001.h5"
    broken = bytearray(path.read_bytes())
    broken[5000] ^= 1
    path.write_bytes(broken)
    with pytest.raises(InputError, match="differs from its manifest; simenv repair"):
        merge(parts, tmp_path / "merged")
    assert set(committed(tmp_path / "merged", check_sha256=True)) == {0}


def test_a_target_in_use_is_left_alone(parts: list[Path], tmp_path: Path) -> None:
    with Lock(tmp_path / "merged"), pytest.raises(Locked):
        merge(parts, tmp_path / "merged")
    assert not committed(tmp_path / "merged")


def test_lists_of_added_scenes_are_merged_and_must_agree(parts: list[Path], tmp_path: Path) -> None:
    first, second = (FillRound(0, 4, scenes, 0.5, 0.9, 40) for scenes in ((4, 5), (4, 6)))
    commit_fill(parts[1], first)
    merge(parts, tmp_path / "merged")
    assert read_fills(tmp_path / "merged") == (first,)
    assert not validate(tmp_path / "merged").findings
    commit_fill(parts[0], second)
    with pytest.raises(InputError, match="was filled otherwise than"):
        merge(parts, tmp_path / "other")


def test_what_is_no_folder_of_a_run_is_refused(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nope: is no folder; name folders that simenv generate"):
        merge([out, tmp_path / "nope"], tmp_path / "merged")
    with pytest.raises(InputError, match="names no folder"):
        merge([], tmp_path / "merged")


def test_shards_that_contradict_are_refused(out: Path, tmp_path: Path) -> None:
    other = dataset(tmp_path / "other", (record(0, seed=5), THREE[0][1]))
    with pytest.raises(InputError, match=r"shard-00000.h5 and .*shard-00000.h5 differ"):
        merge([out, other], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_other_runs_are_refused(out: Path, tmp_path: Path) -> None:
    other = dataset(tmp_path / "other", THREE[0], of=header(seed=8))
    with pytest.raises(InputError, match=r"has seed 8, .* has 7: not one run"):
        merge([out, other], tmp_path / "merged")
