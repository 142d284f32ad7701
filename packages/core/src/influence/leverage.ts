import { blas } from "../linalg/backend.js";
import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";

/** Columns of V that are multiplied at once: wide enough for BLAS, narrow enough that little above the diagonal is multiplied. */
const WIDTH = 64;

/** v_i'Mv_i of every row (n) for each of some d×d matrices. */
export async function rowForms(
  { fit: { model, data } }: Influence,
  matrices: readonly Matrix[],
  work?: Work,
): Promise<Float64Array[]> {
  const out = matrices.map(() => new Float64Array(data.rows));
  const uppers = matrices.map(upperForm);
  const images = growingBuffer();
  await sweep(
    model.map,
    data,
    { phase: "leverages" },
    ({ block: { x, firstRow } }) => {
      const v = model.map.features(x);
      uppers.forEach((U, k) => addForms(v, U, out[k].subarray(firstRow, firstRow + x.rows), images(x.rows * WIDTH)));
    },
    work,
  );
  return out;
}

/** U upper triangular with v'Uv = v'Mv: half the products. */
function upperForm({ data, rows: d }: Matrix): Matrix {
  const upper = Matrix.zeros(d, d);
  for (let i = 0; i < d; i++) {
    upper.data[i * (d + 1)] = data[i * (d + 1)];
    for (let j = i + 1; j < d; j++) upper.data[i * d + j] = data[i * d + j] + data[j * d + i];
  }
  return upper;
}

/** out (r) += v_i'Uv_i, some columns of VU at a time. */
function addForms(v: Matrix, U: Matrix, out: Float64Array, images: Float64Array): void {
  const d = v.columns;
  for (let from = 0; from < d; from += WIDTH) {
    const to = Math.min(from + WIDTH, d);
    const width = to - from;
    blas().gemm(false, false, v.rows, width, to, 1, v.data, d, U.data.subarray(from), d, 0, images, width);
    for (let i = 0, at = 0; i < v.rows; i++) {
      let sum = 0;
      for (let j = i * d + from, end = i * d + to; j < end; j++, at++) sum += v.data[j] * images[at];
      out[i] += sum;
    }
  }
}

/**
 * h_i = μ_i ℓ''_i v_i'H⁻¹v_i (n), the weighted leverages: what a row's own score gives back of a shift of its own target. μ_i is
 * the weight of one unit: w_i, or 1/N where weights count units. Σ h_i = d without ridge. Below 1, so that rows that fit
 * themselves keep a finite influence.
 * @param forms v_i'H⁻¹v_i
 */
export function leverages(
  { fit: { model, data, scores } }: Influence,
  forms: Float64Array,
  unit: number | null,
): Float64Array {
  return forms.map((form, i) => {
    const second = model.loss.second(scores[i], data.y[i]);
    return Math.min(LARGEST, (unit ?? data.weights[i]) * second * form);
  });
}

const LARGEST = 1 - 1e-6;
