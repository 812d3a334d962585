"""What was committed stays: through kill -9, a full disk, a second run, another identity."""

import fcntl
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv import fault
from simenv.dataset.disk import file_sha256
from simenv.dataset.index import merge_to_file, write_index
from simenv.dataset.lock import Lock, identify
from simenv.dataset.read import open as open_dataset
from simenv.dataset.store import Manifest, commit_shard, committed, manifest_path
from simenv.dataset.validate import validate
from simenv.errors import InputError, Locked, StorageError
from tests.dataset.factory import THREE, builder, dataset, header, record
from tests.dataset.test_same_bytes import files

KILLS = 10


class Packed:
    """A shard of some bytes; the store does not look into them."""

    def __init__(self, data: bytes, scenes: int = 1) -> None:
        self.data, self.scenes = data, scenes

    def image(self) -> bytes:
        """The bytes."""
        return self.data

    def manifest(self) -> dict[str, Any]:
        """Scenes from 0."""
        row = {"outcome": "accepted", "frames": 1, "labels": "", "all": ""}
        return {"scenes": [{"scene": k, **row} for k in range(self.scenes)]}


def write_forever(out: Path, started: Any) -> None:
    """Commit shards 0, 1, 2, 0, ... with contents of changing size until killed."""
    rng = np.random.default_rng(os.getpid())
    with Lock(out):
        started.set()
        for turn in range(10**9):
            commit_shard(out, turn % 3, Packed(rng.bytes(int(rng.integers(1, 1 << 20))), turn + 1))


def test_kill_9_at_any_moment_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    """A shard that was committed once is there ever after, old or new, with all its bytes."""
    context, rng = multiprocessing.get_context("fork"), random.Random(0)
    before: dict[int, Manifest] = {}
    for _ in range(KILLS):
        started = context.Event()
        writer = context.Process(target=write_forever, args=(tmp_path, started))
        writer.start()
        assert started.wait(30)
        time.sleep(rng.uniform(0.0, 0.08))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        after = committed(tmp_path, check_sha256=True)
        assert before.keys() <= after.keys()
        with Lock(tmp_path):
            assert committed(tmp_path, check_sha256=True) == after
            assert not list(tmp_path.rglob("*.part"))
        before = after
    assert before


def crash_states(tmp_path: Path, old: Packed | None, new: Packed) -> Iterator[Path]:
    """The folder after each system call of a commit, as if the process had died there."""
    calls = ("open", "fsync", "replace", "unlink")
    for stop in range(40):
        out = tmp_path / str(stop)
        if old is not None:
            commit_shard(out, 0, old)
        (out / "dataset.h5").touch() if out.exists() else out.mkdir()
        child = os.fork()
        if child == 0:
            _die_after(stop, calls)
            commit_shard(out, 0, new)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        yield out
        if status == 0:
            return
    pytest.fail("a commit makes fewer calls than this")


