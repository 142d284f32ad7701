/** Sums of distinct fourth moments over many rows, in stretches whose factors stay in a cache between forming and multiplying. */

import { growingBuffer } from "../linalg/buffers.js";
import type { Matrix } from "../linalg/matrix.js";
import type { MomentCut } from "../linalg/parts/moment-blocks.js";
import { momentJob } from "../linalg/parts/moment-products.js";
import { pairJob } from "../linalg/parts/pair-products.js";
import { doParts, sharedNumbers } from "../linalg/parts/share.js";

/** Moments of z = (1, x) under each of several sets of weights. */
export class MomentSums {
  /** Per set of weights, block by block: width×length. */
  readonly moments: readonly Float64Array[];
  private readonly z = growingBuffer(sharedNumbers);
  private readonly omega = growingBuffer(sharedNumbers);
  private readonly pairs = growingBuffer(sharedNumbers);
  private readonly weighted = growingBuffer(sharedNumbers);

  /** @param sets how many sets of weights */
  constructor(
    private readonly cut: MomentCut,
    sets: number,
  ) {
    this.moments = Array.from({ length: sets }, () => sharedNumbers(cut.work));
  }

  clear(): void {
    for (const sums of this.moments) sums.fill(0);
  }

  /** Adds rows, whose weights are one set each. */
  add(x: Matrix, weights: readonly Float64Array[]): void {
    const { cut } = this;
    for (let from = 0; from < x.rows; from += cut.stretch) {
      const rows = Math.min(cut.stretch, x.rows - from);
      const z = this.withOnes(x, from, rows);
      const pairs = this.pairs(rows * cut.pairs);
      const weighted = this.weighted(rows * cut.pairs);
      const omega = this.omega(rows);
      weights.forEach((all, set) => {
        omega.set(all.subarray(from, from + rows));
        doParts(pairJob({ cut, rows, z, omega, pairs: set === 0 ? pairs : null, weighted }));
        doParts(momentJob({ cut, rows, pairs, weighted, sums: this.moments[set] }));
      });
    }
  }

  /** r×M: rows with 1 in front of them. */
  private withOnes(x: Matrix, from: number, rows: number): Float64Array {
    const { variables } = this.cut;
    const z = this.z(rows * variables);
    for (let i = 0; i < rows; i++) {
      z[i * variables] = 1;
      z.set(x.row(from + i), i * variables + 1);
    }
    return z;
  }
}
