import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type Influence, responseAt } from "./aif.js";

/**
 * The ε at which, under the first-order attack δ_i = εcφ_i at θ̂, the first row meets a bound (MATH 13: up to there the box does
 * not matter beyond what the influence knows); null without bounds or when no row ever does.
 */
export async function boundRadius(attack: Influence, work?: Work): Promise<number | null> {
  const { fit, threat, scale } = attack;
  const { bounds } = threat.settings;
  if (bounds === null) return null;
  const { model, data } = fit;
  let first = Number.POSITIVE_INFINITY;
  await sweep(
    model.map,
    data,
    { phase: "bounds" },
    ({ block }) => {
      const { x } = block;
      const { base: phi, sign } = responseAt(attack, block);
      for (let i = 0; i < x.rows; i++) {
        for (let k = 0; k < x.columns; k++) {
          const step = scale * sign[i] * phi.data[i * x.columns + k];
          if (step === 0) continue;
          const room = (step > 0 ? bounds.upper[k] : bounds.lower[k]) - x.data[i * x.columns + k];
          first = Math.min(first, room / step);
        }
      }
    },
    work,
  );
  return Number.isFinite(first) ? first : null;
}
