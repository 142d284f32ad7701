/** Second and third derivatives of softmax regression summed over the rows of a block (MATH 1). */
import type { Block } from "../data/dataset.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { CurvedBlock } from "../linalg/parts/curved-rows.js";
import { sharedNumbers } from "../linalg/parts/share.js";
import { addWeightedGram } from "./feature-map.js";
import { finite } from "./finite.js";
import type { KeptCurvature, SharedCurvature } from "./model.js";
import { addCurvedProducts } from "./softmax-products.js";
import { addProbabilities, curveInPlace, curveSlopes, type SoftmaxRows, softmaxInPlace } from "./softmax-rows.js";

/** Rows of features times classes that are formed at once for the whole Hessian (4 MB). */
const FORMED_NUMBERS = 1 << 19;

/** r×K: p_i at θ. */
export function probabilitiesAt(rows: SoftmaxRows, theta: Float64Array, x: Matrix): Matrix {
  const p = rows.scores(theta, x);
  finite("outputs", p.data);
  softmaxInPlace(p);
  return p;
}

/** Σ w_i A_i ⊗ (1, x_i)(1, x_i)' on a block: its probabilities are kept, K numbers a row. */
export function softmaxCurvature(rows: SoftmaxRows, theta: Float64Array, { x, w }: Block): KeptCurvature {
  const p = probabilitiesAt(rows, theta, x).data;
  const shared = sharedNumbers(p.length + w.length);
  shared.set(p);
  shared.set(w, p.length);
  const kept = { x: x.data, rows: x.rows, p: shared.subarray(0, p.length), w: shared.subarray(p.length) };
  return new SoftmaxCurvature(rows, [kept]);
}

class SoftmaxCurvature implements KeptCurvature {
  constructor(
    private readonly rows: SoftmaxRows,
    private readonly blocks: readonly CurvedBlock<Float64Array>[],
  ) {}

  get bytes(): number {
    return this.blocks.reduce((sum, { p, w }) => sum + p.byteLength + w.byteLength, 0);
  }

  addProducts(directions: Matrix, images: Matrix): void {
    addCurvedProducts(this.rows, this.blocks, directions, images);
    finite("Hessian product", images.data);
  }

  product(vectors: Matrix): Matrix {
    const images = Matrix.zeros(vectors.columns, vectors.rows);
    this.addProducts(vectors.transposed(), images);
    return images.transposed();
  }

  addMatrix(out: Matrix): void {
    const { classes, features } = this.rows;
    for (const { x, rows, w, p } of this.blocks)
      addSoftmaxHessian(this.rows, new Matrix(p, rows, classes), new Matrix(x, rows, features), w, out);
  }

  joined(others: readonly KeptCurvature[]): KeptCurvature | null {
    const same = others.flatMap((other) =>
      other instanceof SoftmaxCurvature && other.rows === this.rows ? [other] : [],
    );
    if (same.length < others.length) return null;
    return new SoftmaxCurvature(
      this.rows,
      [this, ...same].flatMap(({ blocks }) => blocks),
    );
  }
}

/** out (d×d, lower triangle) += Σ w_i (diag(p_i) ⊗ v_iv_i' − u_iu_i') with v = (1, x) and u = p ⊗ v: K + 1 symmetric products. */
export function addSoftmaxHessian(rows: SoftmaxRows, p: Matrix, x: Matrix, w: Float64Array, out: Matrix): void {
  const { classes: K, count: d } = rows;
  const stretch = Math.max(16, Math.floor(FORMED_NUMBERS / d));
  for (let from = 0; from < x.rows; from += stretch) {
    const to = Math.min(x.rows, from + stretch);
    const [share, at] = [p.rowRange(from, to), x.rowRange(from, to)];
    const roots = w.subarray(from, to).map(Math.sqrt);
    const q = new Matrix(
      share.data.map((value, index) => value * roots[Math.floor(index / K)]),
      share.rows,
      K,
    );
    blas().syrk(d, to - from, -1, rows.rowPullbacks(at, q).data, d, 1, out.data, d);
  }
  const omega = new Float64Array(x.rows);
  const gram = Matrix.zeros(rows.inner, rows.inner);
  for (let k = 0; k < K; k++) {
    for (let i = 0; i < omega.length; i++) omega[i] = w[i] * p.data[i * K + k];
    gram.data.fill(0);
    addInnerGram(rows, x, omega, gram);
    const members = rows.members(k);
    for (let a = 0; a < members.length; a++) {
      for (let b = 0; b <= a; b++) out.data[members[a] * d + members[b]] += gram.data[a * members.length + b];
    }
  }
  // No entry is larger than the largest of the diagonal.
  finite(
    "Hessian",
    Float64Array.from({ length: d }, (_, j) => out.data[j * (d + 1)]),
  );
}

