import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import type { DivergenceName } from "../threats/threat.js";
import { readParameters } from "./attack-checks.js";
import { featureSizes, relativeGradient } from "./attacked-risk.js";
import { equalLossRadius } from "./equal-loss-radius.js";
import { moments, type Reweighting, worstReweighting } from "./reweighting.js";

export interface DivergenceOptimumOptions extends Work {
  /** d: where the search begins (default: the fit). */
  readonly start?: ArrayLike<number>;
}

/** The minimiser of the worst mean loss over a ball of weights. */
export interface DivergenceOptimum {
  /** θ_ρ (d) */
  readonly parameters: Float64Array;
  readonly radius: number;
  /** V(θ_ρ), ridge included. */
  readonly objective: number;
  /** Without it. */
  readonly robustLoss: number;
  /** Σ w l */
  readonly naturalLoss: number;
  /** n: w' at θ_ρ. */
  readonly weights: Float64Array;
  /** max_j |∇_j| / (size of its terms). */
  readonly residual: number;
  /** Whether the optimum is where all losses are the same (see `equalLossRadius`). */
  readonly collapsed: boolean;
  /** ½∇'(∇²)⁻¹∇: about how far the objective may lie above its minimum. */
  readonly gap: number;
  readonly converged: boolean;
  readonly iterations: number;
}

const TOLERANCE = 1e-13;
const CONVERGED = 1e-9;
const MAXIMUM_STEPS = 200;

/**
 * argmin_θ max_{w' in the ball} Σ w'_i l_i(θ) + ½ΣP_jθ_j² for any score model (MATH 13): convex in θ, since each l_i is and w' ≥ 0. Newton's
 * method with the exact Hessian of V: Σ w'ℓ''vv' + rate·(Gram matrix of the gradients ℓ'v less what the worst case takes up itself). Where
 * θ = 0 makes all losses the same, V has a corner there, which is the optimum from some radius on.
 * @param radius ρ ≥ 0. @throws usage: a radius or a start that makes no sense.
 */
export async function divergenceRobustOptimum(
  fit: Fit,
  divergence: DivergenceName,
  radius: number,
  { start: from = fit.parameters, ...work }: DivergenceOptimumOptions = {},
): Promise<DivergenceOptimum> {
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
  await ensureBlas();
  const search: Search = { fit, divergence, radius, sizes: featureSizes(fit), work };
  const start = readParameters(from, fit.parameters.length, "The start");
  if (radius > 0 && radius >= (await equalLossRadius(fit, divergence, work))) {
    const point = await evaluate(search, new Float64Array(start.length));
    return { ...resultOf(search, point, 0, 0), residual: 0, converged: true, collapsed: true };
  }
  let point = await evaluate(search, start);
  let iterations = 0;
  let gap = Number.POSITIVE_INFINITY;
  for (; iterations < MAXIMUM_STEPS; iterations++) {
    const step = invertHessian(await hessianAt(search, point))
      .solve(point.gradient)
      .map((value) => -value);
    const slope = dot(step, point.gradient);
    gap = Math.max(0, -0.5 * slope);
    if (!(slope < 0) || point.residual <= TOLERANCE) break;
    const next = await lower(search, point, step, slope);
    if (next === null) break;
    point = next;
  }
  return resultOf(search, point, gap, iterations);
}

function resultOf(
  { fit: { data, model }, radius }: Search,
  { theta, value, worst, scores, residual }: Point,
  gap: number,
  iterations: number,
): DivergenceOptimum {
  let naturalLoss = 0;
  scores.forEach((f, i) => (naturalLoss += data.weights[i] * model.loss.value(f, data.y[i])));
  return {
    parameters: theta,
    radius,
    objective: value,
    robustLoss: worst.value,
    naturalLoss,
    weights: worst.weights,
    residual,
    gap,
    converged: residual <= CONVERGED,
    iterations,
    collapsed: false,
  };
}

interface Search {
  readonly fit: Fit;
  readonly divergence: DivergenceName;
  readonly radius: number;
  readonly sizes: Float64Array;
  readonly work: Work;
}

interface Point {
  readonly theta: Float64Array;
  readonly scores: Float64Array;
  readonly losses: Float64Array;
  readonly worst: Reweighting;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly residual: number;
}

async function evaluate({ fit, divergence, radius, sizes, work }: Search, theta: Float64Array): Promise<Point> {
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  const scores = new Float64Array(data.rows);
  await sweep(
    map,
    data,
    { theta: asColumn(theta), phase: "robust optimum" },
    (rows) => scores.set(rows.scores.data, rows.block.firstRow),
    work,
  );
  const losses = scores.map((f, i) => loss.value(f, data.y[i]));
  const worst = worstReweighting(divergence, losses, data.weights, radius);
  let slopeSquares = 0;
  const { pull } = await sweep(
    map,
    data,
    { pull: 1, phase: "robust optimum" },
    ({ block: { y, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const weight = worst.weights[firstRow + i];
        const slope = loss.first(scores[firstRow + i], y[i]);
        omega.data[i] = weight * slope;
        slopeSquares += weight * slope * slope;
      }
    },
    work,
  );
  const gradient = pull.data.map((value, j) => value + ridge[j] * theta[j]);
  const value = theta.reduce((sum, t, j) => sum + 0.5 * ridge[j] * t * t, worst.value);
  const residual = relativeGradient({ gradient, slopeSize: Math.sqrt(slopeSquares) }, theta, ridge, sizes);
  return { theta, scores, losses, worst, value, gradient, residual };
}

/** Σ w'ℓ''vv' + rate·[Σ bℓ'²vv' − gg'/Σb − cc'/Σbd²] + P, g = Σ bℓ'v, c = Σ b dℓ'v. */
async function hessianAt({ fit, work }: Search, { scores, losses, worst }: Point): Promise<Matrix> {
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  const { rate, base } = worst.bend;
  const { total, mean, square } = moments(losses, base);
  const { pull, grams } = await sweep(
    map,
    data,
    { pull: 2, grams: 1, phase: "robust optimum" },
    ({ block: { y, firstRow }, pull: omega, grams: [gram] }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const slope = loss.first(scores[row], y[i]);
        gram[i] = worst.weights[row] * loss.second(scores[row], y[i]) + rate * base[row] * slope * slope;
        omega.data[2 * i] = base[row] * slope;
        omega.data[2 * i + 1] = base[row] * (losses[row] - mean) * slope;
      }
    },
    work,
  );
  const hessian = grams[0];
  const d = ridge.length;
  const spread = square * total;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const means = (pull.data[2 * i] * pull.data[2 * j]) / total;
      const slopes = spread > 0 ? (pull.data[2 * i + 1] * pull.data[2 * j + 1]) / spread : 0;
      hessian.data[i * d + j] -= rate * (means + slopes);
    }
    hessian.data[i * d + i] += ridge[i];
  }
  return hessian;
}

/** The first point along the step that is lower, or as low as rounding can tell and flatter. */
async function lower(search: Search, point: Point, step: Float64Array, slope: number): Promise<Point | null> {
  const rounding = 1e-14 * Math.abs(point.value);
  for (let t = 1; t > 1e-9; t /= 2) {
    const candidate = await evaluate(
      search,
      point.theta.map((value, j) => value + t * step[j]),
    );
    if (-slope > rounding && candidate.value <= point.value + 1e-4 * t * slope) return candidate;
    if (candidate.value <= point.value + rounding && candidate.residual < 0.5 * point.residual) return candidate;
    if (-slope <= rounding && t < 0.1) return null;
  }
  return null;
}
