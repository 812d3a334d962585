"""An object store holds the same bytes as a folder, committed by the same rule."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from typer.testing import CliRunner

import simenv
from simenv.cli import app
from simenv.dataset.lock import RUN as RUN_FILE
from simenv.dataset.slice import WHOLE, Slice
from simenv.dataset.store import INDEX, shard_name
from simenv.errors import InputError, Locked, StorageError
from simenv.generate import copy_to_folder, opener, produce
from simenv.generate.remote import LOCK, Store
from simenv.selftest.small import Run, files, task

RUN = Run(6)
URL = "memory://bucket/data"


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("calm") / "out"
    RUN.into(out)
    return files(out)


@pytest.fixture(autouse=True)
def _empty_memory() -> Iterator[None]:
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.at(URL if request.param == "memory" else f"file://{tmp_path}/bucket/data")


def content(store: Store) -> dict[str, bytes]:
    """All objects but the logs."""
    names = (path[len(store.root) + 1 :] for path in store.fs.find(store.root))
    return {name: store.get(name) for name in names if not name.startswith("log/")}


def make(store: Store, run: Run = RUN, own: Slice = WHOLE, **words: Any) -> int:
    """How many scenes it made."""
    return produce(replace(run.plan, own=own), task(), store.url, jobs=0, **words).made


def test_a_store_holds_what_a_folder_does(store: Store, truth: dict[str, bytes]) -> None:
    assert make(store) == 6
    assert content(store) == truth
    assert make(store) == 0
    assert content(store) == truth


def test_slices_into_a_store_are_the_whole(store: Store, truth: dict[str, bytes]) -> None:
    made = []
    for index in (1, 0):
        assert INDEX not in content(store)
        made.append(make(store, own=Slice(index, 2)))
    assert made == [2, 4]
    assert content(store) == truth


def test_a_shard_without_its_manifest_or_its_bytes_is_made_again(
    store: Store, truth: dict[str, bytes]
) -> None:
    make(store)
    store.remove("manifest/shard-00000.json")
    store.put(shard_name(2), truth[shard_name(2)][:-1])
    assert sorted(store.committed()) == [1]
    assert make(store) == 4
    assert content(store) == truth


def test_what_the_store_refuses_is_one_line_and_the_same_command_goes_on(
    truth: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fs: MemoryFileSystem, path: str, value: bytes, **words: Any) -> None:
        if path.endswith("manifest/shard-00001.json"):
            raise OSError("SlowDown")
        put(fs, path, value, **words)

    put, store = MemoryFileSystem.pipe_file, Store.at(URL)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "pipe_file", refuse)
        with pytest.raises(StorageError, match=r"shard-00001\.json: cannot write \d+ bytes: SlowD"):
            make(store)
    assert sorted(store.committed()) == [0]
    assert LOCK not in content(store)
    assert make(store) == 4
    assert content(store) == truth


def test_another_run_is_refused(store: Store) -> None:
    make(store, Run(2))
    before = content(store)
    with pytest.raises(InputError, match=f"{store.url}: was begun with seed 0, this run has 1"):
        make(store, Run(2, seed=1))
    with pytest.raises(InputError, match="holds 2 scenes, 1 would lose some"):
        make(store, Run(1))
    assert content(store) == before


@pytest.mark.parametrize(
    ("held", "wanted", "free"),
    [
        (WHOLE, WHOLE, False),
        (WHOLE, Slice(0, 2), False),
        (Slice(0, 2), WHOLE, False),
        (Slice(0, 2), Slice(0, 2), False),
        (Slice(0, 2), Slice(1, 3), False),
        (Slice(0, 2), Slice(1, 2), True),
    ],
)
def test_only_slices_of_one_cut_share_a_store(
    store: Store, held: Slice, wanted: Slice, free: bool
) -> None:
    with store.lock(held):
        if free:
            with store.lock(wanted):
                return
        with pytest.raises(Locked, match="another run is writing here"), store.lock(wanted):
            pass
    with store.lock(wanted):
        pass
    assert not content(store)


def test_the_lock_of_a_killed_run_says_whose_it_was_and_how_to_remove_it(store: Store) -> None:
    text = {"owner": "ada@node7", "pid": 12, "since": "2026-11-02T10:00:00Z", "token": "a"}
    store.put(LOCK, json.dumps(text).encode())
    with pytest.raises(Locked) as caught:
        make(store, Run(2))
    assert str(caught.value) == (
        f"{store.url}: another run is writing here (pid 12 of ada@node7 since "
        "2026-11-02T10:00:00Z); wait until it has ended, or, if it was killed, remove the object "
        f"{store.url}/.lock"
    )
    store.fs.rm(f"{store.url}/.lock")  # as the text advises
    assert make(store, Run(2)) == 2


def test_a_dataset_in_a_store_is_read_after_copying_it(
    tmp_path: Path, truth: dict[str, bytes]
) -> None:
    make(Store.at(URL))
    for place in (URL, Path(URL)):
        with pytest.raises(InputError) as caught:
            simenv.open(place)
        words = str(caught.value).split("copy it first: simenv ")[1].split()
    words[-1] = str(tmp_path / "copy")
    assert words[:2] == ["merge", URL]
    assert CliRunner().invoke(app, words).stdout == "3 shards were copied\n"
    assert files(tmp_path / "copy") == truth
    assert copy_to_folder(URL, tmp_path / "copy") == 0


def test_a_damaged_object_is_not_copied(tmp_path: Path, truth: dict[str, bytes]) -> None:
    store = Store.at(URL)
    make(store)
    store.put(shard_name(1), truth[shard_name(1)][:-1] + b"?")
    with pytest.raises(InputError, match=r"shard-00001\.h5: differs from its manifest; remove the"):
        copy_to_folder(URL, tmp_path / "copy")
    store.remove(shard_name(1))  # as the text advises
    make(store)
    assert content(store) == truth


def test_an_empty_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{URL}: holds no committed shard; simenv generate"):
        copy_to_folder(URL, tmp_path / "copy")


def test_executors_need_a_folder() -> None:
    threads = opener("concurrent.futures:ThreadPoolExecutor")
    with pytest.raises(InputError, match="workers need a folder; give each of them a slice"):
        produce(RUN.plan, task(), URL, executor=threads)


def test_a_store_that_nothing_here_knows_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^odd://x: Protocol not known: odd"):
        Store.at("odd://x")


def test_without_fsspec_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InputError, match=r"^s3://b: needs fsspec: pip install simenv\[remote\]$"):
        Store.at("s3://b")


def test_run_json_is_created_by_one_alone(store: Store) -> None:
    store.identify({"seed": 0})
    with pytest.raises(FileExistsError):
        store._create(RUN_FILE, b"{}")
    assert json.loads(store.get(RUN_FILE)) == {"seed": 0}
