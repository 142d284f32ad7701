import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { scoreRounding } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import type { RobustProblem } from "./optimum-problem.js";
import { type RowSums, rowSums } from "./optimum-rows.js";
import { gradientScales, relativeSize, robustGradient } from "./smoothing-newton.js";
import { type NormParts, smoothNorm } from "./smoothing-norm.js";

/** R_ρ at θ as seen from the corners that a state holds, and how far it is from optimal there. */
export interface ActivePoint {
  readonly radius: number;
  readonly state: ActiveState;
  readonly sums: RowSums;
  /** N as the state's sides and ties see it: linear at p = 1 and ∞. `gradient` carries the multipliers τ and π. */
  readonly norm: NormParts;
  readonly reach: number;
  /** ∇ of the Lagrangian (d), multipliers as they come. */
  readonly gradient: Float64Array;
  /** max_j |g_j| / (size of its terms) with multipliers clipped to their bounds: a subgradient of R_ρ. */
  readonly residual: number;
  /** The same with multipliers as they come: how well the equations of this piece of the path are solved. */
  readonly pieceResidual: number;
  /** How large either may be by the rounding of the scores alone, where slopes are differences of nearly equal numbers. */
  readonly rounding: number;
  /** |E|: f_i less the score at which both ends are equally bad. */
  readonly defects: Float64Array;
  /** |E|×d: the gradients of the defects. */
  readonly normals: Matrix;
  /** m: τ_k, or s_kπ_k; φ_k elsewhere. */
  readonly shares: Float64Array;
}

/** One pass over the data, and what it says about the state. @param curvature whether Newton's system is to be set up there. */
export async function evaluateActive(
  problem: RobustProblem,
  radius: number,
  state: ActiveState,
  work?: Work,
  curvature = true,
): Promise<ActivePoint> {
  const reach = radius * baseNorm(problem, state).value;
  const sums = await rowSums(problem, state.theta, reach, state.kappa, 0, work, curvature);
  return activePoint(problem, radius, state, sums, reach);
}

/** The point of a state that differs from the one the sums belong to in its sets alone: same θ, same κ. */
export function activePoint(
  problem: RobustProblem,
  radius: number,
  state: ActiveState,
  sums: RowSums,
  reach: number,
): ActivePoint {
  const { fit, first, threat, corner } = problem;
  const { theta, stuck } = state;
  const { budgets } = threat.settings;
  const base = baseNorm(problem, state);
  const { exact, clipped } = withMultipliers(problem, radius, state, sums, base);
  const scales = gradientScales(problem, radius, theta, sums);
  const normals = problem.rowFeatures(stuck);
  const tilt = radius * (corner?.tilt(reach) ?? 0);
  if (tilt !== 0) {
    stuck.forEach((_, e) => {
      const row = normals.row(e);
      for (let j = 0; j < row.length; j++) row[j] += tilt * exact[j];
    });
  }
  return {
    radius,
    state,
    sums,
    norm: { ...base, gradient: exact },
    reach,
    gradient: robustGradient(problem, radius, theta, sums, exact),
    residual: relativeSize(robustGradient(problem, radius, theta, sums, clipped), scales),
    pieceResidual: relativeSize(robustGradient(problem, radius, theta, sums, exact), scales),
    rounding: fit.model.loss.quadratic ? (fit.model.loss.second(0, 0) * scoreRounding(problem)) / sums.slopeSize : 0,
    defects: Float64Array.from(stuck, (i) => sums.scores[i] - (corner?.at(fit.data.y[i], reach) ?? 0)),
    normals,
    shares: budgets.map((b, k) => (b > 0 ? exact[first + k] / b : 0)),
  };
}

/** N and ∂N without the multipliers: sgn on the sides that the state holds. */
export function baseNorm(problem: RobustProblem, { theta, zeros, tied, signs }: ActiveState): NormParts {
  const { q, attacked, first, threat } = problem;
  if (q !== 1 && q !== Number.POSITIVE_INFINITY) {
    const smooth = smoothNorm(problem, theta);
    for (const k of zeros) smooth.gradient[first + k] = 0;
    return smooth;
  }
  const { budgets } = threat.settings;
  const gradient = new Float64Array(theta.length);
  const atZero = new Set(zeros);
  const share = q === 1 ? 1 : 1 / tied.length;
  let value = 0;
  for (const k of q === 1 ? attacked : tied) {
    if (atZero.has(k)) continue;
    gradient[first + k] = share * signs[k] * budgets[k];
    value += gradient[first + k] * theta[first + k];
  }
  return { value, gradient, addHessian: () => undefined };
}

/**
 * ∂N with the multipliers that stationarity asks for on Z and T: τ_k = −g_k/(ρ b_k Σ w h_R), π_k = s_kτ_k with what is missing
 * to Σπ = 1 shared out; and the same clipped to τ ∈ [−1, 1], π in the simplex.
 */
function withMultipliers(
  { fit: { ridge }, first, threat, tilt }: RobustProblem,
  radius: number,
  { theta, zeros, tied, signs }: ActiveState,
  sums: RowSums,
  base: NormParts,
): { exact: Float64Array; clipped: Float64Array } {
  const { budgets } = threat.settings;
  const pull = radius * sums.push;
  const exact = base.gradient.slice();
  const clipped = base.gradient.slice();
  const wanted = (k: number): number => {
    const j = first + k;
    return pull > 0 ? -(sums.slope[j] + ridge[j] * theta[j] + tilt[j]) / (pull * budgets[k]) : 0;
  };
  for (const k of zeros) {
    const tau = wanted(k);
    exact[first + k] = budgets[k] * tau;
    clipped[first + k] = budgets[k] * Math.max(-1, Math.min(1, tau));
  }
  if (tied.length > 1) {
    const pi = tied.map((k) => signs[k] * wanted(k));
    const missing = (1 - pi.reduce((sum, value) => sum + value, 0)) / tied.length;
    const inside = pi.map((value) => Math.max(0, value + missing));
    const total = inside.reduce((sum, value) => sum + value, 0);
    tied.forEach((k, a) => {
      exact[first + k] = signs[k] * budgets[k] * (pi[a] + missing);
      clipped[first + k] = (signs[k] * budgets[k] * inside[a]) / total;
    });
  }
  return { exact, clipped };
}
