#!/usr/bin/env bash
# An analysis on 8 nodes with 16 ranks each, which goes on from its checkpoint when it is queued again.
#   sbatch examples/many-machines/slurm.sh
#SBATCH --job-name=aif
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=16
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G
#SBATCH --time=01:00:00
#SBATCH --requeue
set -euo pipefail

data='/shared/table/part-*.parquet' # a folder that all nodes see
work=/shared/work
target=y

checkpoint="$work/aif.checkpoint"
resume=()
[ -e "$checkpoint" ] && resume=(--resume)

# --mpi=pmix: the tasks find each other. --kill-on-bad-exit: a task that dies ends the others.
srun --mpi=pmix --kill-on-bad-exit=1 --cpu-bind=cores \
  aif analyze "$data" --target "$target" \
  --checkpoint "$checkpoint" "${resume[@]}" --out "$work/result.json"
