/** One repetition of a cell of the coverage study: draw, fit, ask for the intervals, look whether they hold the truth. */
import {
  type FoldInfluence,
  fit,
  influence,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
} from "../packages/core/src/index.js";
import type { Sampling } from "../packages/core/src/influence/sampling.js";
import { logit, type Sample } from "./coverage-designs.js";
import { aifIntervals, heldOutChange } from "./coverage-intervals.js";
import type { Population } from "./coverage-population.js";
import { gaussianMean } from "./gaussian-mean.js";

/** What one repetition adds to the counts. */
export interface Outcome {
  /** The interval's centre less the truth, by coordinate. */
  readonly errors: readonly number[];
  readonly widths: readonly number[];
  readonly covered: readonly boolean[];
  /** Whether the simultaneous intervals cover all coordinates. */
  readonly together: boolean | null;
  readonly sensitivity: { readonly covered: boolean; readonly width: number; readonly delta: boolean } | null;
}

export interface AifTask {
  readonly model: ModelDescription;
  readonly p: number;
  readonly l2?: number;
  readonly sample: (seed: number) => Sample;
  readonly sampling?: (sample: Sample) => Sampling;
}

/** null: the study gives no interval here. */
export async function aifRepetition(task: AifTask, truth: Population, seed: number): Promise<Outcome | null> {
  const sample = task.sample(seed);
  const attack = await influence(await fitted(task.model, sample, task.l2), lp(task.p));
  const intervals = await aifIntervals(attack, task.sampling?.(sample));
  if (intervals === null) return null;
  const { pointwise, simultaneous, sensitivity } = intervals;
  const inside = ({ lower, upper }: typeof pointwise): boolean[] =>
    truth.influence.map((value, j) => lower[j] <= value && value <= upper[j]);
  return {
    errors: truth.influence.map((value, j) => (pointwise.lower[j] + pointwise.upper[j]) / 2 - value),
    widths: pointwise.upper.map((upper, j) => upper - pointwise.lower[j]),
    covered: inside(pointwise),
    together: inside(simultaneous).every(Boolean),
    sensitivity: {
      covered: sensitivity.lower <= truth.sensitivity && truth.sensitivity <= sensitivity.upper,
      width: sensitivity.upper - sensitivity.lower,
      delta: sensitivity.method === "delta",
    },
  };
}

function fitted(model: ModelDescription, { x, y, weights }: Sample, l2 = 0) {
  const data = matrixDataset(new Matrix(x, y.length, x.length / y.length), y, weights ? { weights } : {});
  return fit(model, data, { l2 });
}

export interface HeldOutTask {
  readonly model: ModelDescription;
  readonly epsilon: number;
  readonly sample: (seed: number) => Sample;
  /** L(θ) in the population. */
  readonly risk: (theta: readonly number[]) => number;
}

/** The held-out change at p = 2 against the population change of the same folds' fits (MATH 14.2). */
export async function heldOutRepetition(task: HeldOutTask, seed: number): Promise<Outcome> {
  const { epsilon, risk } = task;
  const attack = await influence(await fitted(task.model, task.sample(seed)), lp(2));
  const { change, halfWidth, folds, shares } = await heldOutChange(attack, epsilon, seed);
  const populationChange = ({ parameters, influence: I }: FoldInfluence): number =>
    risk(Array.from(parameters, (value, j) => value + epsilon * I[j])) - risk([...parameters]);
  const truth = folds.reduce((sum, fold, k) => sum + shares[k] * populationChange(fold), 0);
  const error = change - truth;
  return {
    errors: [error],
    widths: [2 * halfWidth],
    covered: [Math.abs(error) <= halfWidth],
    together: null,
    sensitivity: null,
  };
}

/** E(f − y)² for y = θ₀'(1, x) + ξ, x and ξ standard normal. */
export const linearRisk =
  (truth: readonly number[]) =>
  (theta: readonly number[]): number =>
    1 + theta.reduce((sum, value, j) => sum + (value - truth[j]) ** 2, 0);

/** E log(1 + e^{−yf}) for P(y = 1) = σ(θ₀'(1, x)), x standard normal: both scores are jointly normal. */
export const logisticRisk = ([intercept, ...beta]: readonly number[]) => {
  const length = Math.hypot(...beta);
  return ([constant, ...slopes]: readonly number[]): number => {
    const along = slopes.reduce((sum, slope, k) => sum + (slope * beta[k]) / length, 0);
    const across = Math.sqrt(Math.max(0, slopes.reduce((sum, slope) => sum + slope ** 2, 0) - along ** 2));
    return gaussianMean((t, u) => {
      const chance = logit(intercept + length * t);
      const f = constant + along * t + across * u;
      return Math.max(f, 0) + Math.log1p(Math.exp(-Math.abs(f))) - chance * f;
    });
  };
};
