"""Pictures behind scenes: found beside the task, refused with one line, part of what a task is."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.errors import InputError
from simenv.spec.load import load_task, task_from_text

TASK = """
format: simenv-task-1
name: behind
actors: {parts: {objects: [washer], spawn: {zone: here}}}
scene: {zones: {here: {center: [0, 0, 0], size_m: [0.2, 0.2]}}}
cameras: {top: {resolution: [64, 48], fov_y_deg: 40, X_WC: {eye: [0, 1, 1], target: [0, 0, 0]}}}
"""
VARIED = TASK + "domain: {look.backdrop.image: {kind: visual, choice: [a.png, b.png, null]}}\n"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with two pictures and a file that is none."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    for grey, name in ((10, "a.png"), (200, "b.png")):
        cv2.imwrite(str(folder / name), np.full((8, 12, 3), grey, np.uint8))
    (folder / "c.png").write_text("no picture")
    (tmp_path / "outside.png").write_bytes((folder / "a.png").read_bytes())
    return folder


def write(folder: Path, text: str) -> Path:
    """The task file."""
    (folder / "behind.yaml").write_text(text.lstrip())
    return folder / "behind.yaml"


def test_an_axis_of_images_reaches_the_scene(tasks: Path) -> None:
    task = load_task(write(tasks, VARIED))
    scenes = [compose(task, sample(task, 0, i), seed=0) for i in range(24)]
    assert {scene.backdrop for scene in scenes} == {tasks / "a.png", tasks / "b.png", None}


def test_other_pixels_are_another_catalog(tasks: Path) -> None:
    path = write(tasks, VARIED)
    before = load_task(path).catalog_sha256
    cv2.imwrite(str(tasks / "b.png"), np.full((8, 12, 3), 201, np.uint8))
    assert load_task(path).catalog_sha256 != before


def test_a_stored_task_finds_its_images_by_the_search_path(
    tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(write(tasks, VARIED))
    monkeypatch.setenv("SIMENV_PATH", str(tasks.parent))
    again = task_from_text(task.text, near=Path("/"))
    assert again.catalog_sha256 == task.catalog_sha256


@pytest.mark.parametrize(
    ("look", "line"),
    [
        (
            "look: {backdrop: {image: d.png}}",
            "6:26: look.backdrop.image: no file d.png; did you mean c.png?",
        ),
        (
            "look: {backdrop: {image: c.png}}",
            "6:26: look.backdrop.image: c.png is neither PNG nor JPEG",
        ),
        ("look: {backdrop: {image: ../outside.png}}", "6:26: look.backdrop.image: "),
        (
            "domain: {look.backdrop.image: {kind: visual, choice: [a.png, d.png]}}",
            "6:62: domain.look.backdrop.image.choice.1: no file d.png; did you mean c.png?",
        ),
    ],
)
def test_an_image_that_cannot_be_used_is_one_line(look: str, line: str, tasks: Path) -> None:
    path = write(tasks, TASK + look + "\n")
    with pytest.raises(InputError) as caught:
        load_task(path)
    (said,) = str(caught.value).splitlines()
    assert said.startswith(f"{path}:{line}"), said
