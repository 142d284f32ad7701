import type { Dataset } from "../data/dataset.js";
import { inputError, numericalError, usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { checkTargets, type ModelDescription, type ScoreModel } from "../models/score-model.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "./inverse-hessian.js";

/** Convergence of MATH 12: the gradient relative to what its terms could add up to. */
const GRADIENT_TOLERANCE = 1e-12;
/** Newton steps relative to the fit (`pointSize`), in the H norm. This small, a step changes nothing that can be computed. */
const NEGLIGIBLE_STEP = 1e-14;
/** A step this small is the last: what is left after it is of the order of its square. */
const LAST_STEP = 1e-11;
/** Steps below this that do not shrink any more are rounding. */
const STALLED_STEP = 1e-8;
const MAXIMUM_ITERATIONS = 200;

/** The ridge of a fit, and what is known beforehand. */
export interface FitOptions extends Work {
  /** λ of the ridge ½λ‖θ‖² on all parameters but the intercept. */
  readonly l2?: number;
  /** d: where Newton's method begins (default: the best constant prediction). */
  readonly start?: Float64Array;
  /** H (d×d, lower triangle, ridge included) of a squared loss, where it is known already. */
  readonly hessian?: Matrix;
}

/** A minimiser θ̂ of L(θ) = Σ w_i l_i + ½ Σ_j P_j θ_j², or any other point that is to be looked at, with H there. */
export interface Fit {
  readonly model: ScoreModel;
  readonly data: Dataset;
  readonly l2: number;
  /** P (d): λ, and 0 on the intercept. */
  readonly ridge: Float64Array;
  /** θ̂ (d) */
  readonly parameters: Float64Array;
  /** n: f_i = θ̂'v(x_i) */
  readonly scores: Float64Array;
  /** Σ w_i l_i, without the ridge. */
  readonly trainingLoss: number;
  /** ∇L(θ̂) (d), ridge included. */
  readonly gradient: Float64Array;
  /** max_j |∇L_j| / (√(Σ w ℓ'² / Σ w ℓ'' · Σ w ℓ'' v_j²) + P_j|θ_j|): the gradient relative to the size of its terms. */
  readonly gradientNorm: number;
  readonly iterations: number;
  /** H (d×d, lower triangle): Σ w ℓ'' v v' + diag(P). Of a lasso fit on `sparse.support` alone. */
  readonly hessian: Matrix;
  /** H⁻¹. Of a lasso fit on `sparse.support`, and 0 elsewhere: a parameter that stays at 0 does not respond. */
  readonly inverse: InverseHessian;
  /** What an l1 penalty adds; absent without one. Then `gradient` is that of L, and `gradientNorm` the breach of its conditions. */
  readonly sparse?: Sparsity;
}

/** A minimiser of L(θ) + λ Σ |θ_j| over the penalised parameters. */
export interface Sparsity {
  /** λ of the l1 penalty. */
  readonly l1: number;
  /** The smallest λ at which every penalised parameter is 0. */
  readonly largestL1: number;
  /** Penalised parameters that are not 0. */
  readonly selected: readonly number[];
  /** Zeros with |∂_jL| = λ: the least change may let them in. */
  readonly boundary: readonly number[];
  /** Parameters that can respond to a small change, ascending: the intercept, `selected` and `boundary`. */
  readonly support: readonly number[];
  /** m, 1 where a parameter of the support depends on the input. */
  readonly inputs: Uint8Array;
  /** Whether no other parameters have the same objective: H is regular on the support. */
  readonly unique: boolean;
  /** Duality gap: the objective is no further than this from its minimum; relative to the objective. */
  readonly relativeGap: number;
}

/** The gradient of all that is minimised (d), 0 at a minimum: that of an l1 penalty joins ∇L where θ_j ≠ 0. */
export function stationaryGradient({ gradient, parameters, sparse }: Fit): Float64Array {
  if (!sparse) return gradient;
  const out = gradient.slice();
  for (const j of sparse.selected) out[j] += sparse.l1 * Math.sign(parameters[j]);
  return out;
}

/** Hx, 0 outside the support of a lasso fit. */
export function fitHessianTimes({ hessian, sparse }: Fit, x: Float64Array): Float64Array {
  if (!sparse) return hessianTimes(hessian, x);
  const { support } = sparse;
  const part = hessianTimes(
    hessian,
    Float64Array.from(support, (j) => x[j]),
  );
  const out = new Float64Array(x.length);
  support.forEach((j, a) => {
    out[j] = part[a];
  });
  return out;
}

/**
 * Fits a score model by Newton's method (squared losses: one normal-equation step, then refinements with residuals recomputed
 * from the data) to a relative gradient of 1e-12.
 * @throws input: targets the loss is not defined for; fewer rows than parameters without a ridge. numerical: no minimiser
 * exists (separable classes), or Newton's method did not reach the tolerance.
 */
export async function fit(description: ModelDescription, data: Dataset, options: FitOptions = {}): Promise<Fit> {
  await ensureBlas();
  const { model, ridge, l2 } = prepareFit(description, data, options);
  const d = model.map.count;
  const positiveRows = data.weights.reduce((count, w) => count + (w > 0 ? 1 : 0), 0);
  if (l2 === 0 && positiveRows < d) {
    throw inputError(
      `${positiveRows} rows cannot determine ${d} parameters: use more rows, fewer features, or a ridge such as l2 = 0.01.`,
    );
  }
  if (model.map.intercept) refuseConstantTargets(model, data);
  const all = new Uint8Array(d).fill(1);
  const { point, iterations, inverse } = await minimise(
    { model, data, ridge, l2, free: all },
    options,
    options.start,
    model.loss.quadratic ? options.hessian : undefined,
  );
  return finish(model, data, l2, ridge, point, iterations, inverse);
}

/**
 * The scores f_i (n) of the same model fitted on some of its parameters alone, the others held at 0: the null model that robust
 * training collapses to. @param free d, 1 where a parameter is fitted.
 */
export async function fitFree(
  { model, data, ridge, l2 }: Fit,
  free: Uint8Array,
  work: Work = {},
): Promise<Float64Array> {
  return (await minimise({ model, data, ridge, l2, free }, work)).point.scores;
}

interface Problem {
  readonly model: ScoreModel;
  readonly data: Dataset;
  readonly ridge: Float64Array;
  readonly l2: number;
  /** d, 1 where a parameter moves; the others stay at 0. */
  readonly free: Uint8Array;
}

async function minimise(
  problem: Problem,
  work: Work,
  start = startingPoint(problem.model, problem.data),
  hessian?: Matrix,
): Promise<{ point: Point; iterations: number; inverse: InverseHessian }> {
  const { model, data, l2, free } = problem;
  const { quadratic } = model.loss;
  let point = await evaluateAt(problem, start, work, hessian);
  let inverse: InverseHessian | null = null;
  let lastStep = Number.POSITIVE_INFINITY;
  for (let iterations = 0; iterations < MAXIMUM_ITERATIONS; iterations++) {
    inverse = quadratic && inverse ? inverse : invertHessian(freePart(point.hessian, free));
    const step = spread(inverse.solve(gather(point.gradient, free)), free).map((value) => -value);
    const relativeStep = lengthIn(point.hessian, step) / pointSize(point);
    const settled = point.gradientNorm <= GRADIENT_TOLERANCE && relativeStep <= LAST_STEP;
    // Where rounding in the scores is what is left of the gradient, steps stop shrinking.
    const stalled = relativeStep <= STALLED_STEP && relativeStep > 0.5 * lastStep;
    lastStep = relativeStep;
    if (relativeStep <= NEGLIGIBLE_STEP || stalled || (settled && !quadratic)) return { point, iterations, inverse };
    if (settled)
      return { point: { ...point, theta: point.theta.map((value, j) => value + step[j]) }, iterations, inverse };
    const next = await lineSearch(problem, point, step, !quadratic, work);
    if (next === null) {
      if (relativeStep <= STALLED_STEP) return { point, iterations, inverse };
      break;
    }
    if (l2 === 0 && iterations >= 4) refuseRecession(model, data, point, next);
    point = next;
  }
  throw numericalError(
    `The fit did not converge: relative gradient ${point.gradientNorm.toExponential(1)} where ${GRADIENT_TOLERANCE} is asked. Add a ridge such as l2 = 0.01, or look for columns that are nearly copies of each other.`,
  );
}

/** The rows and columns of a symmetric matrix (lower triangle) that are free. */
function freePart(hessian: Matrix, free: Uint8Array): Matrix {
  const kept = [...free.keys()].filter((j) => free[j] === 1);
  if (kept.length === free.length) return hessian;
  const out = Matrix.zeros(kept.length, kept.length);
  kept.forEach((a, i) => {
    for (let j = 0; j <= i; j++) out.data[i * kept.length + j] = hessian.data[a * hessian.columns + kept[j]];
  });
  return out;
}

const gather = (values: Float64Array, free: Uint8Array): Float64Array => values.filter((_, j) => free[j] === 1);

function spread(values: Float64Array, free: Uint8Array): Float64Array {
  let at = 0;
  return Float64Array.from(free, (moves) => (moves ? values[at++] : 0));
}

/** The same quantities at a given θ, which need not be a minimum. @throws usage: a θ of the wrong length. */
export async function fitAt(
  description: ModelDescription,
  data: Dataset,
  theta: ArrayLike<number>,
  options: FitOptions = {},
): Promise<Fit> {
  await ensureBlas();
  const { model, ridge, l2 } = prepareFit(description, data, options);
  if (theta.length !== model.map.count) {
    throw usageError(`This model has ${model.map.count} parameters, got ${theta.length}.`);
  }
  const problem = { model, data, ridge, l2, free: new Uint8Array(theta.length).fill(1) };
  const point = await evaluateAt(problem, Float64Array.from(theta), options);
  return finish(model, data, l2, ridge, point, 0, invertHessian(point.hessian));
}

/** The model with its ridge. @throws usage: a ridge that is no number ≥ 0. input: targets the loss is not defined for. */
export function prepareFit(description: ModelDescription, data: Dataset, { l2 = 0 }: Pick<FitOptions, "l2">) {
  if (!(l2 >= 0 && l2 < Infinity)) throw usageError(`The ridge l2 must be a number ≥ 0, got ${l2}.`);
  const model = description(data);
  checkTargets(model.loss, data.y);
  const ridge = new Float64Array(model.map.count).fill(l2);
  if (model.map.intercept) ridge[0] = 0;
  return { model, ridge, l2 };
}

/** θ = 0, but for the intercept of the best constant prediction. */
export function startingPoint(model: ScoreModel, data: Dataset): Float64Array {
  const theta = new Float64Array(model.map.count);
  if (!model.map.intercept) return theta;
  const constant = model.loss.constantScore(dot(data.weights, data.y));
  if (Number.isFinite(constant)) theta[0] = constant;
  return theta;
}

/** Everything that Newton's method and the AIF need at one θ, from one pass over the data. */
interface Point {
  readonly theta: Float64Array;
  readonly scores: Float64Array;
  readonly loss: number;
  readonly objective: number;
  readonly gradient: Float64Array;
  readonly gradientNorm: number;
  readonly hessian: Matrix;
  /** √(Σ w ℓ'² / Σ w ℓ''): the size of the residuals in the H norm. */
  readonly residualSize: number;
}

async function evaluateAt(
  { model, data, ridge, free }: Problem,
  theta: Float64Array,
  work: Work,
  knownHessian?: Matrix,
): Promise<Point> {
  const { loss, map } = model;
  const d = map.count;
  const scores = new Float64Array(data.rows);
  let total = 0;
  const jet = new Float64Array(3);
  let slopeSquares = 0;
  let curvatures = 0;
  const sums = await sweep(
    map,
    data,
    { theta: asColumn(theta), pull: 1, grams: knownHessian ? 0 : 1, phase: "fitting" },
    ({ block, scores: f, pull, grams: [gram] }) => {
      const { y, w, firstRow } = block;
      scores.set(f.data, firstRow);
      if (loss.quadratic) {
        const curvature = loss.second(0, 0);
        for (let i = 0; i < y.length; i++) {
          const slope = curvature * (f.data[i] - y[i]);
          const pulled = w[i] * slope;
          slopeSquares += pulled * slope;
          curvatures += w[i] * curvature;
          pull.data[i] = pulled;
          if (gram) gram[i] = w[i] * curvature;
        }
        return;
      }
      for (let i = 0; i < y.length; i++) {
        loss.jet(f.data[i], y[i], jet);
        const slope = jet[1];
        const curvature = jet[2];
        total += w[i] * jet[0];
        slopeSquares += w[i] * slope * slope;
        curvatures += w[i] * curvature;
        pull.data[i] = w[i] * slope;
        if (gram) gram[i] = w[i] * curvature;
      }
    },
    work,
  );
  if (loss.quadratic) total = slopeSquares / (2 * loss.second(0, 0)); // ½ℓ''(f − y)² = ½ℓ'²/ℓ''
  const gradient = sums.pull.data;
  // Sums of numbers that are not finite are not finite: only then is it worth looking for them.
  if (!gradient.every(Number.isFinite)) data.check?.();
  const hessian = knownHessian ?? sums.grams[0];
  const residualSquare = curvatures > 0 ? slopeSquares / curvatures : 0;
  let gradientNorm = 0;
  let penalty = 0;
  for (let j = 0; j < d; j++) {
    gradient[j] += ridge[j] * theta[j];
    penalty += 0.5 * ridge[j] * theta[j] * theta[j];
    if (!knownHessian) hessian.data[j * d + j] += ridge[j];
    const possible =
      Math.sqrt(residualSquare * Math.max(0, hessian.data[j * d + j] - ridge[j])) + ridge[j] * Math.abs(theta[j]);
    if (possible > 0 && free[j]) gradientNorm = Math.max(gradientNorm, Math.abs(gradient[j]) / possible);
  }
  return {
    theta,
    scores,
    loss: total,
    objective: total + penalty,
    gradient,
    gradientNorm,
    hessian,
    residualSize: Math.sqrt(residualSquare),
  };
}

/** Halves the step until the objective does not rise (beyond rounding); null when even tiny steps do not help. */
async function lineSearch(
  problem: Problem,
  from: Point,
  step: Float64Array,
  hessianChanges: boolean,
  work: Work,
): Promise<Point | null> {
  const rounding = 1e-13 * Math.abs(from.objective);
  for (let t = 1; t > 1e-6; t /= 2) {
    const theta = from.theta.map((value, j) => value + t * step[j]);
    const next = await evaluateAt(problem, theta, work, hessianChanges ? undefined : from.hessian);
    if (next.objective <= from.objective + rounding) return next;
    // Refinements of a squared loss end where rounding begins.
    if (!hessianChanges) return null;
  }
  return null;
}

/**
 * A direction along which no row's loss rises and some row's falls is one along which the loss falls for ever: no minimiser
 * exists. Late Newton steps on separable data point along it (each adds about 1 to the diverging scores).
 */
function refuseRecession(model: ScoreModel, data: Dataset, from: Point, to: Point): void {
  const [before, after] = [from.scores, to.scores];
  let largest = 0;
  let worst = Number.NEGATIVE_INFINITY;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < before.length; i++) {
    const shift = after[i] - before[i];
    const change = model.loss.recession(shift, data.y[i]);
    largest = Math.max(largest, Math.abs(shift));
    worst = Math.max(worst, change);
    best = Math.min(best, change);
  }
  if (largest > 0.3 && worst <= 1e-8 * largest && best < -0.3) {
    throw numericalError(
      `The features separate the targets (perfectly, or for some level of a column), so the unpenalised ${model.kind} fit has no minimum: the coefficients of ${fastest(model, from, to)} grow without end. Add a ridge such as l2 = 0.001, or leave out what gives the answer away.`,
    );
  }
}

