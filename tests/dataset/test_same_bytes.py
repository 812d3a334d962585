"""Equal records give equal files: no clock, no memory address, no host in any of them."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from simenv.dataset.hdf5 import in_memory
from simenv.dataset.index import build_index
from simenv.dataset.pixels import chunk, frame
from simenv.dataset.store import committed
from tests.dataset.factory import THREE, builder

SCRIPT = """
import sys
from pathlib import Path
from simenv.dataset.index import merge_to_file
from tests.dataset.factory import THREE, dataset
merge_to_file(dataset(Path(sys.argv[1]), *THREE), sys.argv[2])
"""
TICK_S = 1.1  # HDF5 counts time stamps in seconds


def files(out: Path) -> dict[str, bytes]:
    """Every file below ``out``."""
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_another_process_a_second_later_writes_the_same_bytes(
    tmp_path: Path, clean: Path, clean_file: Path
) -> None:
    time.sleep(TICK_S)
    names = [str(tmp_path / "b"), str(tmp_path / "b.h5")]
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", SCRIPT, *names], check=True, cwd=root)
    assert files(clean) == files(tmp_path / "b")
    assert clean_file.read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_index_does_not_depend_on_when_it_is_made(clean: Path) -> None:
    time.sleep(TICK_S)
    assert build_index(clean, committed(clean)) == (clean / "dataset.h5").read_bytes()


def test_an_image_is_made_twice_alike() -> None:
    shard = builder(THREE[0])
    assert shard.image() == shard.image() == builder(THREE[0]).image()


@given(
    arrays.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)))
    | arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
)
def test_a_chunk_reads_the_same_in_h5py(image: NDArray[np.uint16] | NDArray[np.uint8]) -> None:
    with in_memory() as file:
        shuffle = image.itemsize > 1
        stored = file.create_dataset(
            "x",
            (1, *image.shape),
            image.dtype,
            chunks=(1, *image.shape),
            compression=1,
            shuffle=shuffle,
        )
        stored.id.write_direct_chunk((0,) * stored.ndim, chunk(image))
        np.testing.assert_array_equal(stored[0], image)
        np.testing.assert_array_equal(frame(stored, 0), image)


def test_a_chunk_by_h5py_reads_the_same_here() -> None:
    pixels = np.arange(600, dtype=np.uint16).reshape(1, 20, 30)
    with in_memory() as file:
        stored = file.create_dataset(
            "x", data=pixels, chunks=pixels.shape, compression=9, shuffle=True
        )
        np.testing.assert_array_equal(frame(stored, 0), pixels[0])


def test_a_chunk_that_inflates_too_far_is_refused() -> None:
    with in_memory() as file:
        stored = file.create_dataset(
            "x", (1, 4, 4), "<u2", chunks=(1, 4, 4), compression=1, shuffle=True
        )
        stored.id.write_direct_chunk((0, 0, 0), chunk(np.zeros((2000, 2000), dtype=np.uint16)))
        with pytest.raises(ValueError, match="frame 0 holds 33 bytes, not 32"):
            frame(stored, 0)
