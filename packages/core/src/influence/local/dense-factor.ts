import { Matrix } from "../../linalg/matrix.js";
import { EquilibratedCholesky, equilibratedPseudoInverse, symmetricEigen } from "../../linalg/symmetric.js";

/** M = H + λI, factorised once for every right-hand side. */
export interface DenseFactor {
  readonly method: "cholesky" | "pseudo-inverse" | "indefinite";
  readonly rank: number;
  /** The smallest eigenvalue of M where it was needed, else null. */
  readonly smallest: number | null;
  /** M⁻¹B or M⁺B (d×k); 0 where M is indefinite. */
  solve(right: Matrix): Matrix;
  /** ‖(I − MM⁺)b‖/‖b‖ of each column. */
  outOfRange(right: Matrix): Float64Array;
}

/** With pivots no smaller than this the condition number is not worth estimating; beyond that one Cholesky is not trusted. */
const SOUND_PIVOT = 1e-6;
const MAXIMUM_CONDITION = 1e14;
/** Eigenvalues of the equilibrated matrix within this share of the largest are 0. */
const RANK_TOLERANCE = 1e-12;
/** A singular matrix with more rows than this takes too long to decompose. */
const LARGEST_EIGENPROBLEM = 1500;

/**
 * Cholesky where it can be trusted, else the eigenvalues: the pseudo-inverse of a singular M, or the finding that M is
 * indefinite. Null where M is neither sound nor small enough for its eigenvalues.
 * @param hessian H (d×d), lower triangle valid.
 */
export function factorise(hessian: Matrix, damping: number): DenseFactor | null {
  const d = hessian.rows;
  const damped = new Matrix(hessian.data.slice(), d, d);
  for (let j = 0; j < d; j++) damped.data[j * (d + 1)] += damping;
  const factor = EquilibratedCholesky.factor(damped);
  const sound =
    factor instanceof EquilibratedCholesky &&
    (factor.smallestPivot() > SOUND_PIVOT || factor.conditionEstimate() < MAXIMUM_CONDITION);
  if (sound) {
    return {
      method: "cholesky",
      rank: d,
      smallest: null,
      solve: (right) => factor.solve(right),
      outOfRange: (right) => new Float64Array(right.columns),
    };
  }
  if (d > LARGEST_EIGENPROBLEM) return null;
  const { values } = symmetricEigen(damped);
  const inverse = equilibratedPseudoInverse(damped, RANK_TOLERANCE);
  if (inverse.relativeSmallest < -RANK_TOLERANCE) {
    return {
      method: "indefinite",
      rank: d,
      smallest: values[0],
      solve: (right) => Matrix.zeros(right.rows, right.columns),
      outOfRange: (right) => new Float64Array(right.columns),
    };
  }
  return {
    method: "pseudo-inverse",
    rank: inverse.rank,
    smallest: values[0],
    solve: (right) => inverse.solve(right),
    outOfRange: (right) =>
      Float64Array.from({ length: right.columns }, (_, k) => inverse.nullResidual(right.column(k))),
  };
}
