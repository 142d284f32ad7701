import { normalMean } from "../stats/quadrature.js";
import { dualExponent } from "../threats/norms.js";
import { transportOrder, transportShares } from "../threats/wasserstein.js";
import { MEAN_ABSOLUTE_NORMAL } from "./normal-lengths.js";

/**
 * Theorem 6.1 corrected (MATH 8): how far each row moves for a Wasserstein-u adversary, ω_i = s_i^{u*−1}/(Σ w s^{u*})^{1/u}, so that
 * Φ_u = c Σ w_i ω_i G_iφ_i. The paper puts all mass on the row of largest gain, which is right at u = 1 only.
 * @param gains s_i = ‖∇_x l_i‖_q (n). @param weights w (n), Σw = 1. @throws usage: u < 1.
 */
export const distributionalWeights = (u: number, gains: Float64Array, weights: Float64Array): Float64Array =>
  transportOrder(u) === Number.POSITIVE_INFINITY
    ? Float64Array.from(gains, (gain) => (gain > 0 ? 1 : 0))
    : transportShares(u, gains, weights).omega;

/** The growth of the risk to first order under such weights, Σ w_i ω_i s_i: for the right ones (Σ w s^{u*})^{1/u*}. */
export const distributionalGrowth = (omega: Float64Array, gains: Float64Array, weights: Float64Array): number =>
  omega.reduce((sum, value, i) => sum + weights[i] * value * gains[i], 0);

/**
 * ‖I_u‖₂ in the population of a linear model with x ~ N(0, σ_x²I), normal noise, p = 2: c σ_η (E|z|^{u*})^{1/u*}/σ_x², for any scale
 * of a squared loss. It does not shrink with n, as the paper's remark after eq (8) says; at u = 1 it grows without bound.
 */
export function distributionalShift(u: number, scale: number, sigmaX: number, sigmaEta: number): number {
  const power = dualExponent(transportOrder(u));
  if (power === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const moment =
    power === 1
      ? MEAN_ABSOLUTE_NORMAL
      : normalMean((z, out) => {
          out[0] = Math.abs(z) ** power;
        }, 1)[0];
  return (scale * sigmaEta * moment ** (1 / power)) / sigmaX ** 2;
}
