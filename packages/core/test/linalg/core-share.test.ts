import { availableParallelism, cpus } from "node:os";
import { expect, test } from "vitest";
import { coreShare } from "../../src/linalg/core-share.node.js";

const all = cpus().length;

test.each([
  ["nobody", {}, availableParallelism()],
  ["mpirun, one on each processor", { OMPI_COMM_WORLD_LOCAL_SIZE: String(all) }, 1],
  ["mpirun, more than processors", { OMPI_COMM_WORLD_LOCAL_SIZE: String(3 * all) }, 1],
  ["srun, several nodes", { SLURM_STEP_TASKS_PER_NODE: `1,${all}(x3)` }, 1],
  ["words that say nothing", { SLURM_STEP_TASKS_PER_NODE: "many" }, availableParallelism()],
])("the processors of a process started by %s", (_, environment, count) => {
  expect(coreShare(environment)).toBe(count);
});
