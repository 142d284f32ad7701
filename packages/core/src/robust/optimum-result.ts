import type { Work } from "../parallel/work.js";
import { norm } from "../threats/norms.js";
import type { ActiveOptimum } from "./active-newton.js";
import type { RobustProblem } from "./optimum-problem.js";
import { rowSums, worseEnds } from "./optimum-rows.js";
import { gradientScales, relativeSize, robustGradient } from "./smoothing-newton.js";

/** The exact minimiser of R_ρ, and the evidence that it is one. */
export interface RobustOptimum {
  /** θ_ρ (d) */
  readonly parameters: Float64Array;
  /** ρ */
  readonly radius: number;
  /** R_ρ(θ_ρ), ridge included. */
  readonly objective: number;
  /** Σ w ℓ on the training rows, not attacked, without the ridge. */
  readonly naturalLoss: number;
  /** Σ w max(ℓ(f−ρN), ℓ(f+ρN)) on the training rows, without the ridge. */
  readonly robustLoss: number;
  /** max_j |g_j| / (size of its terms, MATH 12) of the subgradient g that the multipliers below give. */
  readonly residual: number;
  readonly active: ActiveCorners;
  readonly iterations: number;
  /** Whether robust training has given up every attacked feature: the null model, optimal from the collapse radius on. */
  readonly collapsed: boolean;
}

/** The corners of R_ρ that an optimum sits on, with the multipliers that make 0 a subgradient (MATH 10a). */
export interface ActiveCorners {
  /** Rows (0-based) whose two ends are equally bad, κ_i ∈ [−1, 1]. */
  readonly stuckRows: readonly number[];
  readonly stuckMultipliers: readonly number[];
  /** Attacked features with β_k = 0 at p = ∞ (every one where collapsed), τ_k ∈ [−1, 1]. */
  readonly zeroCoordinates: readonly number[];
  readonly zeroMultipliers: readonly number[];
  /** Features tied for the largest b_k|β_k| at p = 1, π_k ≥ 0, Σπ = 1; empty where there is one largest. */
  readonly tiedCoordinates: readonly number[];
  readonly tiedMultipliers: readonly number[];
}

const clamp = (value: number): number => Math.max(-1, Math.min(1, value));

export function optimumOf(problem: RobustProblem, { point, iterations }: ActiveOptimum): RobustOptimum {
  const { ridge } = problem.fit;
  const { state, sums, radius, residual, shares } = point;
  const { theta, kappa, tied, signs } = state;
  const stuck = state.stuck.toSorted((a, b) => a - b);
  const ties = tied.length > 1 ? tied.toSorted((a, b) => a - b) : [];
  return {
    parameters: theta,
    radius,
    objective: ridge.reduce((total, P, j) => total + 0.5 * P * theta[j] * theta[j], sums.loss),
    naturalLoss: naturalLossAt(problem, sums.scores),
    robustLoss: sums.loss,
    residual,
    active: {
      stuckRows: stuck,
      stuckMultipliers: stuck.map((i) => kappa[i]),
      zeroCoordinates: [...state.zeros],
      zeroMultipliers: state.zeros.map((k) => clamp(shares[k])),
      tiedCoordinates: ties,
      tiedMultipliers: ties.map((k) => Math.max(0, signs[k] * shares[k])),
    },
    iterations,
    collapsed: false,
  };
}

/** The null model at a radius where it is optimal: τ_k = −g_k/(ρ b_k Σ w|ℓ'|), ‖τ‖_p ≤ 1. */
export async function nullOptimum(problem: RobustProblem, radius: number, work: Work): Promise<RobustOptimum> {
  const { fit, nullModel: theta, attacked, first, threat } = problem;
  const { p, budgets } = threat.settings;
  const { loss } = fit.model;
  const sums = await rowSums(problem, theta, 0, worseEnds(problem, fit.scores, 0), 0, work, false);
  let push = 0;
  sums.scores.forEach((f, i) => {
    push += fit.data.weights[i] * Math.abs(loss.first(f, fit.data.y[i]));
  });
  const gradient = robustGradient(problem, 0, theta, sums, new Float64Array(theta.length));
  const pull = radius * push;
  const tau = Float64Array.from(attacked, (k) => (pull > 0 ? -gradient[first + k] / (pull * budgets[k]) : 0));
  const excess = Math.max(1, norm(tau, p));
  attacked.forEach((k, a) => {
    tau[a] /= excess;
    gradient[first + k] += pull * budgets[k] * tau[a];
  });
  const scales = gradientScales(problem, radius, theta, { ...sums, push });
  return {
    parameters: theta.slice(),
    radius,
    objective: fit.ridge.reduce((total, P, j) => total + 0.5 * P * theta[j] * theta[j], sums.loss),
    naturalLoss: sums.loss,
    robustLoss: sums.loss,
    residual: relativeSize(gradient, scales),
    active: {
      stuckRows: [],
      stuckMultipliers: [],
      zeroCoordinates: [...attacked],
      zeroMultipliers: [...tau],
      tiedCoordinates: [],
      tiedMultipliers: [],
    },
    iterations: 0,
    collapsed: true,
  };
}

/** Σ w ℓ(f) */
export function naturalLossAt({ fit: { model, data } }: Pick<RobustProblem, "fit">, scores: Float64Array): number {
  let sum = 0;
  scores.forEach((f, i) => {
    sum += data.weights[i] * model.loss.value(f, data.y[i]);
  });
  return sum;
}
