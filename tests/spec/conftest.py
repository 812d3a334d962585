"""A small project on disk: objects/block (files), objects/disc (primitives), tasks/full.yaml."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from simenv import mesh

DATA = Path(__file__).parent.parent / "data"


def write_project(root: Path) -> Path:
    """The project in ``root``; its tasks folder."""
    block, disc = root / "objects" / "block", root / "objects" / "disc"
    for folder in (block, disc, root / "tasks"):
        folder.mkdir(parents=True)
    mesh.save_obj(block / "block.obj", mesh.box((0.06, 0.05, 0.04)))
    mesh.save_obj(block / "hull.obj", mesh.box((0.06, 0.05, 0.04)))
    stripes = np.zeros((16, 16, 3), dtype=np.uint8)
    stripes[::2] = 255
    cv2.imwrite(str(block / "striped.png"), stripes)
    cv2.imwrite(str(block / "plain.jpg"), stripes[1:2])
    shutil.copy(DATA / "block.yaml", block / "object.yaml")
    shutil.copy(DATA / "disc.yaml", disc / "object.yaml")
    for name in ("full", "minimal"):
        shutil.copy(DATA / f"{name}.yaml", root / "tasks")
    return root / "tasks"


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tasks folder of a fresh project, which is the working folder, too."""
    folder = write_project(tmp_path)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def shared_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tasks folder of a project that tests only read."""
    return write_project(tmp_path_factory.mktemp("project"))
