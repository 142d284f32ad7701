import type { Dataset } from "../data/dataset.js";
import { classMetricRows } from "../influence/class-metrics.js";
import { type MetricRows, metricRows } from "../influence/metrics.js";
import { Matrix } from "../linalg/matrix.js";
import { LOSSES } from "../models/losses.js";
import type { Predictor } from "../models/model.js";
import type { NetworkLoss } from "../models/perceptron.js";

/** n×K: the outputs of every row. */
export function outputsOf(model: Predictor, theta: Float64Array, data: Dataset): Matrix {
  let out = Matrix.zeros(0, 0);
  for (const { x, firstRow } of data.blocks()) {
    const f = model.outputs(theta, x);
    if (firstRow === 0) out = Matrix.zeros(data.rows, f.columns);
    out.data.set(f.data, firstRow * f.columns);
  }
  return out;
}

/** Beside the losses of networks the squared ones to ±1 ("signs") and to one 1 among 0 ("one-hot"). */
export type JudgedLoss = NetworkLoss | "signs" | "one-hot";

/** Metrics of outputs f (n×K), by the kind of prediction that a loss is for. */
export function localMetrics(loss: JudgedLoss, y: Float64Array, w: Float64Array, f: Matrix): MetricRows {
  if (loss === "one-hot") return withoutProbabilities(classMetricRows(y, w, f));
  if (loss === "signs") return withoutProbabilities(metricRows(LOSSES.logistic, y, w, f.data));
  return loss === "softmax" ? classMetricRows(y, w, f) : metricRows(LOSSES[loss], y, w, f.data);
}

/** The smallest mean loss that one output for all rows has: a variance, or the entropy of the classes' shares. */
export function constantLoss(loss: NetworkLoss, y: Float64Array, w: Float64Array): number {
  if (loss === "softmax" || loss === "logistic") {
    const shares = new Map<number, number>();
    y.forEach((label, i) => shares.set(label, (shares.get(label) ?? 0) + w[i]));
    return [...shares.values()].reduce((sum, share) => sum - (share > 0 ? share * Math.log(share) : 0), 0);
  }
  const mean = y.reduce((sum, value, i) => sum + w[i] * value, 0);
  const variance = y.reduce((sum, value, i) => sum + w[i] * (value - mean) ** 2, 0);
  return loss === "squared" ? variance : 0.5 * variance;
}

/** Outputs that are no log-odds have no log loss and no Brier score. */
function withoutProbabilities({ values, rows, right }: MetricRows): MetricRows {
  const { logLoss: _logLoss, brier: _brier, ...kept } = values;
  return { values: kept, rows: Object.fromEntries(Object.keys(kept).map((name) => [name, rows[name]])), right };
}
