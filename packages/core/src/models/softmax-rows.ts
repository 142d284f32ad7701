/** Products of softmax regression with the rows of a block, and what stands between them (MATH 1). */
import { inputError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { addLinearScores } from "./feature-map.js";
import { addTallPull, addTallScores, isTall } from "./tall-products.js";

/** Products with a few columns are taken in stretches of this many multiply-adds, which BLAS multiplies without packing. */
const SMALL_PRODUCT = 1e6;

/** f = b + Bx of K classes and m features: θ is b (K, where there are intercepts), then B (K×m) class by class. */
export class SoftmaxRows {
  /** Where B begins. */
  readonly first: number;
  /** d */
  readonly count: number;

  constructor(
    readonly classes: number,
    readonly features: number,
    readonly intercept: boolean,
  ) {
    this.first = intercept ? classes : 0;
    this.count = this.first + classes * features;
  }

  /** q: features, and 1 before them where there are intercepts. */
  get inner(): number {
    return this.features + (this.intercept ? 1 : 0);
  }

  /** The q parameters of class k, ascending: its intercept, then its row of B. */
  members(k: number): Int32Array {
    const { first, features: m, inner } = this;
    const before = inner - m;
    return Int32Array.from({ length: inner }, (_, j) => (j < before ? k : first + k * m + j - before));
  }

  /** B (K×m), a view. */
  weights(theta: Float64Array): Matrix {
    return new Matrix(theta.subarray(this.first), this.classes, this.features);
  }

  /** r×K: b + Bx_i. @param turned B', where it is at hand */
  scores(theta: Float64Array, x: Matrix, turned = this.turnedWeights(theta)): Matrix {
    const out = Matrix.zeros(x.rows, this.classes);
    this.setIntercepts(theta, out);
    if (isTall(x, this.classes)) addTallScores(x, turned, out);
    else addLinearScores(x, turned, 0, out);
    return out;
  }

  /** r×K: Bφ_i for moves φ_i of the rows. @param turned B', where it is at hand */
  scoreMoves(theta: Float64Array, directions: Matrix, turned = this.turnedWeights(theta)): Matrix {
    const out = Matrix.zeros(directions.rows, this.classes);
    addLinearScores(directions, turned, 0, out);
    return out;
  }

  /** B' (m×K): rows of B are products' slow side. */
  turnedWeights = (theta: Float64Array): Matrix => this.weights(theta).transposed();

  private setIntercepts(theta: Float64Array, scores: Matrix): void {
    if (this.first === 0) return;
    const { data, rows, columns: K } = scores;
    for (let i = 0, at = 0; i < rows; i++) for (let k = 0; k < K; k++) data[at++] = theta[k];
  }

  /** out (r×m) = B'q_i */
  pullToInputs(theta: Float64Array, q: Matrix, out: Matrix): Matrix {
    const { classes: K, features: m } = this;
    const rows = stretch(m * K);
    for (let from = 0; from < q.rows; from += rows) {
      const r = Math.min(rows, q.rows - from);
      const part = q.data.subarray(from * K);
      blas().gemm(false, false, r, m, K, 1, part, K, theta.subarray(this.first), m, 0, out.data.subarray(from * m), m);
    }
    return out;
  }

  /** out (d) += Σ_i q_i ⊗ (1, x_i) */
  addPullback(x: Matrix, q: Matrix, out: Float64Array): void {
    const { classes: K } = this;
    const rows = this.intercept ? q.rows : 0;
    for (let i = 0, at = 0; i < rows; i++) for (let k = 0; k < K; k++, at++) out[k] += q.data[at];
    this.addWeightPullback(x, q, out);
  }

  /** out (d) += Σ_i q_i ⊗ (0, φ_i): what moves of the rows do to B alone. */
  addWeightPullback(directions: Matrix, q: Matrix, out: Float64Array): void {
    const { classes: K, features: m } = this;
    const rows = stretch(m * K);
    const to = out.subarray(this.first);
    if (isTall(directions, K)) {
      addTallPull(directions, q, to);
      return;
    }
    for (let from = 0; from < q.rows; from += rows) {
      const r = Math.min(rows, q.rows - from);
      const at = directions.data.subarray(from * m);
      blas().gemm(true, false, K, m, r, 1, q.data.subarray(from * K), K, at, m, 1, to, m);
    }
  }

  /** out (r×d), row by row: q_i ⊗ (1, x_i) */
  rowPullbacks(x: Matrix, q: Matrix): Matrix {
    const { classes: K, features: m, first } = this;
    const out = Matrix.zeros(q.rows, this.count);
    for (let i = 0; i < q.rows; i++) {
      const [row, share, at] = [out.row(i), q.row(i), x.row(i)];
      if (first > 0) row.set(share);
      for (let k = 0; k < K; k++) for (let j = 0; j < m; j++) row[first + k * m + j] = share[k] * at[j];
    }
    return out;
  }
}

const stretch = (numbers: number): number => Math.max(1, Math.floor(SMALL_PRODUCT / numbers));

/** Softmax of every row of f, and r: l_i = log Σ_k e^{f_k} − f_y. @throws input: a label that is no class. */
export function probabilitiesAndLosses(f: Matrix, labels: Float64Array): { p: Matrix; losses: Float64Array } {
  const K = f.columns;
  const losses = Float64Array.from({ length: f.rows }, (_, i) => f.data[i * K + labelOf(labels, i, K)]);
  const p = new Matrix(f.data.slice(), f.rows, K);
  softmaxInPlace(p, (i, logSum) => (losses[i] = logSum - losses[i]));
  return { p, losses };
}

/** Softmax of every row, in place. @param told log Σ_k e^{f_k} of row i */
export function softmaxInPlace({ data, rows, columns: K }: Matrix, told?: (i: number, logSum: number) => void): void {
  for (let i = 0, from = 0; i < rows; i++, from += K) {
    let most = Number.NEGATIVE_INFINITY;
    for (let at = from; at < from + K; at++) most = data[at] > most ? data[at] : most;
    let sum = 0;
    for (let at = from; at < from + K; at++) sum += data[at] = Math.exp(data[at] - most);
    for (let at = from; at < from + K; at++) data[at] /= sum;
    told?.(i, most + Math.log(sum));
  }
}

/** δ_i = p_i − e_y, in place of p. @throws input: a label that is no class. */
export function residualsInPlace(p: Matrix, labels: Float64Array): Matrix {
  const K = p.columns;
  for (let i = 0; i < p.rows; i++) p.data[i * K + labelOf(labels, i, K)] -= 1;
  return p;
}

function labelOf(labels: Float64Array, i: number, classes: number): number {
  const label = labels[i];
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  throw inputError(`Label ${label} in row ${i + 1}: a softmax model needs classes 0 to ${classes - 1}.`);
}

/** outer += ω (diag(p) − pp'). @returns tr(diag(p) − pp') */
export function addProbabilities(p: Float64Array, omega: number, outer: Matrix): number {
  let trace = 0;
  for (let k = 0; k < p.length; k++) {
    const share = p[k];
    const row = outer.row(k);
    trace += share * (1 - share);
    row[k] += omega * share;
    for (let l = 0; l < p.length; l++) row[l] -= omega * share * p[l];
  }
  return trace;
}

/** z_i ← ω_i A_i z_i, A = diag(p) − pp'. @param first the row of p and ω that z begins at */
export function curveInPlace(z: Matrix, p: Matrix, omega: Float64Array, first = 0): Matrix {
  const K = z.columns;
  const [change, share] = [z.data, p.data];
  for (let i = 0, from = 0, other = first * K; i < z.rows; i++, from += K, other += K) {
    const weight = omega[first + i];
    let mean = 0;
    for (let k = 0; k < K; k++) mean += share[other + k] * change[from + k];
    for (let k = 0; k < K; k++) change[from + k] = weight * share[other + k] * (change[from + k] - mean);
  }
  return z;
}

/** r×K: how A_i z_i moves as the scores move along s_i, z held fixed. */
export function curveSlopes(p: Matrix, s: Matrix, z: Matrix): Matrix {
  const K = p.columns;
  const out = Matrix.zeros(p.rows, K);
  for (let i = 0, from = 0; i < p.rows; i++, from += K) {
    let [meanS, meanZ] = [0, 0];
    for (let at = from; at < from + K; at++) {
      meanS += p.data[at] * s.data[at];
      meanZ += p.data[at] * z.data[at];
    }
    let covariance = 0;
    for (let at = from; at < from + K; at++) covariance += p.data[at] * (s.data[at] - meanS) * (z.data[at] - meanZ);
    for (let at = from; at < from + K; at++) {
      out.data[at] = p.data[at] * ((s.data[at] - meanS) * (z.data[at] - meanZ) - covariance);
    }
  }
  return out;
}

/** q_i ← ω_i q_i */
export function weighInPlace(q: Matrix, omega: Float64Array): Matrix {
  for (let i = 0, at = 0; i < q.rows; i++) for (let k = 0; k < q.columns; k++, at++) q.data[at] *= omega[i];
  return q;
}
