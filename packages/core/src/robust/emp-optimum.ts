import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import { dualExponent, norm } from "../threats/norms.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { readParameters } from "./attack-checks.js";
import { checkTransport } from "./emp.js";
import { type EmpSums, type EmpWidths, empSums } from "./emp-sums.js";
import { robustOptimum } from "./optimum.js";
import { type RobustProblem, robustProblem } from "./optimum-problem.js";
import { naturalLossAt } from "./optimum-result.js";
import { dualNormOf } from "./robust-loss.js";
import { advance, gradientScales, relativeSize, robustGradient, robustHessian } from "./smoothing-newton.js";
import { type NormParts, smoothedNorm, smoothNorm } from "./smoothing-norm.js";

/** Where the search for the robust optimum of rows that share one budget begins. */
export interface EmpOptimumOptions extends Work {
  /** d: where the search begins (default: the fit). */
  readonly start?: ArrayLike<number>;
  /** How often the inner maximum may be solved; then the search ends where it is (default: as often as it takes). */
  readonly evaluations?: number;
}

/** The minimiser of the empirical problem of a Wasserstein adversary. */
export interface EmpOptimum {
  /** θ_ρ (d) */
  readonly parameters: Float64Array;
  readonly radius: number;
  /** V_ρ(θ_ρ), ridge included. */
  readonly objective: number;
  /** Without it. */
  readonly robustLoss: number;
  /** Σ w l on the rows as they are, without the ridge. */
  readonly naturalLoss: number;
  /** Whether the inner maximum at θ_ρ is certified; else `robustLoss` is a lower bound. */
  readonly exactInner: boolean;
  /** max_j |g_j| / (size of its terms), g the gradient of V_ρ, or of the rounded V_ρ where the optimum sits on corners. */
  readonly residual: number;
  /** By how much V_ρ may lie above its minimum: what rounding the corners may add, and half the last Newton decrement. */
  readonly gap: number;
  /** Whether corners had to be rounded off. */
  readonly rounded: boolean;
  readonly converged: boolean;
  readonly iterations: number;
  /** Whether every attacked feature has been given up. */
  readonly collapsed: boolean;
}

const SHARP: EmpWidths & { norm: number } = { rows: 0, atoms: 0, norm: 0 };
const TOLERANCE = 1e-14;
const CONVERGED = 1e-10;
const FIRST_WIDTH = 0.1;
const LAST_WIDTH = 1e-9;
const WIDTH_FACTOR = 0.1;
const MAXIMUM_STEPS = 60;

/**
 * argmin_θ V_ρ(θ) + ½ΣP_jθ_j², V_ρ the value of `empiricalWorstCase`: convex in θ as a maximum of convex functions. u = ∞ is
 * `robustOptimum`. Newton's method with the exact Hessian of V (the inner maximiser differentiated implicitly). Where that ends at a
 * corner (β_k = 0 at p = ∞, ties at p = 1, residuals stuck at 0 at u > 2, rows tied at u = 1) the corners are rounded off, down to a
 * billionth of their size. Corners where the inner maximum changes its branch are not rounded: then `converged` may be false.
 * @param u 1 ≤ u ≤ ∞. @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`. @throws usage, numerical: as `empiricalWorstCase`.
 */
