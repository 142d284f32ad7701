/** Products of the curvature of softmax regression with many rows: Σ w_i A_i ⊗ (1, x_i)(1, x_i)' for several directions at once. */
import { blas } from "../linalg/backend.js";
import {
  addPart,
  type CurvedBlock,
  type CurvedJob,
  partsOf,
  type RowProducts,
  sumsOfPart,
} from "../linalg/curved-rows.js";
import type { Matrix } from "../linalg/matrix.js";
import type { SoftmaxRows } from "./softmax-rows.js";

/** Multiply-adds of all blocks from which threads beside this one pay: a few milliseconds. */
const SHARED_WORK = 5e7;

const products: RowProducts<Float64Array> = {
  scores: ({ features: m, columns, weights }, x, from, r, scores) =>
    blas().gemm(false, false, r, columns, m, 1, x.subarray(from * m), m, weights, columns, 0, scores, columns),
  pull: ({ features: m, columns }, x, from, r, q, out) =>
    blas().gemm(true, false, columns, m, r, 1, q, columns, x.subarray(from * m), m, 1, out, m),
};

/** Numbers that threads beside this one see where the back end has any. */
export const sharedNumbers = (length: number): Float64Array =>
  blas().shareParts ? new Float64Array(new SharedArrayBuffer(8 * length)) : new Float64Array(length);

/**
 * images (k×d) += Σ_i w_i A_i (b + Bx_i) ⊗ (1, x_i) for the parameters in each row of `directions` (k×d). The K scores of all directions
 * stand side by side, so that every stretch of rows is read once for all.
 * @param blocks p and w are `sharedNumbers`
 */
export function addCurvedProducts(
  { classes: K, features: m, first }: SoftmaxRows,
  blocks: readonly CurvedBlock<Float64Array>[],
  directions: Matrix,
  images: Matrix,
): void {
  const columns = directions.rows * K;
  if (columns === 0) return;
  const parts = partsOf(blocks.length);
  const size = sumsOfPart(m, columns);
  const weights = sharedNumbers(m * columns);
  const intercepts = sharedNumbers(columns);
  for (let k = 0; k < directions.rows; k++) {
    const theta = directions.row(k);
    intercepts.set(theta.subarray(0, first), k * K);
    for (let c = 0, at = first; c < K; c++)
      for (let j = 0, to = k * K + c; j < m; j++, at++, to += columns) weights[to] = theta[at];
  }
  const sums = sharedNumbers(parts * size);
  const job: CurvedJob<Float64Array> = { features: m, classes: K, columns, weights, intercepts, blocks, sums };
  const own = (part: number): void => addPart(job, part, products);
  const work = blocks.reduce((sum, { rows }) => sum + rows, 0) * m * columns;
  const { shareParts } = blas();
  if (shareParts && work >= SHARED_WORK && parts > 1) shareParts(job, own);
  else for (let part = 0; part < parts; part++) own(part);
  for (let from = 0; from < sums.length; from += size) {
    for (let k = 0; k < directions.rows; k++) {
      const out = images.row(k);
      for (let c = 0, at = from + k * K; c < first; c++, at++) out[c] += sums[at];
      for (let j = first, at = from + columns + k * K * m; j < out.length; j++, at++) out[j] += sums[at];
    }
  }
}
