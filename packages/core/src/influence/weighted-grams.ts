import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";

/** Rows and products of features that are multiplied at a time: what they fill stays in the cache. */
const STRETCH_ROWS = 256;
const STRETCH_PRODUCTS = 256;

/**
 * V'diag(ω_k)V under K sets of weights at once. The entries of all K matrices are one product: the rows' products v_j v_l
 * (l ≤ j) times the weights, which goes at the speed of a matrix product even where d is small.
 */
export class WeightedGrams {
  /** d(d+1)/2 × K: entry (j, l), l ≤ j, of every matrix in row j(j+1)/2 + l. */
  private readonly sums: Matrix;
  private readonly scratch: Float64Array;

  constructor(
    private readonly count: number,
    sets: number,
  ) {
    this.sums = Matrix.zeros((count * (count + 1)) / 2, sets);
    this.scratch = new Float64Array(STRETCH_ROWS * (STRETCH_PRODUCTS + count));
  }

  /** @param features r×d @param omega r×K */
  add(features: Matrix, omega: Matrix): void {
    const K = omega.columns;
    for (let from = 0; from < features.rows; from += STRETCH_ROWS) {
      const to = Math.min(from + STRETCH_ROWS, features.rows);
      const weights = omega.data.subarray(from * K, to * K);
      for (let j = 0; j < this.count; ) j = this.addProducts(features, from, to, j, weights, K);
    }
  }

  /** Adds the products of features `first`, `first + 1`, … with those before them, as many as fit; returns the next feature. */
  private addProducts(v: Matrix, from: number, to: number, first: number, weights: Float64Array, K: number): number {
    const d = this.count;
    let end = first;
    let width = 0;
    while (end < d && (width === 0 || width + end + 1 <= STRETCH_PRODUCTS)) width += ++end;
    let at = 0;
    for (let i = from; i < to; i++) {
      const row = i * d;
      for (let j = first; j < end; j++) {
        const own = v.data[row + j];
        for (let l = 0; l <= j; l++, at++) this.scratch[at] = own * v.data[row + l];
      }
    }
    const sums = this.sums.data.subarray(((first * (first + 1)) / 2) * K);
    blas().gemm(true, false, width, K, to - from, 1, this.scratch, width, weights, K, 1, sums, K);
    return end;
  }

  /** The d×d matrix of set k, lower triangle. */
  gram(k: number): Matrix {
    const { data, columns } = this.sums;
    const out = Matrix.zeros(this.count, this.count);
    for (let j = 0, at = k; j < this.count; j++) {
      for (let l = 0; l <= j; l++, at += columns) out.data[j * this.count + l] = data[at];
    }
    return out;
  }
}
