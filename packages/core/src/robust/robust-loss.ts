import type { Block, Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import type { ScoreModel } from "../models/score-model.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Threat } from "../threats/threat.js";

/**
 * How a robust loss was computed: "closed-form" row by row; "shared-budget", the best use of one budget for all rows; "reweighting",
 * the worst weights of the rows; "expansion", to second order in the radius.
 */
export type RobustLossMethod = "closed-form" | "shared-budget" | "reweighting" | "expansion";

/**
 * max_{‖δ⊘b‖_p ≤ ρ} ℓ(f(x+δ), y) for a score that is linear in x and so moves by at most `reach` = ρ‖b⊙β‖_q (MATH 10a): the
 * loss is convex in the score, so the worst case lies at an end.
 */
export function worstLoss(loss: Loss, f: number, y: number, reach: number): number {
  return loss.value(f + loss.worseEnd(f, y, reach) * reach, y);
}

/** Whether the inner maximum is in closed form: scores linear in x, no box. */
export function hasClosedForm({ map }: ScoreModel, threat: Threat): boolean {
  return map.sharedGradient && threat.settings.bounds === null;
}

const noRows = (m: number): Block => ({
  x: Matrix.zeros(0, m),
  y: new Float64Array(0),
  w: new Float64Array(0),
  firstRow: 0,
});

/** ‖b⊙β‖_q and its gradient in β, φ = b⊙φ_p(b⊙β) (m), for scores linear in x. */
export function dualNormOf(
  { map }: ScoreModel,
  threat: Threat,
  theta: Float64Array,
): { norm: number; direction: Float64Array } {
  const block = noRows(map.inputs);
  const base = map.inputGradients(theta, block.x);
  const { gain, base: phi } = threat.respond({ slope: Float64Array.of(1), base }, block);
  return { norm: gain[0], direction: phi.data };
}

/**
 * n: l_i + ρ g_i·φ_i + ½ρ² φ_i'L^{xx}_iφ_i at θ, each row's robust loss to second order in the radius, for models or threats
 * without a closed form. L^{xx} = ℓ''γγ' + ℓ'∇²_x f. Rows that share a budget move by ρω_i, ω their shares to first order (MATH 8).
 */
export async function expandedRobustLosses(
  model: ScoreModel,
  threat: Threat,
  data: Dataset,
  theta: Float64Array,
  radius: number,
  work?: Work,
): Promise<Float64Array> {
  const { map, loss } = model;
  const losses = new Float64Array(data.rows);
  const gains = new Float64Array(data.rows);
  const bends = new Float64Array(data.rows);
  await sweep(
    map,
    data,
    { theta: new Matrix(theta, theta.length, 1), phase: "robust loss" },
    ({ block, scores: { data: f } }) => {
      const { x, y, firstRow } = block;
      const slope = y.map((target, i) => loss.first(f[i], target));
      // Where ℓ' = 0 the loss rises with (γ·φ)² alone, whichever way.
      const direction = slope.map((s) => (s === 0 ? 1 : s));
      const { gain: reach, base: phi } = threat.respond(
        { slope: direction, base: map.inputGradients(theta, x) },
        block,
      );
      const bend = map.curvature(theta, x, phi);
      for (let i = 0; i < y.length; i++) {
        const gain = slope[i] === 0 ? 0 : reach[i];
        const along = reach[i] / direction[i];
        losses[firstRow + i] = loss.value(f[i], y[i]);
        gains[firstRow + i] = gain;
        bends[firstRow + i] = loss.second(f[i], y[i]) * along * along + (bend ? slope[i] * bend[i] : 0);
      }
    },
    work,
  );
  const omega = threat.shares?.(gains, data.weights).omega;
  return losses.map((value, i) => {
    const moved = omega ? radius * omega[i] : radius;
    return value + moved * gains[i] + 0.5 * moved * moved * bends[i];
  });
}

/** Σ w_i [l_i + ρ g_i·φ_i + ½ρ² φ_i'L^{xx}_iφ_i] at θ: the robust loss to second order in the radius (MATH 10b, 13). */
export async function expandedRobustLoss(
  model: ScoreModel,
  threat: Threat,
  data: Dataset,
  theta: Float64Array,
  radius: number,
  work?: Work,
): Promise<number> {
  const losses = await expandedRobustLosses(model, threat, data, theta, radius, work);
  return losses.reduce((sum, value, i) => sum + data.weights[i] * value, 0);
}
