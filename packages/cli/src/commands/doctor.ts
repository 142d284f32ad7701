import { describeBackend, ensureBlas } from "@aif/core";
import { mpiVersion } from "@aif/core/node";
import type { Command } from "commander";
import { addGroups } from "../options/register.js";
import { readGroup } from "../options/rule.js";
import { runtimeOptions, setThreads } from "../options/runtime.js";
import { writeStdout } from "../output/stdout.js";
import { renderDoctor } from "../render/doctor.js";
import { version } from "../version.js";

/** `aif doctor`: what the program runs on. */
export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .summary("say what aif runs on, and how to make it faster")
    .description("Prints versions, the linear algebra in use, its threads and measured speed.")
    .action(async () => {
      setThreads(readGroup(runtimeOptions, command).threads);
      const blas = await ensureBlas();
      await writeStdout(
        renderDoctor({
          version,
          node: process.versions.node,
          platform: `${process.platform} ${process.arch}`,
          backend: describeBackend(),
          gigaflops: gigaflops(blas),
          mpi: await mpiVersion(),
        }),
      );
    });
  addGroups(command, [runtimeOptions]);
}

const side = 400;
const budgetMs = 200;

/** Speed of the product of two 400×400 matrices, the best of what fits 0.2 seconds, in GFLOP/s. */
function gigaflops(blas: Awaited<ReturnType<typeof ensureBlas>>): number {
  const a = Float64Array.from({ length: side * side }, (_, k) => Math.sin(k));
  const b = Float64Array.from({ length: side * side }, (_, k) => Math.cos(k));
  const c = new Float64Array(side * side);
  let best = Number.POSITIVE_INFINITY;
  const started = performance.now();
  do {
    const before = performance.now();
    blas.gemm(false, false, side, side, side, 1, a, side, b, side, 0, c, side);
    best = Math.min(best, performance.now() - before);
  } while (performance.now() - started < budgetMs);
  return (2 * side ** 3) / (best * 1e6);
}
