import { blas } from "./backend.js";
import { estimateNorm1 } from "./condition.js";
import { Matrix } from "./matrix.js";
import { checkRows, checkSquare, sumOfSquares, symmetrise } from "./square.js";

/**
 * Cholesky factorisation of a symmetric positive definite n×n matrix after scaling to unit diagonal: S A S = L L' with
 * S = diag(s), s_i = 1/√a_ii. Badly scaled variables then cost no accuracy: the error depends on the condition of S A S
 * only.
 */
export class EquilibratedCholesky {
  private constructor(
    /** n. */
    readonly order: number,
    private readonly scale: Float64Array,
    private readonly factorData: Float64Array,
    /** ‖S A S‖₁. */
    private readonly norm: number,
  ) {}

  /**
   * Factors a copy. `failedAt` is the 1-based row at which A showed itself as not positive definite, or as not finite.
   */
  static factor(a: Matrix): EquilibratedCholesky | { readonly failedAt: number } {
    checkSquare(a);
    const n = a.rows;
    const scale = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const diagonal = a.data[i * n + i];
      if (!(diagonal > 0 && diagonal < Infinity)) return { failedAt: i + 1 };
      scale[i] = 1 / Math.sqrt(diagonal);
    }
    const factorData = new Float64Array(n * n);
    const columnSums = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const value = scale[i] * a.data[i * n + j] * scale[j];
        factorData[i * n + j] = value;
        columnSums[i] += Math.abs(value);
        columnSums[j] += Math.abs(value);
      }
      factorData[i * n + i] = 1;
      columnSums[i] += 1;
    }
    const failedAt = blas().potrf(n, factorData, Math.max(1, n));
    if (failedAt !== 0) return { failedAt };
    const norm = columnSums.reduce((largest, sum) => Math.max(largest, sum), 0);
    return new EquilibratedCholesky(n, scale, factorData, norm);
  }

  /** min_j L_jj², at most 1: far from 0, A is far from singular; near 0, `conditionEstimate` tells. 1 for n = 0. */
  smallestPivot(): number {
    let smallest = 1;
    for (let j = 0; j < this.order; j++) smallest = Math.min(smallest, this.factorData[j * (this.order + 1)] ** 2);
    return smallest;
  }

  /**
   * A⁻¹b for a vector (n) or for every column of a matrix (n×k), as a new one. Throws a `numerical` error where b is
   * not finite.
   */
  solve(b: Float64Array): Float64Array;
  solve(b: Matrix): Matrix;
  solve(b: Float64Array | Matrix): Float64Array | Matrix;
  solve(b: Float64Array | Matrix): Float64Array | Matrix {
    checkRows(b, this.order);
    const columns = b instanceof Matrix ? b.columns : 1;
    const x = this.scaledRows(b instanceof Matrix ? b.data : b, columns);
    blas().potrs(this.order, columns, this.factorData, Math.max(1, this.order), x, Math.max(1, columns));
    this.scaleRows(x, columns);
    return b instanceof Matrix ? new Matrix(x, b.rows, b.columns) : x;
  }

  /** L⁻¹ S b, of the shape of b (n or n×k): ‖halfSolve(b)‖² = b'A⁻¹b, column by column. */
  halfSolve(b: Float64Array): Float64Array;
  halfSolve(b: Matrix): Matrix;
  halfSolve(b: Float64Array | Matrix): Float64Array | Matrix;
  halfSolve(b: Float64Array | Matrix): Float64Array | Matrix {
    checkRows(b, this.order);
    const columns = b instanceof Matrix ? b.columns : 1;
    const x = this.scaledRows(b instanceof Matrix ? b.data : b, columns);
    blas().trsm(false, this.order, columns, this.factorData, Math.max(1, this.order), x, Math.max(1, columns));
    return b instanceof Matrix ? new Matrix(x, b.rows, b.columns) : x;
  }

  /** b'A⁻¹b of a vector (n), never negative. */
  inverseQuadratic(b: Float64Array): number {
    return sumOfSquares(this.halfSolve(b));
  }

  /** A⁻¹, both triangles (n×n). */
  inverse(): Matrix {
    const n = this.order;
    const half = Matrix.zeros(n, n);
    for (let i = 0; i < n; i++) half.data[i * n + i] = this.scale[i];
    const ld = Math.max(1, n);
    // With H = L⁻¹S, A⁻¹ = H'H is symmetric to the last digit, which solving for the unit vectors is not.
    blas().trsm(false, n, n, this.factorData, ld, half.data, ld);
    const inverse = Matrix.zeros(n, n);
    blas().syrk(n, n, 1, half.data, ld, 0, inverse.data, ld);
    return symmetrise(inverse);
  }

  /**
   * An estimate, hardly ever more than a factor of 3 too small, of the condition number ‖S A S‖₁·‖(S A S)⁻¹‖₁; 0 for an
   * empty matrix.
   */
  conditionEstimate(): number {
    return this.norm * estimateNorm1(this.order, (x) => this.scaledInverseTimes(x));
  }

  /**
   * About the direction v that S A S shortens most, with max |v_j| = 1: three inverse iterations from one that is orthogonal to hardly
   * any. Where S A S is nearly singular, which of the scaled variables are nearly a combination of each other.
   */
  weakestDirection(): Float64Array {
    let v = Float64Array.from({ length: this.order }, (_, i) => (i % 2 === 0 ? 1 : -1) * (1 + i / this.order));
    for (let k = 0; k < 3; k++) {
      const image = this.scaledInverseTimes(v);
      const largest = image.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      v = image.map((value) => value / largest);
    }
    return v;
  }

  /** (S A S)⁻¹x */
  private scaledInverseTimes(x: Float64Array): Float64Array {
    const image = x.slice();
    blas().potrs(this.order, 1, this.factorData, this.order, image, 1);
    return image;
  }

  /** S·b as a new array, b n×columns. */
  private scaledRows(b: Float64Array, columns: number): Float64Array {
    const x = b.slice();
    this.scaleRows(x, columns);
    return x;
  }

  private scaleRows(x: Float64Array, columns: number): void {
    for (let i = 0; i < this.order; i++) {
      for (let at = i * columns, end = at + columns; at < end; at++) x[at] *= this.scale[i];
    }
  }
}
