import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { equalLossRadius } from "../robust/equal-loss-radius.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { type Fit, fitFree } from "../solvers/fit.js";
import { softThreshold } from "../solvers/lasso/coordinate-descent.js";
import { lassoFree } from "../solvers/lasso/lasso.js";
import { dualExponent, norm } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import type { Influence } from "./aif.js";

/**
 * The ε from which on robust training gives up every attacked feature (β_ε = 0, MATH 10a):
 * ε_max = ‖(Σ w ℓ'_i x_i) ⊘ b‖_p / (c Σ w |ℓ'_i|), ℓ' at the fit on the intercept and the frozen features alone.
 * With an l1 penalty, which gives them up sooner, every Σ w ℓ'_i x_ij is first moved towards 0 by λ.
 * Rows that share a budget of order u have (Σ w |ℓ'|^{u*})^{1/u*} for Σ w |ℓ'|.
 * Where rows are reweighted: from where θ = 0 is optimal, since it makes all losses the same (`equalLossRadius`).
 * null where scores are not linear in x with coefficients of their own, the adversary lives in a box, or losses at θ = 0 differ.
 */
export async function collapseRadius({ fit, threat, scale }: Influence, work?: Work): Promise<number | null> {
  const { model, data } = fit;
  if (threat.settings.divergence !== undefined) {
    const radius = fit.sparse ? Infinity : await equalLossRadius(fit, threat.settings.divergence, work);
    return Number.isFinite(radius) ? radius : null;
  }
  if (!hasCollapse(fit, threat)) return null;
  const free = unattacked(fit, threat);
  const scores = fit.sparse ? (await lassoFree(fit, free, work)).scores : await fitFree(fit, free, work);
  const slopes = new Float64Array(data.rows);
  const dual = dualExponent(threat.settings.order ?? Number.POSITIVE_INFINITY);
  const { pull } = await sweep(
    model.map,
    data,
    { pull: 1, phase: "collapse radius" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const slope = model.loss.first(scores[firstRow + i], y[i]);
        slopes[firstRow + i] = w[i] > 0 ? w[i] ** (1 / dual) * slope : 0;
        omega.data[i] = w[i] * slope;
      }
    },
    work,
  );
  return collapseFrom(fit, threat, scale, pull.data, norm(slopes, dual));
}

/** Whether robust training ever gives up the attacked features as far as is known: scores linear in x, coefficients of their own. */
export const hasCollapse = ({ model }: Pick<Fit, "model">, threat: Threat): boolean =>
  hasClosedForm(model, threat) && model.map.ownCoefficients;

/** d: 1 for the intercept and the coefficients of frozen features, which stay when all others are given up. */
export function unattacked({ model: { map } }: Pick<Fit, "model">, { settings: { budgets } }: Threat): Uint8Array {
  const first = map.intercept ? 1 : 0;
  return Uint8Array.from({ length: map.count }, (_, j) => (j < first || budgets[j - first] === 0 ? 1 : 0));
}

/** @param pull Σ wℓ'v (d) where the attacked features are given up @param slopeSizes (Σ w |ℓ'|^{u*})^{1/u*} there */
export function collapseFrom(
  { model: { map }, sparse }: Pick<Fit, "model" | "sparse">,
  { settings: { budgets, p } }: Threat,
  scale: number,
  pull: Float64Array,
  slopeSizes: number,
): number | null {
  if (slopeSizes === 0 || scale === 0) return null;
  const first = map.intercept ? 1 : 0;
  const l1 = sparse?.l1 ?? 0;
  const attacked = Float64Array.from(budgets, (b, k) => (b > 0 ? softThreshold(pull[first + k], l1) / b : 0));
  return norm(attacked, p) / (scale * slopeSizes);
}
