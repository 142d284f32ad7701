import { numericalError } from "../errors.js";
import { EquilibratedCholesky } from "../linalg/equilibrated-cholesky.js";
import type { Matrix } from "../linalg/matrix.js";

/** Added to the diagonal of a singular matrix, as a share of it, and by how much more where that is not enough. */
const FIRST_SHARE = 1e-12;
const GROWTH = 1e3;

/** More than this share repairs no rounding: the matrix is not semidefinite, or not finite. */
const LARGEST_SHARE = 1;

/**
 * The factor of a positive semidefinite matrix (lower triangle), whose diagonal grows in place until it is positive definite.
 * @throws numerical: a matrix that is far from semidefinite, or not finite.
 */
export function definiteFactor(matrix: Matrix): EquilibratedCholesky {
  const p = matrix.rows;
  const diagonal = Float64Array.from({ length: p }, (_, i) => matrix.data[i * (p + 1)]);
  const size = diagonal.reduce((a, b) => Math.max(a, b), 0) || 1;
  for (let share = 0; ; share = Math.max(FIRST_SHARE, GROWTH * share)) {
    diagonal.forEach((value, i) => (matrix.data[i * (p + 1)] = value + share * (value > 0 ? value : size)));
    const factor = EquilibratedCholesky.factor(matrix);
    if (!("failedAt" in factor)) return factor;
    if (share > LARGEST_SHARE) {
      throw numericalError(
        "The matrix of a preconditioner cannot be factorised: its numbers are too large. Look for very large inputs or parameters, or take --solver nystrom.",
      );
    }
  }
}
