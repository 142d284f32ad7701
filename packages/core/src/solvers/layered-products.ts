/** Products with F, F' and FF' of rows that are known layer by layer. */
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { LayeredRows, RowsOfLayer } from "../models/layered-rows.js";

/** F of several blocks, one below the other, without the outputs whose slopes are 0 everywhere. @param blocks at least one, of one network. */
export function stackedRows(blocks: readonly LayeredRows[]): LayeredRows {
  const [{ outputs, layers }] = blocks;
  const used = Array.from({ length: outputs }, (_, k) => k).filter((k) => blocks.some((block) => isUsed(block, k)));
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  return {
    rows,
    outputs: used.length,
    layers: layers.map(({ weight, bias, inputs: { columns: i }, slopes: { columns: o } }, l) => {
      const inputs = Matrix.zeros(rows, i);
      const slopes = Matrix.zeros(rows * used.length, o);
      let [before, at] = [0, 0];
      for (const { rows: r, layers: parts } of blocks) {
        inputs.data.set(parts[l].inputs.data, before * i);
        before += r;
        for (let row = 0; row < r; row++)
          for (const k of used) slopes.row(at++).set(parts[l].slopes.row(row * outputs + k));
      }
      return { weight, bias, inputs, slopes };
    }),
  };
}

/** Whether output k has a slope that is not 0. */
const isUsed = ({ rows, outputs, layers }: LayeredRows, k: number): boolean =>
  layers.some(({ slopes }) => {
    for (let row = 0; row < rows; row++) if (slopes.row(row * outputs + k).some((value) => value !== 0)) return true;
    return false;
  });

/** How many of the K outputs have slopes that are not 0. */
export const usedOutputs = (rows: LayeredRows): number => {
  let count = 0;
  for (let k = 0; k < rows.outputs; k++) if (isUsed(rows, k)) count++;
  return count;
};

/** Fv (rK) for v (d). */
export function timesVector({ rows, outputs, layers }: LayeredRows, v: Float64Array): Float64Array {
  const out = new Float64Array(rows * outputs);
  for (const { weight, bias, inputs, slopes } of layers) {
    const [i, o] = [inputs.columns, slopes.columns];
    const moved = Matrix.zeros(rows, o);
    if (bias !== null) for (let row = 0; row < rows; row++) moved.row(row).set(v.subarray(bias, bias + o));
    blas().gemm(false, true, rows, o, i, 1, inputs.data, i, v.subarray(weight, weight + o * i), i, 1, moved.data, o);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let k = 0; k < outputs; k++, at++) {
        let sum = 0;
        for (let a = 0; a < o; a++) sum += slopes.data[at * o + a] * moved.data[row * o + a];
        out[at] += sum;
      }
    }
  }
  return out;
}

/** out ← out + F'u (d) for u (rK). */
export function addTransposed({ rows, outputs, layers }: LayeredRows, u: Float64Array, out: Float64Array): void {
  for (const { weight, bias, inputs, slopes } of layers) {
    const [i, o] = [inputs.columns, slopes.columns];
    const pulled = Matrix.zeros(rows, o);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let k = 0; k < outputs; k++, at++) {
        for (let a = 0; a < o; a++) pulled.data[row * o + a] += u[at] * slopes.data[at * o + a];
      }
      if (bias !== null) for (let a = 0; a < o; a++) out[bias + a] += pulled.data[row * o + a];
    }
    const part = out.subarray(weight, weight + o * i);
    blas().gemm(true, false, o, i, rows, 1, pulled.data, o, inputs.data, i, 1, part, i);
  }
}

/** Rows of F that are written out at once: some megabytes. */
const EXPANDED = 2 ** 22;

/** C ← C + F'F (d×d, lower triangle). @param numbers of F that are written out at once */
export function addGaussNewton(rows: LayeredRows, out: Matrix, numbers = EXPANDED): void {
  const d = out.rows;
  const packed = stackedRows([rows]);
  const total = packed.rows * packed.outputs;
  const most = Math.max(1, Math.min(total, Math.floor(numbers / d)));
  const dense = new Float64Array(most * d);
  for (let from = 0; from < total; from += most) {
    const to = Math.min(total, from + most);
    for (let at = from; at < to; at++) expand(packed, at, dense.subarray((at - from) * d, (at - from + 1) * d));
    blas().syrk(d, to - from, 1, dense, d, 1, out.data, d);
  }
}

/** Row (i, k) of F: every number of it is written. */
function expand({ outputs, layers }: LayeredRows, at: number, out: Float64Array): void {
  for (const { weight, bias, inputs, slopes } of layers) {
    const h = inputs.row(Math.floor(at / outputs));
    const s = slopes.row(at);
    for (let a = 0, to = weight; a < s.length; a++) {
      for (let b = 0; b < h.length; b++, to++) out[to] = s[a] * h[b];
      if (bias !== null) out[bias + a] = s[a];
    }
  }
}

/** Rows of FF' that are made at once, in rows of the data. */
const PANEL = 32;

/**
 * FD⁻¹F' (rK×rK, lower triangle) for a diagonal D that is one number on the weights of a layer and one on its biases:
 * Σ over layers of (s_a's_b)(h_a'h_b/D_w + 1/D_b).
 * @param inverse 1/D (d)
 */
export function rowGram({ rows, outputs, layers }: LayeredRows, inverse: Float64Array): Matrix {
  const count = rows * outputs;
  const out = Matrix.zeros(count, count);
  const near = new Float64Array(PANEL * rows);
  const alike = new Float64Array(PANEL * outputs * count);
  for (const layer of layers) {
    for (let from = 0; from < rows; from += PANEL) {
      const to = Math.min(rows, from + PANEL);
      panel(layer, { from, to, outputs, inverse }, near, alike);
      for (let row = from; row < to; row++) {
        for (let k = 0; k < outputs; k++) {
          const at = row * outputs + k;
          const left = alike.subarray((at - from * outputs) * to * outputs);
          const into = out.data.subarray(at * count, (at + 1) * count);
          for (let other = 0, b = 0; other <= row; other++) {
            const share = near[(row - from) * to + other];
            for (let m = 0; m < outputs; m++, b++) into[b] += share * left[b];
          }
        }
      }
    }
  }
  return out;
}

/** Rows `from` to `to` of h_a'h_b/D_w + 1/D_b and of s_a's_b, for b before `to`. */
function panel(
  { weight, bias, inputs, slopes }: RowsOfLayer,
  { from, to, outputs, inverse }: { from: number; to: number; outputs: number; inverse: Float64Array },
  near: Float64Array,
  alike: Float64Array,
): void {
  const [i, o, r] = [inputs.columns, slopes.columns, to - from];
  near.fill(bias === null ? 0 : inverse[bias], 0, r * to);
  blas().gemm(false, true, r, to, i, inverse[weight], inputs.data.subarray(from * i), i, inputs.data, i, 1, near, to);
  const [top, all] = [slopes.data.subarray(from * outputs * o), to * outputs];
  blas().gemm(false, true, r * outputs, all, o, 1, top, o, slopes.data, o, 0, alike, all);
}
