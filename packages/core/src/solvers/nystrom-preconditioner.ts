import { Matrix } from "../linalg/matrix.js";
import { dampedApproximation, type NystromOptions, onRange } from "./nystrom-approximation.js";
import type { SymmetricOperator } from "./operator.js";
import type { Preconditioner } from "./preconditioner.js";

export interface NystromPreconditionerOptions extends NystromOptions {
  /** λ of the system (H + λI)x = b; H comes without it. Default 0. */
  readonly damping?: number;
}

/**
 * P⁻¹ = (λ̂_ℓ + λ) U'(Λ̂ + λI)⁻¹U + (I − U'U) for systems with H + λI, from the Nyström approximation U'Λ̂U of H: the ℓ largest
 * eigenvalues are levelled to the size of the rest, so that conjugate gradients see a short spectrum (Frangella, Tropp and
 * Udell 2023, section 5). Where the sketch shows H + λI to be indefinite, its curvature is returned instead.
 * @throws usage: the rank is no whole number ≥ 1, λ is no number ≥ 0.
 */
export async function nystromPreconditioner(
  operator: SymmetricOperator,
  { damping = 0, ...options }: NystromPreconditionerOptions,
): Promise<Preconditioner | { readonly curvature: number }> {
  const approximation = await dampedApproximation(operator, damping, options);
  if ("curvature" in approximation) return approximation;
  const { values, products } = approximation;
  // Eigenvalues that the sketch could not tell from 0 are left alone, as is all that it did not see.
  const known = values.filter((value) => value > Number.EPSILON * values[0]);
  const level = known[known.length - 1];
  const weights = values.map((value, i) => (i < known.length ? level / value - 1 : 0));
  return {
    name: "nystrom",
    products,
    apply(residuals) {
      const inside = onRange(approximation, weights, residuals);
      return new Matrix(
        residuals.data.map((value, at) => value + inside.data[at]),
        residuals.rows,
        residuals.columns,
      );
    },
  };
}
