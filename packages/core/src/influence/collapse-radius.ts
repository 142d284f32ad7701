import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { fitFree } from "../solvers/fit.js";
import { softThreshold } from "../solvers/lasso/feature-sign.js";
import { lassoFree } from "../solvers/lasso/lasso.js";
import { norm } from "../threats/norms.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import type { Influence } from "./aif.js";

/**
 * The ε from which on robust training gives up every attacked feature (β_ε = 0, MATH 10a):
 * ε_max = ‖(Σ w ℓ'_i x_i) ⊘ b‖_p / (c Σ w |ℓ'_i|), ℓ' at the fit on the intercept and the frozen features alone.
 * With an l1 penalty, which gives them up sooner, every Σ w ℓ'_i x_ij is first moved towards 0 by λ.
 * null where scores are not linear in x with coefficients of their own, or the adversary lives in a box.
 */
export async function collapseRadius({ fit, threat, scale }: Influence, work?: Work): Promise<number | null> {
  requirePointwise(threat, "The collapse radius is");
  const { model, data } = fit;
  if (!hasClosedForm(model, threat) || !model.map.ownCoefficients) return null;
  const { budgets, p } = threat.settings;
  const first = model.map.intercept ? 1 : 0;
  const free = Uint8Array.from({ length: model.map.count }, (_, j) => (j < first || budgets[j - first] === 0 ? 1 : 0));
  const scores = fit.sparse ? (await lassoFree(fit, free, work)).scores : await fitFree(fit, free, work);
  let slopeSizes = 0;
  const { pull } = await sweep(
    model.map,
    data,
    { pull: 1, phase: "collapse radius" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const slope = model.loss.first(scores[firstRow + i], y[i]);
        slopeSizes += w[i] * Math.abs(slope);
        omega.data[i] = w[i] * slope;
      }
    },
    work,
  );
  if (slopeSizes === 0 || scale === 0) return null;
  const l1 = fit.sparse?.l1 ?? 0;
  const attacked = Float64Array.from(budgets, (b, k) => (b > 0 ? softThreshold(pull.data[first + k], l1) / b : 0));
  return norm(attacked, p) / (scale * slopeSizes);
}
