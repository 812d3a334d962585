"""Dask workers as Slurm jobs (`pip install dask-jobqueue`): `python dask_jobqueue_slurm.py OUT`."""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

TASK, SCENES, JOBS = "conveyor_pick", "100000", 16

if __name__ == "__main__":
    with SLURMCluster(
        cores=8,
        processes=8,  # one thread each: the engines are not thread-safe
        memory="12GB",
        walltime="24:00:00",
        job_script_prologue=["export OPENBLAS_NUM_THREADS=1"],
    ) as cluster:
        cluster.adapt(maximum_jobs=JOBS)
        command = ["simenv", "generate", TASK, "--scenes", SCENES, "--out", sys.argv[1]]
        done = subprocess.run([*command, "--cluster", cluster.scheduler_address], check=False)
    sys.exit(done.returncode)
