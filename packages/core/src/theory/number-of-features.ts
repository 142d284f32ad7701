import { usageError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import { meanNormalLength } from "../stats/gamma-ratio.js";
import { dualDirection, type Exponent, norm } from "../threats/norms.js";
import { MEAN_ABSOLUTE_NORMAL } from "./normal-lengths.js";
import { dot, solveMoment } from "./quadratic-form.js";
import { lossFactor, type SquaredLoss } from "./squared-loss.js";

/** What Theorem 5.2 needs to know of a linear regression y = β'x + η. */
export interface LinearPopulation {
  /** β (m): the best linear prediction. */
  readonly beta: readonly number[];
  /** E|η| */
  readonly meanAbsoluteNoise: number;
  /** c = E‖x‖_p, or 1 for an absolute radius. */
  readonly scale: number;
  /** The p of the attack. */
  readonly norm: Exponent;
  readonly loss?: SquaredLoss;
}

/**
 * Theorem 5.2 (MATH 5): S/ε² = s c² (E|η|)² ‖φ_p(β)‖²/σ_x² where E[xx'] = σ_x²I and E[x sgn η] = 0, l = s r² (the paper's s is 1, its p 2).
 */
export function linearSensitivity({ sigmaX, ...population }: LinearPopulation & { readonly sigmaX: number }): number {
  const { beta, meanAbsoluteNoise, scale, norm: p, loss = "squared" } = population;
  const direction = new Float64Array(beta.length);
  dualDirection(Float64Array.from(beta), p, direction);
  return (lossFactor(loss) * (scale * meanAbsoluteNoise * norm(direction, 2)) ** 2) / sigmaX ** 2;
}

/**
 * Theorem 5.2 without its assumptions (MATH 5): S/ε² = s c² a'E[xx']⁻¹a, a = E|η| φ_p(β) − ‖β‖_q E[x sgn η].
 * @param secondMoment E[xx'] (m×m), the second moment, not the covariance. @param meanSigned E[x sgn η] (m).
 * @throws numerical: E[xx'] is singular.
 */
export function generalLinearSensitivity(
  { beta, meanAbsoluteNoise, scale, norm: p, loss = "squared" }: LinearPopulation,
  secondMoment: Matrix,
  meanSigned: readonly number[],
): number {
  const direction = new Float64Array(beta.length);
  const dual = dualDirection(Float64Array.from(beta), p, direction);
  const pull = direction.map((value, k) => meanAbsoluteNoise * value - dual * meanSigned[k]);
  return lossFactor(loss) * scale ** 2 * dot(pull, solveMoment(secondMoment, pull));
}

/**
 * How much of Ŝ at n rows is noise of Î, relative to S, for Gaussian x and noise, p = 2: m·SNR·(π/2 − 1)/n (MATH 2),
 * SNR = ‖β‖²σ_x²/σ_η².
 */
export const linearSensitivityBias = (features: number, rows: number, signalToNoise: number): number =>
  (features * signalToNoise * (Math.PI / 2 - 1)) / rows;

/** x ~ N(0, σ_x²I_M), y = β'x + ξ, ξ ~ N(0, σ_ξ²), and a linear regression on the first m features. */
export interface IncludedFeatures {
  /** m */
  readonly included: number;
  /** Σ_{j>m} β_j²; on average over β ~ N(0, I_M) it is M − m. */
  readonly omittedSquares: number;
  readonly sigmaX: number;
  readonly sigmaXi: number;
  readonly loss?: SquaredLoss;
}

/**
 * Corollary 5.1 corrected (MATH 5), p = 2: S/ε² = s (4/π) [Γ((m+1)/2)/Γ(m/2)]² (Σ_{j>m}β_j² σ_x² + σ_ξ²), c = E‖x‖ over the m
 * included features. The paper prints a factor 1/σ_x² more. Stable for any m.
 * @throws usage: m < 1, negative sizes.
 */
export function includedFeaturesSensitivity({
  included,
  omittedSquares,
  sigmaX,
  sigmaXi,
  loss = "squared",
}: IncludedFeatures): number {
  if (!(Number.isSafeInteger(included) && included >= 1))
    throw usageError(`The number of included features must be a whole number ≥ 1, got ${included}.`);
  if (!(omittedSquares >= 0 && sigmaX > 0 && sigmaXi >= 0))
    throw usageError("Σβ_j² and σ_ξ must not be negative, and σ_x must be above 0.");
  const c = sigmaX * meanNormalLength(included);
  const noise = omittedSquares * sigmaX ** 2 + sigmaXi ** 2;
  return (lossFactor(loss) * (c * MEAN_ABSOLUTE_NORMAL) ** 2 * noise) / sigmaX ** 2;
}
