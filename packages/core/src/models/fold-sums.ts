import type { Block, Dataset } from "../data/dataset.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { giveBack, takeScaler } from "../linalg/row-scaler.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { FeatureMap } from "./feature-map.js";
import { borrowBuffers } from "./idle-buffers.js";

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
  const buffers = borrowBuffers();
  const buffer = buffers.one();
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
    await addFolds(
      map,
      Array.from({ length: folds }, (_, k) => {
        const [from, to] = [starts[k], starts[k + 1]];
        const omega = sortedOmega.subarray(from, to);
        const pi = new Matrix(sortedPi.subarray(from, to), to - from, 1);
        return { x: sorted.rowRange(from, to), omega, pi, gram: grams[k], pull: pulls[k] };
      }).filter(({ x: { rows } }) => rows > 0),
    );
    if (slices.due()) await slices.pause({ phase: "held-out folds", done: firstRow + r, total: data.rows });
  }
  buffers.giveBack();
  const side = Matrix.zeros(d, folds);
  pulls.forEach((pull, k) => {
    for (let j = 0; j < d; j++) side.data[j * folds + k] = pull.data[j];
  });
  return { grams, pulls: side };
}

/** A fold's rows of a block, and the sums that they join. */
interface FoldRows {
  readonly x: Matrix;
  readonly omega: Float64Array;
  readonly pi: Matrix;
  readonly gram: Matrix;
  readonly pull: Matrix;
}

/** Multiply-adds of a fold's Gram matrix from which handing it over costs little beside it: some 0.3 ms. */
const LEAST_WORK = 1e7;

/** One fold after the other, every second one beside this thread where there is another and the Gram matrix is worth it. */
async function addFolds(map: FeatureMap, list: readonly FoldRows[]): Promise<void> {
  const { syrkBeside } = blas();
  const { gramParts } = map;
  if (!syrkBeside || !gramParts || list.some(({ x }) => x.rows * x.columns ** 2 < LEAST_WORK)) {
    for (const { x, omega, pi, gram, pull } of list) {
      map.addGram(x, omega, gram);
      map.addPullback(x, pi, pull);
    }
    return;
  }
  const scaler = takeScaler();
  for (let k = 0; k < list.length; k += 2) {
    const [one, other] = list.slice(k, k + 2);
    const done =
      other && gramParts.addSquareBeside(other.x, other.omega, other.gram, { syrkBeside, scaler, lasting: true });
    gramParts.addSquare(one.x, one.omega, one.gram);
    for (const { x, omega, pi, gram, pull } of list.slice(k, k + 2)) gramParts.addVectors(x, [omega], [gram], pi, pull);
    await done;
  }
  giveBack([scaler]);
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
