import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { columnNorms } from "./columns.js";
import type { SymmetricOperator } from "./operator.js";

export type SolverName = "cholesky" | "cg" | "lissa" | "nystrom";

/**
 * How a solver ended. "stagnated": rounding keeps the residual above the tolerance. "singular": what is left of the right-hand
 * side pulls along directions in which H is flat. "indefinite": H has a negative `curvature`; the solution is then the last
 * iterate and solves nothing.
 */
export type SolverEnd = "converged" | "stagnated" | "singular" | "iteration-limit" | "indefinite";

/** What every solver of HX = B returns. */
export interface LinearSolution {
  readonly solver: SolverName;
  /** X (d×k) */
  readonly solution: Matrix;
  /** ‖b − Hx‖/‖b‖ of each column (k), from a fresh product with H; 0 where b = 0 and x = 0. */
  readonly residuals: Float64Array;
  /** The largest of `residuals`. */
  readonly relativeResidual: number;
  readonly end: SolverEnd;
  /** Whether the solver reached what it was asked for: `end` is "converged". */
  readonly converged: boolean;
  readonly iterations: number;
  /** Vectors multiplied with H, those of the preconditioner and of the residual included. */
  readonly products: number;
  /** Of those, the ones of a low-rank sketch of H. */
  readonly sketchProducts: number;
  /** v'Hv/v'v ≤ 0 (up to rounding) of a direction that shows that H is not positive definite; null where none was met. */
  readonly curvature: number | null;
}

/** B − HX and its size beside B, column by column. */
export interface TrueResidual {
  /** d×k */
  readonly residual: Matrix;
  /** k */
  readonly relative: Float64Array;
  readonly largest: number;
}

/** One product with H. */
export async function trueResidual(
  operator: SymmetricOperator,
  solution: Matrix,
  right: Matrix,
): Promise<TrueResidual> {
  const image = await operator.product(solution);
  const residual = new Matrix(
    right.data.map((value, at) => value - image.data[at]),
    right.rows,
    right.columns,
  );
  const sizes = columnNorms(right);
  const relative = columnNorms(residual).map((size, k) => (size === 0 ? 0 : size / sizes[k]));
  return { residual, relative, largest: largestOf(relative) };
}

/** NaN where one of the numbers is NaN; 0 of none. */
export const largestOf = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 0);

/** @throws usage: H and the right-hand sides do not match, or a right-hand side is not finite. */
export function checkSystem({ size }: SymmetricOperator, right: Matrix): void {
  if (right.rows !== size) throw usageError(`The right-hand sides have ${right.rows} rows where H has ${size}.`);
  if (!right.data.every(Number.isFinite)) {
    throw usageError("A right-hand side has entries that are not finite: look at the gradient it was made from.");
  }
}
