import type { Loss, LossName } from "../models/losses.js";
import { sigmoid } from "../models/losses.js";

/** Metrics that people decide by, by name, of predictions with scores f. Weights sum to 1. */
export type Metrics = Readonly<Record<string, number>>;

type Rule = (y: Float64Array, w: Float64Array, f: Float64Array) => Metrics;

/** The metrics of each loss's kind of prediction. */
const RULES: Readonly<Record<LossName, Rule>> = {
  squared: regressionMetrics,
  "half-squared": regressionMetrics,
  poisson: (y, w, f) => regressionMetrics(y, w, f.map(Math.exp)),
  logistic: classificationMetrics,
};

export const metricsOf = (loss: Loss, y: Float64Array, w: Float64Array, scores: Float64Array): Metrics =>
  RULES[loss.name](y, w, scores);

/** Scores under the worst attack: f_i + σ_i reach_i, σ_i the worse end (MATH 10a); for scores linear in x. */
export const attackedScores = (
  loss: Loss,
  y: Float64Array,
  scores: Float64Array,
  reach: (row: number) => number,
): Float64Array => scores.map((f, i) => f + loss.worseEnd(f, y[i], reach(i)) * reach(i));

/** rmse and mae in the target's units; r2 = 1 − Σwr²/Σw(y−ȳ)². */
function regressionMetrics(y: Float64Array, w: Float64Array, predictions: Float64Array): Metrics {
  let [square, absolute, mean] = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    const r = predictions[i] - y[i];
    square += w[i] * r * r;
    absolute += w[i] * Math.abs(r);
    mean += w[i] * y[i];
  }
  let spread = 0;
  for (let i = 0; i < y.length; i++) spread += w[i] * (y[i] - mean) ** 2;
  return { rmse: Math.sqrt(square), mae: absolute, r2: 1 - square / spread };
}

/** Labels ±1. A score of exactly 0 predicts neither class and counts as wrong. */
function classificationMetrics(y: Float64Array, w: Float64Array, f: Float64Array): Metrics {
  const total = { positive: 0, negative: 0 };
  const right = { positive: 0, negative: 0 };
  let [logLoss, brier] = [0, 0];
  for (let i = 0; i < y.length; i++) {
    const side = y[i] > 0 ? "positive" : "negative";
    total[side] += w[i];
    if (y[i] * f[i] > 0) right[side] += w[i];
    const miss = sigmoid(-y[i] * f[i]);
    logLoss += w[i] * (Math.max(-y[i] * f[i], 0) + Math.log1p(Math.exp(-Math.abs(f[i]))));
    brier += w[i] * miss * miss;
  }
  return {
    accuracy: right.positive + right.negative,
    balancedAccuracy: 0.5 * (right.positive / total.positive + right.negative / total.negative),
    auc: areaUnderCurve(y, w, f),
    logLoss,
    brier,
  };
}

/** P(score of a positive > score of a negative), ties counting half, by weight. */
function areaUnderCurve(y: Float64Array, w: Float64Array, f: Float64Array): number {
  const order = Uint32Array.from(f.keys()).sort((a, b) => f[a] - f[b]);
  let [below, area, positives] = [0, 0, 0];
  for (let from = 0; from < order.length; ) {
    let to = from;
    let [up, down] = [0, 0];
    for (; to < order.length && f[order[to]] === f[order[from]]; to++) {
      if (y[order[to]] > 0) up += w[order[to]];
      else down += w[order[to]];
    }
    area += up * (below + 0.5 * down);
    below += down;
    positives += up;
    from = to;
  }
  return area / (positives * below);
}
