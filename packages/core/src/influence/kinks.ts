import type { Matrix } from "../linalg/matrix.js";
import { extremesOf } from "../linalg/row-kernels.js";
import type { Loss } from "../models/losses.js";
import { maximumMagnitude } from "../threats/norms.js";

/** What is within this share of the largest is zero (or tied) before a kink is decided (MATH 1.2). */
export const SNAP = 1e-9;

/** Residuals this small against the scores that they are differences of are rounding. */
export const ROUNDING = 1e-14;

/**
 * Snaps slopes within rounding of zero to zero, in place, and returns their rows.
 * @param largest max |ℓ'| over all rows
 * @param terms the size of what scores are sums of, over all rows: a small score may be what is left of large terms
 */
export function snapResiduals(
  loss: Loss,
  slopes: Float64Array,
  scores: Float64Array,
  y: Float64Array,
  largest = maximumMagnitude(slopes),
  terms = 0,
): number[] {
  const rows: number[] = [];
  const everywhere = loss.quadratic ? loss.second(0, 0) : null;
  for (let i = 0; i < slopes.length; i++) {
    if (everywhere === null && Number.isNaN(loss.kink(y[i]))) continue;
    const rounding = ROUNDING * (everywhere ?? loss.second(scores[i], y[i])) * Math.max(Math.abs(scores[i]), terms);
    const size = Math.abs(slopes[i]);
    if (size > SNAP * largest && size > rounding) continue;
    slopes[i] = 0;
    rows.push(i);
  }
  return rows;
}

/** Where ‖b⊙γ‖_q has a corner (MATH 1.2). */
export interface GradientKinks {
  /** p = ∞: attacked coordinates with γ_k = 0. */
  readonly zeroCoordinates: number[];
  /** p = 1: the coordinates tied for the largest b_k|γ_k|, when there are several. */
  readonly ties: number[];
  /** Every attacked γ_k = 0. */
  readonly zeroGradient: boolean;
}

/**
 * Snaps a gradient's near-zero attacked coordinates to zero, in place, and finds its kinks under p: zero coordinates at
 * p = ∞, ties at p = 1.
 * @param floors m: sizes of coordinates up to which they are what rounding leaves of 0
 */
export function snapGradient(
  gamma: Float64Array,
  budgets: Float64Array,
  p: number,
  floors: Float64Array | null = null,
): GradientKinks {
  const sizes = gamma.map((g, k) => Math.abs(g) * budgets[k]);
  const largest = maximumMagnitude(sizes);
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  const zeros = attacked.filter(
    (k) => sizes[k] <= SNAP * largest || (floors !== null && Math.abs(gamma[k]) <= floors[k]),
  );
  for (const k of zeros) gamma[k] = 0;
  if (zeros.length === attacked.length) return { zeroCoordinates: [], ties: [], zeroGradient: true };
  const ties = attacked.filter((k) => sizes[k] >= (1 - SNAP) * largest);
  return {
    zeroCoordinates: p === Infinity ? zeros : [],
    ties: p === 1 && ties.length > 1 ? ties : [],
    zeroGradient: false,
  };
}

/**
 * Snaps the near-zero attacked coordinates of every row of γ (r×m) to zero, in place, but at p = 2 and for rows without a slope, and counts
 * the rows with a kink, which is coupled with ∇²_x f, among the inputs that the score uses.
 */
export function coupledKinks(gamma: Matrix, slopes: Float64Array, budgets: Float64Array, p: number): number {
  const { data, rows, columns: m } = gamma;
  // Lengths are smooth but at 0: there is nothing to snap.
  if (p === 2) return rowsWithoutGradient(gamma, slopes, budgets);
  if (p !== 1) {
    // One look at all rows spares most blocks the rest.
    const { largest, least } = extremesOf(gamma, budgets);
    if (least > SNAP * largest) return 0;
  }
  let count = 0;
  for (let i = 0, from = 0; i < rows; i++, from += m) {
    if (slopes[i] === 0) continue;
    let [largest, least] = [0, Number.POSITIVE_INFINITY];
    for (let k = 0; k < m; k++) {
      const size = Math.abs(data[from + k]) * budgets[k];
      if (size > largest) largest = size;
      if (size < least && budgets[k] > 0) least = size;
    }
    if (largest === 0) {
      count++;
      continue;
    }
    if (least > SNAP * largest && p !== 1) continue;
    let most = 0;
    for (let k = 0; k < m; k++) {
      if (!(budgets[k] > 0)) continue;
      const size = Math.abs(data[from + k]) * budgets[k];
      if (size >= (1 - SNAP) * largest) most++;
      if (size > SNAP * largest) continue;
      data[from + k] = 0;
    }
    // At p = ∞ one of them is 0 here.
    if (p === Infinity || (p === 1 && most > 1)) count++;
  }
  return count;
}

/** How many rows with a slope have an attacked gradient of 0. */
function rowsWithoutGradient({ data, rows, columns: m }: Matrix, slopes: Float64Array, budgets: Float64Array): number {
  let count = 0;
  for (let i = 0; i < rows; i++) {
    let k = 0;
    while (k < m && Math.abs(data[i * m + k]) * budgets[k] === 0) k++;
    if (k === m && slopes[i] !== 0) count++;
  }
  return count;
}
