import { usageError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import type { MetricRows } from "./metrics.js";

/**
 * Metrics of predictions with K scores a row (n×K), classes 0 … K−1, each with its rows' influence ψ_i (Σ w_i ψ_i = 0):
 * accuracy; balancedAccuracy, the mean over the classes that occur of the share of each that is found; logLoss of the
 * softmax, Σ w (log Σ_k e^{f_k} − f_y). A row counts as right where its class has the largest score alone: ties are wrong.
 * Weights sum to 1.
 * @throws usage: scores, classes and weights that do not match, fewer than two scores a row.
 */
export function classMetricRows(y: Float64Array, w: Float64Array, scores: Matrix): MetricRows {
  const [n, K] = [scores.rows, scores.columns];
  if (y.length !== n || w.length !== n) {
    throw usageError(`There are ${n} rows of scores, but ${y.length} classes and ${w.length} weights.`);
  }
  if (K < 2) throw usageError(`Metrics of classes need at least two scores a row, got ${K}.`);
  const outside = y.find((label) => !(Number.isInteger(label) && label >= 0 && label < K));
  if (outside !== undefined) throw usageError(`Class ${outside} has no score: classes are 0 to ${K - 1}.`);
  const right = new Uint8Array(n);
  const losses = new Float64Array(n);
  const share = new Float64Array(K);
  const found = new Float64Array(K);
  let [accuracy, logLoss] = [0, 0];
  for (let i = 0; i < n; i++) {
    const f = scores.row(i);
    right[i] = leads(f, y[i]) ? 1 : 0;
    losses[i] = logSumExp(f) - f[y[i]];
    share[y[i]] += w[i];
    found[y[i]] += w[i] * right[i];
    accuracy += w[i] * right[i];
    logLoss += w[i] * losses[i];
  }
  const recall = found.map((weight, k) => (share[k] > 0 ? weight / share[k] : 0));
  const present = share.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  const balancedAccuracy = recall.reduce((sum, value) => sum + value, 0) / present;
  return {
    values: { accuracy, balancedAccuracy, logLoss },
    rows: {
      accuracy: y.map((_, i) => right[i] - accuracy),
      balancedAccuracy: y.map((k, i) => (share[k] > 0 ? (right[i] - recall[k]) / share[k] / present : 0)),
      logLoss: losses.map((loss) => loss - logLoss),
    },
    right,
  };
}

/** Whether f_y is above all other scores. */
function leads(f: Float64Array, y: number): boolean {
  for (let k = 0; k < f.length; k++) if (k !== y && !(f[k] < f[y])) return false;
  return true;
}

function logSumExp(f: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of f) largest = Math.max(largest, value);
  let total = 0;
  for (const value of f) total += Math.exp(value - largest);
  return largest + Math.log(total);
}
