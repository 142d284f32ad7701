import { maximumMagnitude } from "../threats/norms.js";
import { NEGLIGIBLE } from "./active-slack.js";
import type { RobustProblem } from "./optimum-problem.js";
import type { SmoothPoint, Widths } from "./smoothing-newton.js";

/**
 * Which corners of R_ρ the optimum sits on (MATH 10a), and on which side of every other corner it lies. A wrong guess does no
 * harm: what the sets say is checked against the multipliers.
 */
export interface ActiveState {
  readonly theta: Float64Array;
  /** n: ±1 for the worse end of each row, the multiplier κ ∈ [−1, 1] of a stuck row; all 0 at radius 0. */
  readonly kappa: Float64Array;
  /** E, rows whose two ends are equally bad. */
  readonly stuck: readonly number[];
  /** Z, features with β_k = 0 (p = ∞). */
  readonly zeros: readonly number[];
  /** T, features tied for the largest b_k|β_k| (p = 1; the largest alone where there is no tie). */
  readonly tied: readonly number[];
  /** m: sgn β_k as far as it is known. */
  readonly signs: Float64Array;
}

/** Multipliers this far inside their bounds mark a corner in a smoothed optimum. */
const INTERIOR = 0.99;
/** Features within this many widths of the largest count as tied. */
const TIED_WIDTHS = 5;

/** The sets that a smoothed optimum suggests. */
export function guessState(problem: RobustProblem, { theta, kappa, norm }: SmoothPoint, widths: Widths): ActiveState {
  const { q, attacked, first, threat, kinked } = problem;
  const { budgets } = threat.settings;
  const near = [...kappa.keys()].filter((i) => kinked[i] === 1 && widths.rows > 0 && Math.abs(kappa[i]) < INTERIOR);
  const stuck = near.toSorted((a, b) => Math.abs(kappa[a]) - Math.abs(kappa[b])).slice(0, theta.length);
  const held = new Set(stuck);
  const sizes = Float64Array.from(attacked, (k) => budgets[k] * Math.abs(theta[first + k]));
  const largest = maximumMagnitude(sizes);
  const zeros = attacked.filter(
    (k, a) =>
      (q === 1 && sizes[a] < largest && Math.abs(norm.gradient[first + k]) < INTERIOR * budgets[k]) ||
      (q < 2 && sizes[a] < NEGLIGIBLE * largest),
  );
  const tied =
    q === Number.POSITIVE_INFINITY ? attacked.filter((_, a) => sizes[a] >= largest - TIED_WIDTHS * widths.norm) : [];
  return {
    theta,
    kappa: kappa.map((value, i) => (kinked[i] === 1 && !held.has(i) ? Math.sign(value) || 1 : value)),
    stuck,
    zeros,
    tied,
    signs: budgets.map((_, k) => Math.sign(theta[first + k])),
  };
}

/** The sets at θ itself: nothing stuck, every row on its own side. @param kappa n, from `worseEnds`. */
export function plainState(problem: RobustProblem, theta: Float64Array, kappa: Float64Array): ActiveState {
  const { q, attacked, first, threat } = problem;
  const { budgets } = threat.settings;
  const sizes = Float64Array.from(attacked, (k) => budgets[k] * Math.abs(theta[first + k]));
  const largest = maximumMagnitude(sizes);
  return {
    theta,
    kappa,
    stuck: [],
    zeros: q < 2 ? attacked.filter((_, a) => sizes[a] <= NEGLIGIBLE * largest) : [],
    tied: q === Number.POSITIVE_INFINITY ? attacked.filter((_, a) => sizes[a] === largest) : [],
    signs: budgets.map((_, k) => Math.sign(theta[first + k])),
  };
}
