"""What an earlier simenv wrote is read, and means what it meant."""

import hashlib
from pathlib import Path

import pytest

from simenv.dataset.read import Dataset
from simenv.dataset.schema import FORMAT
from simenv.dataset.validate import validate

GOLDEN = Path(__file__).parents[1] / "data/golden"
PATHS = {"simenv-dataset-1": ("folder", "single.h5")}
MEANING = {"simenv-dataset-1": "61102f7300107961bb0232749099c5933b32d4ca0a8004d4049de786f9aeacfe"}


def meaning(path: Path) -> str:
    """A digest of all that a user reads, picture by picture."""
    digest = hashlib.sha256()
    with Dataset(path) as dataset:
        for name in ("scenes", "attempts", "frames", "bodies", "objects"):
            for key, column in sorted(dataset.table(name).items()):
                digest.update(f"{name}/{key} {column.dtype.kind} {column.shape}".encode())
                digest.update(repr(column.tolist()).encode())
        for item in dataset:
            for array in (item.rgb, item.depth_m, item.instance, item.X_CB, item.K, item.box_all):
                digest.update(array.tobytes())
    return digest.hexdigest()


def test_there_is_one_of_the_format_that_is_written_now() -> None:
    assert FORMAT in PATHS
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} == set(PATHS)


@pytest.mark.parametrize(("form", "name"), [(f, name) for f, own in PATHS.items() for name in own])
def test_it_reads_as_it_did(form: str, name: str) -> None:
    path = GOLDEN / form / name
    assert validate(path).findings == ()
    assert meaning(path) == MEANING[form]
