/** Products of the curvature of softmax regression with many rows: Σ w_i A_i ⊗ (1, x_i)(1, x_i)' for several directions at once. */

import { growingBuffer } from "../linalg/buffers.js";
import type { Matrix } from "../linalg/matrix.js";
import { type CurvedBlock, curvedJob, curvedParts, sumsOfPart } from "../linalg/parts/curved-rows.js";
import { doParts, sharedNumbers } from "../linalg/parts/share.js";
import type { SoftmaxRows } from "./softmax-rows.js";

/** What threads are handed, kept from one product to the next: nobody reads it when all parts are done. */
const [weightBuffer, interceptBuffer, sumBuffer] = [0, 1, 2].map(() => growingBuffer(sharedNumbers));

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
  const parts = curvedParts(blocks.length);
  const size = sumsOfPart(m, columns);
  const weights = weightBuffer(m * columns);
  const intercepts = interceptBuffer(columns).fill(0);
  for (let k = 0; k < directions.rows; k++) {
    const theta = directions.row(k);
    intercepts.set(theta.subarray(0, first), k * K);
    for (let c = 0, at = first; c < K; c++)
      for (let j = 0, to = k * K + c; j < m; j++, at++, to += columns) weights[to] = theta[at];
  }
  const sums = sumBuffer(parts * size).fill(0);
  doParts(curvedJob({ features: m, classes: K, columns, weights, intercepts, blocks, sums }));
  for (let from = 0; from < sums.length; from += size) {
    for (let k = 0; k < directions.rows; k++) {
      const out = images.row(k);
      for (let c = 0, at = from + k * K; c < first; c++, at++) out[c] += sums[at];
      for (let j = first, at = from + columns + k * K * m; j < out.length; j++, at++) out[j] += sums[at];
    }
  }
}
