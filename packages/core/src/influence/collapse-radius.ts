import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { equalLossRadius } from "../robust/equal-loss-radius.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { fitFree } from "../solvers/fit.js";
import { softThreshold } from "../solvers/lasso/feature-sign.js";
import { lassoFree } from "../solvers/lasso/lasso.js";
import { dualExponent, norm } from "../threats/norms.js";
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
  if (!hasClosedForm(model, threat) || !model.map.ownCoefficients) return null;
  const { budgets, p, order: u = Number.POSITIVE_INFINITY } = threat.settings;
  const dual = dualExponent(u);
  const first = model.map.intercept ? 1 : 0;
  const free = Uint8Array.from({ length: model.map.count }, (_, j) => (j < first || budgets[j - first] === 0 ? 1 : 0));
  const scores = fit.sparse ? (await lassoFree(fit, free, work)).scores : await fitFree(fit, free, work);
  const slopes = new Float64Array(data.rows);
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
  const slopeSizes = norm(slopes, dual);
  if (slopeSizes === 0 || scale === 0) return null;
  const l1 = fit.sparse?.l1 ?? 0;
  const attacked = Float64Array.from(budgets, (b, k) => (b > 0 ? softThreshold(pull.data[first + k], l1) / b : 0));
  return norm(attacked, p) / (scale * slopeSizes);
}
