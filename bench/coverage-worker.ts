/** A process that works through stretches of repetitions: asked by message, it answers with the stretch's sums. */
import { ensureBlas } from "../packages/core/src/index.js";
import { CELLS, repetitionSeed } from "./coverage-cells.js";
import type { Population } from "./coverage-population.js";
import { count, emptyTally, type Tally } from "./coverage-tally.js";

/** The truth of a cell, or the tally of some of its repetitions against the truth given. */
export type Job =
  | { readonly kind: "truth"; readonly cell: string }
  | {
      readonly kind: "repeat";
      readonly cell: string;
      readonly from: number;
      readonly to: number;
      readonly truth: Population | null;
    };

export type Answer = { readonly truth: Population | null } | { readonly tally: Tally } | { readonly failure: string };

async function answer(job: Job): Promise<Answer> {
  const cell = CELLS.find(({ name }) => name === job.cell);
  if (!cell) throw new Error(`There is no cell "${job.cell}".`);
  if (job.kind === "truth") return { truth: cell.population() };
  const tally = emptyTally(cell.section === "held-out" ? 1 : cell.parameters);
  for (let r = job.from; r < job.to; r++) count(tally, await cell.repeat(job.truth, repetitionSeed(cell, r)));
  return { tally };
}

await ensureBlas();
process.on("message", (job: Job) => {
  answer(job).then(
    (found) => process.send?.(found),
    (error: unknown) => process.send?.({ failure: `${job.cell}: ${String(error)}` } satisfies Answer),
  );
});
process.send?.("ready");
