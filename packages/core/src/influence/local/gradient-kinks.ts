import type { Matrix } from "../../linalg/matrix.js";
import { maximumMagnitude } from "../../threats/norms.js";
import type { RowShares, Threat } from "../../threats/threat.js";

/** What is within this share of the largest is zero, or tied with it (MATH 1.2). */
const SNAP = 1e-9;

/** Rows at a corner of A, where −(H+λI)⁻¹Φ takes sgn(0) = 0, or the first of what is tied, and is not the exact one-sided derivative. */
export interface KinkCounts {
  /** Rows whose input gradient is 0 beside the largest gain of all rows. */
  readonly zeroGradients: number;
  /** p = ∞: rows with an attacked coordinate of 0; coordinates that are 0 in every row do not count. */
  readonly zeroCoordinates: number;
  /** p = 1: rows whose largest attacked coordinate is tied. */
  readonly ties: number;
  /** Rows tied for the largest gain where one row takes the whole budget (Wasserstein, u = 1). */
  readonly tiedRows: number;
}

/** Counts corners block by block. */
export class KinkCounter {
  private readonly zeros: Uint32Array;
  private readonly zerosOfColumn: Uint32Array;
  private moving = 0;
  private ties = 0;

  constructor(
    rows: number,
    private readonly threat: Threat,
  ) {
    this.zeros = new Uint32Array(rows);
    this.zerosOfColumn = new Uint32Array(threat.settings.budgets.length);
  }

  /** @param gradients r×m, of the rows from `firstRow` on. */
  add(gradients: Matrix, firstRow: number): void {
    const { p, budgets } = this.threat.settings;
    if (p !== 1 && p !== Number.POSITIVE_INFINITY) return;
    const sizes = new Float64Array(budgets.length);
    for (let i = 0; i < gradients.rows; i++) {
      const g = gradients.row(i);
      for (let k = 0; k < sizes.length; k++) sizes[k] = Math.abs(g[k]) * budgets[k];
      const largest = maximumMagnitude(sizes);
      if (largest === 0) continue;
      this.moving++;
      let top = 0;
      for (let k = 0; k < sizes.length; k++) {
        if (sizes[k] >= (1 - SNAP) * largest) top++;
        if (!(budgets[k] > 0 && sizes[k] <= SNAP * largest)) continue;
        this.zeros[firstRow + i]++;
        this.zerosOfColumn[k]++;
      }
      if (top > 1) this.ties++;
    }
  }

  /** @param gains n: g_i·φ_i. @param shares where the rows share a budget: one without gain then stays, and is no corner. */
  finish(gains: Float64Array, shares: RowShares | null): KinkCounts {
    const { p } = this.threat.settings;
    const largest = maximumMagnitude(gains);
    const still = gains.reduce((count, gain) => count + (gain <= SNAP * largest ? 1 : 0), 0);
    const unused = this.zerosOfColumn.reduce((count, zeros) => count + (zeros > 0 && zeros === this.moving ? 1 : 0), 0);
    const withZeros = this.zeros.reduce((count, zeros) => count + (zeros > unused ? 1 : 0), 0);
    return {
      zeroGradients: shares && largest > 0 ? 0 : still,
      zeroCoordinates: p === Number.POSITIVE_INFINITY ? withZeros : 0,
      ties: p === 1 ? this.ties : 0,
      tiedRows: shares?.tied.length ?? 0,
    };
  }
}
