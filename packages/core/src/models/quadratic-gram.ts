/**
 * Σ ω vv' of the quadratic basis. With z = (1, x) all its features are products z_k z_l, and its entries fourth moments of z: of
 * d²/2 ≈ m⁴/8 entries m⁴/24 are distinct, and they alone are summed over the rows (`moment-sums.ts`).
 */
import type { Matrix } from "../linalg/matrix.js";
import { type MomentCut, momentCut, pairStart } from "../linalg/parts/moment-blocks.js";
import type { GramSums } from "./feature-map.js";
import { MomentSums } from "./moment-sums.js";

/** From these numbers on, the savings exceed what spreading the moments costs. */
export const LEAST_INPUTS = 24;
export const LEAST_ROWS = 256;
/** Rows of a block, in whole stretches: they are handed over one by one, so that more of them gain nothing. */
const BLOCK_ROWS = 2048;

export class QuadraticGram {
  private readonly rowsPerBlock: number;
  private readonly cut: MomentCut;
  /** Per k the place of (k, k). */
  private readonly starts: Int32Array;
  /** For rows that are summed and spread at once. */
  private own: MomentSums | null = null;

  /**
   * @param inputs m
   * @param positions index in v of z_k z_l at each place of the list (0,0), (0,1), … (m,m), or −1; ascending
   */
  constructor(
    inputs: number,
    private readonly positions: Int32Array,
  ) {
    this.cut = momentCut(inputs + 1);
    this.starts = Int32Array.from({ length: inputs + 1 }, (_, k) => pairStart(inputs + 1, k));
    this.rowsPerBlock = this.cut.stretch * Math.ceil(BLOCK_ROWS / this.cut.stretch);
  }

  /** out (d×d, lower triangle) += Σ ω vv' */
  add(x: Matrix, omega: Float64Array, out: Matrix): void {
    this.own ??= new MomentSums(this.cut, 1);
    this.own.clear();
    this.own.add(x, [omega]);
    this.spread(this.own.moments[0], out);
  }

  /** The same over many blocks, spread at the end. */
  sums(count: number): GramSums {
    const sums = new MomentSums(this.cut, count);
    return {
      rowsPerBlock: this.rowsPerBlock,
      add: (x, weights) => sums.add(x, weights),
      addTo: (out) => {
        out.forEach((gram, set) => this.spread(sums.moments[set], gram));
      },
    };
  }

  /** Every entry of the matrix from the moment of its four factors in ascending order. */
  private spread(moments: Float64Array, out: Matrix): void {
    const { cut, positions, starts } = this;
    const { variables: M, blocks } = cut;
    const to = out.data;
    /** Row (i, j) of the moments begins at (row + i)·length − first, counted from the place of (0, 0). */
    const of = blocks.flatMap(({ from, to: end, width, length, first, before, place: start }) =>
      Array.from({ length: end - from }, (_, e) => {
        const j = from + e;
        const data = moments.subarray(start, start + width * length);
        return { data, row: (j * (j + 1)) / 2 - before, length, first };
      }),
    );
    for (let k = 0, place = 0; k < M; k++) {
      const middle = of[k];
      for (let l = k; l < M; l++, place++) {
        if (positions[place] < 0) continue;
        const row = positions[place] * out.columns;
        for (let i = 0; i <= k; i++) {
          // i is the least of the four. The others ascend as (j, k, l), then (k, j, l), then (k, l, j).
          let other = starts[i];
          for (let j = i; j <= k; j++, other++) {
            const { data, row: start, length, first } = of[j];
            if (positions[other] >= 0) to[row + positions[other]] += data[(start + i) * length - first + place];
          }
          const { data } = middle;
          const from = (middle.row + i) * middle.length - middle.first;
          for (let j = k + 1; j <= l; j++, other++) {
            if (positions[other] >= 0) to[row + positions[other]] += data[from + starts[j] + l - j];
          }
          if (i === k) break;
          for (let j = l + 1, at = from + starts[l] + 1; j < M; j++, other++, at++) {
            if (positions[other] >= 0) to[row + positions[other]] += data[at];
          }
        }
      }
    }
  }
}