export async function empRobustOptimum(
  fit: Fit,
  described: AnyThreat,
  u: number,
  radius: number,
  { start: from = fit.parameters, evaluations = Number.POSITIVE_INFINITY, ...work }: EmpOptimumOptions = {},
): Promise<EmpOptimum> {
  const threat = threatOn(described, fit.model.map.inputs);
  checkTransport(fit.model, threat, u, radius);
  if (!fit.model.map.ownCoefficients) {
    throw usageError(
      "The exact Wasserstein optimum needs coefficients of the features themselves: leave the projection out.",
    );
  }
  const start = readParameters(from, fit.parameters.length, "The start");
  if (u === Number.POSITIVE_INFINITY) {
    const { objective, robustLoss, naturalLoss, residual, parameters, iterations, collapsed } = await robustOptimum(
      fit,
      threat,
      radius,
      { start, ...work },
    );
    const exact = { exactInner: true, gap: 0, rounded: false, converged: true };
    return { parameters, radius, objective, robustLoss, naturalLoss, residual, iterations, collapsed, ...exact };
  }
  const problem = await robustProblem(fit, threat, work);
  const search = { problem, u, radius, work, left: { evaluations } };
  if (radius > 0 && radius >= (await empCollapseRadius(problem, u, work))) {
    const point = await evaluate(search, problem.nullModel, SHARP);
    return { ...resultOf(search, point, point, 0), residual: 0, gap: 0, converged: true, collapsed: true };
  }
  const sharp = await minimise(search, start, SHARP);
  if (sharp.point.residual <= CONVERGED || radius === 0) return resultOf(search, sharp.point, sharp.point, sharp.steps);
  let { point, steps } = sharp;
  const size = { rows: Math.sqrt(fit.trainingLoss), norm: point.norm.value, atoms: point.sums.loss };
  for (let width = FIRST_WIDTH; width >= 0.5 * LAST_WIDTH && isGoingOn(search); width *= WIDTH_FACTOR) {
    const last = width * WIDTH_FACTOR < 0.5 * LAST_WIDTH;
    const widths = { rows: width * size.rows, norm: width * size.norm, atoms: width * size.atoms };
    const found = await minimise(search, point.theta, widths, last ? TOLERANCE : 0.1 * width);
    steps += found.steps;
    point = found.point;
  }
  const exact = await evaluate(search, point.theta, SHARP);
  const better = exact.value <= sharp.point.value ? exact : sharp.point;
  return { ...resultOf(search, better, point, steps), rounded: true };
}

/** ρ from which on the null model is optimal: ‖(Σ w ℓ'_i x_i) ⊘ b‖_p / (Σ w |ℓ'_i|^{u*})^{1/u*}, with the scores of the null model. */
async function empCollapseRadius(problem: RobustProblem, u: number, work: Work): Promise<number> {
  const { fit, threat, attacked, first, nullModel, collapseRadius } = problem;
  if (collapseRadius === 0) return 0;
  const { data, model } = fit;
  const { p, budgets } = threat.settings;
  const sums = await empSums(problem, nullModel, 0, u, { rows: 0, atoms: 0 }, work);
  const pulls = Float64Array.from(attacked, (k) => sums.slope[first + k] / budgets[k]);
  const dual = dualExponent(u);
  const slopes = sums.scores.map((f, i) => {
    const weight = data.weights[i];
    return weight > 0 ? weight ** (1 / dual) * Math.abs(model.loss.first(f, data.y[i])) : 0;
  });
  return norm(pulls, p) / norm(slopes, dual);
}

interface Search {
  readonly problem: RobustProblem;
  readonly u: number;
  readonly radius: number;
  readonly work: Work;
  readonly left: { evaluations: number };
}

const isGoingOn = ({ left }: Search): boolean => left.evaluations > 0;

type Widths = EmpWidths & { readonly norm: number };

interface Point {
  readonly theta: Float64Array;
  readonly sums: EmpSums;
  readonly norm: NormParts;
  readonly widths: Widths;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly residual: number;
  /** ∇'H⁻¹∇, once it is known. */
  decrement: number;
}

async function evaluate(search: Search, theta: Float64Array, widths: Widths): Promise<Point> {
  const { problem, u, radius, work, left } = search;
  left.evaluations--;
  const norm = widths.norm > 0 ? smoothedNorm(problem, theta, widths.norm) : sharpNorm(problem, theta);
  const sums = await empSums(problem, theta, radius * norm.value, u, widths, work);
  const gradient = robustGradient(problem, radius, theta, sums, norm.gradient);
  const value = problem.fit.ridge.reduce((total, P, j) => total + 0.5 * P * theta[j] * theta[j], sums.loss);
  const residual = relativeSize(gradient, gradientScales(problem, radius, theta, sums));
  return { theta, sums, norm, widths, value, gradient, residual, decrement: Number.POSITIVE_INFINITY };
}

