import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { hessianTimes, type InverseHessian, invertHessian } from "../solvers/inverse-hessian.js";
import type { ActivePoint } from "./active-point.js";
import type { RobustProblem } from "./optimum-problem.js";
import { robustHessian } from "./smoothing-newton.js";

/**
 * Newton's system on the corners of a state (MATH 10a): [H A'; A 0][step; λ] = −[g; c] with zero coefficients held at 0, tied
 * ones moving together, and A the gradients of the stuck rows' defects. λ_i = change of w_i κ_i ∂D_i/∂f.
 */
export class ActiveSystem {
  /** d: column of the reduced system that moves parameter j, or −1; and how far per unit of it. */
  private readonly column: Int32Array;
  private readonly factor: Float64Array;
  private readonly size: number;
  private readonly inverse: InverseHessian;
  /** |E|×size: A reduced; H⁻¹A' as rows; the Schur complement AH⁻¹A'. */
  private readonly reducedNormals: Matrix;
  private readonly solvedNormals: Matrix;
  private readonly schur: InverseHessian | null;

  /** @param hessian ∇² of the Lagrangian (d×d, lower triangle): by default the point's own, which uses up its Gram matrix. */
  constructor(
    problem: RobustProblem,
    private readonly point: ActivePoint,
    readonly hessian: Matrix = robustHessian(problem, point.radius, point.sums, point.norm),
  ) {
    const { first, threat } = problem;
    const { theta, zeros, tied, signs } = point.state;
    const { budgets } = threat.settings;
    const d = theta.length;
    this.column = new Int32Array(d);
    this.factor = new Float64Array(d).fill(1);
    for (const k of zeros) this.column[first + k] = -1;
    for (const k of tied.slice(1)) this.column[first + k] = -1;
    let size = 0;
    for (let j = 0; j < d; j++) if (this.column[j] === 0) this.column[j] = size++;
    if (tied.length > 1) {
      for (const k of tied) {
        this.column[first + k] = this.column[first + tied[0]];
        this.factor[first + k] = signs[k] / budgets[k];
      }
    }
    this.size = size;
    this.inverse = invertHessian(this.reduceMatrix());
    const { normals } = point;
    this.reducedNormals = Matrix.zeros(normals.rows, size);
    this.solvedNormals = Matrix.zeros(normals.rows, size);
    for (let e = 0; e < normals.rows; e++) {
      const reduced = this.reduce(normals.row(e));
      this.reducedNormals.row(e).set(reduced);
      this.solvedNormals.row(e).set(this.inverse.solve(reduced));
    }
    this.schur = normals.rows > 0 ? invertHessian(this.schurComplement()) : null;
  }

  /**
   * @param gradient g (d). @param defects c (|E|).
   * @param offset d: a displacement that the step contains in any case (to where the held coefficients belong), or null.
   */
  solve(
    gradient: Float64Array,
    defects: Float64Array,
    offset: Float64Array | null,
  ): { step: Float64Array; lambda: Float64Array } {
    const g = gradient.slice();
    const c = defects.slice();
    const E = c.length;
    const { normals } = this.point;
    if (offset) {
      const moved = hessianTimes(this.hessian, offset);
      for (let j = 0; j < g.length; j++) g[j] += moved[j];
      for (let e = 0; e < E; e++) c[e] += product(normals.row(e), offset);
    }
    const step = this.inverse.solve(this.reduce(g)).map((value) => -value);
    let lambda: Float64Array = new Float64Array(E);
    if (this.schur) {
      const right = c.map((value, e) => value + product(this.reducedNormals.row(e), step));
      lambda = this.schur.solve(right);
      for (let e = 0; e < E; e++) {
        const row = this.solvedNormals.row(e);
        for (let a = 0; a < this.size; a++) step[a] -= lambda[e] * row[a];
      }
    }
    const full = offset ? offset.slice() : new Float64Array(g.length);
    this.column.forEach((a, j) => {
      if (a >= 0) full[j] += this.factor[j] * step[a];
    });
    return { step: full, lambda };
  }

  /** B'x, θ = Bz. */
  private reduce(x: Float64Array): Float64Array {
    const out = new Float64Array(this.size);
    for (let j = 0; j < x.length; j++) if (this.column[j] >= 0) out[this.column[j]] += this.factor[j] * x[j];
    return out;
  }

  /** B'HB, lower triangle. */
  private reduceMatrix(): Matrix {
    const { size, column, factor, hessian } = this;
    const d = column.length;
    const out = Matrix.zeros(size, size);
    for (let i = 0; i < d; i++) {
      if (column[i] < 0) continue;
      for (let j = 0; j <= i; j++) {
        if (column[j] < 0) continue;
        const value = factor[i] * factor[j] * hessian.data[i * d + j];
        const [row, col] = column[i] >= column[j] ? [column[i], column[j]] : [column[j], column[i]];
        // Off the diagonal of H both (i, j) and (j, i) fall on the diagonal entry of a merged column.
        out.data[row * size + col] += i !== j && row === col ? 2 * value : value;
      }
    }
    return out;
  }

  private schurComplement(): Matrix {
    const E = this.reducedNormals.rows;
    const out = Matrix.zeros(E, E);
    const ld = Math.max(1, this.size);
    blas().gemm(
      false,
      true,
      E,
      E,
      this.size,
      1,
      this.reducedNormals.data,
      ld,
      this.solvedNormals.data,
      ld,
      0,
      out.data,
      E,
    );
    return out;
  }
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}
