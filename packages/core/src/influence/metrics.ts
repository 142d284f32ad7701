import { rowJets } from "../models/loss-rows.js";
import { LOSSES, type Loss, type LossName } from "../models/losses.js";
import { ascending } from "./ranked-scores.js";

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

/** Metrics of one kind of prediction, from sums over the rows; the AUC, which is none, apart. Σ w = 1 over all rows. */
export interface MetricRule {
  /** How many sums there are. */
  readonly width: number;
  /** What scores predict. */
  predictions(f: Float64Array): Float64Array;
  /** Adds rows. @param f their predictions @param mean Σ w y over all rows */
  add(sums: Float64Array, y: Float64Array, w: Float64Array, f: Float64Array, mean: number): void;
  values(sums: Float64Array): Metrics;
  /** ψ of some of the rows, from the sums over all. */
  rows(sums: Float64Array, y: Float64Array, f: Float64Array, mean: number): Readonly<Record<string, Float64Array>>;
  readonly right: ((y: Float64Array, f: Float64Array) => Uint8Array) | null;
}

/** The metrics of each loss's kind of prediction. */
export const METRIC_RULES: Readonly<Record<LossName, MetricRule>> = {
  squared: regressionRule((f) => f),
  "half-squared": regressionRule((f) => f),
  poisson: regressionRule((f) => f.map(Math.exp)),
  logistic: classificationRule(),
};

/** The metrics of scores f (n) with what each row adds to them. */
export function metricRows(loss: Loss, y: Float64Array, w: Float64Array, scores: Float64Array): MetricRows {
  const rule = METRIC_RULES[loss.name];
  const f = rule.predictions(scores);
  const sums = new Float64Array(rule.width);
  const mean = y.reduce((sum, target, i) => sum + w[i] * target, 0);
  rule.add(sums, y, w, f, mean);
  const [values, rows, right] = [rule.values(sums), rule.rows(sums, y, f, mean), rule.right?.(y, f) ?? null];
  if (loss.name !== "logistic") return { values, rows, right };
  const { auc, placed } = rankMetric(sums, y, w, f);
  const { accuracy, balancedAccuracy, ...rest } = values;
  return { values: { accuracy, balancedAccuracy, auc, ...rest }, rows: { ...rows, auc: placed }, right };
}

/** The metrics of scores f (n): rmse, mae and r2 of numbers; accuracy, balanced accuracy, auc, log loss and Brier score of two classes. */
export const metricsOf = (loss: Loss, y: Float64Array, w: Float64Array, scores: Float64Array): Metrics =>
  metricRows(loss, y, w, scores).values;

/** Scores under the worst attack: f_i + σ_i reach_i, σ_i the worse end (MATH 10a); for scores linear in x. */
export const attackedScores = (
  loss: Loss,
  y: Float64Array,
  scores: Float64Array,
  reach: (row: number) => number,
): Float64Array => {
  const out = new Float64Array(scores.length);
  for (let i = 0; i < out.length; i++) {
    const far = reach(i);
    out[i] = scores[i] + loss.worseEnd(scores[i], y[i], far) * far;
  }
  return out;
};

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

/** rmse and mae in the target's units; r2 = 1 − Σwr²/Σw(y−ȳ)². Sums: Σwr², Σw|r|, Σw(y−ȳ)². */
function regressionRule(predictions: MetricRule["predictions"]): MetricRule {
  return {
    width: 3,
    predictions,
    add(sums, y, w, f, mean) {
      let [square, absolute, spread] = [0, 0, 0];
      for (let i = 0; i < y.length; i++) {
        const r = f[i] - y[i];
        square += w[i] * r * r;
        absolute += w[i] * Math.abs(r);
        spread += w[i] * (y[i] - mean) ** 2;
      }
      sums[0] += square;
      sums[1] += absolute;
      sums[2] += spread;
    },
    values: ([square, absolute, spread]) => ({ rmse: Math.sqrt(square), mae: absolute, r2: 1 - square / spread }),
    rows([square, absolute, spread], y, f, mean) {
      const rmse = Math.sqrt(square);
      const [n, turn] = [y.length, rmse > 0 ? 1 / (2 * rmse) : 0];
      const rows = { rmse: new Float64Array(n), mae: new Float64Array(n), r2: new Float64Array(n) };
      for (let i = 0; i < n; i++) {
        const r = f[i] - y[i];
        const [above, far] = [r * r - square, y[i] - mean];
        rows.rmse[i] = above * turn;
        rows.mae[i] = Math.abs(r) - absolute;
        rows.r2[i] = -above / spread + (square / spread) * ((far * far) / spread - 1);
      }
      return rows;
    },
    right: null,
  };
}

