import { conjugateLoss } from "../../models/conjugate-loss.js";
import { sweep } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { maximumMagnitude } from "../../threats/norms.js";
import type { SparseOptimum } from "./minimise.js";
import type { SparseProblem } from "./problem.js";

/** Σ w a v must vanish where nothing is penalised; what is left may be rounding of its terms only. */
const FEASIBLE = 1e-11;

/**
 * F(θ) − min F is at most this (the duality gap): with slopes a_i = tℓ'_i and G = Σ w a v,
 *
 *   min F ≥ −Σ wℓ*(a) − Σ_{P_j>0} (|G_j| − λ_j)₊² / (2P_j),   |G_j| ≤ λ_j wherever P_j = 0,
 *
 * and t ≤ 1 makes it so. Added up as terms that are ≥ 0 each, so that nothing cancels. Infinity where no slopes are feasible.
 */
export async function lassoGap(
  { model, data, ridge, penalties }: SparseProblem,
  { theta, smooth: { scores, gradient } }: SparseOptimum,
  work?: Work,
): Promise<number> {
  const { loss } = model;
  const { pull: sizes } = await sweep(
    model.map,
    data,
    { pull: 1, phase: "duality gap" },
    ({ block: { y, w, firstRow }, pull }) => {
      for (let i = 0; i < y.length; i++) pull.data[i] = w[i] * Math.abs(loss.first(scores[firstRow + i], y[i]));
    },
    work,
  );
  const slopes = gradient.map((g, j) => g - ridge[j] * theta[j]);
  let t = 1;
  slopes.forEach((G, j) => {
    if (ridge[j] === 0 && penalties[j] > 0) t = Math.min(t, penalties[j] / Math.abs(G));
  });
  let gap = 0;
  scores.forEach((f, i) => {
    const y = data.y[i];
    const a = t * loss.first(f, y);
    const term = loss.value(f, y) + conjugateLoss(loss.name, a, y) - a * f;
    gap += data.weights[i] * Math.max(0, term);
  });
  const span = maximumMagnitude(theta);
  slopes.forEach((slope, j) => {
    const G = t * slope;
    const [P, lambda, value] = [ridge[j], penalties[j], theta[j]];
    if (P === 0 && lambda === 0) {
      gap += Math.abs(G) > FEASIBLE * Math.abs(sizes.data[j]) ? Number.POSITIVE_INFINITY : Math.abs(G) * span;
      return;
    }
    const excess = P > 0 ? Math.max(0, Math.abs(G) - lambda) ** 2 / (2 * P) : 0;
    gap += Math.max(0, 0.5 * P * value * value + lambda * Math.abs(value) + G * value + excess);
  });
  return gap;
}
