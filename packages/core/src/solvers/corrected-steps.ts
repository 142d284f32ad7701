import type { Matrix } from "../linalg/matrix.js";
import { dot, type InverseHessian } from "./inverse-hessian.js";
import { pairsOf, quasiNewton, type SecantPair } from "./secant-pairs.js";

/**
 * Newton steps with one inverse Hessian, corrected by what the steps themselves show of the Hessian where they lead: L-BFGS around it.
 * Of a quadratic function the first step is refined instead, and the last.
 */
export class CorrectedSteps {
  private readonly pairs: SecantPair[] = [];
  private last: { readonly step: Float64Array; readonly gradient: Float64Array } | null = null;

  constructor(
    private readonly inverse: InverseHessian,
    private readonly quadratic: boolean,
  ) {}

  /** Moves column k of θ from where column k is the gradient. Returns the length of the step, √(−s'∇): about that in the norm of H. */
  move(theta: Matrix, gradients: Matrix, k: number): number {
    const gradient = gradients.column(k);
    const step = this.next(gradient);
    for (let j = 0; j < step.length; j++) theta.data[j * theta.columns + k] += step[j];
    return Math.sqrt(Math.max(0, -dot(step, gradient)));
  }

  private next(gradient: Float64Array): Float64Array {
    const { last, pairs, inverse } = this;
    if (this.quadratic) return inverse.solve(gradient).map((value) => -value);
    if (last) {
      const change = gradient.map((value, j) => value - last.gradient[j]);
      pairs.push(...pairsOf(last.step, change));
    }
    const step = quasiNewton(gradient, pairs, (vector) => inverse.solveRoughly(vector));
    this.last = { step, gradient };
    return step;
  }
}
