"""The independent judge's verdict on datasets of all built-in tasks, by every renderer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simenv.generate import generate
from tests.judge import Verdict, judge

JUDGE = Path(__file__).parent / "judge.py"
# Scenes and images that together show well over 200 instances of more than 400 pixels.
SAMPLES = {"conveyor_pick": (1, 12), "bin_pick": (4, 8), "table_clutter": (1, 6)}


def verdict(renderer: str, folder: Path) -> Verdict:
    """All three tasks, judged together. A process of its own renders: EGL is one per process."""
    together = Verdict()
    for task, (scenes, images) in SAMPLES.items():
        out = folder / f"{task}.h5"
        generate(task, out, scenes=scenes, seed=5, jobs=1, renderer=renderer)
        one = judge(out, max_images=images)
        together.iou += one.iou
        together.depth_error_m += one.depth_error_m
    return together


OPENGL = [pytest.param("egl", marks=pytest.mark.egl), pytest.param("raster", marks=pytest.mark.egl)]


@pytest.mark.parametrize("renderer", [*OPENGL, "tiny"])
def test_masks_and_depth_follow_from_poses_meshes_and_K(renderer: str, tmp_path: Path) -> None:
    found = verdict(renderer, tmp_path)
    assert len(found.iou) >= 200
    assert np.mean(found.iou) >= 0.998
    assert np.min(found.iou) >= 0.985
    assert np.max(found.depth_error_m) <= 1e-4  # of every instance, not only of most
    assert np.median(found.depth_error_m) <= 5e-5


def test_the_command_judges_a_folder_and_refuses_what_is_none(tmp_path: Path) -> None:
    task = Path(__file__).parent / "data/project/tasks/mini.yaml"
    generate(task, tmp_path / "out", scenes=1, jobs=0, renderer="tiny")
    judged = [
        subprocess.run([sys.executable, str(JUDGE), str(path)], capture_output=True, check=False)
        for path in (tmp_path / "out", tmp_path / "nothing")
    ]
    assert [done.returncode for done in judged] == [0, 2], judged