/**
 * Labels ±1. A score of exactly 0 predicts neither class and counts as wrong.
 * Sums: the weights of positives and negatives, those of them that are right, Σw log loss, Σw Brier score.
 */
function classificationRule(): MetricRule {
  const shares = ([positives, negatives, rightPositives, rightNegatives]: Float64Array) => ({
    accuracy: rightPositives + rightNegatives,
    found: { positive: rightPositives / positives, negative: rightNegatives / negatives },
  });
  return {
    width: 6,
    predictions: (f) => f,
    add(sums, y, w, f) {
      let [positives, negatives, rightPositives, rightNegatives, logLoss, brier] = [0, 0, 0, 0, 0, 0];
      for (let i = 0; i < y.length; i++) {
        const hit = y[i] * f[i] > 0 ? w[i] : 0;
        if (y[i] > 0) [positives, rightPositives] = [positives + w[i], rightPositives + hit];
        else [negatives, rightNegatives] = [negatives + w[i], rightNegatives + hit];
      }
      for (const { from, to, values, slopes } of rowJets(LOSSES.logistic, f, y)) {
        for (let i = from; i < to; i++) {
          logLoss += w[i] * values[i - from];
          brier += w[i] * slopes[i - from] ** 2; // |ℓ'| is the probability of the other class
        }
      }
      [positives, negatives, rightPositives, rightNegatives, logLoss, brier].forEach((value, k) => (sums[k] += value));
    },
    values(sums) {
      const { accuracy, found } = shares(sums);
      return {
        accuracy,
        balancedAccuracy: 0.5 * (found.positive + found.negative),
        logLoss: sums[4],
        brier: sums[5],
      };
    },
    rows(sums, y, f) {
      const { accuracy, found } = shares(sums);
      const [positives, negatives] = sums;
      const n = y.length;
      const room = (): Float64Array => new Float64Array(n);
      const rows = { accuracy: room(), balancedAccuracy: room(), logLoss: room(), brier: room() };
      for (const { from, to, values, slopes } of rowJets(LOSSES.logistic, f, y)) {
        for (let i = from; i < to; i++) {
          const hit = y[i] * f[i] > 0 ? 1 : 0;
          const balanced = y[i] > 0 ? (hit - found.positive) / positives : (hit - found.negative) / negatives;
          rows.accuracy[i] = hit - accuracy;
          rows.balancedAccuracy[i] = 0.5 * balanced;
          rows.logLoss[i] = values[i - from] - sums[4];
          rows.brier[i] = slopes[i - from] ** 2 - sums[5];
        }
      }
      return rows;
    },
    right(y, f) {
      const out = new Uint8Array(y.length);
      for (let i = 0; i < y.length; i++) out[i] = y[i] * f[i] > 0 ? 1 : 0;
      return out;
    },
  };
}

/**
 * P(score of a positive > score of a negative), ties counting half, by weight; and each row's part in it: its placement, the share of
 * the other class that it is ranked rightly against, less its mean over the class, which is the area (DeLong), by the class's weight.
 */
function rankMetric([positives, negatives]: Float64Array, y: Float64Array, w: Float64Array, f: Float64Array) {
  const n = y.length;
  const { order, keys } = ascending(f);
  // Positive for positives, negative for the others, also of those without weight: rows far apart are looked up once.
  const signed = new Float64Array(n);
  for (let i = 0; i < n; i++) signed[i] = y[i] > 0 ? w[i] : -w[i];
  const weights = new Float64Array(n);
  for (let k = 0; k < n; k++) weights[k] = signed[order[k]];
  const placed = signed;
  let [below, above, area] = [0, 0, 0]; // the weights so far of the negatives, and of the positives
  for (let from = 0, to = 0; from < n; from = to) {
    let [up, down] = [0, 0];
    do {
      const weight = weights[to++];
      if (weight > 0) up += weight;
      else down -= weight;
    } while (to < n && keys[to] === keys[from] && f[order[to - 1]] === f[order[to]]);
    // Negatives ranked below a positive, and for a negative the positives ranked at most as high: turned round below.
    const [underUps, underDowns] = [below + 0.5 * down, above + 0.5 * up];
    for (let k = from; k < to; k++) placed[order[k]] = isPositive(weights[k]) ? underUps : underDowns;
    area += up * underUps;
    below += down;
    above += up;
  }
  const auc = area / (above * below);
  for (let i = 0; i < n; i++) {
    placed[i] = y[i] > 0 ? (placed[i] / below - auc) / positives : (1 - placed[i] / above - auc) / negatives;
  }
  return { auc, placed };
}

/** The sign of a weight that may be 0 or −0. */
const isPositive = (weight: number): boolean => weight > 0 || (weight === 0 && Object.is(weight, 0));
