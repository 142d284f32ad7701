import type { Store } from "../../linalg/buffers.js";
import { Matrix } from "../../linalg/matrix.js";
import { addJacobianGramByInput, addWeightedGram, type FeatureMap, repeatRow } from "../feature-map.js";
import { liftGradients, type Projection, projectDirections, projectRows } from "./projection.js";

/** v(z) with z = P'(x − μ), attacked in x (MATH 13): ∇x = P∇z and V_x φ = V_z P'φ. */
export class ProjectedMap implements FeatureMap {
  readonly inputs: number;
  readonly count: number;
  readonly intercept: boolean;
  readonly sharedGradient: boolean;
  readonly ownCoefficients = false;

  constructor(
    readonly inner: FeatureMap,
    readonly projection: Projection,
  ) {
    this.inputs = projection.matrix.rows;
    this.count = inner.count;
    this.intercept = inner.intercept;
    this.sharedGradient = inner.sharedGradient;
  }

  names(): string[] {
    return this.inner.names(this.projection.names);
  }

  scores(theta: Matrix, x: Matrix, store?: Store): Matrix {
    return this.inner.scores(theta, this.z(x), store);
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    this.inner.addPullback(this.z(x), omega, out);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    this.inner.addGram(this.z(x), omega, out);
  }

  inputGradients(theta: Float64Array, x: Matrix): Matrix {
    return liftGradients(this.projection, this.inner.inputGradients(theta, this.z(x)));
  }

  addJacobianPullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    this.inner.addJacobianPullback(this.z(x), this.along(directions), omega, out);
  }

  curvature(theta: Float64Array, x: Matrix, directions: Matrix): Float64Array | null {
    return this.inner.curvature(theta, this.z(x), this.along(directions));
  }

  curvatureTimes(theta: Float64Array, x: Matrix, directions: Matrix): Matrix | null {
    const bent = this.inner.curvatureTimes(theta, this.z(x), this.along(directions));
    return bent && liftGradients(this.projection, bent);
  }

  addCurvaturePullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    this.inner.addCurvaturePullback(this.z(x), this.along(directions), omega, out);
  }

  features(x: Matrix): Matrix {
    return this.inner.features(this.z(x));
  }

  jacobianTimes(x: Matrix, directions: Matrix): Matrix {
    return this.inner.jacobianTimes(this.z(x), this.along(directions));
  }

  addJacobianGram(x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void {
    if (!this.sharedGradient) {
      addJacobianGramByInput(this, x, diagonals, omega, out);
      return;
    }
    // V is the same for every row, so the diagonals add up first.
    const sums = new Float64Array(this.inputs);
    const all = repeatRow(diagonals, omega.length);
    for (let i = 0, at = 0; i < omega.length; i++) {
      for (let k = 0; k < this.inputs; k++, at++) sums[k] += omega[i] * all.data[at];
    }
    const columns = this.jacobianTimes(Matrix.zeros(0, this.inputs), identity(this.inputs));
    addWeightedGram(columns, sums, out.data, this.count);
  }

  usesInput(k: number): boolean {
    const row = this.projection.matrix.row(k);
    return row.some((entry, c) => entry !== 0 && this.inner.usesInput(c));
  }

  private z(x: Matrix): Matrix {
    return projectRows(this.projection, x);
  }

  private along(directions: Matrix): Matrix {
    return projectDirections(this.projection, directions);
  }
}

function identity(m: number): Matrix {
  const out = Matrix.zeros(m, m);
  for (let k = 0; k < m; k++) out.data[k * (m + 1)] = 1;
  return out;
}
