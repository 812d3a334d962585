"""What an earlier simenv wrote is read, and means what it meant."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from simenv.dataset import demo, grasps, schema
from simenv.dataset.read import Dataset
from simenv.dataset.validate import validate

GOLDEN = Path(__file__).parents[1] / "data/golden"


def meaning(path: Path) -> str:
    """A digest of all that a user reads, picture by picture."""
    digest = hashlib.sha256()
    with Dataset(path) as dataset:
        for name in ("scenes", "attempts", "frames", "bodies", "objects"):
            for key, column in sorted(dataset.table(name).items()):
                _feed(digest, f"{name}/{key}", column)
        for item in dataset:
            for array in (item.rgb, item.depth_m, item.instance, item.X_CB, item.K, item.box_all):
                digest.update(array.tobytes())
    return digest.hexdigest()


def split_meaning(path: Path) -> str:
    """Which scenes are in which part."""
    with Dataset(path) as dataset:
        parts = {name: scenes.tolist() for name, scenes in dataset.split().items()}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def grasps_meaning(path: Path) -> str:
    """A digest of a set of grasps and of the surface they are of."""
    digest, found = hashlib.sha256(), grasps.read_grasps(path)
    for name, values in sorted(asdict(found.grasps).items()):
        _feed(digest, name, values)
    digest.update(found.vertices.tobytes() + found.faces.tobytes())
    return digest.hexdigest()


def demo_meaning(path: Path) -> str:
    """A digest of an episode."""
    digest, episode = hashlib.sha256(), demo.read_episode(path)
    for name in sorted(field.name for field in fields(episode)):
        values = getattr(episode, name)
        for key, column in sorted(values.items()) if isinstance(values, dict) else [("", values)]:
            _feed(digest, f"{name}/{key}", column)
    return digest.hexdigest()


def _feed(digest: Any, name: str, values: Any) -> None:
    """Numbers by their bytes, all else by how Python writes it."""
    if getattr(values, "dtype", None) is None or values.dtype == object:
        text = repr(values if isinstance(values, str | int | float | bool) else list(values))
        digest.update(f"{name} {text}".encode())
    else:
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode() + values.tobytes())


Case = tuple[Callable[[Path], str], str]
CASES: dict[str, Case] = {
    "simenv-dataset-1/folder": (
        meaning,
        "927e34be56ed4a2f5060a1c5ac76852c2ce73170bacc6ef4d6e3197f476cca6c",
    ),
    "simenv-dataset-1/single.h5": (
        meaning,
        "927e34be56ed4a2f5060a1c5ac76852c2ce73170bacc6ef4d6e3197f476cca6c",
    ),
    "simenv-split-1/folder": (
        split_meaning,
        "fec2ef4cc1c036a910593729c2b990d196feb5344a10dd84735a8b1091e0635a",
    ),
    "simenv-grasps-1/carton_small.h5": (
        grasps_meaning,
        "4ed3c55e8b4506fe203aae7dd6f8037cbd77758f79fcfb13d4ec3273c539b731",
    ),
    "simenv-demo-1/episode-000000.h5": (
        demo_meaning,
        "2faa93ad31b8b4cc474a51b63de9c8ea5082dc08493f9d07cedd72c0ec6985e3",
    ),
}


def test_there_is_one_of_each_format_that_is_written_now() -> None:
    now = {schema.FORMAT, grasps.FORMAT, demo.FORMAT, "simenv-split-1"}
    assert now <= {name.split("/")[0] for name in CASES}
    folders = {path.name for path in GOLDEN.iterdir() if path.is_dir()}
    assert folders == {name.split("/")[0] for name in CASES} - {"simenv-split-1"}


@pytest.mark.parametrize("name", CASES)
def test_it_reads_as_it_did(name: str) -> None:
    read, said = CASES[name]
    path = GOLDEN / name.replace("simenv-split-1", "simenv-dataset-1")
    assert read(path) == said


@pytest.mark.parametrize("name", ["folder", "single.h5"])
def test_it_is_found_sound(name: str) -> None:
    assert validate(GOLDEN / "simenv-dataset-1" / name).findings == ()
