"""Slices of one plan, made apart or at once, are the whole; and nothing disturbs another."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from simenv.dataset.lock import GATE, Lock, identify
from simenv.dataset.slice import Slice
from simenv.dataset.store import INDEX, committed, manifest_path, shard_name
from simenv.errors import InputError, Locked, SimenvError
from simenv.generate import produce
from simenv.selftest.nursery import Child, Tell, in_child
from simenv.selftest.small import Run, files, task

ROOT = Path(__file__).parents[2]
SCENES, COUNT = 12, 3
RUN = Run(SCENES)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One run that makes everything."""
    out = tmp_path_factory.mktemp("calm") / "out"
    RUN.into(out)
    return files(out)


def made(index: int, out: Path, tell: Tell | None = None, count: int = COUNT) -> int:
    """A slice, with the exit status of the command."""
    try:
        produce(replace(RUN.plan, own=Slice(index, count)), task(), out, jobs=0)
    except SimenvError as error:
        print(error)
        return error.exit_status
    return 0


def hurt(home: Path) -> None:
    """All slices at once into one folder, and in another slice 1 killed in its first commit."""
    made(0, home / "warm")  # so that children find everything imported
    ends = [Child.start(partial(made, index, home / "at_once")) for index in range(COUNT)]
    said = [(ended.status, ended.printed) for ended in (child.wait() for child in ends)]
    fault = "kill@after_data_rename:1"
    print(json.dumps([said, in_child(partial(made, 1, home / "killed"), fault=fault).signal]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `hurt` has left, in a fresh process: this one may have engines, and cannot fork."""
    home = tmp_path_factory.mktemp("hurt")
    code = "import sys, pathlib; from tests.generate.test_slices import hurt;"
    code += "hurt(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[[0, ""]] * COUNT, 9]
    return home


def test_slices_made_at_the_same_time_are_the_whole(home: Path, truth: dict[str, bytes]) -> None:
    assert files(home / "at_once") == truth  # the index, too: the last one wrote it


def test_the_index_comes_with_the_last_slice_and_the_folder_can_be_read_before(
    tmp_path: Path, truth: dict[str, bytes]
) -> None:
    for index in (2, 0, 1):
        assert not (tmp_path / "out" / INDEX).exists()
        assert made(index, tmp_path / "out") == 0
    assert files(tmp_path / "out") == truth


def test_a_slice_killed_in_a_commit_is_finished_by_its_own_next_run_only(
    home: Path, truth: dict[str, bytes]
) -> None:
    out, shard = home / "killed", 1
    pending = Path(f"{manifest_path(out, shard)}.part")
    assert made(0, out) == 0
    assert pending.exists()  # another slice may be at work on it
    assert made(1, out) == 0
    assert not pending.exists()
    assert made(2, out) == 0
    assert files(out) == truth


def test_a_whole_run_finishes_what_slices_have_begun(
    tmp_path: Path, truth: dict[str, bytes]
) -> None:
    assert made(1, tmp_path / "out") == 0
    RUN.into(tmp_path / "out")
    assert files(tmp_path / "out") == truth


@pytest.mark.parametrize(
    ("held", "wanted", "said"),
    [
        (Slice(0, 1), Slice(0, 3), "another run is writing here"),
        (Slice(0, 3), Slice(0, 1), "another run is writing here .*slice 0/3"),
        (Slice(0, 3), Slice(0, 3), "another run is writing here"),
        (Slice(0, 3), Slice(1, 4), "slice 0-of-3 is at work here, of another count than 1/4"),
    ],
)
def test_what_would_make_the_same_shards_is_locked_out(
    tmp_path: Path, held: Slice, wanted: Slice, said: str
) -> None:
    with Lock(tmp_path, held), pytest.raises(Locked, match=said):
        Lock(tmp_path, wanted).__enter__()
    with Lock(tmp_path, wanted):
        pass  # and afterwards it may


def test_other_slices_share_the_folder(tmp_path: Path) -> None:
    with Lock(tmp_path, Slice(0, 3)), Lock(tmp_path, Slice(2, 3)):
        pass


def test_of_slices_that_end_exactly_one_is_the_last(tmp_path: Path) -> None:
    with Lock(tmp_path, Slice(0, 2)) as first, Lock(tmp_path, Slice(1, 2)) as second:
        assert [first.alone(), second.alone()] == [False, True]


def test_a_sweep_removes_drafts_of_the_slices_own_shards_only(tmp_path: Path) -> None:
    drafts = [tmp_path / f"{shard_name(k)}.abcdef.part" for k in range(6)]
    for draft in drafts:
        draft.write_bytes(b"half")
    with Lock(tmp_path, Slice(1, 3)):
        left = [k for k, draft in enumerate(drafts) if draft.exists()]
    assert left == [0, 2, 3, 5]


def test_slices_of_different_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / GATE).touch()
    identify(tmp_path, RUN.plan.header(task()).identity)
    other = replace(RUN, seed=1).plan
    with pytest.raises(InputError, match="was begun with seed 0, this run has 1"):
        produce(replace(other, own=Slice(1, 3)), task(), tmp_path, jobs=0)
    assert not committed(tmp_path)


def test_slices_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"slices share a folder, .*one\.h5 is a file"):
        produce(replace(RUN.plan, own=Slice(0, 2)), task(), tmp_path / "one.h5", jobs=0)
