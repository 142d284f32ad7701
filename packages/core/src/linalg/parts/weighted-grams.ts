/**
 * V'diag(ω_k)V under K sets of weights at once. The entries of all K matrices are one product: the rows' products v_j v_l
 * (l ≤ j) times the weights, which goes at the speed of a matrix product even where d is small. A part has some of the features v_j.
 */
import { writeMultiples } from "./multiples.js";
import type { Need, Products } from "./products.js";

export interface WeightedGramsJob {
  readonly kind: "weighted grams";
  readonly parts: number;
  readonly work: number;
  /** Part p has the features from starts[p] to starts[p + 1], exclusive. */
  readonly starts: readonly number[];
  readonly rows: number;
  /** K */
  readonly sets: number;
  /** r×d */
  readonly features: Float64Array;
  /** r×K */
  readonly weights: Float64Array;
  /** d(d+1)/2 × K: entry (j, l), l ≤ j, of every matrix in row j(j+1)/2 + l. */
  readonly sums: Float64Array;
}

/** Rows and products of features that are multiplied at a time: what they fill stays in the cache. */
const STRETCH_ROWS = 256;
const STRETCH_PRODUCTS = 256;

/** Products of features before feature j. */
const before = (j: number): number => (j * (j + 1)) / 2;

/** How d features are dealt out. */
export function weightedGramsStarts(features: number): number[] {
  const starts = [0];
  for (let j = 1; j < features; j++)
    if (before(j + 1) - before(starts[starts.length - 1]) > STRETCH_PRODUCTS) starts.push(j);
  return [...starts, features];
}

export function weightedGramsJob(
  job: Pick<WeightedGramsJob, "starts" | "rows" | "sets" | "features" | "weights" | "sums">,
): WeightedGramsJob {
  const { starts, rows, sets } = job;
  const work = rows * before(starts[starts.length - 1]) * sets;
  return { kind: "weighted grams", parts: starts.length - 1, work, ...job };
}

/** The products of a stretch of rows. */
let scratch = new Float64Array(0);

export function addWeightedGrams<X>(
  { starts, rows, sets, features, weights, sums }: WeightedGramsJob,
  part: number,
  { gemm }: Products<X>,
): void {
  const [first, end, d] = [starts[part], starts[part + 1], starts[starts.length - 1]];
  const width = before(end) - before(first);
  if (scratch.length < STRETCH_ROWS * width) scratch = new Float64Array(STRETCH_ROWS * width);
  const out = sums.subarray(before(first) * sets);
  for (let from = 0; from < rows; from += STRETCH_ROWS) {
    const to = Math.min(from + STRETCH_ROWS, rows);
    let at = 0;
    for (let i = from; i < to; i++) {
      const row = i * d;
      for (let j = first; j < end; j++) {
        writeMultiples(features, row, row + j + 1, features[row + j], scratch, at);
        at += j + 1;
      }
    }
    const own = weights.subarray(from * sets);
    gemm(true, false, width, sets, to - from, 1, scratch, width, own, sets, 1, out, sets);
  }
}

export const weightedGramsNeeds = ({ starts, rows, sets, features, weights, sums }: WeightedGramsJob): Need[] => {
  const d = starts[starts.length - 1];
  return [
    ["V", features, rows * d],
    ["the weights", weights, rows * sets],
    ["the sums", sums, before(d) * sets],
  ];
};
