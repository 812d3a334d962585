"""A demonstration is there whole, bit for bit, or not at all; and nothing else is taken for one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simenv.dataset.demo import (
    Episode,
    episode_paths,
    is_demos,
    open_demos,
    read_actions,
    read_episode,
    read_outcome,
    write_episode,
)
from simenv.dataset.disk import part
from simenv.errors import InputError, StorageError
from tests.dataset.demos import demo, demos
from tests.dataset.test_store import full_disk


def assert_same(one: Episode, two: Episode) -> None:
    """Every value, shape and type."""
    for field in fields(Episode):
        own, other = getattr(one, field.name), getattr(two, field.name)
        rows = {"": own} if isinstance(own, np.ndarray) else own
        if not isinstance(rows, dict):
            assert own == other, field.name
            assert type(own) is type(other), field.name
            continue
        others = {"": other} if isinstance(other, np.ndarray) else other
        assert set(rows) == set(others)
        for name, values in rows.items():
            assert values.dtype == others[name].dtype, name
            np.testing.assert_array_equal(values, others[name], err_msg=name)


@pytest.mark.parametrize("number", range(3))
def test_what_is_written_is_read_bit_for_bit(tmp_path: Path, number: int) -> None:
    episode = demo(number, success=number != 1)
    path = write_episode(tmp_path / "new/folder", number, episode)
    assert path == tmp_path / f"new/folder/episode-00000{number}.h5"
    assert_same(read_episode(path), episode)
    np.testing.assert_array_equal(read_actions(path), episode.actions)
    assert read_outcome(path) == (episode.success, len(episode))


def test_nan_and_infinities_are_values_like_others(tmp_path: Path) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.0])
    episode = demo(observations={"odd": odd})
    found = read_episode(write_episode(tmp_path, 0, episode)).observations["odd"]
    assert found.tobytes() == odd.tobytes()


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    episode = demo()
    backwards = replace(
        episode, observations=dict(sorted(episode.observations.items(), reverse=True))
    )
    for name, one in (("one", episode), ("two", demo()), ("three", backwards)):
        write_episode(tmp_path / name, 0, one)
    first = (tmp_path / "one/episode-000000.h5").read_bytes()
    assert (tmp_path / "two/episode-000000.h5").read_bytes() == first
    assert (tmp_path / "three/episode-000000.h5").read_bytes() == first


def test_any_hdf5_reader_can_read_it(tmp_path: Path) -> None:
    """The pictures go through libhdf5's own filters here."""
    episode = demo()
    with h5py.File(write_episode(tmp_path, 0, episode)) as file:
        assert file.attrs["format"] == "simenv-demo-1"
        assert file["task"].asstr()[()] == episode.task
        for name in ("rgb_top", "mask", "depth"):
            stored = file[f"observations/{name}"]
            assert stored.chunks == (1, *stored.shape[1:])
            np.testing.assert_array_equal(stored[()], episode.observations[name])
        assert file["observations/X_WG"].chunks is None
        np.testing.assert_array_equal(file["terms/reach"], episode.terms["reach"])


def test_a_folder_is_a_lazy_sequence_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    made = {number: demo(number, steps=3) for number in (10, 2, 1_000_000)}
    for number, episode in made.items():
        write_episode(tmp_path, number, episode)
    found = open_demos(tmp_path)
    assert [episode.seed for episode in found] == [102, 110, 1_000_100]
    assert len(found) == 3
    assert_same(found[-1], made[1_000_000])
    found.files[0].write_bytes(b"")  # only now is a file opened
    assert found[1].seed == 110
    with pytest.raises(InputError, match=r"episode-000002\.h5: is no readable HDF5 file"):
        found[0]


def test_a_folder_without_episodes_holds_no_demonstrations(tmp_path: Path) -> None:
    (tmp_path / "episode-000000.h5.part").write_bytes(b"half")
    (tmp_path / "episode-7.h5").write_bytes(b"mine")
    for folder in (tmp_path, tmp_path / "nothing"):
        assert not is_demos(folder)
        with pytest.raises(InputError) as error:
            open_demos(folder)
        assert str(error.value) == (
            f"{folder}: holds no episode-*.h5; name a folder of demonstrations"
        )


KILLED = """
import os, signal, sys
from simenv.dataset import store
from simenv.dataset.demo import episode_paths, write_episode
from tests.dataset.demos import demo
fsync = os.fsync
def die(fd):
    if 2 in numbers and os.environ.get("DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(fd)
os.fsync = die
numbers = []
for number in range(4):
    if number in episode_paths(sys.argv[1]):
        continue
    numbers.append(number)
    write_episode(sys.argv[1], number, demo(number))
print(numbers)
"""


