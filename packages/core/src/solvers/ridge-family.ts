import { numericalError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { type SymmetricEigen, symmetricEigen } from "../linalg/symmetric.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "./inverse-hessian.js";

/** Worse conditioned than this, a ridge has a factorisation of its own. */
const MAXIMUM_CONDITION = 1e9;

/**
 * (G + λP)⁻¹ for every ridge λ from one eigen-decomposition, where P is 1 on the penalised parameters and 0 on at most one, the
 * intercept. Eliminating the intercept leaves S = G_pp − q q'/h with h = G_00, q = G_p0; with S = V'diag(μ)V,
 * (S + λI)⁻¹ = V'diag(1/(μ + λ))V. A ridge then costs two products with V, of d² each, in place of a factorisation of d³/3.
 */
export class RidgeFamily {
  private readonly eigen: SymmetricEigen;
  private readonly first: 0 | 1;
  /** h, q */
  private readonly corner: number;
  private readonly side: Float64Array;

  /**
   * @param gram G (d×d, lower triangle), without any ridge. @param penalised d. @throws numerical: an entry is not finite; the
   * intercept has no weight.
   */
  constructor(
    private readonly gram: Matrix,
    private readonly penalised: Uint8Array,
  ) {
    const d = gram.rows;
    if (penalised.indexOf(0, 1) >= 0) throw new RangeError("Only the first parameter may be without a penalty.");
    this.first = penalised[0] === 0 ? 1 : 0;
    const { first } = this;
    const k = d - first;
    this.corner = first === 1 ? gram.data[0] : 1;
    if (!(this.corner > 0)) throw numericalError("The rows have no weight, so there is nothing to fit.");
    this.side = Float64Array.from({ length: k }, (_, j) => (first === 1 ? gram.data[(j + 1) * d] : 0));
    const rest = Matrix.zeros(k, k);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j <= i; j++) {
        const entry = gram.data[(i + first) * d + j + first];
        rest.data[i * k + j] = entry - (this.side[i] * this.side[j]) / this.corner;
      }
    }
    this.eigen = symmetricEigen(rest);
  }

  /** G + λP, lower triangle. */
  hessian(l2: number): Matrix {
    const d = this.gram.rows;
    const out = new Matrix(this.gram.data.slice(), d, d);
    for (let j = this.first; j < d; j++) out.data[j * (d + 1)] += l2;
    return out;
  }

  /** tr(G(G + λP)⁻¹), the effective number of parameters: that of an unpenalised intercept and Σ μ/(μ + λ). */
  effectiveParameters(l2: number): number {
    const { values } = this.eigen;
    if (l2 === 0) return invertHessian(this.gram).rank;
    return values.reduce((sum, mu) => sum + Math.max(0, mu) / (Math.max(0, mu) + l2), this.first);
  }

  /** (G + λP)⁻¹ with one refinement, as a factorisation of its own gives it. */
  inverse(l2: number): InverseHessian {
    const { values } = this.eigen;
    const hessian = this.hessian(l2);
    const [least, most] = [values[0] ?? 1, values.at(-1) ?? 1];
    if (!(least + l2 > (most + l2) / MAXIMUM_CONDITION)) return invertHessian(hessian);
    const residual = (x: Float64Array, b: Float64Array): Float64Array => {
      const image = hessianTimes(hessian, x);
      return b.map((value, j) => value - image[j]);
    };
    const solve = (b: Float64Array): Float64Array => {
      const x = this.solveOnce(b, l2);
      const correction = this.solveOnce(residual(x, b), l2);
      return x.map((value, j) => value + correction[j]);
    };
    return {
      method: "eigenvalues",
      rank: hessian.rows,
      solve,
      solveRoughly: (b) => this.solveOnce(b, l2),
      relativeResidual(x, b) {
        const size = Math.sqrt(dot(b, b));
        const rest = residual(x, b);
        return size === 0 ? 0 : Math.sqrt(dot(rest, rest)) / size;
      },
      nullResidual: () => 0,
      leftOut: () => 0,
      dualLength: (b) => Math.sqrt(Math.max(0, dot(b, solve(b)))),
    };
  }

  private solveOnce(b: Float64Array, l2: number): Float64Array {
    const { first, side, corner } = this;
    const { values, vectors } = this.eigen;
    const k = side.length;
    const out = new Float64Array(first + k);
    const inner = b.slice(first);
    if (first === 1) for (let j = 0; j < k; j++) inner[j] -= (side[j] * b[0]) / corner;
    if (k > 0) {
      const along = new Float64Array(k);
      blas().gemv(false, k, k, 1, vectors.data, k, inner, 0, along);
      for (let j = 0; j < k; j++) along[j] /= values[j] + l2;
      blas().gemv(true, k, k, 1, vectors.data, k, along, 0, out.subarray(first));
    }
    if (first === 1) out[0] = (b[0] - dot(side, out.subarray(1))) / corner;
    return out;
  }
}
