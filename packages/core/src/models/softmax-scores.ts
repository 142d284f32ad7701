/** The Hessian of softmax regression where it is felt most: along changes of the scores that are combinations of the scores themselves. */
import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { product, productTransposed } from "../linalg/products.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import type { ScoreCurvature } from "./model.js";
import { addSoftmaxHessian, probabilitiesAt } from "./softmax-curvature.js";
import { addProbabilities, SoftmaxRows } from "./softmax-rows.js";

/** Numbers of the small Hessian's order: what is done with it takes milliseconds. */
const MOST_UNKNOWNS = 256;
/** An axis shorter than this share of the longest is rounding. */
const NO_AXIS = 1e-5;

/** Sums over a block. */
export function softmaxScores(rows: SoftmaxRows, theta: Float64Array, { x, w }: Block): ScoreCurvature {
  const K = rows.classes;
  const axes = scoreAxes(rows, theta);
  const p = probabilitiesAt(rows, theta, x);
  const before = rows.inner - rows.features;
  const outer = Matrix.zeros(K, K);
  const diagonal = new Float64Array(rows.inner);
  for (let i = 0; i < x.rows; i++) {
    const omega = w[i] * addProbabilities(p.row(i), w[i], outer);
    if (before > 0) diagonal[0] += omega;
    const row = x.row(i);
    for (let j = 0; j < row.length; j++) diagonal[before + j] += omega * row[j] * row[j];
  }
  const own = axes.rows > 0 ? alongAxes(rows, p, axes, { x, w }) : Matrix.fromRows(before > 0 ? rowsOf(outer) : []);
  return { outer, diagonal, axes: withIntercept(axes, before), own };
}

const rowsOf = (a: Matrix): Float64Array[] => Array.from({ length: a.rows }, (_, k) => a.row(k));

/** What x is along the axes has a softmax regression of its own, with the same probabilities. */
function alongAxes(
  { classes, intercept }: SoftmaxRows,
  p: Matrix,
  axes: Matrix,
  { x, w }: Pick<Block, "x" | "w">,
): Matrix {
  const small = new SoftmaxRows(classes, axes.rows, intercept);
  const hessian = Matrix.zeros(small.count, small.count);
  addSoftmaxHessian(small, p, productTransposed(x, axes), w, hessian);
  return partByPart(small, hessian);
}

/** An orthonormal basis (r×m) of the rows of B less their mean, which is all that p depends on; of many classes the longest axes. */
function scoreAxes(rows: SoftmaxRows, theta: Float64Array): Matrix {
  const { classes: K, features: m, inner } = rows;
  const weights = rows.weights(theta);
  const centred = Matrix.zeros(K, m);
  for (let j = 0; j < m; j++) {
    let mean = 0;
    for (let k = 0; k < K; k++) mean += weights.data[k * m + j] / K;
    for (let k = 0; k < K; k++) centred.data[k * m + j] = weights.data[k * m + j] - mean;
  }
  const { values, vectors } = symmetricEigen(productTransposed(centred, centred));
  const longest = Math.sqrt(Math.max(0, values[K - 1]));
  const most = Math.min(K - 1, m, Math.floor(MOST_UNKNOWNS / K) - (inner - m));
  const chosen = [...values.keys()]
    .filter((k) => k >= K - most && values[k] > 0 && Math.sqrt(values[k]) > NO_AXIS * longest)
    .toReversed();
  if (chosen.length === 0) return Matrix.zeros(0, m);
  const axes = product(Matrix.fromRows(chosen.map((k) => vectors.row(k))), centred);
  chosen.forEach((k, at) => {
    const axis = axes.row(at);
    for (let j = 0; j < m; j++) axis[j] /= Math.sqrt(values[k]);
  });
  return axes;
}

/** The same axes of v = (1, x), 1 an axis of its own. */
function withIntercept(axes: Matrix, before: number): Matrix {
  const out = Matrix.zeros(axes.rows + before, axes.columns + before);
  if (before > 0) out.data[0] = 1;
  for (let k = 0; k < axes.rows; k++) out.row(k + before).set(axes.row(k), before);
  return out;
}

/** H (lower triangle) in the order of SoftmaxRows as Kr×Kr, class by class. */
function partByPart(small: SoftmaxRows, hessian: Matrix): Matrix {
  const order = Array.from({ length: small.classes }, (_, k) => [...small.members(k)]).flat();
  const out = Matrix.zeros(order.length, order.length);
  order.forEach((a, i) => {
    order.forEach((b, j) => {
      out.data[i * order.length + j] = hessian.data[Math.max(a, b) * order.length + Math.min(a, b)];
    });
  });
  return out;
}
