import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import {
  addColumnSums,
  addLinearPullback,
  addLinearScores,
  addWeightedDirections,
  addWeightedGram,
  addWeightedGramBeside,
  type Beside,
  type FeatureMap,
  interceptName,
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
    const d = this.count;
    const corner = this.first * (d + 1);
    addWeightedGram(x, omega, out.data.subarray(corner), d);
    this.addGramBorder(x, omega, out);
  }

  addGramBeside(x: Matrix, omega: Float64Array, out: Matrix, beside: Beside): Promise<void> {
    const d = this.count;
    const done = addWeightedGramBeside(x, omega, out.data.subarray(this.first * (d + 1)), d, beside);
    this.addGramBorder(x, omega, out); // touches the first column alone
    return done;
  }

  private addGramBorder(x: Matrix, omega: Float64Array, out: Matrix): void {
    const d = this.count;
    if (!this.intercept || x.rows === 0) return;
    const sums = new Float64Array(this.inputs);
    if (this.inputs > 0) blas().gemv(true, x.rows, this.inputs, 1, x.data, this.inputs, omega, 0, sums);
    for (let k = 0; k < this.inputs; k++) out.data[(k + 1) * d] += sums[k];
    for (let i = 0; i < omega.length; i++) out.data[0] += omega[i];
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
