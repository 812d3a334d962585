#!/usr/bin/env bash
# sbatch slurm.sh: 16 tasks share the shards of one dataset; a task that was killed is submitted again.
#SBATCH --job-name=simenv
#SBATCH --array=0-15
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=1500M
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
set -euo pipefail

task=${TASK:-conveyor_pick}
scenes=${SCENES:-100000}
out=${OUT:?a folder that all nodes see}

export OPENBLAS_NUM_THREADS=1
exec simenv generate "$task" --scenes "$scenes" --out "$out" --shard auto --jobs "${SLURM_CPUS_PER_TASK:-1}"
