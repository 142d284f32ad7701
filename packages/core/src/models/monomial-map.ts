import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import {
  addJacobianGramByInput,
  addWeightedGram,
  type FeatureMap,
  growingBuffer,
  interceptName,
  repeatRow,
  rowProducts,
} from "./feature-map.js";

/** coefficient · Π_k x_k^power, powers whole numbers ≥ 1 of distinct inputs. No factors: the constant. */
export interface Monomial {
  readonly name: string;
  readonly coefficient: number;
  readonly factors: readonly { readonly input: number; readonly power: number }[];
}

/** v(x) = (1?, monomials of x): the basis regressions of the paper's 5.1.2, written as `basis:x1,x2,x1*x2,x1^2/4`. */
export class MonomialMap implements FeatureMap {
  readonly count: number;
  readonly sharedGradient = false;
  readonly ownCoefficients = false;
  private readonly first: number;
  private readonly featureBuffer = growingBuffer();

  constructor(
    readonly inputs: number,
    readonly intercept: boolean,
    readonly terms: readonly Monomial[],
  ) {
    this.first = intercept ? 1 : 0;
    this.count = this.first + terms.length;
  }

  names(inputs: readonly string[]): string[] {
    return [...(this.intercept ? [interceptName(inputs)] : []), ...this.terms.map((term) => term.name)];
  }

  inputsOf(a: number): readonly number[] {
    return a < this.first ? [] : this.terms[a - this.first].factors.map(({ input }) => input);
  }

  scores(theta: Matrix, x: Matrix): Matrix {
    const scores = Matrix.zeros(x.rows, theta.columns);
    const v = this.blockFeatures(x);
    const [d, k] = [this.count, theta.columns];
    blas().gemm(false, false, x.rows, k, d, 1, v.data, d, theta.data, k, 0, scores.data, k);
    return scores;
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    const v = this.blockFeatures(x);
    const [d, k] = [this.count, omega.columns];
    blas().gemm(true, false, d, k, x.rows, 1, v.data, d, omega.data, k, 1, out.data, k);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    addWeightedGram(this.blockFeatures(x), omega, out.data, this.count);
  }

  inputGradients(theta: Float64Array, x: Matrix): Matrix {
    const gamma = Matrix.zeros(x.rows, this.inputs);
    for (let i = 0; i < x.rows; i++) {
      const [row, g] = [x.row(i), gamma.row(i)];
      this.terms.forEach((term, a) => {
        for (const { input } of term.factors) g[input] += theta[this.first + a] * derivative(term, row, input);
      });
    }
    return gamma;
  }

  addJacobianPullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    for (let i = 0; i < x.rows; i++) {
      const [row, phi] = [x.row(i), directions.row(directions.rows === 1 ? 0 : i)];
      this.terms.forEach((term, a) => {
        for (const { input } of term.factors) {
          out[this.first + a] += omega[i] * derivative(term, row, input) * phi[input];
        }
      });
    }
  }

  features(x: Matrix): Matrix {
    const { data, rows, columns } = this.blockFeatures(x);
    return new Matrix(data.slice(), rows, columns);
  }

  jacobianTimes(x: Matrix, directions: Matrix): Matrix {
    const out = Matrix.zeros(x.rows, this.count);
    for (let i = 0; i < x.rows; i++) {
      const [row, phi] = [x.row(i), directions.row(directions.rows === 1 ? 0 : i)];
      this.terms.forEach((term, a) => {
        for (const { input } of term.factors) {
          out.data[i * this.count + this.first + a] += derivative(term, row, input) * phi[input];
        }
      });
    }
    return out;
  }

  addJacobianGram(x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void {
    addJacobianGramByInput(this, x, diagonals, omega, out);
  }

  curvature(theta: Float64Array, x: Matrix, directions: Matrix): Float64Array {
    return rowProducts(this.curvatureTimes(theta, x, directions), repeatRow(directions, x.rows));
  }

  curvatureTimes(theta: Float64Array, x: Matrix, directions: Matrix): Matrix {
    const out = Matrix.zeros(x.rows, this.inputs);
    for (let i = 0; i < x.rows; i++) {
      const [row, phi, to] = [x.row(i), directions.row(directions.rows === 1 ? 0 : i), out.row(i)];
      this.terms.forEach((term, a) => {
        for (const j of term.factors) {
          for (const k of term.factors) {
            to[j.input] += theta[this.first + a] * secondDerivative(term, row, j.input, k.input) * phi[k.input];
          }
        }
      });
    }
    return out;
  }

  addCurvaturePullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    for (let i = 0; i < x.rows; i++) {
      const [row, phi] = [x.row(i), directions.row(directions.rows === 1 ? 0 : i)];
      this.terms.forEach((term, a) => {
        for (const j of term.factors) {
          for (const k of term.factors) {
            out[this.first + a] +=
              omega[i] * secondDerivative(term, row, j.input, k.input) * phi[j.input] * phi[k.input];
          }
        }
      });
    }
  }

  usesInput(k: number): boolean {
    return this.terms.some((term) => term.factors.some((factor) => factor.input === k));
  }

  private blockFeatures(x: Matrix): Matrix {
    const d = this.count;
    const v = new Matrix(this.featureBuffer(x.rows * d), x.rows, d);
    for (let i = 0, at = 0; i < x.rows; i++) {
      const row = x.row(i);
      if (this.intercept) v.data[at++] = 1;
      for (const term of this.terms) v.data[at++] = value(term, row);
    }
    return v;
  }
}

function value(term: Monomial, x: Float64Array): number {
  let product = term.coefficient;
  for (const { input, power } of term.factors) product *= x[input] ** power;
  return product;
}

/** ∂/∂x_j of a monomial: its value with x_j^a replaced by a x_j^{a−1}. */
function derivative(term: Monomial, x: Float64Array, j: number): number {
  let product = term.coefficient;
  for (const { input, power } of term.factors)
    product *= input === j ? power * x[input] ** (power - 1) : x[input] ** power;
  return product;
}

/** ∂²/∂x_j∂x_k of a monomial. */
function secondDerivative(term: Monomial, x: Float64Array, j: number, k: number): number {
  let product = term.coefficient;
  for (const { input, power } of term.factors) {
    const order = (input === j ? 1 : 0) + (input === k ? 1 : 0);
    if (order === 2) product *= power === 1 ? 0 : power * (power - 1) * x[input] ** (power - 2);
    else if (order === 1) product *= power * x[input] ** (power - 1);
    else product *= x[input] ** power;
  }
  return product;
}
