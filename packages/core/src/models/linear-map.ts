import { Matrix } from "../linalg/matrix.js";
import {
  addColumnSums,
  addLinearPullback,
  addLinearScores,
  addWeightedDirections,
  addWeightedGram,
  addWeightedGramBeside,
  type FeatureMap,
  type GramParts,
  growingBuffer,
  interceptName,
  startWithIntercepts,
} from "./feature-map.js";

/** v(x) = (1?, x). */
export class LinearMap implements FeatureMap {
  readonly count: number;
  readonly sharedGradient = true;
  readonly ownCoefficients = true;
  private readonly first: number;
  private readonly sideBySide = growingBuffer();

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

  scores(theta: Matrix, x: Matrix): Matrix {
    const scores = startWithIntercepts(theta, x.rows, this.intercept);
    addLinearScores(x, theta, this.first, scores);
    return scores;
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    if (this.intercept) addColumnSums(omega, out);
    addLinearPullback(x, omega, this.first, out);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    this.gramParts.addSquare(x, omega, out);
    this.gramParts.addVectors(x, [omega], [out], Matrix.zeros(x.rows, 0), Matrix.zeros(this.count, 0));
  }

  /** The square is the coefficients'; the column of an intercept is V'ω. */
  readonly gramParts: GramParts = {
    addSquare: (x, omega, out) => addWeightedGram(x, omega, this.square(out), this.count),
    addSquareBeside: (x, omega, out, beside) => addWeightedGramBeside(x, omega, this.square(out), this.count, beside),
    addVectors: (x, weights, grams, omega, pulled) => {
      const borders = this.intercept ? weights : [];
      const columns = borders.length + omega.columns;
      if (columns === 0) return;
      const sums = Matrix.zeros(this.count, columns);
      const all = new Matrix(this.sideBySide(x.rows * columns), x.rows, columns);
      for (let i = 0, at = 0, from = 0; i < x.rows; i++) {
        for (let g = 0; g < borders.length; g++) all.data[at++] = borders[g][i];
        for (let j = 0; j < omega.columns; j++) all.data[at++] = omega.data[from++];
      }
      this.addPullback(x, all, sums);
      for (let a = 0, at = 0, to = 0; a < this.count; a++) {
        for (let g = 0; g < borders.length; g++) grams[g].data[a * this.count] += sums.data[at++];
        for (let j = 0; j < omega.columns; j++) pulled.data[to++] += sums.data[at++];
      }
    },
  };

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
