import { availableParallelism, cpus } from "node:os";
import type { Environment } from "./native-candidates.js";

/**
 * The processors that this process may take: those that it may run on, but no more than its share of the machine where a launcher
 * of MPI has started several processes on it.
 */
export function coreShare(environment: Environment = process.env): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpus().length / processesHere(environment))));
}

/** From Open MPI, or from Slurm ("4(x2),3": the tasks of each node, of which the most are taken). */
function processesHere(environment: Environment): number {
  const text = environment["OMPI_COMM_WORLD_LOCAL_SIZE"] ?? environment["SLURM_STEP_TASKS_PER_NODE"] ?? "1";
  const counts = text
    .replace(/\(x\d+\)/g, "")
    .split(",")
    .map(Number);
  return Math.max(1, ...counts.filter(Number.isInteger));
}
