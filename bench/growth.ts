/** How the time of the whole job grows with the rows and with the columns, beside the first size. */
import { type Case, draw, GROWTH_CASES } from "./cases.js";
import { startLibrary } from "./process.js";
import { type Spread, spreadOf } from "./statistics.js";
import { dataFiles } from "./temporary.js";

export interface Growth {
  readonly task: Case;
  readonly seconds: Spread;
  readonly peak: number;
}

export async function timeGrowth(threads: number): Promise<Growth[]> {
  const out: Growth[] = [];
  for (const task of GROWTH_CASES) {
    const files = dataFiles(task.name, draw(task));
    try {
      const args = ["analyse", JSON.stringify(task), files.x, files.y];
      const worker = await startLibrary(args, { AIF_THREADS: String(threads) });
      const seconds: number[] = [];
      let most = 0;
      for (let round = -2; round < task.rounds; round++) {
        const { stages, peak } = await worker.ask<{ stages: Record<string, number>; peak: number }>();
        most = peak;
        if (round >= 0) seconds.push(Object.values(stages).reduce((sum, value) => sum + value, 0));
      }
      await worker.stop();
      out.push({ task, seconds: spreadOf(seconds), peak: most });
    } finally {
      files.remove();
    }
  }
  return out;
}
