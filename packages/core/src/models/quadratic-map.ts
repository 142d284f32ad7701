import { blas } from "../linalg/backend.js";
import { growingBuffer, newArray, type Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { pairStart } from "../linalg/parts/moment-blocks.js";
import {
  addColumnSums,
  addJacobianGramByInput,
  addLinearPullback,
  addLinearScores,
  addWeightedDirections,
  addWeightedGram,
  type FeatureMap,
  type GramSums,
  interceptName,
  repeatRow,
  rowProducts,
  startWithIntercepts,
} from "./feature-map.js";
import { LEAST_INPUTS, LEAST_ROWS, QuadraticGram } from "./quadratic-gram.js";

/** Rows whose features are formed at once for the Gram matrix: about 1 MB of them. */
const STRETCH_BYTES = 1 << 20;

/**
 * v(x) = (1?, x, x_j x_k for j ≤ k in lexicographic order): f = b + β'x + x'Ux with U upper triangular (MATH 1.1). Scores and
 * pullbacks are products with x alone; the d = O(m²) features are formed only for the Gram matrix, a few rows at a time.
 */
export class QuadraticMap implements FeatureMap {
  readonly count: number;
  readonly sharedGradient = false;
  readonly ownCoefficients = false;
  private readonly first: number;
  private readonly scratch = growingBuffer();
  private readonly featureBuffer = growingBuffer();
  /** For many inputs; few have their features formed. */
  private readonly gram: QuadraticGram | null = null;
  private readonly pairs: readonly (readonly [number, number])[];

  /** @param omitted says which products x_j x_k are left out (squares of two-valued columns, MATH 1.1). */
  constructor(
    readonly inputs: number,
    readonly intercept: boolean,
    omitted: (j: number, k: number) => boolean = () => false,
  ) {
    this.first = intercept ? 1 : 0;
    const pairs: [number, number][] = [];
    for (let j = 0; j < inputs; j++) for (let k = j; k < inputs; k++) if (!omitted(j, k)) pairs.push([j, k]);
    this.pairs = pairs;
    this.count = this.first + inputs + pairs.length;
    if (inputs >= LEAST_INPUTS) this.gram = new QuadraticGram(inputs, this.positions());
  }

  names(inputs: readonly string[]): string[] {
    const products = this.pairs.map(([j, k]) => (j === k ? `${inputs[j]}^2` : `${inputs[j]}*${inputs[k]}`));
    return [...(this.intercept ? [interceptName(inputs)] : []), ...inputs, ...products];
  }

  inputsOf(a: number): readonly number[] {
    if (a < this.first) return [];
    const k = a - this.first;
    return k < this.inputs ? [k] : this.pairs[k - this.inputs];
  }

  scores(theta: Matrix, x: Matrix, store?: Store): Matrix {
    const scores = startWithIntercepts(theta, x.rows, this.intercept, store);
    addLinearScores(x, theta, this.first, scores);
    const m = this.inputs;
    const ux = new Float64Array(x.rows * m);
    for (let column = 0; column < theta.columns; column++) {
      const upper = this.productMatrix(theta.columns === 1 ? theta.data : theta.column(column), false);
      blas().gemm(false, true, x.rows, m, m, 1, x.data, m, upper, m, 0, ux, m);
      for (let i = 0, at = 0; i < x.rows; i++) {
        let sum = 0;
        for (let k = 0; k < m; k++, at++) sum += x.data[at] * ux[at];
        scores.data[i * theta.columns + column] += sum;
      }
    }
    return scores;
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    if (this.intercept) addColumnSums(omega, out);
    addLinearPullback(x, omega, this.first, out);
    const m = this.inputs;
    const second = new Float64Array(m * m);
    for (let column = 0; column < omega.columns; column++) {
      this.weightedMoments(x, x, omega.columns === 1 ? omega.data : omega.column(column), second);
      this.pairs.forEach(([j, k], a) => {
        out.data[(this.first + m + a) * omega.columns + column] += second[j * m + k];
      });
    }
  }

  features(x: Matrix): Matrix {
    const v = Matrix.zeros(x.rows, this.count);
    for (let i = 0; i < x.rows; i++) this.writeFeatures(x.row(i), v.row(i));
    return v;
  }

  jacobianTimes(x: Matrix, directions: Matrix): Matrix {
    const out = Matrix.zeros(x.rows, this.count);
    const start = this.first + this.inputs;
    const { pairs } = this;
    for (let i = 0; i < x.rows; i++) {
      const [row, phi, to] = [x.row(i), directions.row(directions.rows === 1 ? 0 : i), out.row(i)];
      to.set(phi, this.first);
      for (let a = 0; a < pairs.length; a++) {
        const [j, k] = pairs[a];
        to[start + a] = phi[j] * row[k] + row[j] * phi[k];
      }
    }
    return out;
  }

  addJacobianGram(x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void {
    addJacobianGramByInput(this, x, diagonals, omega, out);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    if (this.gram && x.rows >= LEAST_ROWS) {
      this.gram.add(x, omega, out);
      return;
    }
    const d = this.count;
    const stretch = Math.max(16, Math.floor(STRETCH_BYTES / (8 * d)));
    for (let from = 0; from < x.rows; from += stretch) {
      const to = Math.min(x.rows, from + stretch);
      const v = new Matrix(this.featureBuffer((to - from) * d), to - from, d);
      for (let i = from; i < to; i++) this.writeFeatures(x.row(i), v.row(i - from));
      addWeightedGram(v, omega.subarray(from, to), out.data, d);
    }
  }

  gramSums(rows: number, count: number): GramSums | null {
    return this.gram && rows >= LEAST_ROWS ? this.gram.sums(count) : null;
  }

  /** γ_i = β + (U + U')x_i */
  inputGradients(theta: Float64Array, x: Matrix, store = newArray): Matrix {
    const m = this.inputs;
    const gamma = new Matrix(store(x.rows * m), x.rows, m);
    const linear = theta.subarray(this.first, this.first + m);
    for (let i = 0; i < x.rows; i++) gamma.data.set(linear, i * m);
    blas().gemm(false, false, x.rows, m, m, 1, x.data, m, this.productMatrix(theta, true), m, 1, gamma.data, m);
    return gamma;
  }

  /** ∂(x_j x_k)/∂x · φ = φ_j x_k + x_j φ_k */
  addJacobianPullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    addWeightedDirections(directions, omega, out.subarray(this.first));
    const m = this.inputs;
    const cross = new Float64Array(m * m);
    this.weightedMoments(repeatRow(directions, x.rows), x, omega, cross);
    this.pairs.forEach(([j, k], a) => {
      out[this.first + m + a] += cross[j * m + k] + cross[k * m + j];
    });
  }

  curvature(theta: Float64Array, x: Matrix, directions: Matrix): Float64Array {
    return rowProducts(this.curvatureTimes(theta, x, directions), repeatRow(directions, x.rows));
  }

  /** (U + U')φ_i */
  curvatureTimes(theta: Float64Array, x: Matrix, directions: Matrix): Matrix {
    const m = this.inputs;
    const phi = repeatRow(directions, x.rows);
    const out = Matrix.zeros(x.rows, m);
    blas().gemm(false, false, x.rows, m, m, 1, phi.data, m, this.productMatrix(theta, true), m, 0, out.data, m);
    return out;
  }

  /** φ'∇²(x_j x_k)φ = 2φ_j φ_k */
  addCurvaturePullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    const m = this.inputs;
    const phi = repeatRow(directions, x.rows);
    const moments = new Float64Array(m * m);
    this.weightedMoments(phi, phi, omega, moments);
    this.pairs.forEach(([j, k], a) => {
      out[this.first + m + a] += 2 * moments[j * m + k];
    });
  }

  usesInput(): boolean {
    return true;
  }

  /** Index in v of each product z_k z_l, k ≤ l, of z = (1, x) in lexicographic order; −1 where it was left out. */
  private positions(): Int32Array {
    const m = this.inputs;
    const positions = new Int32Array(((m + 1) * (m + 2)) / 2).fill(-1);
    if (this.intercept) positions[0] = 0;
    for (let k = 0; k < m; k++) positions[k + 1] = this.first + k;
    this.pairs.forEach(([j, k], a) => {
      positions[pairStart(m + 1, j + 1) + k - j] = this.first + m + a;
    });
    return positions;
  }

  /** Whether the square of input k was left out. */
  omitsSquare(k: number): boolean {
    return !this.pairs.some(([i, j]) => i === k && j === k);
  }

  /** U (upper triangular), or U + U' when `symmetric`: m×m row-major. */
  private productMatrix(theta: Float64Array, symmetric: boolean): Float64Array {
    const m = this.inputs;
    const u = new Float64Array(m * m);
    this.pairs.forEach(([j, k], a) => {
      const value = theta[this.first + m + a];
      u[j * m + k] += value;
      if (symmetric) u[k * m + j] += value;
    });
    return u;
  }

  /** out ← Σ_i ω_i a_i b_i' (m×m). */
  private weightedMoments(a: Matrix, b: Matrix, omega: Float64Array, out: Float64Array): void {
    const m = this.inputs;
    const scaled = this.scratch(a.data.length);
    for (let i = 0, at = 0; i < a.rows; i++) {
      for (const end = at + m; at < end; at++) scaled[at] = omega[i] * a.data[at];
    }
    blas().gemm(true, false, m, m, a.rows, 1, scaled, m, b.data, m, 0, out, m);
  }

  private writeFeatures(x: Float64Array, v: Float64Array): void {
    if (this.intercept) v[0] = 1;
    v.set(x, this.first);
    const start = this.first + this.inputs;
    const { pairs } = this;
    for (let a = 0; a < pairs.length; a++) v[start + a] = x[pairs[a][0]] * x[pairs[a][1]];
  }
}
