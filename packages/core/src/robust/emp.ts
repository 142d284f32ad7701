import type { Dataset } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { transportOrder } from "../threats/wasserstein.js";
import { readParameters } from "./attack-checks.js";
import { allocate } from "./emp-allocation.js";
import { dualNormOf, hasClosedForm } from "./robust-loss.js";

/** The worst case of rows that move together, δ_i = signs_i · distances_i · direction. */
export interface EmpiricalWorstCase {
  /** Σ w_i ℓ(f(x_i + δ_i), y_i), without the ridge. */
  readonly loss: number;
  /** No perturbation within the budget reaches more than this. */
  readonly upper: number;
  /** Whether `upper` and `loss` agree to a relative 1e-12: else `loss` is a lower bound. */
  readonly exact: boolean;
  /** n: t_i = ‖δ_i ⊘ b‖_p, (Σ w t^u)^{1/u} = ρ. */
  readonly distances: Float64Array;
  /** n: ±1, whether the row's score rises or falls. */
  readonly signs: Int8Array;
  /** m: b ⊙ φ_p(b ⊙ β), the same for every row. */
  readonly direction: Float64Array;
}

const EXACT = 1e-12;

/**
 * The empirical problem of the Wasserstein adversary (MATH 8): max Σ w_i l(θ, x_i + δ_i, y_i) over (Σ w_i ‖δ_i ⊘ b‖_p^u)^{1/u} ≤ ρ, for
 * scores linear in x, where it only matters how far each row moves (see `allocate` for the closed forms and the solver).
 * @param threat the adversary of a single row, without bounds. @param u 1 ≤ u ≤ ∞. @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`.
 * @throws usage: scores not linear in x, a box, a bad u or radius. numerical: a worst case that overflows.
 */
export async function empiricalWorstCase(
  model: ScoreModel,
  data: Dataset,
  parameters: ArrayLike<number>,
  described: AnyThreat,
  u: number,
  radius: number,
  work?: Work,
): Promise<EmpiricalWorstCase> {
  const threat = threatOn(described, model.map.inputs);
  const theta = readParameters(parameters, model.map.count);
  checkTransport(model, threat, u, radius);
  await ensureBlas();
  const { norm, direction } = dualNormOf(model, threat, theta);
  const scores = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(theta), phase: "worst case" },
    (rows) => scores.set(rows.scores.data, rows.block.firstRow),
    work,
  );
  const reach = radius * norm;
  const { alpha, value, upper } = allocate(model.loss, scores, data.y, data.weights, reach, u);
  return {
    loss: value,
    upper,
    exact: upper - value <= EXACT * Math.abs(upper),
    distances: alpha.map((a) => radius * a),
    signs: Int8Array.from(scores, (f, i) => model.loss.worseEnd(f, data.y[i], reach * alpha[i])),
    direction,
  };
}

/** @throws usage: what the transport problem is not solved for. */
export function checkTransport(model: ScoreModel, threat: Threat, u: number, radius: number): void {
  transportOrder(u);
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
  if (!hasClosedForm(model, threat)) {
    throw usageError(
      "The exact Wasserstein worst case needs a score that is linear in the features and an adversary without bounds: leave the bounds out, or use a linear, logistic or Poisson model.",
    );
  }
}
