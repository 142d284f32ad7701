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
export function pathVelocity(problem: RobustProblem, { point, system }: ActiveOptimum): PathVelocity {
  const { corner, first, threat } = problem;
  const { budgets } = threat.settings;
  const { sums, norm, radius, state, normals, reach } = point;
  const N = norm.value;
  const onNorm = radius * N * sums.bend + sums.push;
  const growth = sums.cross.map((value, j) => N * value + onNorm * norm.gradient[j]);
  const tilt = N * (corner?.tilt(reach) ?? 0);
  const { step, lambda } = system.solve(growth, new Float64Array(state.stuck.length).fill(tilt), null);
  const left = hessianTimes(system.hessian, step);
  for (let j = 0; j < left.length; j++) left[j] += growth[j];
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
