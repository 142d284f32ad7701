import { numericalError, usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { AnyThreat } from "../threats/threat-on.js";
import { type ActiveOptimum, RESIDUAL_TOLERANCE, solveActive } from "./active-newton.js";
import { scoreRounding } from "./active-slack.js";
import { type ActiveState, guessState, plainState } from "./active-state.js";
import { readParameters } from "./attack-checks.js";
import { descendCorners } from "./corner-descent.js";
import { type RobustProblem, robustProblem } from "./optimum-problem.js";
import { nullOptimum, optimumOf, type RobustOptimum } from "./optimum-result.js";
import { rowSums, worseEnds } from "./optimum-rows.js";
import { RestingPoint } from "./resting-point.js";
import { minimiseSmoothed } from "./smoothing-newton.js";

/** Where the search for a robust optimum begins. */
export interface RobustOptimumOptions extends Work {
  /** d: where the search begins (default: the fit). */
  readonly start?: ArrayLike<number>;
}

/** Corners are rounded off less and less, from a tenth of their size down to a billionth. */
const FIRST_WIDTH = 0.1;
const LAST_WIDTH = 1e-10;
const WIDTH_FACTOR = 0.1;
/** From this width on, the sets that a smoothed optimum suggests are tried. */
const GUESS_WIDTH = 1e-2;
/** Below this width corners are hardly rounded. */
const NARROW_WIDTH = 1e-5;
/** Coefficients that shrink by more than this are not told from 0. */
const SMALLEST_LEFT = 1e-8;
/** How far below the width a smoothed problem's relative gradient is brought. */
const SMOOTHED_TOLERANCE = 0.1;
const ACTIVE_ITERATIONS = 25;
/** Residuals that are smaller than the null model's by more than this leave θ where it is until the attack outweighs them. */
const CROWDED = 1e3;

/**
 * The exact robust optimum: argmin of R_ρ(θ) = Σ w max(ℓ(f−ρN), ℓ(f+ρN)) + ½ΣP_jθ_j², N = ‖b⊙β‖_q, which is convex (MATH 10a).
 * Corners are smoothed, less and less, until the ones that the optimum sits on are known; Newton's method on those finishes.
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`.
 * @throws usage: scores not linear in x, a box, a bad radius. numerical: no subgradient below 1e-10 was reached.
 */
export async function robustOptimum(
  fit: Fit,
  threat: AnyThreat,
  radius: number,
  { start, ...work }: RobustOptimumOptions = {},
): Promise<RobustOptimum> {
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
  const from = readParameters(start ?? fit.parameters, fit.parameters.length, "The start");
  const problem = await robustProblem(fit, threat, work);
  if (isCollapsed(problem, radius)) return nullOptimum(problem, radius, work);
  const resting = radius > 0 ? await RestingPoint.of(problem)?.optimumAt(radius, work) : null;
  if (resting) return resting;
  const found = await findOptimum(problem, radius, from, work);
  return optimumOf(problem, found);
}

export const isCollapsed = ({ collapseRadius }: RobustProblem, radius: number): boolean =>
  radius > 0 && radius >= collapseRadius;

/** Whether R_ρ has corners besides the one at β = 0. */
const hasCorners = ({ q, hasKinkedRows }: RobustProblem, radius: number): boolean =>
  radius > 0 && (hasKinkedRows || q === 1 || q === Number.POSITIVE_INFINITY);

/** @throws numerical: not reached. */
export async function findOptimum(
  problem: RobustProblem,
  radius: number,
  start: Float64Array,
  work: Work,
  firstWidth = FIRST_WIDTH,
): Promise<ActiveOptimum> {
  let theta = start;
  const tally = { passes: 0 };
  const attempt = async (state: ActiveState): Promise<ActiveOptimum | null> => {
    const found = await solveActive(problem, radius, state, { maximumIterations: ACTIVE_ITERATIONS, tally }, work);
    return found && { ...found, iterations: tally.passes };
  };
  if (!hasCorners(problem, radius)) {
    const { point, steps } = await minimiseSmoothed(problem, radius, theta, { rows: 0, norm: 0 }, 1e-6, work);
    tally.passes += steps;
    const found = await attempt(plainState(problem, point.theta, point.kappa));
    if (found) return found;
  }
  const size = await cornerSizes(problem, radius, theta, work);
  const { widest, crowded } = size;
  // Near the collapse the coefficients end far smaller than they began, and widths are judged against what is left of them.
  let left = 1;
  for (let width = crowded ? widest : firstWidth; width > LAST_WIDTH * left; width *= WIDTH_FACTOR) {
    const rounded = crowded ? Math.min(FIRST_WIDTH, width / widest) : width;
    const widths = { rows: problem.hasKinkedRows ? width * size.rows : 0, norm: rounded * size.norm };
    const tolerance = Math.max(RESIDUAL_TOLERANCE, SMOOTHED_TOLERANCE * rounded);
    const { point, steps } = await minimiseSmoothed(problem, radius, theta, widths, tolerance, work);
    tally.passes += steps;
    theta = point.theta;
    left = Math.max(SMALLEST_LEFT, Math.min(1, largestCoefficient(problem, theta) / size.norm));
    if (width > GUESS_WIDTH * left * (crowded ? widest : 1)) continue;
    const guess = guessState(problem, point, widths, width < NARROW_WIDTH * left, crowded);
    const found = guess && (await attempt(guess));
    if (found) return found;
    if (!(guess && crowded && width <= NARROW_WIDTH * widest)) continue;
    const slowly = await descendCorners(problem, radius, guess, tally, work);
    if (slowly) return { ...slowly, iterations: tally.passes };
  }
  throw numericalError(
    `The robust optimum at radius ${Number(radius.toPrecision(4))} was not found to a relative subgradient of ${RESIDUAL_TOLERANCE}: add a ridge such as --l2 0.001, or look for columns that are nearly copies of each other.`,
  );
}

/** What widths are relative to, and where to begin. */
interface CornerSizes {
  /** Of the rows' gaps, ρN·√Σwℓ'², and of the coefficients, N, at the start. */
  readonly rows: number;
  readonly norm: number;
  /** The null model's √Σwℓ'² against the start's, at least 1: how far residuals may grow on the way. */
  readonly widest: number;
  /** Whether the start leaves residuals so small that the optimum may lie many of them away. */
  readonly crowded: boolean;
}

async function cornerSizes(
  problem: RobustProblem,
  radius: number,
  theta: Float64Array,
  work: Work,
): Promise<CornerSizes> {
  const norm = Math.max(largestCoefficient(problem, theta), largestCoefficient(problem, problem.fit.parameters));
  const slopes = async (at: Float64Array): Promise<number> =>
    (await rowSums(problem, at, 0, worseEnds(problem, problem.fit.scores, 0), 0, work, false)).slopeSize;
  const least = problem.fit.model.loss.quadratic ? scoreRounding(problem) : 0;
  const slopeSize = Math.max(least, await slopes(theta));
  const widest = problem.fit.model.loss.quadratic ? (await slopes(problem.nullModel)) / (slopeSize || 1) : 1;
  return { rows: radius * norm * (slopeSize || 1), norm, widest, crowded: widest > CROWDED };
}

/** max_k b_k|β_k| */
export const largestCoefficient = ({ attacked, first, threat }: RobustProblem, theta: Float64Array): number =>
  attacked.reduce((most, k) => Math.max(most, threat.settings.budgets[k] * Math.abs(theta[first + k])), 0);
