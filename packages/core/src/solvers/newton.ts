import type { Block } from "../data/dataset.js";
import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { rowJets } from "../models/loss-rows.js";
import type { Loss } from "../models/losses.js";
import type { ScoreModel } from "../models/score-model.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "./inverse-hessian.js";

/** Convergence of MATH 12: the gradient relative to what its terms could add up to. */
const GRADIENT_TOLERANCE = 1e-12;
/** Newton steps relative to the fit (`pointSize`), in the H norm. This small, a step changes nothing that can be computed. */
const NEGLIGIBLE_STEP = 1e-14;
/** A step this small is the last: what is left after it is of the order of its square. */
const LAST_STEP = 1e-11;
/** Residuals this small beside the fit are those of rows that are all met exactly. */
const ALL_MET = 1e-10;
/** Steps below this that do not shrink any more are rounding. */
const STALLED_STEP = 1e-8;
/** Roundings of the scores that a gradient may be the sum of: some of their own, some of the sums. */
const ROUNDINGS = 64 * Number.EPSILON;
/** Of the residuals' square, what may be left out of a fit as no more than noise. */
const LEFT_OUT = 0.05;
const MAXIMUM_ITERATIONS = 200;
/** A parameter that moves the scores by no more than this share of what they are fitted to is what rounding leaves of 0. */
export const PARAMETER_ROUNDING = 1e-13;

/** Sums over all rows at one θ. */
export interface ScoreSums {
  /** Σ w ℓ, Σ w ℓ'², Σ w ℓ'' */
  readonly scalars: Float64Array;
  /** Σ w ℓ' v (d) */
  readonly gradient: Float64Array;
  /** Σ w ℓ'' vv' (d×d, lower triangle); null where it was not asked for. */
  readonly hessian: Matrix | null;
  /** n: f_i; empty where they are not kept. */
  readonly scores: Float64Array;
}

/** Adds a block to Σwℓ, Σwℓ'², Σwℓ''; writes wℓ' and, where asked for, wℓ''. */
export function weighRows(
  loss: Loss,
  { y, w }: Pick<Block, "y" | "w">,
  f: Float64Array,
  { scalars, onGradient, onHessian }: RowWeights,
): void {
  let [total, slopeSquares, curvatures] = [0, 0, 0];
  if (loss.quadratic) {
    const curvature = loss.second(0, 0);
    for (let i = 0; i < y.length; i++) {
      const slope = curvature * (f[i] - y[i]);
      const pulled = w[i] * slope;
      slopeSquares += pulled * slope;
      curvatures += w[i] * curvature;
      onGradient[i] = pulled;
      if (onHessian) onHessian[i] = w[i] * curvature;
    }
    scalars[0] += slopeSquares / (2 * curvature); // ½ℓ''(f − y)² = ½ℓ'²/ℓ''
    scalars[1] += slopeSquares;
    scalars[2] += curvatures;
    return;
  }
  for (const { from, to, values, slopes, curvatures: bends } of rowJets(loss, f, y)) {
    for (let i = from, at = 0; i < to; i++, at++) {
      const slope = slopes[at];
      const curvature = bends[at];
      total += w[i] * values[at];
      slopeSquares += w[i] * slope * slope;
      curvatures += w[i] * curvature;
      onGradient[i] = w[i] * slope;
      if (onHessian) onHessian[i] = w[i] * curvature;
    }
  }
  scalars[0] += total;
  scalars[1] += slopeSquares;
  scalars[2] += curvatures;
}

interface RowWeights {
  readonly scalars: Float64Array;
  /** r: w ℓ' */
  readonly onGradient: Float64Array;
  /** r: w ℓ'' */
  readonly onHessian: Float64Array | undefined;
}

/** How all rows change between two points: the largest |Δf|, and the largest and smallest change of a loss that never turns back. */
export interface Recession {
  readonly largest: number;
  readonly worst: number;
  readonly best: number;
}

export const NO_RECESSION: Recession = {
  largest: 0,
  worst: Number.NEGATIVE_INFINITY,
  best: Number.POSITIVE_INFINITY,
};

/** The same with some more rows; those without weight have no say. */
export function withRows(
  { largest, worst, best }: Recession,
  loss: Loss,
  { y, w }: Pick<Block, "y" | "w">,
  before: Float64Array,
  after: Float64Array,
): Recession {
  for (let i = 0; i < before.length; i++) {
    if (w[i] === 0) continue;
    const shift = after[i] - before[i];
    const change = loss.recession(shift, y[i]);
    largest = Math.max(largest, Math.abs(shift));
    worst = Math.max(worst, change);
    best = Math.min(best, change);
  }
  return { largest, worst, best };
}