/** out (q×q, lower triangle) += Σ ω_i v_iv_i', v = (1, x) or x. */
function addInnerGram({ intercept }: SoftmaxRows, x: Matrix, omega: Float64Array, out: Matrix): void {
  const [m, first] = [x.columns, intercept ? 1 : 0];
  const q = m + first;
  addWeightedGram(x, omega, out.data.subarray(first * (q + 1)), q);
  if (!intercept || x.rows === 0) return;
  const sums = new Float64Array(m);
  blas().gemv(true, x.rows, m, 1, x.data, m, omega, 0, sums);
  for (let j = 0; j < m; j++) out.data[(j + 1) * q] += sums[j];
  for (let i = 0; i < omega.length; i++) out.data[0] += omega[i];
}

/** Σ w A and Σ w tr(A) vv'. */
export function sharedSoftmaxCurvature(rows: SoftmaxRows, theta: Float64Array, { x, w }: Block): SharedCurvature {
  const K = rows.classes;
  const p = probabilitiesAt(rows, theta, x);
  const omega = new Float64Array(x.rows);
  const outer = Matrix.zeros(K, K);
  for (let i = 0; i < x.rows; i++) omega[i] = w[i] * addProbabilities(p.row(i), w[i], outer);
  const inner = Matrix.zeros(rows.inner, rows.inner);
  addInnerGram(rows, x, omega, inner);
  return { outer, inner, parameters: Array.from({ length: K }, (_, k) => rows.members(k)) };
}

/**
 * out (d×k) = Σ w_i ∇²θ(δ_i·a_i) V for a_i = Bφ_i + u_b + Ux_i, φ and u held fixed: along v the scores move by s = v_b + Vx and a by
 * Vφ, so that ∇θ(δ·a) = A a ⊗ (1, x) + δ ⊗ (0, φ) moves by (∂_sA a + A Vφ) ⊗ (1, x) + A s ⊗ (0, φ).
 */
export function softmaxThirdDerivatives(
  rows: SoftmaxRows,
  theta: Float64Array,
  { x, w }: Block,
  { directions, u, vectors }: { directions: Matrix; u: Float64Array; vectors: Matrix },
): Matrix {
  const p = probabilitiesAt(rows, theta, x);
  const along = rows.scores(u, x);
  const moves = rows.scoreMoves(theta, directions);
  const a = new Matrix(
    along.data.map((value, at) => value + moves.data[at]),
    x.rows,
    rows.classes,
  );
  const images = Matrix.zeros(vectors.columns, rows.count);
  const given = vectors.transposed();
  for (let k = 0; k < given.rows; k++) {
    const v = given.row(k);
    const s = rows.scores(v, x);
    const bent = curveSlopes(p, s, a);
    const turned = curveInPlace(rows.scoreMoves(v, directions), p, w);
    for (let i = 0, at = 0; i < x.rows; i++) {
      for (let c = 0; c < rows.classes; c++, at++) turned.data[at] += w[i] * bent.data[at];
    }
    rows.addPullback(x, turned, images.row(k));
    rows.addWeightPullback(directions, curveInPlace(s, p, w), images.row(k));
  }
  finite("third derivatives", images.data);
  return images.transposed();
}
