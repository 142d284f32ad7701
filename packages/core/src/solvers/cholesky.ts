import { throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky } from "../linalg/symmetric.js";
import type { Work } from "../parallel/work.js";
import { extremeEigenvalues } from "./lanczos.js";
import { checkSystem, type LinearSolution, trueResidual } from "./linear-solution.js";
import type { SymmetricOperator } from "./operator.js";

const REFINEMENTS = 2;

/**
 * HX = B by the Cholesky factorisation of H, formed whole, with two refinements from residuals of fresh products. Where H is
 * not positive definite the curvature is its smallest eigenvalue by Lanczos's method.
 * @param right d×k
 * @throws usage: shapes that do not match, an operator that does not give its matrix; cancelled.
 */
export async function choleskySolve(
  operator: SymmetricOperator,
  right: Matrix,
  work: Work = {},
): Promise<LinearSolution> {
  checkSystem(operator, right);
  if (!operator.matrix) {
    throw usageError("The Cholesky solver needs the whole Hessian, which this model does not give: use --solver cg.");
  }
  throwIfAborted(work.signal);
  const factor = EquilibratedCholesky.factor(await operator.matrix());
  throwIfAborted(work.signal);
  const regular = factor instanceof EquilibratedCholesky;
  let solution = regular ? factor.solve(right) : Matrix.zeros(right.rows, right.columns);
  let { residual, relative, largest } = await trueResidual(operator, solution, right);
  let products = right.columns;
  let iterations = 0;
  for (; iterations < REFINEMENTS; iterations++) {
    if (!regular || largest === 0) break;
    const correction = factor.solve(residual);
    const refined = new Matrix(
      solution.data.map((value, at) => value + correction.data[at]),
      right.rows,
      right.columns,
    );
    const next = await trueResidual(operator, refined, right);
    products += right.columns;
    if (!(next.largest < largest)) break;
    solution = refined;
    ({ residual, relative, largest } = next);
  }
  const extremes = regular ? null : await extremeEigenvalues(operator, work);
  return {
    solver: "cholesky",
    solution,
    residuals: relative,
    relativeResidual: largest,
    end: regular ? "converged" : "indefinite",
    converged: regular,
    iterations,
    products: products + (extremes?.products ?? 0),
    sketchProducts: 0,
    curvature: extremes?.smallest.value ?? null,
  };
}
