import { Matrix } from "../../linalg/matrix.js";
import { EquilibratedCholesky } from "../../linalg/symmetric.js";
import { dot } from "../../solvers/inverse-hessian.js";

/** Pairs that are kept. */
const MEMORY = 6;
/** Of the least-squares problem, relative to its diagonal. */
const DAMPING = 1e-12;

/** Anderson's acceleration of θ ← θ − d(θ): the combination of the last steps that would have left the smallest d. */
export class Anderson {
  private readonly moves: Float64Array[] = [];
  private readonly changes: Float64Array[] = [];
  private last: { theta: Float64Array; step: Float64Array } | null = null;

  /** Where to go from θ, whose step is d. */
  next(theta: Float64Array, step: Float64Array): Float64Array {
    if (this.last) {
      const { theta: before, step: stepBefore } = this.last;
      this.moves.push(theta.map((value, j) => value - before[j]));
      this.changes.push(step.map((value, j) => value - stepBefore[j]));
      if (this.moves.length > MEMORY) {
        this.moves.shift();
        this.changes.shift();
      }
    }
    this.last = { theta, step };
    const shares = this.shares(step);
    return theta.map((value, j) => {
      let to = value - step[j];
      shares.forEach((share, k) => {
        to -= share * (this.moves[k][j] - this.changes[k][j]);
      });
      return to;
    });
  }

  /** Begins anew at the next call. */
  reset(): void {
    this.moves.length = 0;
    this.changes.length = 0;
    this.last = null;
  }

  /** argmin ‖d − Σ_k γ_k Δd_k‖ */
  private shares(step: Float64Array): Float64Array {
    const { changes } = this;
    const count = changes.length;
    if (count === 0) return new Float64Array(0);
    const products = Matrix.zeros(count, count);
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) products.data[a * count + b] = dot(changes[a], changes[b]);
    }
    for (let a = 0; a < count; a++) products.data[a * (count + 1)] *= 1 + DAMPING;
    const factor = EquilibratedCholesky.factor(products);
    if (!(factor instanceof EquilibratedCholesky)) return new Float64Array(count);
    return factor.solve(Float64Array.from(changes, (change) => dot(change, step)));
  }
}
