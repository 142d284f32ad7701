import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import type { RobustProblem } from "./optimum-problem.js";
import { type RowSums, rowSums, worseEnds } from "./optimum-rows.js";
import { type NormParts, relativeCurvature, smoothedNorm, smoothNorm } from "./smoothing-norm.js";

/** How wide the corners are rounded off: of the rows' gaps D, and of the coefficients b⊙β. 0 leaves a smooth part as it is. */
export interface Widths {
  readonly rows: number;
  readonly norm: number;
}

/** The smoothed R_μ at θ. */
export interface SmoothPoint {
  readonly theta: Float64Array;
  readonly sums: RowSums;
  readonly norm: NormParts;
  /** n */
  readonly kappa: Float64Array;
  /** R_μ(θ), ridge included. */
  readonly value: number;
  readonly gradient: Float64Array;
  /** max_j |∇_j| / (size of its terms), see `gradientScales`. */
  readonly relativeGradient: number;
}

const MAXIMUM_STEPS = 60;
/** Newton's method has nothing left to gain below this share of R_μ. */
const NEGLIGIBLE_DECREASE = 1e-30;
/** Of R_μ. */
const VALUE_ROUNDING = 1e-14;
/** The slope beyond the minimum along a step that is put up with, relative to the one at its start. */
const OVERSHOOT = 0.9;

/** Newton's method with step halving on R_μ until the relative gradient is at most `tolerance`; the last point in any case. */
export async function minimiseSmoothed(
  problem: RobustProblem,
  radius: number,
  start: Float64Array,
  widths: Widths,
  tolerance: number,
  work?: Work,
): Promise<{ point: SmoothPoint; steps: number; converged: boolean }> {
  let point = await evaluateSmoothed(problem, radius, start, widths, work);
  for (let steps = 0; steps < MAXIMUM_STEPS; steps++) {
    if (point.relativeGradient <= tolerance) return { point, steps, converged: true };
    const hessian = robustHessian(problem, radius, point.sums, point.norm);
    const step = invertHessian(hessian)
      .solve(point.gradient)
      .map((value) => -value);
    const slope = dot(step, point.gradient);
    if (-slope <= NEGLIGIBLE_DECREASE * Math.abs(point.value)) return { point, steps, converged: true };
    let next: SmoothPoint | null = null;
    for (let t = 1; t > 1e-9 && next === null; t /= 2) {
      const candidate = await evaluateSmoothed(problem, radius, advance(problem, point.theta, step, t), widths, work);
      const rounding = VALUE_ROUNDING * Math.abs(point.value);
      if (candidate.value <= point.value + 1e-4 * t * slope - rounding) next = candidate;
      // Values that rounding makes equal tell nothing: then the slope along the step has to fall, and not to overshoot.
      else if (candidate.value <= point.value + rounding && dot(step, candidate.gradient) <= OVERSHOOT * -slope)
        next = candidate;
    }
    if (next === null) return { point, steps, converged: false };
    point = next;
  }
  return { point, steps: MAXIMUM_STEPS, converged: point.relativeGradient <= tolerance };
}

async function evaluateSmoothed(
  problem: RobustProblem,
  radius: number,
  theta: Float64Array,
  widths: Widths,
  work?: Work,
): Promise<SmoothPoint> {
  const norm = normAt(problem, radius, theta, widths.norm);
  const reach = radius * norm.value;
  const kappa = worseEnds(problem, problem.fit.scores, reach);
  const sums = await rowSums(problem, theta, reach, kappa, widths.rows, work);
  const { tilt } = problem;
  const { ridge } = problem.fit;
  const gradient = robustGradient(problem, radius, theta, sums, norm.gradient);
  const value = ridge.reduce((total, P, j) => total + (0.5 * P * theta[j] + tilt[j]) * theta[j], sums.loss);
  const relativeGradient = relativeSize(gradient, gradientScales(problem, radius, theta, sums));
  return { theta, sums, norm, kappa, value, gradient, relativeGradient };
}

/** At radius 0 the norm does not matter, whether it has corners or not. */
function normAt(problem: RobustProblem, radius: number, theta: Float64Array, width: number): NormParts {
  if (radius === 0) return { value: 0, gradient: new Float64Array(theta.length), addHessian: () => undefined };
  return width > 0 ? smoothedNorm(problem, theta, width) : smoothNorm(problem, theta);
}

