/** Sizes and directions of many rows at once: the common exponents in loops without branches, the others row by row. */

import { growingBuffer } from "../linalg/buffers.js";
import type { Matrix } from "../linalg/matrix.js";
import { sizesJob, sizesParts, sumMagnitudes } from "../linalg/parts/row-sizes.js";
import { doParts, SHARED_WORK, sharedNumbers } from "../linalg/parts/share.js";
import { rowLengths, unitRows } from "../linalg/row-kernels.js";
import { dualDirection, type Exponent, norm } from "./norms.js";

/** ‖v_i‖_p of every row of a matrix (r×m), to `out` (r). */
export function rowNorms(v: Matrix, p: Exponent, out: Float64Array): void {
  const { data, rows, columns: m } = v;
  if ((p === 1 || p === 2) && rowSizes(v, p, out)) return;
  for (let i = 0; i < rows; i++) out[i] = norm(data, p, i * m, m);
}

/** What threads write to, kept from block to block. */
const [sizesBuffer, unsafeBuffer] = [0, 1].map(() => growingBuffer(sharedNumbers));

/** The same in loops without branches, by all threads where the rows are many. Returns false where squares under- or overflow. */
function rowSizes(v: Matrix, p: 1 | 2, out: Float64Array): boolean {
  const { data: x, rows, columns: features } = v;
  const job = { x, rows, features, p, sizes: out, unsafe: out };
  if (sizesJob(job).work < SHARED_WORK) {
    if (p === 2) return rowLengths(v, out);
    sumMagnitudes(v, out);
    return true;
  }
  const sizes = sizesBuffer(rows);
  const unsafe = unsafeBuffer(sizesParts(rows, features)).fill(0);
  doParts(sizesJob({ ...job, sizes, unsafe }));
  out.set(sizes);
  return unsafe.every((flag) => flag === 0);
}

/** `dualDirection` of every row of g (r×m): φ(g_i) to `out`, which may be g itself, ‖g_i‖_q to `dualNorms` (r). */
export function dualDirections(g: Matrix, p: Exponent, out: Matrix, dualNorms: Float64Array): void {
  const { rows, columns: m } = g;
  if (p === 2) {
    if (unitRows(g, out.data, dualNorms)) return;
    for (let i = 0; i < rows; i++) if (dualNorms[i] < 0) dualNorms[i] = dualDirection(out.data, 2, out.data, i * m, m);
  } else if (p === Infinity) {
    rowNorms(g, 1, dualNorms);
    writeSigns(g.data, out.data);
  } else {
    for (let i = 0; i < rows; i++) dualNorms[i] = dualDirection(g.data, p, out.data, i * m, m);
  }
}

/** Every entry times the factor of its column (m), to `out`, which may be the matrix itself. */
export function scaleColumns({ data, rows, columns: m }: Matrix, factors: Float64Array, out: Float64Array): void {
  for (let i = 0, at = 0; i < rows; i++) for (let k = 0; k < m; k++, at++) out[at] = data[at] * factors[k];
}

function writeSigns(data: Float64Array, out: Float64Array): void {
  for (let at = 0; at < data.length; at++) out[at] = Math.sign(data[at]);
}
