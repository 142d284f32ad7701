import type { Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import {
  addColumnSums,
  addLinearPullback,
  addLinearScores,
  addWeightedDirections,
  addWeightedGram,
  type FeatureMap,
  interceptName,
  type RowProducts,
  startWithIntercepts,
} from "./feature-map.js";

/** v(x) = (1?, x). */
export class LinearMap implements FeatureMap {
  readonly count: number;
  readonly sharedGradient = true;
  readonly ownCoefficients = true;
  private readonly first: number;

  constructor(
    readonly inputs: number,
    readonly intercept: boolean,
  ) {
    this.first = intercept ? 1 : 0;
    this.count = inputs + this.first;
  }

  names(inputs: readonly string[]): string[] {
    return this.intercept ? [interceptName(inputs), ...inputs] : [...inputs];
  }

  scores(theta: Matrix, x: Matrix, store?: Store): Matrix {
    const scores = startWithIntercepts(theta, x.rows, this.intercept, store);
    addLinearScores(x, theta, this.first, scores);
    return scores;
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    if (this.intercept) addColumnSums(omega, out);
    addLinearPullback(x, omega, this.first, out);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    addWeightedGram(x, omega, this.square(out), this.count);
    if (!this.intercept) return;
    const border = Matrix.zeros(this.count, 1);
    this.addPullback(x, new Matrix(omega, x.rows, 1), border);
    for (let a = 0; a < this.count; a++) out.data[a * this.count] += border.data[a];
  }

  get rowProducts(): RowProducts {
    const { first, inputs: m, count: d, intercept } = this;
    return {
      borders: intercept,
      addSums(sums, grams, pulled) {
        grams.forEach(({ data }, g) => addSquare(sums.subarray(g * m * m), m, data, d));
        const borders = sums.subarray(grams.length * m * m);
        if (intercept) grams.forEach(({ data }, g) => addColumn(borders.subarray(g * m), m, data.subarray(d), d));
        const pulls = borders.subarray(intercept ? grams.length * m : 0);
        const { data, columns } = pulled;
        for (let j = 0; j < columns; j++)
          addColumn(pulls.subarray(j * m), m, data.subarray(first * columns + j), columns);
      },
      addTotals(totals, grams, pulled) {
        if (!intercept) return;
        grams.forEach(({ data }, g) => (data[0] += totals[g]));
        for (let j = 0; j < pulled.columns; j++) pulled.data[j] += totals[grams.length + j];
      },
    };
  }

  private square(gram: Matrix): Float64Array {
    return gram.data.subarray(this.first * (this.count + 1));
  }

  inputGradients(theta: Float64Array): Matrix {
    return new Matrix(theta.subarray(this.first), 1, this.inputs);
  }

  addJacobianPullback(_x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    addWeightedDirections(directions, omega, out.subarray(this.first));
  }

  features(x: Matrix): Matrix {
    const v = Matrix.zeros(x.rows, this.count);
    for (let i = 0; i < x.rows; i++) {
      if (this.intercept) v.data[i * this.count] = 1;
      v.data.set(x.row(i), i * this.count + this.first);
    }
    return v;
  }

  jacobianTimes(_x: Matrix, directions: Matrix): Matrix {
    const out = Matrix.zeros(directions.rows, this.count);
    for (let i = 0; i < directions.rows; i++) out.data.set(directions.row(i), i * this.count + this.first);
    return out;
  }

  addJacobianGram(_x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void {
    const sums = new Float64Array(this.inputs);
    addWeightedDirections(diagonals, omega, sums);
    for (let k = 0; k < this.inputs; k++) out.data[(k + this.first) * (this.count + 1)] += sums[k];
  }

  inputsOf(a: number): readonly number[] {
    return a < this.first ? [] : [a - this.first];
  }

  curvature(): null {
    return null;
  }

  curvatureTimes(): null {
    return null;
  }

  addCurvaturePullback(): void {}

  usesInput(): boolean {
    return true;
  }
}

/** The lower triangle of a square (m×m) added to the last rows and columns of a matrix (d×d). */
function addSquare(square: Float64Array, m: number, out: Float64Array, d: number): void {
  for (let i = 0; i < m; i++) {
    const to = (d - m + i) * d + d - m;
    for (let k = 0; k <= i; k++) out[to + k] += square[i * m + k];
  }
}

/** Numbers added to entries that lie `stride` apart. */
function addColumn(numbers: Float64Array, count: number, out: Float64Array, stride: number): void {
  for (let i = 0, at = 0; i < count; i++, at += stride) out[at] += numbers[i];
}
