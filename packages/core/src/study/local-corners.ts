import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { dot } from "../solvers/inverse-hessian.js";
import { chiSquareQuantile } from "../stats/distributions.js";
import type { LocalModel } from "./local-model.js";

/** As near as this, two standard errors, chance may put a coefficient on the other side of a corner. */
const CONFIDENCE = 0.9545;
const STANDARD_ERRORS = 2;
const RANK_TOLERANCE = 1e-10;

interface Weights {
  /** w (k): what the first layer multiplies one feature with; of a softmax regression, less their mean over the classes. */
  readonly values: Float64Array;
  /** Cov w (k×k) */
  readonly covariance: Matrix;
}

/**
 * Attacked features whose corner of ‖g_i‖_q is so near in every row at once that another sample may lie beyond it: at p = ∞ those whose
 * weights in the first layer are all within chance of 0 (a Wald test at two standard errors), at p = 1, where all rows have one
 * direction, the two largest if they are within chance of each other. Corners that some rows meet are what the density is for.
 * @param covariance Cov θ̂ (d×d)
 */
export function localNearCorners(
  { p, budgets }: { readonly p: number; readonly budgets: Float64Array },
  local: LocalModel,
  theta: Float64Array,
  covariance: Matrix,
): number[] {
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  if (p === Infinity) return attacked.filter((k) => isNearZero(weightsOf(local, theta, covariance, [k])));
  if (p !== 1 || !hasOneDirection(local) || attacked.length < 2) return [];
  const size = (k: number): number => budgets[k] * Math.abs(directionOf(local, theta, k));
  const [a, b] = attacked.toSorted((j, k) => size(k) - size(j));
  const { values, covariance: C } = weightsOf(local, theta, covariance, [a, b]);
  // Of two classes the two contrasts are each other's negative: the last stands for both.
  const [i, j] = [values.length / 2 - 1, values.length - 1];
  const [u, v] = [budgets[a] * Math.sign(values[i]), budgets[b] * Math.sign(values[j])];
  const at = (row: number, column: number): number => C.data[row * values.length + column];
  const spread = Math.sqrt(Math.max(0, u * u * at(i, i) + v * v * at(j, j) - 2 * u * v * at(i, j)));
  return Math.abs(u * values[i]) - Math.abs(v * values[j]) < STANDARD_ERRORS * spread ? [a, b] : [];
}

/** One score linear in x, or two of which only the difference counts. */
const hasOneDirection = (local: LocalModel): boolean => local.convex && weightPlaces(local, 0).length <= 2;

function directionOf(local: LocalModel, theta: Float64Array, feature: number): number {
  const w = weightPlaces(local, feature).map((place) => theta[place]);
  return w.length === 1 ? w[0] : w[1] - w[0];
}

/** Where θ has the first layer's weights of one feature. */
function weightPlaces({ layers, intercept, model, features, loss }: LocalModel, feature: number): number[] {
  const [first] = layers ?? [];
  const outputs =
    first?.kind === "linear" ? first.outputs : classesOf(model.parameterNames.length, features, intercept);
  const offset = layers === null && intercept && loss === "softmax" ? outputs : 0;
  return Array.from({ length: outputs }, (_, k) => offset + k * features + feature);
}

/** K of d = K(m + 1), or K·m without intercepts. */
const classesOf = (d: number, features: number, intercept: boolean): number => d / (features + (intercept ? 1 : 0));

function weightsOf(local: LocalModel, theta: Float64Array, covariance: Matrix, features: readonly number[]): Weights {
  const places = features.map((feature) => weightPlaces(local, feature));
  const all = places.flat();
  const values = Float64Array.from(all, (place) => theta[place]);
  const C = new Matrix(
    Float64Array.from(all.flatMap((row) => all.map((column) => covariance.data[row * theta.length + column]))),
    all.length,
    all.length,
  );
  if (!(local.convex && local.loss === "softmax")) return { values, covariance: C };
  const K = places[0].length;
  return { values: centred(values, K), covariance: centredBothWays(C, K) };
}

/** Groups of K numbers less their means. */
function centred(values: Float64Array, K: number): Float64Array {
  const out = values.slice();
  for (let from = 0; from < out.length; from += K) {
    const mean = out.subarray(from, from + K).reduce((sum, value) => sum + value / K, 0);
    for (let k = from; k < from + K; k++) out[k] -= mean;
  }
  return out;
}

function centredBothWays(C: Matrix, K: number): Matrix {
  const rows = Matrix.fromRows(Array.from({ length: C.rows }, (_, i) => centred(C.row(i), K)));
  return Matrix.fromRows(Array.from({ length: C.rows }, (_, j) => centred(rows.column(j), K)));
}

/** w'C⁺w below the quantile of χ² with the rank of C. */
function isNearZero({ values, covariance }: Weights): boolean {
  const { values: variances, vectors } = symmetricEigen(covariance);
  const largest = variances[variances.length - 1];
  const kept = [...variances.keys()].filter((k) => variances[k] > RANK_TOLERANCE * largest);
  if (kept.length === 0) return false;
  const wald = kept.reduce((sum, k) => sum + dot(vectors.row(k), values) ** 2 / variances[k], 0);
  return wald < chiSquareQuantile(CONFIDENCE, kept.length);
}
