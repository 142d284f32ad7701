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
  const sums = new ClassSums(K);
  const { right, losses } = sums.add(y, w, scores);
  const { share, recall, present } = sums.ofClasses();
  const values = sums.values();
  const { accuracy, logLoss } = values;
  return {
    values,
    rows: {
      accuracy: y.map((_, i) => right[i] - accuracy),
      balancedAccuracy: y.map((k, i) => (share[k] > 0 ? (right[i] - recall[k]) / share[k] / present : 0)),
      logLoss: losses.map((loss) => loss - logLoss),
    },
    right,
  };
}

/** What metrics of K classes are made of, summed over rows. */
export class ClassSums {
  /** 2K + 2: the weight of each class; that of its rows that are right; of all that are right; Σ w log loss. */
  readonly sums: Float64Array;

  constructor(private readonly classes: number) {
    this.sums = new Float64Array(2 * classes + 2);
  }

  /** Adds rows with scores (r×K). @returns which of them are right, and their log losses. */
  add(y: Float64Array, w: Float64Array, scores: Matrix): { right: Uint8Array; losses: Float64Array } {
    const { sums, classes: K } = this;
    const right = new Uint8Array(y.length);
    const losses = new Float64Array(y.length);
    for (let i = 0; i < y.length; i++) {
      const f = scores.row(i);
      right[i] = leads(f, y[i]) ? 1 : 0;
      losses[i] = logSumExp(f) - f[y[i]];
      sums[y[i]] += w[i];
      sums[K + y[i]] += w[i] * right[i];
      sums[2 * K] += w[i] * right[i];
      sums[2 * K + 1] += w[i] * losses[i];
    }
    return { right, losses };
  }

  /** The weight of each class, the share of each that is right, and how many have weight. */
  ofClasses(): { share: Float64Array; recall: Float64Array; present: number } {
    const { sums, classes: K } = this;
    const share = sums.subarray(0, K);
    const recall = sums.slice(K, 2 * K).map((weight, k) => (share[k] > 0 ? weight / share[k] : 0));
    return { share, recall, present: share.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0) };
  }

  /** @param total Σ w of the rows (default 1). */
  values(total = 1): Record<"accuracy" | "balancedAccuracy" | "logLoss", number> {
    const { recall, present } = this.ofClasses();
    const [right, loss] = this.sums.subarray(2 * this.classes);
    const balancedAccuracy = recall.reduce((sum, value) => sum + value, 0) / present;
    return { accuracy: right / total, balancedAccuracy, logLoss: loss / total };
  }
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
