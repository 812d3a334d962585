"""Files that reach out of themselves are refused before anything of them is read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from simenv.dataset.read import open as open_dataset
from simenv.dataset.validate import validate
from simenv.errors import InputError

SECRET = b"nobody may read this" * 8


@pytest.fixture(autouse=True)
def _a_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET)


def secret(out: Path) -> str:
    """A file that no dataset has a reason to read."""
    return str(out.parent / "secret")


def external_link(file: h5py.File, out: Path) -> None:
    """A name that is a place in another file."""
    with h5py.File(out.parent / "other.h5", "w") as other:
        other["x"] = 1
    del file["frames/time_s"]
    file["frames/time_s"] = h5py.ExternalLink(str(out.parent / "other.h5"), "/x")


def soft_link(file: h5py.File, out: Path) -> None:
    """A name that is another name."""
    del file["task"]
    file["task"] = h5py.SoftLink("/frames/time_s")


def external_storage(file: h5py.File, out: Path) -> None:
    """A dataset whose bytes are another file's."""
    del file["bodies/id"]
    count = len(SECRET) // 2
    file.create_dataset("bodies/id", (count,), "<u2", external=[(secret(out), 0, 2 * count)])


def strange_view(file: h5py.File, out: Path) -> None:
    """A virtual dataset over a file that is no shard beside it."""
    with h5py.File(out.parent / "other.h5", "w") as other:
        other["x"] = np.zeros((7, 30, 40, 3), dtype=np.uint8)
    view = h5py.VirtualLayout((7, 30, 40, 3), "u1")
    view[:] = h5py.VirtualSource(str(out.parent / "other.h5"), "x", (7, 30, 40, 3))
    del file["cameras/top/rgb"]
    file.create_virtual_dataset("cameras/top/rgb", view)


def view_of_another_dataset(file: h5py.File, out: Path) -> None:
    """A virtual dataset over a shard, but not over the dataset of its own name."""
    view = h5py.VirtualLayout((2,), "f8")
    view[:] = h5py.VirtualSource("shard-00000.h5", "frames/time_s", (2,))
    del file["cameras/top/depth"]
    file.create_virtual_dataset("cameras/top/depth", view)


def inflating(file: h5py.File, out: Path) -> None:
    """A terabyte of fill values in a few bytes."""
    del file["bodies/velocity"]
    file.create_dataset("bodies/velocity", (1 << 34, 6), "<f8", chunks=(1 << 10, 6))


def repeated_filter(file: h5py.File, out: Path) -> None:
    """Deflate of deflate of deflate inflates a thousandfold each time."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    for _ in range(3):
        properties.set_deflate(1)
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"frames/extra", h5py.h5t.NATIVE_INT8, space, properties)


def unknown_type(file: h5py.File, out: Path) -> None:
    """References can point anywhere in the file."""
    file.create_dataset("frames/extra", (1,), h5py.ref_dtype)


def loop(file: h5py.File, out: Path) -> None:
    """A group inside itself."""
    file["frames/again"] = file["frames"]


ATTACKS: list[tuple[Callable[[h5py.File, Path], None], str]] = [
    (external_link, "/frames/time_s is an external link"),
    (soft_link, "/task is a soft link"),
    (external_storage, "/bodies/id is stored in another file"),
    (strange_view, "/cameras/top/rgb is a view of "),
    (view_of_another_dataset, "/cameras/top/depth is a view of shard-00000.h5:frames/time_s"),
    (inflating, "/bodies/velocity claims 824633720832 bytes, of which 0 are stored"),
    (repeated_filter, "/frames/extra has the filters"),
    (unknown_type, "/frames/extra has the type object"),
    (loop, "is linked twice"),
]


@pytest.mark.parametrize("name", ["shard-00000.h5", "dataset.h5"])
@pytest.mark.parametrize(("attack", "text"), ATTACKS, ids=[a.__name__ for a, _ in ATTACKS])
def test_a_file_that_reaches_out_is_refused(
    out: Path, attack: Callable[[h5py.File, Path], None], text: str, name: str
) -> None:
    with h5py.File(out / name, "r+") as file:
        attack(file, out)
    with pytest.raises(InputError) as error:
        open_dataset(out / name)
    assert text in str(error.value)
    assert "not safe to read" in str(error.value)
    alone = shutil.copy(out / name, out.parent / "alone.h5")
    assert any("not safe to read" in finding.what for finding in validate(alone).findings)


def test_a_shard_may_not_be_virtual_at_all(out: Path) -> None:
    view = h5py.VirtualLayout((2, 30, 40), "u2")
    view[:] = h5py.VirtualSource("shard-00002.h5", "cameras/top/depth", (2, 30, 40))
    with h5py.File(out / "shard-00000.h5", "r+") as file:
        del file["cameras/top/depth"]
        file.create_virtual_dataset("cameras/top/depth", view)
    with pytest.raises(InputError, match=r"/cameras/top/depth is a view of shard-00002\.h5"):
        open_dataset(out / "shard-00000.h5")


def test_an_index_that_names_a_path_is_refused(out: Path) -> None:
    with h5py.File(out / "dataset.h5", "r+") as file:
        file["shards/file"][0] = "../secret"
        file["shards/bytes"][0] = len(SECRET)
    with pytest.raises(InputError, match=r"shows '\.\./secret', which is no shard"):
        open_dataset(out)


def test_a_missing_shard_is_named_with_the_way_out(out: Path) -> None:
    """libhdf5 would read zeros in its place without a word."""
    (out / "shard-00002.h5").rename(out / "aside")
    for path in (out, out / "dataset.h5"):
        with pytest.raises(InputError, match=r"shard-00002\.h5: is missing; run the same simenv"):
            open_dataset(path)
    (out / "aside").rename(out / "shard-00002.h5")  # "or copy it back"
    with open_dataset(out) as ds:
        assert ds[-1].rgb.any()


def test_a_shortened_shard_is_named(out: Path) -> None:
    with (out / "shard-00000.h5").open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(InputError, match=r"shard-00000\.h5: has 5000 bytes, not \d+; run"):
        open_dataset(out)


def test_garbage_is_damaged_or_unreadable(out: Path) -> None:
    """A flipped or lost byte may break HDF5 anywhere; what comes out is one line."""
    data = (out / "shard-00000.h5").read_bytes()
    rng, path = np.random.default_rng(0), out.parent / "x.h5"
    refused = 0
    for _ in range(60):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), 30):
            broken[position] ^= int(rng.integers(1, 256))
        path.write_bytes(broken)
        try:
            open_dataset(path).close()
        except InputError:
            refused += 1
    assert refused > 20
