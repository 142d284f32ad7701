import { numericalError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky } from "../linalg/symmetric.js";

/** M⁻¹a of a second moment M (read in its lower triangle). @throws numerical: M is not positive definite. */
export function solveMoment(moment: Matrix, a: Float64Array): Float64Array {
  const factor = EquilibratedCholesky.factor(moment);
  if ("failedAt" in factor)
    throw numericalError(
      `The second moment of the features is not positive definite (row ${factor.failedAt}): some are combinations of others.`,
    );
  return factor.solve(a);
}

/** a·b */
export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
};
