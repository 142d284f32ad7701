import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { BOUNDARY } from "../solvers/lasso/lasso.js";
import type { Influence } from "./aif.js";

/** The first change of the set of parameters that an l1 penalty leaves non-zero, along θ̂ + εI. */
export interface SupportChange {
  readonly epsilon: number;
  /** Index of the parameter. */
  readonly parameter: number;
  /** "leaves": it reaches 0. "enters": its gradient reaches λ. */
  readonly kind: "leaves" | "enters";
}

/**
 * The smallest ε > 0 at which the set or its signs change along θ̂ + εI: where θ̂_j + εI_j = 0, or where the gradient of the robust
 * risk at a zero, ∂_jL + ε(HI + Φ)_j to first order, reaches λ (p = ∞: λ + εcb_jΣw|ℓ'|, since the adversary holds zeros too).
 * null without an l1 penalty, or where nothing ever changes.
 * @param shifts n: v_i'I, from `scoreShifts`.
 */
export async function supportChange(
  attack: Influence,
  shifts: Float64Array,
  work?: Work,
): Promise<SupportChange | null> {
  const { fit, influence: I, penaltyGradient: Phi, threat, scale, pull } = attack;
  const { sparse, model, data, parameters, gradient, scores } = fit;
  if (!sparse) return null;
  const { map, loss } = model;
  const { pull: motion } = await sweep(
    map,
    data,
    { pull: 1, phase: "kinks" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        omega.data[i] = w[i] * loss.second(scores[row], y[i]) * shifts[row];
      }
    },
    work,
  );
  const { p, budgets } = threat.settings;
  const first = map.intercept ? 1 : 0;
  const total = pull.onJacobian.reduce((sum, value) => sum + value, 0);
  const held = (j: number): number => (p === Infinity && pull.shared ? scale * budgets[j - first] * total : 0);
  const mayRespond = new Set(sparse.support);
  let earliest: SupportChange | null = null;
  const consider = (epsilon: number, parameter: number, kind: SupportChange["kind"]): void => {
    if (epsilon > 0 && epsilon < (earliest?.epsilon ?? Infinity)) earliest = { epsilon, parameter, kind };
  };
  for (let j = first; j < I.length; j++) {
    if (parameters[j] !== 0) consider(-parameters[j] / I[j], j, "leaves");
    if (mayRespond.has(j)) continue;
    for (const side of [1, -1]) {
      const slack = sparse.l1 - side * gradient[j];
      const speed = side * (motion.data[j] + Phi[j]) - held(j);
      if (slack > BOUNDARY * sparse.l1) consider(slack / speed, j, "enters");
    }
  }
  return earliest;
}