/** N with one of its subgradients; at q = 1 and ∞ flat in between its corners. */
function sharpNorm(problem: RobustProblem, theta: Float64Array): NormParts {
  const { q, fit, threat, first } = problem;
  if (q !== 1 && q !== Number.POSITIVE_INFINITY) return smoothNorm(problem, theta);
  const { norm: value, direction } = dualNormOf(fit.model, threat, theta);
  const gradient = new Float64Array(theta.length);
  gradient.set(direction, first);
  return { value, gradient, addHessian() {} };
}

/** Newton's method with step halving; the last point in any case. */
async function minimise(
  search: Search,
  start: Float64Array,
  widths: Widths,
  tolerance = TOLERANCE,
): Promise<{ point: Point; steps: number }> {
  const { problem, radius } = search;
  let point = await evaluate(search, start, widths);
  let steps = 0;
  for (; steps < MAXIMUM_STEPS && isGoingOn(search); steps++) {
    const hessian = robustHessian(problem, radius, point.sums, point.norm);
    addCorrections(hessian.data, point, radius);
    const step = invertHessian(hessian)
      .solve(point.gradient)
      .map((value) => -value);
    const slope = dot(step, point.gradient);
    point.decrement = -slope;
    if (!(slope < 0) || point.residual <= tolerance) return { point, steps };
    let next: Point | null = null;
    const rounding = 1e-14 * Math.abs(point.value);
    for (let t = 1; t > 1e-8 && next === null && isGoingOn(search); t /= 2) {
      const candidate = await evaluate(search, advance(problem, point.theta, step, t), widths);
      const lower = candidate.value <= point.value + 1e-4 * t * slope && -slope > rounding;
      if (lower || (candidate.value <= point.value + rounding && candidate.residual < 0.5 * point.residual))
        next = candidate;
      if (-slope <= rounding && t < 0.1) break;
    }
    if (next === null) return { point, steps };
    point = next;
  }
  return { point, steps };
}

/** Lower triangle += Σ factor·xx'. */
function addCorrections(hessian: Float64Array, { sums, norm, theta }: Point, radius: number): void {
  const d = theta.length;
  for (const { vector, along, factor } of sums.corrections) {
    if (factor === 0) continue;
    const x = vector.map((value, j) => value + along * radius * norm.gradient[j]);
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) hessian[i * d + j] += factor * x[i] * x[j];
  }
}

/** @param best where the value is taken. @param judged the (possibly rounded) problem's point whose gradient is the evidence. */
function resultOf({ problem, radius, u }: Search, best: Point, judged: Point, iterations: number): EmpOptimum {
  const { sums, value, theta } = best;
  const { widths, sums: rounded, decrement } = judged;
  const k = problem.attacked.length;
  const excess = widths.norm * (problem.q === 1 ? k : problem.q === Number.POSITIVE_INFINITY ? Math.log(2 * k) : 1);
  const atoms = u === 1 ? widths.atoms * Math.log(problem.fit.data.rows) : 0;
  const corners = rounded.rounding + radius * rounded.push * excess + atoms;
  const gap = corners + 0.5 * Math.max(0, decrement);
  return {
    parameters: theta,
    radius,
    objective: value,
    robustLoss: sums.loss,
    naturalLoss: naturalLossAt(problem, sums.scores),
    exactInner: sums.upper - sums.loss <= 1e-11 * Math.abs(sums.upper),
    residual: judged.residual,
    gap,
    rounded: false,
    converged: judged.residual <= CONVERGED || gap <= 1e-8 * Math.abs(value),
    iterations,
    collapsed: false,
  };
}
