/** Products of rows with the weights of a few classes, by all threads where the rows are many. */

import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { pullJob, scoresJob, tallParts } from "../linalg/parts/row-products.js";
import { doParts, sharedNumbers } from "../linalg/parts/share.js";

/** Multiply-adds from which blocks are worth their copies in shared memory. */
const TALL_WORK = 5e7;

/** Whether rows times k columns are worth several threads. */
export const isTall = (x: Matrix, columns: number): boolean => x.data.length * columns >= TALL_WORK;

/** What threads are handed, kept from one product to the next: nobody reads it when all parts are done. */
const [weightBuffer, rowBuffer, sumBuffer] = [0, 1, 2].map(() => growingBuffer(sharedNumbers));

/** F (r×k) += XB, B m×k. */
export function addTallScores(x: Matrix, b: Matrix, out: Matrix): void {
  const { rows, columns: features } = x;
  const columns = b.columns;
  const weights = weightBuffer(features * columns);
  weights.set(b.data);
  const scores = rowBuffer(rows * columns);
  scores.set(out.data);
  doParts(scoresJob({ x: x.data, rows, features, columns, weights, scores }));
  out.data.set(scores);
}

/** out (k×m) += Q'X, Q r×k. */
export function addTallPull(x: Matrix, q: Matrix, out: Float64Array): void {
  const { rows, columns: features } = x;
  const columns = q.columns;
  const own = rowBuffer(rows * columns);
  own.set(q.data);
  const size = columns * features;
  const sums = sumBuffer(tallParts(rows, features) * size).fill(0);
  doParts(pullJob({ x: x.data, rows, features, columns, q: own, sums }));
  for (let from = 0; from < sums.length; from += size)
    for (let at = 0, to = from; at < size; at++, to++) out[at] += sums[to];
}
