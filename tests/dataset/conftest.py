"""One finished dataset for all tests of this folder, and copies of it to spoil."""

import shutil
from pathlib import Path

import pytest

from simenv.dataset.index import merge_to_file
from tests.dataset.factory import THREE, dataset


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder of three shards; not to be written to."""
    return dataset(tmp_path_factory.mktemp("clean") / "out", *THREE)


@pytest.fixture(scope="session")
def clean_file(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as one file; not to be written to."""
    return merge_to_file(clean, tmp_path_factory.mktemp("clean") / "one.h5")


@pytest.fixture
def out(clean: Path, tmp_path: Path) -> Path:
    """A copy of the folder, for one test."""
    return Path(shutil.copytree(clean, tmp_path / "out"))
