/**
 * Σ ω vv' of the quadratic basis from the distinct moments Σ ω x_i x_j x_k x_l (i ≤ j ≤ k ≤ l): there are m⁴/24 of them, a third of
 * the m⁴/8 entries of the matrix. For each j they are one product of the columns x_i x_j (i ≤ j) with the columns x_k x_l (j ≤ k),
 * which lie behind each other.
 */
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { growingBuffer } from "./feature-map.js";
import { LinearMap } from "./linear-map.js";

/** Rows whose products x_k x_l are formed at a time, in bytes: long enough for whole matrix products, never V itself. */
const STRETCH_BYTES = 1 << 24;

/** From these numbers on, the savings exceed what spreading the moments costs. */
export const LEAST_INPUTS = 24;
export const LEAST_ROWS = 128;
/** Rows of a block that make spreading the moments cheap beside summing them. */
export const GRAM_ROWS = 8192;

export class QuadraticGram {
  /** m(m+1)/2: all products, whether they are features or not. */
  private readonly count: number;
  /** Where the products with x_k as the first factor begin. */
  private readonly starts: Int32Array;
  private readonly linear: LinearMap;
  private readonly products = growingBuffer();
  private readonly weighted = growingBuffer();
  /** Per j: (k, l)×i. */
  private readonly moments: Float64Array[] = [];

  /**
   * @param positions index in v of the product at each place of the list (0,0), (0,1), … (m−1,m−1), or −1
   * @param intercept whether v_0 = 1
   */
  constructor(
    private readonly m: number,
    intercept: boolean,
    private readonly positions: Int32Array,
  ) {
    this.count = (m * (m + 1)) / 2;
    this.starts = Int32Array.from({ length: m + 1 }, (_, k) => k * m - (k * (k - 1)) / 2);
    this.linear = new LinearMap(m, intercept);
  }

  /** out (d×d, lower triangle) += Σ ω vv' */
  add(x: Matrix, omega: Float64Array, out: Matrix): void {
    const { m, count, linear } = this;
    const low = linear.count;
    for (let j = 0; j < m; j++) (this.moments[j] ??= new Float64Array((count - this.starts[j]) * (j + 1))).fill(0);
    const lowSums = Matrix.zeros(low, low);
    const mixed = Matrix.zeros(count, low);
    const stretch = Math.max(16, Math.floor(STRETCH_BYTES / 8 / count));
    for (let from = 0; from < x.rows; from += stretch) {
      const rows = x.rowRange(from, Math.min(x.rows, from + stretch));
      const w = omega.subarray(from, from + rows.rows);
      linear.addGram(rows, w, lowSums);
      this.addMoments(rows, w, mixed);
    }
    this.spread(lowSums, mixed, out);
  }

  private addMoments(x: Matrix, omega: Float64Array, mixed: Matrix): void {
    const { m, count, starts, linear } = this;
    const r = x.rows;
    const products = this.products(r * count);
    for (let i = 0, at = 0; i < r; i++) {
      const row = x.row(i);
      for (let k = 0; k < m; k++) {
        const first = row[k];
        for (let l = k; l < m; l++, at++) products[at] = first * row[l];
      }
    }
    const low = linear.features(x);
    for (let i = 0, at = 0; i < r; i++) for (let j = 0; j < low.columns; j++, at++) low.data[at] *= omega[i];
    blas().gemm(
      true,
      false,
      count,
      low.columns,
      r,
      1,
      products,
      count,
      low.data,
      low.columns,
      1,
      mixed.data,
      low.columns,
    );
    for (let j = 0; j < m; j++) {
      const width = j + 1;
      const left = this.weighted(r * width);
      for (let i = 0, at = 0; i < r; i++) {
        const factor = omega[i] * x.data[i * m + j];
        for (let k = 0, from = i * m; k < width; k++, at++) left[at] = factor * x.data[from + k];
      }
      const tail = products.subarray(starts[j]);
      blas().gemm(true, false, count - starts[j], width, r, 1, tail, count, left, width, 1, this.moments[j], width);
    }
  }

  /** Every entry of the matrix from the moment of its four factors in ascending order. */
  private spread(lowSums: Matrix, mixed: Matrix, out: Matrix): void {
    const { m, starts, positions, moments } = this;
    const d = out.columns;
    const low = lowSums.columns;
    for (let a = 0; a < low; a++) for (let b = 0; b <= a; b++) out.data[a * d + b] += lowSums.data[a * low + b];
    for (let k = 0, place = 0; k < m; k++) {
      for (let l = k; l < m; l++, place++) {
        if (positions[place] < 0) continue;
        const row = positions[place] * d;
        for (let b = 0; b < low; b++) out.data[row + b] += mixed.data[place * low + b];
        for (let i = 0, other = 0; i <= k; i++) {
          const end = i === k ? l : m - 1;
          for (let j = i; j <= end; j++, other++) {
            const column = positions[other];
            if (column < 0) continue;
            // i ≤ k in any case; the middle two of the four are the smaller of j and k, and the smaller of what is left.
            const [second, third, fourth] = j <= k ? [j, k, l] : [k, j < l ? j : l, j < l ? l : j];
            const from = (starts[third] + fourth - third - starts[second]) * (second + 1) + i;
            out.data[row + column] += moments[second][from];
          }
        }
      }
    }
  }
}