/** The up to three parameters whose coefficients move most, by name: what separates the targets. */
function fastest({ parameterNames, map }: ScoreModel, from: Point, to: Point): string {
  const speed = (j: number): number => Math.abs(to.theta[j] - from.theta[j]);
  const order = [...to.theta.keys()].slice(map.intercept ? 1 : 0).toSorted((a, b) => speed(b) - speed(a));
  const leading = order.filter((j) => speed(j) > 0.2 * speed(order[0])).slice(0, 3);
  return leading.map((j) => JSON.stringify(parameterNames[j])).join(", ");
}

/** The unpenalised intercept alone can run away: all targets of one class, or no count above 0. */
export function refuseConstantTargets({ loss }: ScoreModel, { y, weights }: Dataset): void {
  for (const direction of [1, -1]) {
    const rises = (target: number, i: number): boolean => weights[i] > 0 && loss.recession(direction, target) > 0;
    const falls = (target: number, i: number): boolean => weights[i] > 0 && loss.recession(direction, target) < 0;
    if (!y.some(rises) && y.some(falls)) {
      throw numericalError("All targets are alike, so the fit has no minimum: use rows with different targets.");
    }
  }
}

/** ‖θ‖_H plus the size of the residuals in the same norm: never 0 but for a fit to zeros. */
const pointSize = ({ hessian, theta, residualSize }: Point): number => lengthIn(hessian, theta) + residualSize || 1;

/** √(x'Hx) */
const lengthIn = (hessian: Matrix, x: Float64Array): number => Math.sqrt(Math.max(0, dot(x, hessianTimes(hessian, x))));

function finish(
  model: ScoreModel,
  data: Dataset,
  l2: number,
  ridge: Float64Array,
  point: Point,
  iterations: number,
  inverse: InverseHessian,
): Fit {
  const { theta: parameters, scores, loss: trainingLoss, gradient, gradientNorm, hessian } = point;
  return {
    model,
    data,
    l2,
    ridge,
    parameters,
    scores,
    trainingLoss,
    gradient,
    gradientNorm,
    iterations,
    hessian,
    inverse,
  };
}
