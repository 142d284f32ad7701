import { type ResamplingOptions, writeDraws } from "../../influence/bootstrap-weights.js";
import { Matrix } from "../../linalg/matrix.js";
import { EachRank, type Pass, sideBySide } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { add } from "./attack-rows.js";
import { drawnFrom } from "./redraw-rows.js";
import type { RowsView } from "./rows-view.js";
import type { StreamedWork } from "./work.js";

/** Draws whose sums are made together: their weights of a block are small beside it. */
export const TOGETHER = 32;
/** What the Hessians and factors of all draws that share passes may take at most, on all threads, and of the memory there is. */
const ROOM_BYTES = 2 ** 28;
const SHARE = 0.5;

/**
 * Bytes that the draws which share passes may take on each thread, the same on all ranks. What a checkpoint remembers hangs on how
 * many draws these are: with one it is always the same.
 */
export async function drawingRoom(
  ranks: Ranks,
  { checkpoint, memoryBytes = Infinity, threads = 1 }: Pick<StreamedWork, "checkpoint" | "memoryBytes" | "threads">,
): Promise<number> {
  const each = new EachRank(ranks, 1);
  each.own[0] = Math.min(ROOM_BYTES, checkpoint ? Infinity : SHARE * memoryBytes) / threads;
  await ranks.add(each.all);
  return each.smallest(0);
}

/** How many draws have room side by side. @param matrices d×d that each holds at a time */
export const drawsAtOnce = (roomBytes: number, matrices: number, d: number): number =>
  Math.max(1, Math.floor(roomBytes / (8 * matrices * d * d)));

/** [from, to) of so many at a time. */
export const runs = (count: number, size: number): (readonly [number, number])[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, k) => [k * size, Math.min(count, (k + 1) * size)] as const);

/** So many tasks side by side, then the next ones. */
export async function inWaves<T>(
  pass: Pass<RowsView>,
  tasks: readonly T[],
  size: number,
  work: (pass: Pass<RowsView>, task: T) => Promise<void>,
): Promise<void> {
  for (const [from, to] of runs(tasks.length, size)) {
    await sideBySide(
      pass,
      tasks.slice(from, to).map((task) => (own: Pass<RowsView>) => work(own, task)),
    );
  }
}

/** The rows of one draw over all ranks: what their weights sum to, how many have weight, and how many of these are on ranks before. */
export interface DrawnTotals {
  readonly total: number;
  readonly rows: number;
  readonly before: number;
}

/** Those of each draw, one pass. */
export async function weighDraws(
  pass: Pass<RowsView>,
  ranks: Ranks,
  options: ResamplingOptions,
  draws: number,
): Promise<DrawnTotals[]> {
  const totals = new Float64Array(draws);
  const counts = new EachRank(ranks, draws);
  const parts = runs(draws, TOGETHER).map(([from, to]) => ({
    write: writeDraws(options, from, to),
    sums: totals.subarray(from, to),
    rows: counts.own.subarray(from, to),
  }));
  await pass({
    sums: [totals, counts.all],
    visit(view) {
      const rows = drawnFrom(view);
      for (const part of parts) {
        const drawn = Matrix.zeros(rows.weights.length, part.sums.length);
        part.write(rows, drawn.data);
        add(part.sums, columnSums(drawn));
        add(part.rows, columnSums(marksOf(drawn)));
      }
    },
  });
  return Array.from(totals, (total, k) => {
    const ofRanks = counts.ofAll(k);
    const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
    return { total, rows: sum(ofRanks), before: sum(ofRanks.subarray(0, ranks.rank)) };
  });
}

const marksOf = ({ data, rows, columns }: Matrix): Matrix =>
  new Matrix(
    data.map((weight) => (weight > 0 ? 1 : 0)),
    rows,
    columns,
  );

export function columnSums({ data, rows, columns }: Matrix): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0, at = 0; i < rows; i++) for (let k = 0; k < columns; k++, at++) out[k] += data[at];
  return out;
}
