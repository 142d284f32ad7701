import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { checkSystem, type LinearSolution, trueResidual } from "./linear-solution.js";
import { dampedApproximation, type NystromOptions, onRange } from "./nystrom-approximation.js";
import { dampedOperator, type SymmetricOperator } from "./operator.js";

export interface NystromSolveOptions extends NystromOptions {
  /** λ > 0; H comes without it. */
  readonly damping: number;
  /** What the true residual must reach for `converged`. Default 1e-3. */
  readonly tolerance?: number;
}

/**
 * X = (U'Λ̂U + λI)⁻¹B = B/λ + U'((Λ̂ + λ)⁻¹ − 1/λ)UB with the Nyström approximation of H, and its residual in the true system
 * (H + λI)X = B. What the rank leaves out of H counts as 0, so the residual is small only where the eigenvalues left out are
 * small beside λ.
 * @throws usage: λ is no number above 0; the rank is no whole number ≥ 1.
 */
export async function nystromSolve(
  operator: SymmetricOperator,
  right: Matrix,
  { damping, tolerance = 1e-3, ...options }: NystromSolveOptions,
): Promise<LinearSolution> {
  checkSystem(operator, right);
  if (!(damping > 0 && damping < Infinity)) {
    throw usageError(
      `The Nyström solver needs a damping above 0, got ${damping}: set --damping, or use --solver cg, which needs none.`,
    );
  }
  const approximation = await dampedApproximation(operator, damping, options);
  const failed = "curvature" in approximation;
  const solution = new Matrix(
    right.data.map((value) => (failed ? 0 : value / damping)),
    right.rows,
    right.columns,
  );
  if (!failed) {
    const weights = approximation.values.map((value) => 1 / value - 1 / damping);
    const inside = onRange(approximation, weights, right);
    for (let at = 0; at < solution.data.length; at++) solution.data[at] += inside.data[at];
  }
  const { relative, largest } = await trueResidual(dampedOperator(operator, damping), solution, right);
  const reached = largest <= tolerance ? "converged" : "stagnated";
  return {
    solver: "nystrom",
    solution,
    residuals: relative,
    relativeResidual: largest,
    end: failed ? "indefinite" : reached,
    converged: !failed && largest <= tolerance,
    iterations: 1,
    products: (failed ? Math.min(options.rank, operator.size) : approximation.products) + right.columns,
    curvature: failed ? approximation.curvature : null,
  };
}
