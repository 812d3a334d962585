"""The ready files of docs/cluster do what they say."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from simenv.dataset.slice import Slice
from simenv.dataset.validate import validate
from simenv.generate import generate
from simenv.selftest.small import files
from simenv.spec.load import load_task

HERE = Path(__file__).parents[1] / "docs/cluster"
MINI = Path(__file__).parent / "data/project/tasks/mini.yaml"
SCENES = 20  # in two shards


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `simenv` is this one, drawing with the tiny renderer."""
    command = tmp_path / "bin/simenv"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m simenv "$@" --renderer tiny\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}


def test_the_tasks_of_the_slurm_array_make_one_dataset(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    script, out = HERE / "slurm.sh", tmp_path / "out"
    own = {"TASK": str(MINI), "SCENES": str(SCENES), "OUT": str(out)}
    array = {"SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "1"}
    for number in ("0", "1"):
        task = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_COUNT": "2"}
        subprocess.run(["bash", script], env={**shell, **own, **array, **task}, check=True)
    generate(load_task(MINI), tmp_path / "calm", scenes=SCENES, jobs=0, renderer="tiny")
    assert files(out) == files(tmp_path / "calm")
    assert not validate(out).findings


def test_the_array_of_the_script_has_no_gaps() -> None:
    said = (HERE / "slurm.sh").read_text()
    (array,) = [line for line in said.splitlines() if line.startswith("#SBATCH --array=")]
    first, last = array.partition("=")[2].split("-")
    assert (int(first), int(last)) == (0, 15)


def test_the_kubernetes_job_gives_each_index_its_slice() -> None:
    job = YAML(typ="safe").load(HERE / "kubernetes.yaml")["spec"]
    (container,) = job["template"]["spec"]["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    assert job["completionMode"] == "Indexed"
    slices = [
        Slice.parse("auto", {**environment, "JOB_COMPLETION_INDEX": str(index)})
        for index in range(job["completions"])
    ]
    assert [slices[shard % 16].owns(shard) for shard in range(50)] == [True] * 50
    assert len(set(slices)) == job["completions"]
    assert container["args"][container["args"].index("--shard") + 1] == "auto"