def _die_after(stop: int, names: tuple[str, ...]) -> None:
    """Let the ``stop``-th of these calls in os be the last."""
    left = [stop]

    def counted(call: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                os._exit(1)
            left[0] -= 1
            return call(*args, **kwargs)

        return wrapped

    for name in names:
        setattr(os, name, counted(getattr(os, name)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("old", [None, Packed(b"old" * 99, 1), Packed(b"NEW" * 99, 1)])
def test_dying_between_any_two_calls_leaves_the_old_or_the_new(
    tmp_path: Path, old: Packed | None
) -> None:
    """Also where old and new have the same size, so that only the digest tells them apart."""
    new, seen = Packed(b"new" * 99, 2), set()
    for out in crash_states(tmp_path, old, new):
        found = committed(out, check_sha256=True)
        assert found or old is None
        if found:
            seen.add(len(found[0].rows))
            with Lock(out):
                assert committed(out, check_sha256=True) == found
            if list(found[0].rows) == new.manifest()["scenes"]:
                assert not (out / "dataset.h5").exists(), "a stale index must not stay"
    assert seen == ({2} if old is None else {1, 2})


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: write fails with EFBIG, as with ENOSPC."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    out = dataset(tmp_path / "out", *THREE[:2])
    before, shard = files(out), builder(THREE[2])
    size = len(shard.image())
    for limit in (0, 1000, size - 1):
        with full_disk(limit), pytest.raises(StorageError) as error:
            commit_shard(out, 1, shard)
        text = str(error.value)
        assert f"shard-00001.h5: cannot write {size} bytes: File too large" in text
        assert "run the same command again" in text
        assert error.value.exit_status == 74
        assert files(out) == before
    commit_shard(out, 1, shard)  # the advice, taken
    assert committed(out, check_sha256=True)[1].scenes == (4, 5)


@pytest.mark.parametrize("step", ["write", "sync", "rename"])
def test_whatever_the_disk_refuses_in_a_commit_is_one_line_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Each write, sync and rename in turn; then the advice is taken."""
    old, new = Packed(b"old" * 99, 1), Packed(b"new" * 99, 2)
    for number in range(1, 20):
        out = tmp_path / str(number)
        commit_shard(out, 0, old)
        monkeypatch.setattr(fault._Passed, "times", Counter[str]())
        monkeypatch.setenv(fault.VARIABLE, f"eio@{step}:{number}")
        try:
            commit_shard(out, 0, new)
        except StorageError as error:
            said = str(error)
        else:
            break
        finally:
            monkeypatch.delenv(fault.VARIABLE)
        assert "shard-00000.h5: cannot write 297 bytes: Input/output error; what was" in said
        with Lock(out):
            assert committed(out, check_sha256=True) == committed(out) != {}
        commit_shard(out, 0, new)
        assert len(committed(out)[0].rows) == 2
    assert 2 <= number - 1 <= 8  # so many there are


LIMITED = "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))"
FULL = """
write = os.pwrite
def pwrite(fd, data, at):
    if at + len(data) > limit:
        raise OSError(errno.ENOSPC, "")
    return write(fd, data, at)
os.pwrite = pwrite
"""  # unlike a limit, a full disk lets a file be lengthened without data


@pytest.mark.parametrize(
    ("disk", "reason"), [(LIMITED, "File too large"), (FULL, "No space left on device")]
)
@pytest.mark.parametrize("limit", [0, 5_000, 50_000, 100_000])
def test_a_full_disk_while_merging_leaves_no_file(
    tmp_path: Path, clean: Path, limit: int, disk: str, reason: str
) -> None:
    """In a process of its own: an error that reaches libhdf5 would be a crash."""
    path = tmp_path / "one.h5"
    path.write_text("what was there")
    script = f"""
import errno, os, resource
from simenv.dataset.index import merge_to_file
from simenv.errors import StorageError
limit = {limit}
{disk}
try:
    merge_to_file({str(clean)!r}, {str(path)!r})
except StorageError as error:
    print(error)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True
    )
    assert "one.h5: cannot write" in done.stdout
    assert reason in done.stdout
    assert done.stderr == ""
    assert path.read_text() == "what was there"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.h5"]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file/out: cannot write 0 bytes: Not a directory"):
        identify(tmp_path / "file" / "out", header().identity)
    with pytest.raises(InputError, match="file: is a file; choose a folder, or a new name"):
        identify(tmp_path / "file", header().identity)


def test_a_second_process_is_locked_out_until_the_first_dies(tmp_path: Path) -> None:
    script = f"""
import sys, time
from simenv.dataset.lock import Lock
with Lock({str(tmp_path)!r}):
    print("locked", flush=True)
    time.sleep(60)
"""
    root = Path(__file__).parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(Locked, match=rf"another run is writing here \(pid {holder.pid} on"):
        Lock(tmp_path).__enter__()
    holder.kill()
    holder.communicate()
    with Lock(tmp_path):
        pass


def test_the_lock_is_not_inherited_across_exec(tmp_path: Path) -> None:
    with Lock(tmp_path):
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    sleeper.communicate(b"\n")


def test_a_run_goes_on_with_the_same_arguments_only(tmp_path: Path) -> None:
    identify(tmp_path, header().identity)
    identify(tmp_path, header(gl="another driver").identity)  # a machine is no identity
    for key, value in {"seed": 8, "renderer": "egl", "tier": "edge", "shard_scenes": 4}.items():
        with pytest.raises(
            InputError, match=f"was begun with {key} .*choose another --out, or rep"
        ):
            identify(tmp_path, header(**{key: value}).identity)
    with pytest.raises(InputError, match="task_sha256"):
        identify(tmp_path, header(task_text="{}").identity)
    assert json.loads((tmp_path / "run.json").read_text()) == header().identity


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs.h5").touch()
    with pytest.raises(InputError, match=r"holds theirs\.h5 but no run\.json"):
        identify(tmp_path, header().identity)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: cannot be read"):
        identify(tmp_path, header().identity)


def test_a_dataset_grows_and_its_last_shard_is_replaced(tmp_path: Path, clean: Path) -> None:
    """Nine scenes, then more: the part-filled shard is made anew, the index with it."""
    out = dataset(tmp_path / "out", THREE[0], THREE[1][:1])
    with open_dataset(out) as ds:
        before = len(ds)
    commit_shard(out, 1, builder(THREE[1]))
    assert not (out / "dataset.h5").exists()
    commit_shard(out, 2, builder(THREE[2]))
    write_index(out)
    with open_dataset(out) as ds:
        assert len(ds) > before
        assert ds.table("scenes")["index"].tolist() == list(range(6))
    assert files(out) == files(clean)
    assert not validate(out).findings


def test_a_worker_sees_the_shards_that_its_parent_saw(tmp_path: Path) -> None:
    """A run goes on while its first shards are read."""
    commit_shard(tmp_path, 0, builder(THREE[0]))
    ds = open_dataset(tmp_path)
    rebuild, arguments = ds.__reduce__()
    commit_shard(tmp_path, 2, builder(THREE[2]))
    write_index(tmp_path)
    with rebuild(*arguments) as copy:
        assert len(copy) == len(ds)
    with open_dataset(tmp_path) as whole:
        assert len(whole) > len(ds)
    ds.close()


def test_shards_that_do_not_stand_are_not_counted(out: Path) -> None:
    assert list(committed(out)) == [0, 1, 2]
    (out / "shard-00000.h5").write_bytes(b"short")
    manifest_path(out, 1).write_text("{")
    assert list(committed(out)) == [2]
    data = bytearray((out / "shard-00002.h5").read_bytes())
    data[1000] ^= 1
    (out / "shard-00002.h5").write_bytes(data)
    assert list(committed(out)) == [2]
    assert list(committed(out, check_sha256=True)) == []
    os.rename(out / "shard-00002.h5", out / "shard-00007.h5")
    os.rename(manifest_path(out, 2), manifest_path(out, 7))
    assert list(committed(out)) == []


def test_the_manifest_names_bytes_and_scenes(tmp_path: Path) -> None:
    manifest = commit_shard(tmp_path, 4, builder(THREE[0]))
    path = tmp_path / "shard-00004.h5"
    assert (manifest.bytes, manifest.sha256) == (path.stat().st_size, file_sha256(path))
    assert manifest.scenes == (0, 1)
    assert [row["outcome"] for row in manifest.rows] == ["accepted", "rejected"]
    assert [row["frames"] for row in manifest.rows] == [2, 0]


def test_shards_of_two_runs_are_not_joined(tmp_path: Path) -> None:
    commit_shard(tmp_path, 0, builder([record(0)]))
    commit_shard(tmp_path, 1, builder([record(1)], of=header(seed=8)))
    with pytest.raises(
        InputError, match=r"shard-00001\.h5: seed is 8, in shard-00000\.h5 7: not one"
    ):
        write_index(tmp_path)


def test_a_run_finished_on_another_machine_names_both(tmp_path: Path) -> None:
    commit_shard(tmp_path, 0, builder([record(0)]))
    commit_shard(tmp_path, 1, builder([record(1)], of=header(gl="a GPU")))
    write_index(tmp_path)
    with open_dataset(tmp_path) as ds:
        assert ds.attrs["gl"] == "a GPU | none"


def test_nothing_committed_is_nothing_to_join(tmp_path: Path) -> None:
    for act in (write_index, lambda out: merge_to_file(out, tmp_path / "x.h5")):
        with pytest.raises(InputError, match="no shard is committed; run simenv generate with"):
            act(tmp_path)
