import { type Case, draw } from "./cases.js";
import { startLibrary } from "./process.js";
import { dataFiles } from "./temporary.js";

export interface PeakMemory {
  readonly task: Case;
  readonly backend: "native" | "portable";
  /** Bytes of the data, and the most that the process held. */
  readonly data: number;
  readonly peak: number;
}

/** Peak resident memory of a process that loads the data into one array and does the whole job once. */
export async function measurePeak(task: Case, threads: number): Promise<PeakMemory[]> {
  const files = dataFiles(task.name, draw(task));
  const args = ["memory", JSON.stringify(task), files.x, files.y];
  const out: PeakMemory[] = [];
  try {
    for (const backend of ["native", "portable"] as const) {
      const environment = backend === "native" ? { AIF_THREADS: String(threads) } : { AIF_BLAS: "off" };
      const worker = await startLibrary(args, environment);
      const { data, peak } = await worker.ask<{ data: number; peak: number }>();
      await worker.stop();
      out.push({ task, backend, data, peak });
    }
    return out;
  } finally {
    files.remove();
  }
}
