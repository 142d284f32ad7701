/** Products of the curvature of softmax regression with many rows: Σ w_i A_i ⊗ (1, x_i)(1, x_i)' for several directions at once. */
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { growingBuffer } from "./feature-map.js";
import type { SoftmaxRows } from "./softmax-rows.js";

/** Rows and what their curvature is made of. */
export interface CurvedRows {
  /** r×m */
  readonly x: Matrix;
  /** r×K */
  readonly p: Matrix;
  /** r */
  readonly w: Float64Array;
}

/** Products of at most so many multiply-adds BLAS takes without packing. */
const SMALL_PRODUCT = 1e6;
/** Features that stay in the cache from their scores to their sums. */
const STRETCH_NUMBERS = 40_000;

const scratch = growingBuffer();

/**
 * images (k×d) += Σ_i w_i A_i (b + Bx_i) ⊗ (1, x_i) for the parameters in each row of `directions` (k×d). The K scores of all directions
 * stand side by side, so that every stretch of rows is read once for all.
 */
export function addCurvedProducts(
  rows: SoftmaxRows,
  blocks: readonly CurvedRows[],
  directions: Matrix,
  images: Matrix,
): void {
  const { classes: K, features: m, first } = rows;
  const columns = directions.rows * K;
  if (columns === 0) return;
  const weights = sideBySide(rows, directions);
  const intercepts = new Float64Array(columns);
  for (let k = 0; k < directions.rows; k++) intercepts.set(directions.row(k).subarray(0, first), k * K);
  const slopes = new Float64Array(columns * m);
  const totals = new Float64Array(columns);
  const most = Math.max(1, Math.floor(Math.min(SMALL_PRODUCT / columns, STRETCH_NUMBERS) / m));
  for (const { x, p, w } of blocks) {
    for (let from = 0; from < x.rows; from += most) {
      const r = Math.min(most, x.rows - from);
      const part = x.data.subarray(from * m, (from + r) * m);
      const scores = scratch(r * columns);
      blas().gemm(false, false, r, columns, m, 1, part, m, weights, columns, 0, scores, columns);
      curve(scores, p, w, { from, r, intercepts, totals });
      blas().gemm(true, false, columns, m, r, 1, scores, columns, part, m, 1, slopes, m);
    }
  }
  for (let k = 0; k < directions.rows; k++) {
    const out = images.row(k);
    for (let c = 0; c < first; c++) out[c] += totals[k * K + c];
    for (let j = first, at = k * K * m; j < out.length; j++, at++) out[j] += slopes[at];
  }
}

/** Scores (r×kK, without their intercepts) become w_i A_i (b + Bx_i), whose sums over the rows are added to `totals`. */
function curve(
  scores: Float64Array,
  { data: p, columns: K }: Matrix,
  w: Float64Array,
  {
    from,
    r,
    intercepts,
    totals,
  }: { readonly from: number; readonly r: number; readonly intercepts: Float64Array; readonly totals: Float64Array },
): void {
  const columns = totals.length;
  for (let i = 0, at = 0; i < r; i++) {
    const weight = w[from + i];
    const share = (from + i) * K;
    for (let column = 0; column < columns; column += K, at += K) {
      let mean = 0;
      for (let c = 0; c < K; c++) mean += p[share + c] * (scores[at + c] += intercepts[column + c]);
      for (let c = 0; c < K; c++) {
        const curved = weight * p[share + c] * (scores[at + c] - mean);
        scores[at + c] = curved;
        totals[column + c] += curved;
      }
    }
  }
}

/** B' of every direction, m×kK. */
function sideBySide({ classes: K, features: m, first }: SoftmaxRows, directions: Matrix): Float64Array {
  const columns = directions.rows * K;
  const out = new Float64Array(m * columns);
  for (let k = 0; k < directions.rows; k++) {
    const theta = directions.row(k);
    for (let c = 0, at = first; c < K; c++)
      for (let j = 0, to = k * K + c; j < m; j++, at++, to += columns) out[to] = theta[at];
  }
  return out;
}
