"""One dataset of parts that hide each other for all tests of this folder, and its exports."""

from dataclasses import replace
from pathlib import Path

import pytest

from simenv.export import export
from simenv.generate import generate
from simenv.spec.load import Task, task_from_text
from tests.dataset.factory import THREE, dataset, header

PROJECT = Path(__file__).parents[1] / "data/project"
RUN = header(classes=("box",))
HEAP = Path(__file__).parent / "heap.yaml"
PINHOLES = ("side", "top")


def heap(**changes: object) -> Task:
    """The task, with other values of some of its keys."""
    task = task_from_text(HEAP.read_text(), near=PROJECT)
    return replace(task, spec=task.spec.model_copy(update=changes))


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset with all labels that exports know."""
    out = tmp_path_factory.mktemp("heap") / "labelled"
    generate(heap(), out, scenes=2, jobs=0, renderer="tiny")
    return out


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scenes with the labels that are always there."""
    out = tmp_path_factory.mktemp("heap") / "bare"
    generate(heap(labels=()), out, scenes=2, jobs=0, renderer="tiny")
    return out


@pytest.fixture(scope="session")
def bop(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its pinholes as BOP; not to be written to."""
    out = tmp_path_factory.mktemp("bop") / "out"
    export(labelled, "bop", out, cameras=PINHOLES)
    return out


@pytest.fixture(scope="session")
def coco(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it as COCO; not to be written to."""
    out = tmp_path_factory.mktemp("coco") / "out"
    export(labelled, "coco", out)
    return out


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards with rejected scenes, scenes without parts, and belts of two lengths."""
    return dataset(tmp_path_factory.mktemp("painted") / "out", *THREE, of=RUN)


def files(root: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
