import type { Dataset } from "../data/dataset.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { type AnyThreat, threatOn } from "./threat-on.js";

/**
 * c = Σ w_i ‖x_i ⊘ b‖_p over attacked features, the scale of an influence (MATH 0): the radius ρ of exact optima, attacks and
 * training is ε·c, in the units of the features; c = Σ w where the adversary's radius is absolute.
 * @throws usage: a threat for another number of features.
 */
export async function radiusScale(data: Dataset, threat: AnyThreat, work: Work = {}): Promise<number> {
  const adversary = threatOn(threat, data.features.length);
  const slices = timeSlices(work);
  let scale = 0;
  for (const block of data.blocks()) {
    const sizes = adversary.rowScales(block);
    for (let i = 0; i < sizes.length; i++) scale += block.w[i] * sizes[i];
    const done = block.firstRow + sizes.length;
    if (slices.due()) await slices.pause({ phase: "radius scale", done, total: data.rows });
  }
  return scale;
}
