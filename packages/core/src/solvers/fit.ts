import type { Dataset } from "../data/dataset.js";
import { inputError, numericalError, usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import { checkTargets, type ModelDescription, type ScoreModel } from "../models/score-model.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "./inverse-hessian.js";
import { evaluateAt, minimise, NO_RECESSION, type Point, type Problem, weighRows, withRows } from "./newton.js";

/** The ridge of a fit, and what is known beforehand. */
export interface FitOptions extends Work {
  /** λ of the ridge ½λ‖θ‖² on all parameters but the intercept. */
  readonly l2?: number;
  /** d: where Newton's method begins (default: the best constant prediction). */
  readonly start?: Float64Array;
  /** H (d×d, lower triangle, ridge included) of a squared loss, where it is known already. */
  readonly hessian?: Matrix;
  /** Its inverse, where that is known too. */
  readonly inverse?: InverseHessian;
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
  refuseTooFewRows(model, l2, positives(data.weights));
  if (model.map.intercept) refuseConstantTargets(model, data);
  const all = new Uint8Array(model.map.count).fill(1);
  const { point, iterations, inverse } = await minimise(
    problemOn(data, { model, ridge, l2, free: all }, options),
    options.start ?? startingPoint(model, data),
    model.loss.quadratic ? { hessian: options.hessian, inverse: options.hessian && options.inverse } : {},
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
  const problem = problemOn(data, { model, ridge, l2, free }, work);
  return (await minimise(problem, startingPoint(model, data))).point.scores;
}

/** What Newton's method asks of rows in memory. */
function problemOn(data: Dataset, asked: Pick<Problem, "model" | "ridge" | "l2" | "free">, work: Work): Problem {
  const { loss, map } = asked.model;
  return {
    ...asked,
    async sumsAt(theta, withHessian) {
      const scores = new Float64Array(data.rows);
      const scalars = new Float64Array(3);
      const sums = await sweep(
        map,
        data,
        { theta: asColumn(theta), pull: 1, grams: withHessian ? 1 : 0, phase: "fitting" },
        ({ block, scores: f, pull, grams: [gram] }) => {
          scores.set(f.data, block.firstRow);
          weighRows(loss, block, f.data, { scalars, onGradient: pull.data, onHessian: gram });
        },
        work,
      );
      // Sums of numbers that are not finite are not finite: only then is it worth looking for them.
      if (!sums.pull.data.every(Number.isFinite)) data.check?.();
      return { scalars, gradient: sums.pull.data, hessian: withHessian ? sums.grams[0] : null, scores };
    },
    recession: async (from, to) => withRows(NO_RECESSION, loss, { y: data.y, w: data.weights }, from.scores, to.scores),
  };
}

/** What `fit` returns, at a given θ that need not be a minimum: scores, loss, gradient, H. @throws usage: a θ of the wrong length. */
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
  const free = new Uint8Array(theta.length).fill(1);
  const point = await evaluateAt(problemOn(data, { model, ridge, l2, free }, options), Float64Array.from(theta));
  return finish(model, data, l2, ridge, point, 0, invertHessian(point.hessian));
}

/** The model with its ridge. @throws usage: a ridge that is no number ≥ 0. input: targets the loss is not defined for. */
export function prepareFit(description: ModelDescription, data: Dataset, { l2 = 0 }: Pick<FitOptions, "l2">) {
  const prepared = withRidge(description(data), l2);
  checkTargets(prepared.model.loss, data.y);
  return prepared;
}

/** P beside a model: λ, and 0 on the intercept. @throws usage: a ridge that is no number ≥ 0. */
export function withRidge(model: ScoreModel, l2: number) {
  if (!(l2 >= 0 && l2 < Infinity)) throw usageError(`The ridge l2 must be a number ≥ 0, got ${l2}.`);
  const ridge = new Float64Array(model.map.count).fill(l2);
  if (model.map.intercept) ridge[0] = 0;
  return { model, ridge, l2 };
}

/** @param positive how many rows have weight. @throws input: too few for the parameters, without a ridge. */
export function refuseTooFewRows({ map: { count: d } }: ScoreModel, l2: number, positive: number): void {
  if (l2 > 0 || positive >= d) return;
  throw inputError(
    `${positive} rows cannot determine ${d} parameters: use more rows, fewer features, or a ridge such as --l2 0.01.`,
  );
}

function positives(values: Float64Array): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > 0) count++;
  return count;
}

/** θ = 0, but for the intercept of the best constant prediction. */
export const startingPoint = (model: ScoreModel, data: Dataset): Float64Array =>
  constantPoint(model, model.map.intercept ? dot(data.weights, data.y) : 0);

/** @param mean Σ w y */
export function constantPoint(model: ScoreModel, mean: number): Float64Array {
  const theta = new Float64Array(model.map.count);
  if (!model.map.intercept) return theta;
  const constant = model.loss.constantScore(mean);
  if (Number.isFinite(constant)) theta[0] = constant;
  return theta;
}

/** The unpenalised intercept alone can run away: all targets of one class, or no count above 0. */
export function refuseConstantTargets({ loss }: ScoreModel, { y, weights }: Dataset): void {
  refuseRunaway(runaway(loss, y, weights));
}

/**
 * Whether any row's loss rises, and any falls, as the intercept goes up; and the same as it goes down. Once some rise either way nothing
 * else matters, and no more rows are looked at.
 */
export function runaway(loss: Loss, y: Float64Array, weights: Float64Array): boolean[] {
  let [risesUp, fallsUp, risesDown, fallsDown] = [false, false, false, false];
  for (let i = 0; i < y.length && !(risesUp && risesDown); i++) {
    if (!(weights[i] > 0)) continue;
    const [up, down] = [loss.recession(1, y[i]), loss.recession(-1, y[i])];
    risesUp ||= up > 0;
    fallsUp ||= up < 0;
    risesDown ||= down > 0;
    fallsDown ||= down < 0;
  }
  return [risesUp, fallsUp, risesDown, fallsDown];
}

/** @param found over all rows. @throws numerical: the loss falls for ever as the intercept grows. */
export function refuseRunaway([risesUp, fallsUp, risesDown, fallsDown]: readonly boolean[]): void {
  if ((!risesUp && fallsUp) || (!risesDown && fallsDown))
    throw numericalError("All targets are alike, so the fit has no minimum: use rows with different targets.");
}

/** A point as a fit. */
export function finish(
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
