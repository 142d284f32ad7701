import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { Matrix } from "../linalg/matrix.js";
import { outputsOf } from "./local-metrics.js";
import type { LocalModel } from "./local-model.js";
import type { PolishSection } from "./result.js";

/** Scores that move by more than this share of their spread belong to another model. */
const FAR = 0.05;

export const isFar = ({ scoreShift }: PolishSection): boolean => scoreShift > FAR;

/**
 * How far an imported model was brought: √(Σw‖Δf‖² / Σw‖f − f̄‖²) over the scores f, of which only differences between classes count, and
 * ‖Δθ‖/‖θ‖.
 */
export function polishSection(
  { model }: LocalModel,
  data: EncodedDataset,
  [before, after]: readonly [Float64Array, Float64Array],
  naturalLoss: number,
): PolishSection {
  const w = data.evaluationWeights;
  const [f, g] = [before, after].map((theta) => contrasts(outputsOf(model, theta, data)));
  const K = f.columns;
  const means = new Float64Array(K);
  f.data.forEach((value, at) => (means[at % K] += w[Math.floor(at / K)] * value));
  let [moved, spread] = [0, 0];
  f.data.forEach((value, at) => {
    const weight = w[Math.floor(at / K)];
    moved += weight * (g.data[at] - value) ** 2;
    spread += weight * (value - means[at % K]) ** 2;
  });
  const difference = after.map((value, j) => value - before[j]);
  return {
    naturalLoss,
    scoreShift: ratio(moved, spread),
    parameterShift: ratio(squares(difference), squares(before)),
  };
}

/** Several scores less their mean in each row. */
function contrasts(f: Matrix): Matrix {
  if (f.columns === 1) return f;
  for (let i = 0; i < f.rows; i++) {
    const row = f.row(i);
    const mean = row.reduce((sum, value) => sum + value / row.length, 0);
    for (let k = 0; k < row.length; k++) row[k] -= mean;
  }
  return f;
}

const squares = (x: Float64Array): number => x.reduce((sum, value) => sum + value * value, 0);

/** √(a/b); infinite where only b is 0. */
const ratio = (a: number, b: number): number => (a > 0 ? Math.sqrt(a / b) : 0);
