import type { Block, Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { type FeatureMap, growingBuffer } from "./feature-map.js";

/** Blocks larger than elsewhere: a fold's part of one must still be worth a matrix product. */
const BLOCK_BYTES = 1 << 23;

/** Sums over the rows of each of K folds. */
export interface FoldSums {
  /** K × (d×d, lower triangle): Σ_{i in fold k} ω_i v_i v_i' */
  readonly grams: readonly Matrix[];
  /** d×K: Σ_{i in fold k} π_i v_i */
  readonly pulls: Matrix;
}

/**
 * V'diag(ω)V and V'π for every fold in one pass: each block's rows are put in fold order in a scratch copy, so that a fold's
 * part is one stretch of rows. All folds together cost what one Gram matrix costs; leaving a fold out is then a subtraction.
 */
export async function foldSums(
  map: FeatureMap,
  data: Dataset,
  foldOf: Uint16Array,
  folds: number,
  weightsOf: (block: Block, omega: Float64Array, pi: Float64Array) => void,
  work?: Work,
): Promise<FoldSums> {
  const d = map.count;
  const grams = Array.from({ length: folds }, () => Matrix.zeros(d, d));
  const pulls = Array.from({ length: folds }, () => Matrix.zeros(d, 1));
  const buffer = growingBuffer();
  const slices = timeSlices(work);
  for (const block of data.blocks(Math.max(64, Math.floor(BLOCK_BYTES / 8 / Math.max(1, map.inputs))))) {
    const { x, firstRow } = block;
    const [r, m] = [x.rows, x.columns];
    const omega = new Float64Array(r);
    const pi = new Float64Array(r);
    weightsOf(block, omega, pi);
    const starts = foldStarts(foldOf, firstRow, r, folds);
    const next = starts.slice();
    const sorted = new Matrix(buffer(r * m), r, m);
    const sortedOmega = new Float64Array(r);
    const sortedPi = new Float64Array(r);
    for (let i = 0; i < r; i++) {
      const to = next[foldOf[firstRow + i]]++;
      copyRow(x.data, i * m, sorted.data, to * m, m);
      sortedOmega[to] = omega[i];
      sortedPi[to] = pi[i];
    }
    for (let k = 0; k < folds; k++) {
      const [from, to] = [starts[k], starts[k + 1]];
      if (from === to) continue;
      const rows = sorted.rowRange(from, to);
      map.addGram(rows, sortedOmega.subarray(from, to), grams[k]);
      map.addPullback(rows, new Matrix(sortedPi.subarray(from, to), to - from, 1), pulls[k]);
    }
    if (slices.due()) await slices.pause({ phase: "held-out folds", done: firstRow + r, total: data.rows });
  }
  const side = Matrix.zeros(d, folds);
  pulls.forEach((pull, k) => {
    for (let j = 0; j < d; j++) side.data[j * folds + k] = pull.data[j];
  });
  return { grams, pulls: side };
}

/** folds + 1 offsets of the folds' rows within a block in fold order. */
function foldStarts(foldOf: Uint16Array, firstRow: number, rows: number, folds: number): Int32Array {
  const starts = new Int32Array(folds + 1);
  for (let i = 0; i < rows; i++) starts[foldOf[firstRow + i] + 1]++;
  for (let k = 0; k < folds; k++) starts[k + 1] += starts[k];
  return starts;
}

/** Short rows are copied faster by a loop than through the engine's bulk copy. */
function copyRow(from: Float64Array, fromAt: number, to: Float64Array, toAt: number, length: number): void {
  if (length > 64) {
    to.set(from.subarray(fromAt, fromAt + length), toAt);
    return;
  }
  for (let k = 0; k < length; k++) to[toAt + k] = from[fromAt + k];
}