def test_a_killed_run_loses_one_episode_and_goes_on(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run(words, env={**root, "DIE": "1"}).returncode == -signal.SIGKILL
    assert part(tmp_path / "episode-000002.h5").exists()
    assert list(episode_paths(tmp_path)) == [0, 1]
    again = subprocess.run(words, env=root, capture_output=True, text=True, check=True)
    assert again.stdout == "[2, 3]\n"
    assert {path.name for path in tmp_path.iterdir()} == {f"episode-00000{k}.h5" for k in range(4)}
    for number, episode in enumerate(open_demos(tmp_path)):
        assert_same(episode, demo(number))


def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path) -> None:
    demos(tmp_path, 1)
    with full_disk(1000), pytest.raises(StorageError, match="File too large") as error:
        write_episode(tmp_path, 1, demo(1))
    assert str(error.value).startswith(f"{tmp_path}/episode-000001.h5: cannot write ")
    assert [path.name for path in tmp_path.iterdir()] == ["episode-000000.h5"]
    write_episode(tmp_path, 1, demo(1))  # the advice, taken


def missing(file: h5py.File) -> None:
    """A dataset is not there."""
    del file["rewards"]


def short(file: h5py.File) -> None:
    """Fewer rows than steps."""
    del file["successes"]
    file["successes"] = np.zeros(3, np.uint8)


def nested(file: h5py.File) -> None:
    """A group in the place of an array."""
    file.create_group("observations/deep/deeper")


def unpacked(file: h5py.File) -> None:
    """A chunk that is no deflate."""
    picture = file["observations/rgb_top"]
    picture.id.write_direct_chunk((1, 0, 0, 0), b"not packed")


def textual(file: h5py.File) -> None:
    """An attribute of another type."""
    file.attrs["seed"] = "one"


@pytest.mark.parametrize("harm", [missing, short, nested, unpacked, textual])
def test_a_damaged_file_is_one_line(tmp_path: Path, harm: Callable[[h5py.File], None]) -> None:
    path = write_episode(tmp_path, 0, demo())
    with h5py.File(path, "r+") as file:
        harm(file)
    with pytest.raises(InputError) as error:
        read_episode(path)
    assert str(error.value).startswith(f"{path}: is damaged (")
    assert str(error.value).endswith("; remove it, and run the command that made it again")
    assert "\n" not in str(error.value)


def test_a_file_that_reaches_out_or_is_another_is_refused(tmp_path: Path) -> None:
    path = write_episode(tmp_path, 0, demo())
    with h5py.File(path, "r+") as file:
        file["observations/far"] = h5py.ExternalLink("/etc/other.h5", "/x")
    with pytest.raises(InputError, match="is an external link; the file is not safe to read"):
        read_episode(path)
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "simenv-dataset-1"
    with pytest.raises(InputError, match="not 'simenv-demo-1': no demo of simenv"):
        read_episode(path)


@pytest.mark.parametrize("length", [0, 100, 20_000])
def test_a_shortened_file_is_refused(tmp_path: Path, length: int) -> None:
    path = write_episode(tmp_path, 0, demo())
    with path.open("r+b") as file:
        file.truncate(length)
    with pytest.raises(InputError):
        read_episode(path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"actions": np.zeros((0, 4), np.float32)}, r"actions: have the shape \(0, 4\), not"),
        ({"actions": np.zeros((5, 4))}, "actions: is float64, not float32"),
        ({"rewards": np.zeros((5, 1))}, r"rewards: has the shape \(5, 1\); 5 rows are wanted"),
        ({"successes": np.zeros(5)}, "successes: is float64, not bool"),
        ({"terms": {"reach": np.zeros(6)}}, r"terms/reach: has the shape \(6,\); 5 rows"),
        ({"observations": {"q": np.zeros((5, 7))}}, r"observations/q: .* 6 rows are wanted"),
        ({"observations": {"a/b": np.zeros((6, 7))}}, "'a/b': is no name of an array; use"),
        ({"observations": {"q": np.array(["x"] * 6)}}, "observations/q: is <U1, not of numbers"),
        ({"rate_hz": 0.0}, r"rate_hz: is 0\.0, not positive"),
    ],
)
def test_arrays_that_do_not_fit_are_no_episode(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        demo(steps=5, **changes)
