import { lossBends } from "../models/loss-rows.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import { leverages } from "./leverage.js";
import type { Sampling } from "./sampling.js";

/**
 * What leverage does to the parts of IF_i that are residuals of the fit, α_iv_i − Qℓ'_iv_i (MATH 14.5): "hc2" divides them by
 * √(1 − h_i), "hc3" by 1 − h_i. "centred" is "hc2" for intervals whose centre is freed of its bias of order d/n
 * (`leverageBias`): that takes (1 − h_i)^½ off the part of Î that goes through Σ wℓ'Vφ, so this part of α_i stays as it is.
 */
export type Leverage = "none" | "hc2" | "hc3" | "centred";

/**
 * IF_i = −H⁻¹{α_i v_i + β_i V_iφ_i + s_i Φ − Q ℓ'_i v_i + const}: the n numbers of each kind.
 * α_i = c ℓ''_i γ_i·φ_i + ℓ''_i v_i'I, β_i = c ℓ'_i sgn_i, s_i = ‖x_i‖/c − 1 (0 for absolute sizes).
 */
export interface RowScalars {
  readonly onFeatures: Float64Array;
  readonly onJacobian: Float64Array;
  readonly size: Float64Array;
  readonly slope: Float64Array;
}

export function rowScalars(attack: Influence, shifts: Float64Array, relative: boolean): RowScalars {
  const { fit, pull, scale, rowScales } = attack;
  const { data, scores, model } = fit;
  const n = data.rows;
  const [onFeatures, onJacobian, size, slope] = Array.from({ length: 4 }, () => new Float64Array(n));
  lossBends(model.loss, scores, data.y, slope, onFeatures);
  for (let i = 0; i < n; i++) {
    const perUnit = data.weights[i] > 0 ? scale / data.weights[i] : 0;
    onFeatures[i] = perUnit * pull.onFeatures[i] + onFeatures[i] * shifts[i];
    onJacobian[i] = perUnit * pull.onJacobian[i];
    if (relative) size[i] = rowScales[i] / scale - 1;
  }
  return { onFeatures, onJacobian, size, slope };
}

const POWER: Readonly<Record<Leverage, number>> = { none: 0, hc2: 0.5, hc3: 1, centred: 0.5 };

/**
 * The same with what is residual divided by (1 − h_i)^a.
 * @param forms n: v_i'H⁻¹v_i
 * @param throughFeatures of all rows, where these are a part of them: `featurePull`.
 */
export async function withLeverage(
  attack: Influence,
  shifts: Float64Array,
  rows: RowScalars,
  forms: Float64Array,
  leverage: Leverage,
  { weightsKind, totalWeight }: Partial<Sampling>,
  work: Work,
  throughFeatures?: Float64Array,
): Promise<RowScalars> {
  const unit = weightsKind === "frequency" ? 1 / (totalWeight ?? attack.fit.data.rows) : null;
  const factors = leverages(attack, forms, unit).map((h) => (1 - h) ** -POWER[leverage]);
  const kept = leverage === "centred" ? await throughJacobian(attack, shifts, work, throughFeatures) : null;
  return {
    ...rows,
    onFeatures: rows.onFeatures.map((value, i) => factors[i] * value + (kept ? (1 - factors[i]) * kept[i] : 0)),
    slope: rows.slope.map((value, i) => factors[i] * value),
  };
}

/** ℓ''_i v_i'I₂ (n) with I₂ = −H⁻¹ c Σ wℓ'sgn V φ, the part of I that does not go through ℓ''. */
async function throughJacobian(
  attack: Influence,
  shifts: Float64Array,
  work: Work,
  throughFeatures?: Float64Array,
): Promise<Float64Array> {
  const { fit, scale } = attack;
  const { model, data, scores } = fit;
  const sum = throughFeatures ?? (await featurePull(attack, work));
  const first = fit.inverse.solve(sum.map((value) => -scale * value));
  const out = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(first), phase: "leverages" },
    ({ block: { firstRow, y }, scores: own }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        out[row] = model.loss.second(scores[row], y[i]) * (shifts[row] - own.data[i]);
      }
    },
    work,
  );
  return out;
}

/** Σ w ℓ''γ·φ v (d): the part of Φ/c that goes through ℓ''. */
async function featurePull({ fit, pull }: Influence, work: Work): Promise<Float64Array> {
  const { pull: sum } = await sweep(
    fit.model.map,
    fit.data,
    { pull: 1, phase: "leverages" },
    ({ block: { firstRow }, pull: omega }) => {
      omega.data.set(pull.onFeatures.subarray(firstRow, firstRow + omega.rows));
    },
    work,
  );
  return sum.data;
}
