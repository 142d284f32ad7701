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

/** How far inside its bounds a multiplier marks a corner, and how many widths below the largest a feature counts as tied. */
interface Marks {
  readonly interior: number;
  readonly tiedWidths: number;
}

const WIDE_MARKS: Marks = { interior: 0.99, tiedWidths: 5 };
/** Where corners are hardly rounded, to hold one too many moves the optimum by nothing; one too few moves it by its multiplier. */
const NARROW_MARKS: Marks = { interior: 1 - 1e-5, tiedWidths: 15 };

/**
 * The sets that a smoothed optimum suggests; null where it is too early to tell.
 * @param narrow whether the corners are hardly rounded any more.
 * @param crowded whether rows are so close together that more of them look stuck than can be: then the surest are taken.
 */
export function guessState(
  problem: RobustProblem,
  { theta, kappa, norm }: SmoothPoint,
  widths: Widths,
  narrow: boolean,
  crowded = false,
): ActiveState | null {
  const { q, attacked, first, threat, kinked } = problem;
  const { budgets } = threat.settings;
  const { interior, tiedWidths } = narrow ? NARROW_MARKS : WIDE_MARKS;
  const rowsWithin = (bound: number): number[] =>
    widths.rows > 0 ? [...kappa.keys()].filter((i) => kinked[i] === 1 && Math.abs(kappa[i]) < bound) : [];
  let stuck = rowsWithin(interior);
  // Too many: repeated rows do stick together, but otherwise corners are not sharp enough yet.
  if (stuck.length > theta.length) stuck = rowsWithin(WIDE_MARKS.interior);
  if (stuck.length > theta.length && crowded)
    stuck = stuck.toSorted((a, b) => Math.abs(kappa[a]) - Math.abs(kappa[b])).slice(0, theta.length);
  if (stuck.length > theta.length && !narrow) return null;
  const held = new Set(stuck);
  const sizes = Float64Array.from(attacked, (k) => budgets[k] * Math.abs(theta[first + k]));
  const largest = maximumMagnitude(sizes);
  const zeros = attacked.filter(
    (k, a) =>
      (q === 1 && sizes[a] < largest && Math.abs(norm.gradient[first + k]) < interior * budgets[k]) ||
      (q < 2 && sizes[a] < NEGLIGIBLE * largest),
  );
  const tied =
    q === Number.POSITIVE_INFINITY ? attacked.filter((_, a) => sizes[a] >= largest - tiedWidths * widths.norm) : [];
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
