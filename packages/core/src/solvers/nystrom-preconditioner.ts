import { Matrix } from "../linalg/matrix.js";
import {
  dampedApproximation,
  type NystromApproximation,
  type NystromOptions,
  onRange,
} from "./nystrom-approximation.js";
import type { SymmetricOperator } from "./operator.js";
import type { DampedPreconditioner } from "./preconditioner.js";

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
): Promise<DampedPreconditioner | { readonly curvature: number }> {
  const approximation = await dampedApproximation(operator, damping, options);
  return "curvature" in approximation ? approximation : levelling(approximation, damping);
}

/** The preconditioner of a sketch at hand. @param approximation of H + λI with this λ. */
export function levelling(approximation: NystromApproximation, damping: number): DampedPreconditioner {
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
    withDamping: (other) =>
      levelling({ ...approximation, values: values.map((value) => Math.max(0, value + other - damping)) }, other),
  };
}

/** What decides how far a sketch should grow. */
export interface SketchEconomy {
  /** λ > 0: without it no sketch is too large. */
  readonly damping: number;
  /** Systems that are to be solved one after the other, each with as many right-hand sides as `rightHandSides`. */
  readonly systems: number;
  readonly rightHandSides: number;
  /** Seconds of a product of H with one vector and of each further one; where they are not known, products alone are counted. */
  readonly productSeconds?: number | undefined;
  readonly furtherSeconds?: number | undefined;
  /** d */
  readonly size: number;
}

/** Passes of conjugate gradients to ten digits, over the root of the condition number. */
const PASSES = 10;
/** Seconds to read one number of the sketch twice, and to use it for one right-hand side. */
const READING = 1.6e-9;
const USING = 8e-10;
/** Seconds of arithmetic to make the sketch, over d·ℓ². */
const MAKING = 3e-9;

/**
 * Whether a sketch is large enough: with a rank of 2ℓ all systems together would take longer than with ℓ, where the spectrum goes on to
 * fall as it did and conjugate gradients take about √(1 + λ̂_ℓ/λ) passes.
 */
export function worthwhileRank(economy: SketchEconomy): NonNullable<NystromOptions["enough"]> {
  const { damping, systems, rightHandSides: k, size, productSeconds } = economy;
  const timed = productSeconds !== undefined;
  const first = productSeconds ?? 1;
  const further = (timed ? economy.furtherSeconds : undefined) ?? first;
  const cost = (rank: number, level: number): number => {
    const passes = PASSES * Math.sqrt(1 + level / damping);
    const applied = timed ? size * rank * (READING + k * USING) : 0;
    const made = rank * further + (timed ? MAKING * size * rank ** 2 : 0);
    return made + systems * passes * (first + (k - 1) * further + applied);
  };
  return (values) => {
    const at = (share: number): number => values[Math.floor(share * (values.length - 1))];
    // The last eigenvalues of a sketch are far too small.
    const level = at(0.75);
    if (!(level > 0)) return true;
    return cost(2 * values.length, level * (level / at(0.375))) >= cost(values.length, level);
  };
}
