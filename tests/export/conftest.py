"""One dataset of parts, a distractor and occlusion for all tests of this folder, and its exports."""

from pathlib import Path

import pytest

from simenv.export import export
from simenv.generate import generate
from simenv.spec.load import Task, task_from_text

PROJECT = Path(__file__).parents[1] / "data/project"
TASK = """
format: simenv-task-1
name: heap
actors:
  parts: {objects: [brick, drum, hex_bolt, mug], count: 6, spawn: {zone: infeed, height_m: 0.02}}
  clutter: {objects: [drum], count: 2, role: distractor, spawn: {zone: infeed, height_m: 0.02}}
scene:
  belts: {main: {length_m: 2.0, width_m: 0.5, top_z_m: 0.4, speed_m_s: 0.2}}
  zones: {infeed: {center: [0, 0, 0.4], size_m: [0.2, 0.2]}}
cameras:
  bent: {resolution: [80, 60], fov_y_deg: 50, distortion: {k1: -0.2}, X_WC: {eye: [0, 0, 1], target: [0, 0, 0.4]}}
  side: {resolution: [240, 160], fov_y_deg: 24, X_WC: {eye: [0.1, -0.7, 0.62], target: [0.05, 0, 0.42]}}
  top: {resolution: [320, 240], K: {fx: 400, fy: 390, cx: 150.3, cy: 124.1}, X_WC: {eye: [0, 0, 0.95], target: [0, 0, 0.4]}}
capture: {fps: 4, frames: 2}
labels: [LABELS]
domain:
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
"""
PINHOLES = ("side", "top")


def heap(labels: str) -> Task:
    """A heap of parts on a belt that two pinholes and a distorted lens look at."""
    return task_from_text(TASK.replace("LABELS", labels), near=PROJECT)


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset with all labels that exports know."""
    out = tmp_path_factory.mktemp("heap") / "labelled"
    generate(heap("amodal, keypoints"), out, scenes=2, jobs=0, renderer="tiny")
    return out


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scenes with the labels that are always there."""
    out = tmp_path_factory.mktemp("heap") / "bare"
    generate(heap(""), out, scenes=2, jobs=0, renderer="tiny")
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
