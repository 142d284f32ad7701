import type { Matrix } from "../linalg/matrix.js";
import { asColumn, asColumns } from "../models/sweep.js";
import type { Fit } from "../solvers/fit.js";
import { dot, type InverseHessian, invertHessian } from "../solvers/inverse-hessian.js";
import { addRidge, type DrawnRows } from "./bootstrap-sums.js";

/** What is left of θ̂_b's error relative to ‖θ̂_b − θ̂‖, both in the H_b norm: far below the noise of a bootstrap. */
const REMAINING = 1e-4;
/** Where the loss has a kink, a residual's sign must not be an error of the fit. */
const REMAINING_AT_KINKS = 1e-11;
/** A draw whose steps shrink less than this has moved too far for H_b(θ̂) and is fitted on its own. */
const CONTRACTION = 0.7;

/** K draws fitted together. */
export interface DrawnFits {
  /** d×K: θ̂_b */
  readonly theta: Matrix;
  /** K: H_b(θ̂)⁻¹, or null for a draw that must be fitted on its own. */
  readonly inverse: readonly (InverseHessian | null)[];
  /** K for each attack: c_b */
  readonly scales: readonly Float64Array[];
}

/**
 * θ̂_b for K sets of weights from θ̂ on: Newton steps with H_b(θ̂), all draws in the same passes; exact after one step for
 * squared losses, else to 1e-4 of ‖θ̂_b − θ̂‖. Draws that do not settle quickly, or whose H_b is singular, are left out. Where one
 * ends does not depend on the others.
 */
export async function fitDraws(full: Pick<Fit, "model" | "parameters" | "ridge">, rows: DrawnRows): Promise<DrawnFits> {
  const { draws } = rows;
  const { ridge, parameters } = full;
  const theta = asColumns(Array.from({ length: draws }, () => parameters));
  const start = await rows.atFit();
  addRidge(start.gradients, asColumn(parameters), ridge);
  const inverse = Array.from({ length: draws }, (_, k) => inverseOf(start.gram(k), ridge));
  const { loss } = full.model;
  const remaining = Number.isNaN(loss.kink(1)) ? REMAINING : REMAINING_AT_KINKS;
  const first = new Float64Array(draws);
  const last = new Float64Array(draws);
  const open = new Set([...inverse.keys()].filter((k) => inverse[k] !== null));
  for (let { gradients } = start; open.size > 0; ) {
    for (const k of open) {
      const step = newtonStep(theta, gradients, k, inverse[k], loss.quadratic);
      if (first[k] === 0) first[k] = step;
      const ratio = last[k] > 0 ? step / last[k] : 0.5;
      last[k] = step;
      if (loss.quadratic || step === 0 || (step * ratio) / Math.max(1 - ratio, 0) <= remaining * first[k])
        open.delete(k);
      else if (!(ratio < CONTRACTION)) {
        inverse[k] = null;
        open.delete(k);
      }
    }
    if (open.size === 0) break;
    gradients = await rows.gradients(theta);
    addRidge(gradients, theta, ridge);
  }
  inverse.forEach((solver, k) => {
    if (solver === null) full.parameters.forEach((value, j) => (theta.data[j * draws + k] = value));
  });
  return { theta, inverse, scales: start.scales };
}

/** H_b(θ̂)⁻¹, or null where it is singular. */
function inverseOf(gram: Matrix, ridge: Float64Array): InverseHessian | null {
  ridge.forEach((P, j) => (gram.data[j * (gram.columns + 1)] += P));
  const solver = invertHessian(gram);
  return solver.method === "cholesky" ? solver : null;
}

/** θ_k ← θ_k − H_k⁻¹∇_k for one draw; returns the length of the step in the H_k norm. @param last whether no further step follows */
function newtonStep(
  theta: Matrix,
  gradients: Matrix,
  k: number,
  inverse: InverseHessian | null,
  last: boolean,
): number {
  const gradient = gradients.column(k);
  const step = inverse?.[last ? "solve" : "solveRoughly"](gradient) ?? new Float64Array(gradient.length);
  for (let j = 0; j < step.length; j++) theta.data[j * theta.columns + k] -= step[j];
  return Math.sqrt(Math.max(0, dot(step, gradient)));
}
