import type { Loss } from "../models/losses.js";
import type { Threat } from "../threats/threat.js";
import { allocate } from "./emp-allocation.js";
import { worstReweighting } from "./reweighting.js";

/** The worst case of an adversary that attacks all rows together, and its derivatives (Danskin's). */
export interface JointWorstCase {
  /** V: the worst mean loss, without the ridge. */
  readonly value: number;
  /** n: what each row loses in it; Σ w losses = V. Rows that are given other weights count with w'_i/w_i. */
  readonly losses: Float64Array;
  /** n: V + the influence of row i on V; Σ w terms = V. What the rows' losses are to a plain mean, for standard errors. */
  readonly terms: Float64Array;
  /** n: ∂V/∂f_i */
  readonly slopes: Float64Array;
  /** ∂V/∂R, R = ρN; 0 where no row moves. */
  readonly push: number;
  /** n: the scores of the moved rows. */
  readonly scores: Float64Array;
}

/** Whether the adversary attacks all rows together: they share a budget, or their weights. */
export const isJoint = ({ shares, tilt }: Threat): boolean => shares !== undefined || tilt !== undefined;

/** Whether the worst case of rows attacked together is known exactly: any losses where weights change, else linear scores without a box. */
export const hasJointWorstCase = (sharedGradient: boolean, { settings, tilt, shares }: Threat): boolean =>
  tilt !== undefined || (shares !== undefined && sharedGradient && settings.bounds === null);

/**
 * The worst case of rows with scores f: (Σ w_i‖δ_i ⊘ b‖_p^u)^{1/u} ≤ ρ moves the scores by up to ρN (MATH 8), a divergence reweights
 * the losses (MATH 13).
 * @param dualNorm N = ‖b⊙β‖_q; not looked at where no row moves. @param w n, summing to 1.
 */
export function jointWorstCase(
  loss: Loss,
  { settings: { order, divergence } }: Threat,
  { scores, y, w }: { readonly scores: Float64Array; readonly y: Float64Array; readonly w: Float64Array },
  radius: number,
  dualNorm: number,
): JointWorstCase {
  if (divergence !== undefined) {
    const still = scores.map((f, i) => loss.value(f, y[i]));
    const { value, weights, terms } = worstReweighting(divergence, still, w, radius);
    return {
      value,
      losses: still.map((l, i) => (w[i] > 0 ? (weights[i] / w[i]) * l : l)),
      terms,
      slopes: scores.map((f, i) => weights[i] * loss.first(f, y[i])),
      push: 0,
      scores,
    };
  }
  const u = order ?? Number.POSITIVE_INFINITY;
  const R = radius * dualNorm;
  const { alpha, value } = allocate(loss, scores, y, w, R, u);
  const sides = scores.map((f, i) => loss.worseEnd(f, y[i], R * alpha[i]));
  const moved = scores.map((f, i) => f + sides[i] * R * alpha[i]);
  const losses = moved.map((f, i) => loss.value(f, y[i]));
  const slopes = moved.map((f, i) => w[i] * loss.first(f, y[i]));
  let push = 0;
  slopes.forEach((slope, i) => (push += sides[i] * alpha[i] * slope));
  return { value, losses, terms: transportTerms(losses, alpha, push * R, u), slopes, push, scores: moved };
}

/** V = min_ν Σ w sup_α(g − να^u) + ν, so that row i counts with g_i(α_i) + ν(1 − α_i^u); ν = Σ w αg'(α)/u. One row alone has no such form. */
function transportTerms(losses: Float64Array, alpha: Float64Array, spent: number, u: number): Float64Array {
  if (u === 1 || !Number.isFinite(u)) return losses;
  const price = spent / u;
  return losses.map((loss, i) => loss + price * (1 - alpha[i] ** u));
}
