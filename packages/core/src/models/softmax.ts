import { crossEntropy, dense } from "../autodiff/index.js";
import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { DiagonalBlock } from "./model.js";
import { type PredictiveModel, predictiveModel } from "./predictive-model.js";

/** The features and classes of a softmax regression. */
export interface SoftmaxOptions {
  /** m names. */
  readonly features: readonly string[];
  /** K names, at least two; the target is their index, 0 … K−1. */
  readonly classes: readonly string[];
  /** Default true. */
  readonly intercept?: boolean;
}

/**
 * Multinomial logistic regression: l = log Σ_k e^{f_k} − f_y with f = b + Bx. Parameters: the K intercepts (not
 * penalised) where there are any, then B (K×m) class by class. All K classes have parameters, so adding one vector to every class changes
 * nothing: without l2, and for the intercepts always, the Hessian is singular along those directions.
 * @throws usage: fewer than two classes, or no features.
 */
export function softmaxRegression({ features, classes, intercept = true }: SoftmaxOptions): PredictiveModel {
  if (classes.length < 2) throw usageError(`A softmax model needs at least two classes, got ${classes.length}.`);
  if (features.length === 0) throw usageError("A softmax model needs at least one feature.");
  const weight = {
    rows: classes.length,
    columns: features.length,
    names: classes.flatMap((name) => features.map((feature) => `${name}: ${feature}`)),
  };
  const bias = {
    rows: 1,
    columns: classes.length,
    penalised: false,
    names: classes.map((name) => `${name}: intercept`),
  };
  const model = intercept
    ? predictiveModel({
        parameters: { bias, weight },
        outputs: (theta, x) => dense(x, theta.weight, theta.bias),
        loss: crossEntropy,
      })
    : predictiveModel({ parameters: { weight }, outputs: (theta, x) => dense(x, theta.weight), loss: crossEntropy });
  const d = model.parameterNames.length;
  return {
    ...model,
    initialParameters: () => new Float64Array(d),
    convex: true,
    diagonalBlocks: (theta, block) => classBlocks(probabilities(model.outputs(theta, block.x)), block, intercept),
  };
}

/** Σ w π_k(1 − π_k) vv' for every class k (MATH 1), v = (1, x) or x. */
function classBlocks({ data: shares, columns: K }: Matrix, { x, w }: Block, intercept: boolean): DiagonalBlock[] {
  const [m, first] = [x.columns, intercept ? 1 : 0];
  const p = m + first;
  const rows = Matrix.zeros(x.rows, p);
  return Array.from({ length: K }, (_, k) => {
    for (let i = 0, at = 0; i < x.rows; i++) {
      const share = shares[i * K + k];
      const root = Math.sqrt(w[i] * share * (1 - share));
      if (intercept) rows.data[at++] = root;
      for (let j = 0; j < m; j++) rows.data[at++] = root * x.data[i * m + j];
    }
    const hessian = Matrix.zeros(p, p);
    blas().syrk(p, x.rows, 1, rows.data, p, 0, hessian.data, p);
    const parameters = Int32Array.from({ length: p }, (__, j) => (j < first ? k : first * K + k * m + j - first));
    return { parameters, hessian };
  });
}

/** Softmax of every row. */
function probabilities(f: Matrix): Matrix {
  const out = new Matrix(f.data.slice(), f.rows, f.columns);
  for (let i = 0; i < f.rows; i++) {
    const row = out.row(i);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let k = 0; k < row.length; k++) sum += row[k] = Math.exp(row[k] - most);
    for (let k = 0; k < row.length; k++) row[k] /= sum;
  }
  return out;
}
