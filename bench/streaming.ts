/**
 * Rows that pass by: `aif analyze` on .npy files with a cache, once from the file and once from the cache that the first run left; and
 * NumPy reading the same file block by block.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StudyResult } from "@aif/core";
import { aif, commandTime } from "./command-time.js";
import { writeNpy } from "./npy-file.js";
import { findPython } from "./process.js";
import { largestDifference } from "./statistics.js";

/** One run over the rows. */
export interface Streamed {
  readonly rows: number;
  readonly model: Model;
  readonly by: "from the file" | "from the cache" | "NumPy";
  /** Seconds, and those of the processors; ours without what the program takes for a table of a few rows. */
  readonly seconds: number;
  readonly cpu: number;
  readonly passes: number;
  /** Bytes: the most that the process held. */
  readonly peak: number;
}

export type Model = "linear" | "logistic";

export interface Streaming {
  readonly runs: readonly Streamed[];
  /** The largest relative difference between our numbers and NumPy's; null: there is no NumPy. */
  readonly disagreement: number | null;
  readonly library: string | null;
}

export const COLUMNS = 50;
const SIZES = [100_000, 1_000_000];
const FULL_SIZE = 10_000_000;
/** What a run takes whatever its rows. */
const FEW_ROWS = 1000;
const AGREEMENT = 1e-8;

/** Numbers of one run that both sides have. */
interface Answer {
  readonly parameters: readonly number[];
  readonly scale: number;
  readonly influence: readonly number[];
  readonly curvature: number;
}

/** @param full whether ten million rows are among the sizes (4 GB of file and as much of cache; the better part of an hour) */
export async function timeStreaming(threads: number, full: boolean, tell: (what: string) => void): Promise<Streaming> {
  const runs: Streamed[] = [];
  const differences: number[] = [];
  let library: string | null = null;
  const python = findPython("numpy");
  for (const model of ["linear", "logistic"] as const) {
    const base = await inFolder(async (folder) => {
      const file = join(folder, "rows.npy");
      writeNpy(file, FEW_ROWS, COLUMNS, model);
      return ours(file, folder, model, threads);
    });
    for (const rows of full ? [...SIZES, FULL_SIZE] : SIZES) {
      tell(`${rows.toLocaleString("en")} streamed rows, ${model}`);
      await inFolder(async (folder) => {
        const file = join(folder, "rows.npy");
        writeNpy(file, rows, COLUMNS, model);
        // Logistic models take twice the passes: at full size those over the cache that was just written are enough.
        const all = rows < FULL_SIZE || model === "linear";
        for (const by of all ? (["from the file", "from the cache"] as const) : (["from the file"] as const)) {
          const run = await ours(file, folder, model, threads);
          const { seconds, cpu, passes, peak, answer } = run;
          runs.push({ rows, model, by, seconds: seconds - base.seconds, cpu: cpu - base.cpu, passes, peak });
          if (by === "from the file" && python !== null) {
            const peer = await numpy(python, file, model, threads);
            library = peer.library;
            runs.push({ rows, model, by: "NumPy", ...peer.spent });
            differences.push(differenceOf(answer, peer.answer));
          }
        }
      });
    }
  }
  const disagreement = differences.length === 0 ? null : Math.max(...differences);
  if (disagreement !== null && !(disagreement <= AGREEMENT)) {
    throw new Error(`Streamed rows: the answers differ by ${disagreement}, so their times mean nothing.`);
  }
  return { runs, disagreement, library };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "aif-streaming-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const differenceOf = (one: Answer, other: Answer): number =>
  Math.max(
    largestDifference(one.parameters, other.parameters),
    largestDifference(one.influence, other.influence),
    largestDifference([one.scale], [other.scale]),
    largestDifference([one.curvature], [other.curvature]),
  );

async function ours(file: string, folder: string, model: Model, threads: number) {
  const out = join(folder, "result.json");
  const words = ["analyze", file, "--target", `x${COLUMNS + 1}`, "--model", model, "--evaluation", "training"];
  const beside = ["--inference", "none", "--cache", join(folder, "cache"), "--keep-cache", "--memory", "1GB"];
  const { cpu, peak } = await commandTime(process.execPath, [aif, ...words, ...beside, "--out", out, "--quiet"], {
    AIF_THREADS: String(threads),
  });
  const { timings, fit, threats } = JSON.parse(readFileSync(out, "utf8")) as StudyResult;
  const [{ scale, influence, sensitivity }] = threats;
  const answer: Answer = {
    parameters: fit.parameters,
    scale,
    influence,
    curvature: sensitivity.training.curvature,
  };
  return { seconds: timings.total, cpu, peak, passes: timings.passes ?? 0, answer };
}

async function numpy(python: string, file: string, model: Model, threads: number) {
  const script = fileURLToPath(new URL("./streamed_peer.py", import.meta.url));
  const count = String(threads);
  const { stdout } = await commandTime(python, [script, model, file], {
    OPENBLAS_NUM_THREADS: count,
    OMP_NUM_THREADS: count,
  });
  const { library, passes, seconds, cpu, peak, ...answer } = JSON.parse(stdout) as Answer & {
    library: string;
    passes: number;
    seconds: number;
    cpu: number;
    peak: number;
  };
  return { library, spent: { passes, seconds, cpu, peak }, answer };
}
