import type { Loss, LossName } from "../models/losses.js";
import { sigmoid, softplus } from "../models/losses.js";

/** Metrics that people decide by, by name, of predictions with scores f. Weights sum to 1. */
export type Metrics = Readonly<Record<string, number>>;

/**
 * Metrics with what each row adds to them to first order: for every metric n numbers ψ_i with Σ w_i ψ_i = 0 whose weighted
 * spread over the rows is the metric's own (its influence function; for the AUC DeLong's placements).
 */
export interface MetricRows {
  readonly values: Metrics;
  readonly rows: Readonly<Record<string, Float64Array>>;
  /** n: whether each row is classified rightly (1 or 0); null for regressions. */
  readonly right: Uint8Array | null;
}

type Rule = (y: Float64Array, w: Float64Array, f: Float64Array) => MetricRows;

/** The metrics of each loss's kind of prediction. */
const RULES: Readonly<Record<LossName, Rule>> = {
  squared: regressionMetrics,
  "half-squared": regressionMetrics,
  poisson: (y, w, f) => regressionMetrics(y, w, f.map(Math.exp)),
  logistic: classificationMetrics,
};

/** The metrics of scores f (n) with what each row adds to them. */
export const metricRows = (loss: Loss, y: Float64Array, w: Float64Array, scores: Float64Array): MetricRows =>
  RULES[loss.name](y, w, scores);

/** The metrics of scores f (n): rmse, mae and r2 of numbers; accuracy, balanced accuracy, auc, log loss and Brier score of two classes. */
export const metricsOf = (loss: Loss, y: Float64Array, w: Float64Array, scores: Float64Array): Metrics =>
  metricRows(loss, y, w, scores).values;

/** Scores under the worst attack: f_i + σ_i reach_i, σ_i the worse end (MATH 10a); for scores linear in x. */
export const attackedScores = (
  loss: Loss,
  y: Float64Array,
  scores: Float64Array,
  reach: (row: number) => number,
): Float64Array => scores.map((f, i) => f + loss.worseEnd(f, y[i], reach(i)) * reach(i));

/** Whether a larger value is better. */
export const HIGHER_IS_BETTER: Readonly<Record<string, boolean>> = {
  rmse: false,
  mae: false,
  r2: true,
  accuracy: true,
  balancedAccuracy: true,
  auc: true,
  logLoss: false,
  brier: false,
};

/** rmse and mae in the target's units; r2 = 1 − Σwr²/Σw(y−ȳ)². */
function regressionMetrics(y: Float64Array, w: Float64Array, predictions: Float64Array): MetricRows {
  let [square, absolute, mean] = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    const r = predictions[i] - y[i];
    square += w[i] * r * r;
    absolute += w[i] * Math.abs(r);
    mean += w[i] * y[i];
  }
  let spread = 0;
  for (let i = 0; i < y.length; i++) spread += w[i] * (y[i] - mean) ** 2;
  const rmse = Math.sqrt(square);
  const squares = y.map((target, i) => (predictions[i] - target) ** 2 - square);
  return {
    values: { rmse, mae: absolute, r2: 1 - square / spread },
    rows: {
      rmse: squares.map((value) => (rmse > 0 ? value / (2 * rmse) : 0)),
      mae: y.map((target, i) => Math.abs(predictions[i] - target) - absolute),
      r2: y.map((target, i) => -squares[i] / spread + (square / spread) * ((target - mean) ** 2 / spread - 1)),
    },
    right: null,
  };
}

/** Labels ±1. A score of exactly 0 predicts neither class and counts as wrong. */
function classificationMetrics(y: Float64Array, w: Float64Array, f: Float64Array): MetricRows {
  let [positives, negatives, rightPositives, rightNegatives, logLoss, brier] = [0, 0, 0, 0, 0, 0];
  const logLosses = new Float64Array(y.length);
  const briers = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const hit = y[i] * f[i] > 0 ? w[i] : 0;
    if (y[i] > 0) [positives, rightPositives] = [positives + w[i], rightPositives + hit];
    else [negatives, rightNegatives] = [negatives + w[i], rightNegatives + hit];
    logLosses[i] = softplus(-y[i] * f[i]);
    briers[i] = sigmoid(-y[i] * f[i]) ** 2;
    logLoss += w[i] * logLosses[i];
    brier += w[i] * briers[i];
  }
  const accuracy = rightPositives + rightNegatives;
  const hits = { positive: rightPositives / positives, negative: rightNegatives / negatives };
  const { area, placements } = areaUnderCurve(y, w, f);
  const ofClass = (i: number, positive: number, negative: number): number => (y[i] > 0 ? positive : negative);
  const right = Uint8Array.from(y, (label, i) => (label * f[i] > 0 ? 1 : 0));
  return {
    values: { accuracy, balancedAccuracy: 0.5 * (hits.positive + hits.negative), auc: area, logLoss, brier },
    rows: {
      accuracy: y.map((_, i) => right[i] - accuracy),
      balancedAccuracy: y.map(
        (_, i) => (0.5 * (right[i] - ofClass(i, hits.positive, hits.negative))) / ofClass(i, positives, negatives),
      ),
      auc: placements.map((value, i) => (value - area) / ofClass(i, positives, negatives)),
      logLoss: logLosses.map((value) => value - logLoss),
      brier: briers.map((value) => value - brier),
    },
    right,
  };
}

/**
 * P(score of a positive > score of a negative), ties counting half, by weight; and each row's placement: the share of the
 * other class that it is ranked rightly against, whose mean over either class is the area (DeLong).
 */
function areaUnderCurve(y: Float64Array, w: Float64Array, f: Float64Array): { area: number; placements: Float64Array } {
  const order = Uint32Array.from(f.keys()).sort((a, b) => f[a] - f[b]);
  const placements = new Float64Array(y.length);
  let [below, above, area] = [0, 0, 0];
  for (let from = 0; from < order.length; ) {
    let to = from;
    let [up, down] = [0, 0];
    for (; to < order.length && f[order[to]] === f[order[from]]; to++) {
      if (y[order[to]] > 0) up += w[order[to]];
      else down += w[order[to]];
    }
    // Negatives ranked below a positive, and for a negative the positives ranked at most as high: turned round below.
    for (let k = from; k < to; k++) placements[order[k]] = y[order[k]] > 0 ? below + 0.5 * down : above + 0.5 * up;
    area += up * (below + 0.5 * down);
    below += down;
    above += up;
    from = to;
  }
  for (let i = 0; i < y.length; i++) placements[i] = y[i] > 0 ? placements[i] / below : 1 - placements[i] / above;
  return { area: area / (above * below), placements };
}
