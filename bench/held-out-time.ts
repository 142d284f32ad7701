import { type Case, draw } from "./cases.js";
import type { Stages } from "./library.js";
import { startLibrary, type Worker } from "./process.js";
import { type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

/** Rounds before those that count, where a case says nothing. */
const WARM_UP = 2;

export interface HeldOutTime {
  readonly task: Case;
  readonly backend: "native" | "portable";
  readonly fit: Spread;
  readonly heldOut: Spread;
  /** Held-out evaluation as a multiple of the fit, round by round. */
  readonly multiple: Spread;
  /** Dealing the rows to folds, by a hash of seed and row. */
  readonly folds: Spread;
}

/** One fit, and the held-out evaluation after it, on both back ends in turn. */
export async function timeHeldOut(task: Case, threads: number): Promise<HeldOutTime[]> {
  const files = dataFiles(task.name, draw(task));
  const args = ["holdOut", JSON.stringify(task), files.x, files.y];
  const workers: Worker<unknown>[] = [];
  try {
    workers.push(await startLibrary(args, { AIF_THREADS: String(threads) }));
    workers.push(await startLibrary(args, { AIF_BLAS: "off" }));
    const seen: Stages[][] = [[], []];
    const { warmUp = WARM_UP } = task;
    for (let round = 0; round < warmUp + task.rounds; round++) {
      for (const [k, worker] of workers.entries()) {
        const { stages } = await worker.ask<{ stages: Stages }>();
        if (round >= warmUp) seen[k].push(stages);
      }
    }
    return seen.map((list, k) => ({
      task,
      backend: k === 0 ? "native" : "portable",
      fit: spreadOf(list.map((stages) => stages["fit"])),
      heldOut: spreadOf(list.map((stages) => stages["heldOut"])),
      multiple: spreadOf(list.map((stages) => stages["heldOut"] / stages["fit"])),
      folds: spreadOf(list.map((stages) => stages["folds"])),
    }));
  } finally {
    for (const worker of workers) await worker.stop();
    files.remove();
  }
}