/** What is minimised: Σ w ℓ(f) + ½Σ P_j θ_j², seen through sums over the rows. */
export interface Problem {
  readonly model: ScoreModel;
  readonly ridge: Float64Array;
  readonly l2: number;
  /** d, 1 where a parameter moves; the others stay at 0. */
  readonly free: Uint8Array;
  sumsAt(theta: Float64Array, withHessian: boolean): Promise<ScoreSums>;
  recession(from: Point, to: Point): Promise<Recession>;
}

/** Everything that Newton's method and the AIF need at one θ, from one pass over the data. */
export interface Point {
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

export interface Minimum {
  readonly point: Point;
  readonly iterations: number;
  readonly inverse: InverseHessian;
}

/** What is known beforehand, and what is enough. */
export interface MinimiseOptions {
  /** H of a squared loss (ridge included), where it is known already, and its inverse. */
  readonly hessian?: Matrix | undefined;
  readonly inverse?: InverseHessian | undefined;
  /** A relative step that need not be taken: the point before it is near enough (default: none). */
  readonly enough?: number;
}

/** Newton's method from a point on. @throws numerical: no minimum exists, or it was not reached. */
export async function minimise(
  problem: Problem,
  start: Float64Array,
  { hessian, inverse: known, enough = 0 }: MinimiseOptions = {},
): Promise<Minimum> {
  const { model, l2, free } = problem;
  const { quadratic } = model.loss;
  let point = await evaluateAt(problem, start, hessian);
  let inverse: InverseHessian | null = known ?? null;
  let lastStep = Number.POSITIVE_INFINITY;
  for (let iterations = 0; iterations < MAXIMUM_ITERATIONS; iterations++) {
    if (!Number.isFinite(point.objective)) {
      throw numericalError(
        `The loss is not a finite number: ${quadratic ? "the targets are too large to be squared; rescale them" : "scores or targets are too large; rescale the columns or the target"}.`,
      );
    }
    inverse = quadratic && inverse ? inverse : invertHessian(freePart(point.hessian, free));
    const step = spread(inverse.solve(gather(point.gradient, free)), free).map((value) => -value);
    const relativeStep = lengthIn(point.hessian, step) / pointSize(point);
    const settled = point.gradientNorm <= GRADIENT_TOLERANCE && relativeStep <= LAST_STEP;
    // Where rounding in the scores is what is left of the gradient, steps stop shrinking.
    const stalled = relativeStep <= STALLED_STEP && relativeStep > 0.5 * lastStep;
    lastStep = relativeStep;
    // Of rows that are all met, a step that is negligible for the fit is still large for what is left of the residuals.
    const met = !quadratic && point.residualSize <= ALL_MET * pointSize(point);
    const isThere = relativeStep <= Math.max(met ? 0 : NEGLIGIBLE_STEP, enough);
    if (isThere || stalled || (settled && !quadratic)) {
      if (isLeftOver(problem, point, inverse)) break;
      return { point: snapped(model, point), iterations, inverse };
    }
    if (settled) {
      const theta = point.theta.map((value, j) => value + step[j]);
      return { point: snapped(model, { ...point, theta }), iterations, inverse };
    }
    const next = await lineSearch(problem, point, step, !quadratic);
    if (next === null) {
      const small = relativeStep <= STALLED_STEP && !isLeftOver(problem, point, inverse);
      if (small || isRounding(problem, point)) return { point: snapped(model, point), iterations, inverse };
      break;
    }
    if (l2 === 0 && iterations >= 4) refuseRecession(model, point, next, await problem.recession(point, next));
    point = next;
  }
  throw numericalError(notConverged(problem, point, inverse));
}

/** The largest relative gradient that rounding may leave: g = Σ w ℓ'v, and ℓ' is that of scores which are sums of Σ|θ_jv_j|. */
function leastGradient({ ridge }: Pick<Problem, "ridge">, { theta, hessian, residualSize }: Point): number {
  let summed = 0;
  for (let j = 0; j < theta.length; j++)
    summed += Math.abs(theta[j]) * Math.sqrt(Math.max(0, hessian.data[j * (theta.length + 1)] - ridge[j]));
  return GRADIENT_TOLERANCE + ROUNDINGS * (1 + summed / residualSize);
}

/** Whether rounding is all that is left of the gradient. */
const isRounding = (problem: Problem, point: Point): boolean => !(point.gradientNorm > leastGradient(problem, point));

/**
 * Steps of a pseudo-inverse end where it sees no more. A gradient that is left over is no minimum's where the loss falls along what is left
 * out; where columns differ by rounding alone, it falls no more than with any column of noise.
 */
function isLeftOver(problem: Problem, point: Point, inverse: InverseHessian): boolean {
  if (inverse.method !== "pseudo-inverse" || isRounding(problem, point)) return false;
  return inverse.leftOut(gather(point.gradient, problem.free)) > LEFT_OUT * point.residualSize ** 2;
}

function notConverged(problem: Problem, point: Point, inverse: InverseHessian | null): string {
  const [found, least] = apart(point.gradientNorm, leastGradient(problem, point));
  const measured = `relative gradient ${found} where ${least} is asked`;
  if (inverse?.method !== "pseudo-inverse")
    return `The fit did not converge: ${measured}. Add a ridge such as --l2 0.01, or look for columns that are nearly copies of each other.`;
  const rank = `rank ${inverse.rank} of ${problem.model.parameterNames.length} parameters`;
  return `The fit did not converge: to rounding the Hessian is singular (${rank}), though not of columns that are exactly combinations of others (${measured}). Standardise the columns (without --no-standardize): values far from 0 beside their spread, or in units far apart, can make it so. Else leave out columns that are nearly copies of others, or add a ridge such as --l2 0.01.`;
}

/** Two different numbers with as many digits as tell them apart. */
function apart(a: number, b: number): [string, string] {
  const said = (digits: number): [string, string] => [a.toExponential(digits), b.toExponential(digits)];
  let digits = 1;
  while (digits < 15 && said(digits)[0] === said(digits)[1]) digits++;
  return said(digits);
}

/**
 * A minimum with parameters of 0 where rounding is all that they are, as in a balanced design: the adversary would follow their signs. A
 * gradient that all rows share is told from rounding as a whole (`gradientRounding`).
 */
function snapped({ map }: ScoreModel, point: Point): Point {
  if (map.sharedGradient) return point;
  const { theta, hessian } = point;
  const floor = PARAMETER_ROUNDING * pointSize(point);
  const isNothing = (value: number, j: number): boolean =>
    value !== 0 && Math.abs(value) * Math.sqrt(hessian.data[j * theta.length + j]) <= floor;
  return theta.some(isNothing)
    ? { ...point, theta: theta.map((value, j) => (isNothing(value, j) ? 0 : value)) }
    : point;
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

/** @param knownHessian ridge included */
export async function evaluateAt(
  { sumsAt, ridge, free }: Problem,
  theta: Float64Array,
  knownHessian?: Matrix,
): Promise<Point> {
  const d = theta.length;
  const sums = await sumsAt(theta, knownHessian === undefined);
  const [total, slopeSquares, curvatures] = sums.scalars;
  const { gradient, scores } = sums;
  const hessian = knownHessian ?? sums.hessian ?? Matrix.zeros(d, d);
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
): Promise<Point | null> {
  const rounding = 1e-13 * Math.abs(from.objective);
  for (let t = 1; t > 1e-6; t /= 2) {
    const theta = from.theta.map((value, j) => value + t * step[j]);
    const next = await evaluateAt(problem, theta, hessianChanges ? undefined : from.hessian);
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
function refuseRecession(model: ScoreModel, from: Point, to: Point, { largest, worst, best }: Recession): void {
  if (largest > 0.3 && worst <= 1e-8 * largest && best < -0.3) {
    throw numericalError(
      `The features separate the targets (perfectly, or for some level of a column), so the unpenalised ${model.kind} fit has no minimum: the coefficients of ${fastest(model, from, to)} grow without end. Add a ridge such as --l2 0.001, or leave out what gives the answer away.`,
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

/** ‖θ‖_H plus the size of the residuals in the same norm: never 0 but for a fit to zeros. */
const pointSize = ({ hessian, theta, residualSize }: Point): number => lengthIn(hessian, theta) + residualSize || 1;

/** √(x'Hx) */
const lengthIn = (hessian: Matrix, x: Float64Array): number => Math.sqrt(Math.max(0, dot(x, hessianTimes(hessian, x))));
