"""Sixty painted scenes in two sizes, of two tiers, some of them rejected; and copies to change."""

import shutil
from pathlib import Path

import pytest

from simenv.dataset.record import Record
from tests.dataset.factory import dataset, header, record

RUN = header(classes=("box",), shard_scenes=30)
SCENES, REJECTED = 60, (7, 31)


def scene(number: int) -> Record:
    """Zero to three parts: a bolt first, then a cap; every fifth scene is of an edge."""
    frames = 0 if number in REJECTED else 1
    tier = "look.light.elevation_deg/glare" if number % 5 == 0 else "core"
    return record(number, parts=number * 7 % 4, screws=0, frames=frames, tier=tier)


def painted(out: Path, scenes: int) -> Path:
    """A folder of the first ``scenes`` of them, thirty in a shard."""
    starts = range(0, scenes, 30)
    return dataset(out, *([scene(k) for k in range(i, i + 30)] for i in starts), of=RUN)


@pytest.fixture(scope="session")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return painted(tmp_path_factory.mktemp("many") / "out", SCENES)


@pytest.fixture(scope="session")
def _half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return painted(tmp_path_factory.mktemp("half") / "out", SCENES // 2)


@pytest.fixture
def many(_many: Path, tmp_path: Path) -> Path:
    """All of them, for one test."""
    return Path(shutil.copytree(_many, tmp_path / "many"))


@pytest.fixture
def half(_half: Path, tmp_path: Path) -> Path:
    """The first half, as a run of fewer scenes leaves them."""
    return Path(shutil.copytree(_half, tmp_path / "half"))
