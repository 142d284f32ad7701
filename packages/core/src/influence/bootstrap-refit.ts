import { AifError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import { fit } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { type Influence, influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import { reweighted } from "./reweighted.js";

/** What one draw of a bootstrap gives under one threat. */
export interface DrawnInfluence {
  /** I_b (d) */
  readonly influence: Float64Array;
  /** c_b */
  readonly scale: number;
  /** ½I_b'H_{L,b}I_b */
  readonly sensitivity: number;
}

export interface Drawn {
  /** θ̂_b (d) */
  readonly parameters: Float64Array;
  /** One for each threat. */
  readonly attacks: readonly DrawnInfluence[];
}

/**
 * One draw by a whole fit and AIF on the rows with positive weight, kinks resolved as there; null where the draw has no
 * estimate: no minimum, no AIF, or directions left open that the whole data determine.
 * @param weights n, summing to 1 (or all 0: no estimate).
 */
export async function refitDraw(
  attacks: readonly Influence[],
  weights: Float64Array,
  start: Float64Array,
  relativeRadius: boolean,
  work: Work,
): Promise<Drawn | null> {
  const { model, data, l2, inverse } = attacks[0].fit;
  const rows = Int32Array.from([...weights.keys()].filter((i) => weights[i] > 0));
  if (rows.length === 0) return null;
  const { signal } = work;
  const drawn = reweighted(
    data.select(rows),
    Float64Array.from(rows, (i) => weights[i]),
  );
  try {
    const own = await fit(() => model, drawn, { l2, start, signal });
    if (own.inverse.rank < inverse.rank) return null;
    const found: DrawnInfluence[] = [];
    for (const attack of attacks) {
      found.push(drawnInfluence(attack, await influence(own, () => attack.threat, { signal }), relativeRadius));
    }
    return { parameters: own.parameters, attacks: found };
  } catch (error) {
    if (error instanceof AifError && (error.code === "numerical" || error.code === "input")) return null;
    throw error;
  }
}

/** What the AIF of a draw says beside that of all rows: with an absolute radius c stays as it is. */
export function drawnInfluence(whole: Influence, again: Influence, relativeRadius: boolean): DrawnInfluence {
  const factor = relativeRadius || again.scale === 0 ? 1 : whole.scale / again.scale;
  const I = again.influence.map((value) => factor * value);
  return {
    influence: I,
    scale: factor * again.scale,
    sensitivity: 0.5 * dot(I, naturalHessianTimes(again.fit, I)),
  };
}
