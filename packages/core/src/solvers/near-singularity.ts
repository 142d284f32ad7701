import { EquilibratedCholesky } from "../linalg/symmetric.js";
import type { Fit } from "./fit.js";

/** A regular H so close to a singular one that digits of H⁻¹Φ are lost. */
export interface NearSingularity {
  /** About the condition number κ of H with its rows and columns scaled to a unit diagonal. */
  readonly condition: number;
  /**
   * κ·2⁻⁵²: about the relative error of H⁻¹Φ, and of Φ'H⁻¹Φ. The entries of H are sums, right to about one rounding, and nothing that is
   * done with them later gives back what that rounding took.
   */
  readonly error: number;
  /** The parameters that the rows hardly tell apart. */
  readonly parameters: readonly string[];
}

/** Results are shown to three digits; beyond this error, too few are left beyond them. */
const LARGEST_ERROR = 1e-6;

/** With pivots no smaller than this H is far from singular. */
const SOUND_PIVOT = 1e-6;

/** Of the direction that H shortens most, entries this large beside the largest name what is hardly told apart. */
const NAMED_SHARE = 0.1;

/** null where fewer digits are lost, and for a singular H, whose pseudo-inverse leaves out what the rows do not tell. */
export function nearSingularity({ hessian, inverse, model }: Fit): NearSingularity | null {
  if (inverse.method === "pseudo-inverse" || hessian.rows === 0) return null;
  const factor = inverse.factor ?? EquilibratedCholesky.factor(hessian);
  if (!(factor instanceof EquilibratedCholesky) || factor.smallestPivot() > SOUND_PIVOT) return null;
  const condition = factor.conditionEstimate();
  const error = condition * Number.EPSILON;
  if (error <= LARGEST_ERROR) return null;
  const weakest = factor.weakestDirection();
  return {
    condition,
    error,
    parameters: model.parameterNames.filter((_, j) => Math.abs(weakest[j]) >= NAMED_SHARE),
  };
}
