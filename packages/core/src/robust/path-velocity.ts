import { hessianTimes } from "../solvers/inverse-hessian.js";
import { type ActiveOptimum, gapSlopes } from "./active-newton.js";
import type { RobustProblem } from "./optimum-problem.js";

/** How an optimum and its multipliers move with the radius while its corners stay the same. */
export interface PathVelocity {
  /** dθ/dρ (d) */
  readonly theta: Float64Array;
  /** dN/dρ */
  readonly norm: number;
  /** |E|: dκ/dρ */
  readonly kappa: Float64Array;
  /** m: dτ/dρ on zero, d(sπ)/dρ on tied coefficients. */
  readonly shares: Float64Array;
}

/**
 * dθ/dρ = −(∇²R)⁻¹∂_ρ∇R within the corners (MATH 10a): ∂_ρ∇R = N Σ w h_fR v + (ρN Σ w h_RR + Σ w h_R)∂N. At ρ = 0 this is the AIF
 * per unit of radius, one-sided where the state has corners.
 */
export function pathVelocity(problem: RobustProblem, optimum: PieceSystem): PathVelocity {
  const { sums, norm, radius, state, reach } = optimum.point;
  const N = norm.value;
  const onNorm = radius * N * sums.bend + sums.push;
  const growth = sums.cross.map((value, j) => N * value + onNorm * norm.gradient[j]);
  const tilt = N * (problem.corner?.tilt(reach) ?? 0);
  return motionAgainst(problem, optimum, growth, new Float64Array(state.stuck.length).fill(tilt), null);
}

/** A point with Newton's system there or near it. */
export type PieceSystem = Pick<ActiveOptimum, "point" | "system">;

/**
 * The motion of parameters and multipliers within the corners that takes a gradient g (d), defects c (|E|) and an offset (d, see
 * `ActiveSystem.solve`) away to first order.
 */
export function motionAgainst(
  problem: RobustProblem,
  { point, system }: PieceSystem,
  gradient: Float64Array,
  defects: Float64Array,
  offset: Float64Array | null,
): PathVelocity {
  const { first, threat } = problem;
  const { budgets } = threat.settings;
  const { sums, norm, radius, state, normals } = point;
  const { step, lambda } = system.solve(gradient, defects, offset);
  const left = hessianTimes(system.hessian, step);
  for (let j = 0; j < left.length; j++) left[j] += gradient[j];
  lambda.forEach((value, e) => {
    const row = normals.row(e);
    for (let j = 0; j < row.length; j++) left[j] += value * row[j];
  });
  const shares = new Float64Array(budgets.length);
  const pull = radius * sums.push;
  for (const k of [...state.zeros, ...state.tied]) if (pull > 0) shares[k] = -left[first + k] / (pull * budgets[k]);
  const slopes = gapSlopes(problem, point);
  let normRate = 0;
  step.forEach((value, j) => {
    normRate += norm.gradient[j] * value;
  });
  return {
    theta: step,
    norm: normRate,
    kappa: lambda.map((value, e) => (slopes[e] > 0 ? value / slopes[e] : 0)),
    shares,
  };
}