/** Σ w ∂h/∂f v + ρ(Σ w ∂h/∂R)∂N + Pθ + t (d) */
export const robustGradient = (
  { fit: { ridge }, tilt }: RobustProblem,
  radius: number,
  theta: Float64Array,
  sums: RowSums,
  normGradient: Float64Array,
): Float64Array =>
  theta.map((value, j) => sums.slope[j] + radius * sums.push * normGradient[j] + ridge[j] * value + tilt[j]);

/** ∇²: Σ w h_ff vv' + ρ(x∂N' + ∂N x') + ρ²(Σ w h_RR)∂N∂N' + ρ(Σ w h_R)∇²N + diag(P), x = Σ w h_fR v. Reuses the Gram matrix. */
export function robustHessian(
  { fit: { ridge } }: RobustProblem,
  radius: number,
  { gram, cross, bend, push }: RowSums,
  norm: Pick<NormParts, "gradient" | "addHessian">,
): Matrix {
  const d = gram.rows;
  const g = norm.gradient;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      gram.data[i * d + j] += radius * (cross[i] * g[j] + g[i] * cross[j] + radius * bend * g[i] * g[j]);
    }
    gram.data[i * d + i] += ridge[i];
  }
  norm.addHessian(gram, radius * push);
  return gram;
}

/** √(Σ w h_f² · Σ w v_j²) + ρ b_j Σ w h_R + P_j|θ_j| + |t_j| (d): what the terms of ∇R could add up to (MATH 12). */
export function gradientScales(
  { fit: { ridge }, threat, first, columnSizes, tilt }: RobustProblem,
  radius: number,
  theta: Float64Array,
  sums: RowSums,
): Float64Array {
  const { budgets } = threat.settings;
  return theta.map((value, j) => {
    const attacked = j < first ? 0 : radius * Math.abs(sums.push) * budgets[j - first];
    return sums.slopeSize * columnSizes[j] + attacked + ridge[j] * Math.abs(value) + Math.abs(tilt[j]);
  });
}

/** max_j |g_j| / scale_j; NaN where anything is not finite: nothing is small against what has overflown. */
export function relativeSize(gradient: Float64Array, scales: Float64Array): number {
  let largest = 0;
  for (let j = 0; j < gradient.length; j++) {
    const size = Math.abs(gradient[j]);
    if (!Number.isFinite(scales[j])) return Number.NaN;
    if (!(size <= 0)) largest = Math.max(largest, size / scales[j]);
  }
  return largest;
}

/** Coefficients above this share of N move along a straight line. */
const LARGE_SHARE = 0.1;

/**
 * θ + t·step; for 1 < q < 2 small attacked coefficients move along a curve with the same tangent. φ_k = sgn(u_k)(|u_k|/N)^{q−1}
 * rises infinitely fast at u_k = 0, so that Newton's method converges fast in φ_k but not in u_k.
 */
export function advance(problem: RobustProblem, theta: Float64Array, step: Float64Array, t: number): Float64Array {
  const moved = theta.map((value, j) => value + t * step[j]);
  const { q, first, attacked, threat } = problem;
  if (!(q > 1 && q < 2)) return moved;
  const norm = smoothNorm(problem, theta);
  const N = norm.value;
  if (!(N > 0)) return moved;
  const { budgets, p } = threat.settings;
  const dN = dot(norm.gradient, step);
  const N1 = Math.max(N + t * dN, 0.1 * N);
  for (const k of attacked) {
    const j = first + k;
    const phi = norm.gradient[j] / budgets[k];
    const u = budgets[k] * theta[j];
    if (Math.abs(u) > LARGE_SHARE * N) continue;
    const rate = ((q - 1) / N) * (relativeCurvature(Math.abs(u) / N, q) * budgets[k] * step[j] - phi * dN);
    const next = phi + t * rate;
    if (Math.abs(next) < 1) moved[j] = (N1 * Math.sign(next) * Math.abs(next) ** (p - 1)) / budgets[k];
  }
  return moved;
}
