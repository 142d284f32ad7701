/** Products of two variables of every row, the factors of fourth moments. */
import type { Matrix } from "../linalg/matrix.js";
import type { MomentBlock } from "./moment-blocks.js";

/** Of rows [from, to): z_k z_l for k ≤ l in the order (0,0), (0,1), … (1,1), …; a row's lie behind each other. */
export function writePairs({ data, columns }: Matrix, from: number, to: number, out: Float64Array): void {
  let at = from * ((columns * (columns + 1)) / 2);
  for (let i = from; i < to; i++) {
    const end = (i + 1) * columns;
    for (let k = i * columns; k < end; k++) {
      writeMultiples(data, k, end, data[k], out, at);
      at += end - k;
    }
  }
}

/** Of rows [from, to): ω z_i z_j for i ≤ j, in the order (0,0), (0,1), (1,1), …; block by block of j, a row's behind each other. */
export function writeWeightedPairs(
  z: Matrix,
  blocks: readonly MomentBlock[],
  omega: Float64Array,
  from: number,
  to: number,
  out: Float64Array,
): void {
  const { data, columns } = z;
  for (const block of blocks) {
    let at = block.before * z.rows + block.width * from;
    for (let i = from; i < to; i++) {
      const start = i * columns;
      for (let j = block.from; j < block.to; j++) {
        writeMultiples(data, start, start + j + 1, omega[i] * data[start + j], out, at);
        at += j + 1;
      }
    }
  }
}

/** out from `at` on ← factor · data[from … to), four at a time: the loop itself would cost as much as the products. */
function writeMultiples(
  data: Float64Array,
  from: number,
  to: number,
  factor: number,
  out: Float64Array,
  at: number,
): void {
  let [k, into] = [from, at];
  for (; k + 3 < to; k += 4, into += 4) {
    out[into] = factor * data[k];
    out[into + 1] = factor * data[k + 1];
    out[into + 2] = factor * data[k + 2];
    out[into + 3] = factor * data[k + 3];
  }
  for (; k < to; k++, into++) out[into] = factor * data[k];
}
