import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { blockConjugateGradients } from "./block-cg.js";
import { checkSystem, type LinearSolution, trueResidual } from "./linear-solution.js";
import {
  dampedApproximation,
  type NystromApproximation,
  type NystromOptions,
  onRange,
} from "./nystrom-approximation.js";
import { levelling } from "./nystrom-preconditioner.js";
import { dampedOperator, type SymmetricOperator } from "./operator.js";

export interface NystromSolveOptions extends NystromOptions {
  /** λ > 0; H comes without it. */
  readonly damping: number;
  /** What the true residual must reach for `converged`. Default 1e-3. */
  readonly tolerance?: number;
  /** Of the refinement. Default 50. */
  readonly maximumIterations?: number;
}

const REFINEMENTS = 50;

/**
 * X = (U'Λ̂U + λI)⁻¹B = B/λ + U'((Λ̂ + λ)⁻¹ − 1/λ)UB with the Nyström approximation of H. What the rank leaves out of H counts as 0
 * there, so that the residual in the true system (H + λI)X = B is small only where the eigenvalues left out are small beside λ; where
 * it is not, conjugate gradients behind the same sketch refine X.
 * @throws usage: λ is no number above 0; the rank is no whole number ≥ 1; cancelled.
 */
export async function nystromSolve(
  operator: SymmetricOperator,
  right: Matrix,
  { damping, tolerance = 1e-3, maximumIterations = REFINEMENTS, ...options }: NystromSolveOptions,
): Promise<LinearSolution> {
  checkSystem(operator, right);
  if (!(damping > 0 && damping < Infinity)) {
    throw usageError(
      `The Nyström solver needs a damping above 0, got ${damping}: give --damping, or take --solver cg, which needs none.`,
    );
  }
  const damped = dampedOperator(operator, damping);
  const approximation = await dampedApproximation(operator, damping, options);
  if ("curvature" in approximation) {
    const nothing = Matrix.zeros(right.rows, right.columns);
    const { relative, largest } = await trueResidual(damped, nothing, right);
    return {
      solver: "nystrom",
      solution: nothing,
      residuals: relative,
      relativeResidual: largest,
      end: "indefinite",
      converged: false,
      iterations: 1,
      curvature: approximation.curvature,
      products: Math.min(options.rank, operator.size) + right.columns,
      sketchProducts: Math.min(options.rank, operator.size),
    };
  }
  const solution = withApproximation(approximation, damping, right);
  const first = await trueResidual(damped, solution, right);
  let { relative, largest } = first;
  let [iterations, products] = [1, approximation.products + right.columns];
  let end: LinearSolution["end"] = "converged";
  let curvature: number | null = null;
  if (largest > tolerance) {
    const correction = await blockConjugateGradients(damped, first.residual, {
      ...options,
      preconditioner: { ...levelling(approximation, damping), products: 0 },
      tolerance: Math.min(0.5, tolerance / largest),
      maximumIterations,
    });
    correction.solution.data.forEach((value, at) => (solution.data[at] += value));
    ({ relative, largest } = await trueResidual(damped, solution, right));
    iterations += correction.iterations;
    products += correction.products + right.columns;
    ({ curvature } = correction);
    if (largest > tolerance) end = correction.converged ? "stagnated" : correction.end;
  }
  return {
    solver: "nystrom",
    solution,
    residuals: relative,
    relativeResidual: largest,
    end,
    converged: end === "converged",
    iterations,
    products,
    sketchProducts: approximation.products,
    curvature: end === "converged" ? null : curvature,
  };
}

/** (Ĥ + λI)⁻¹B */
function withApproximation(approximation: NystromApproximation, damping: number, right: Matrix): Matrix {
  const weights = approximation.values.map((value) => 1 / value - 1 / damping);
  const solution = onRange(approximation, weights, right);
  right.data.forEach((value, at) => (solution.data[at] += value / damping));
  return solution;
}
