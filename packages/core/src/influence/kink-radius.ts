import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { SNAP } from "./kinks.js";
import { usedBudgets } from "./response.js";
import { type SupportChange, supportChange } from "./support-change.js";

/** Where corners of A lie along θ̂ + εI (MATH 1.2): the first ε > 0, Infinity where there is none. */
export interface KinkRadii {
  /** n: where the row's residual changes sign. */
  readonly residuals: Float64Array;
  /** n: where the row's own γ_ik changes sign (p = ∞) or its arg-max switches (p = 1); null when all rows share γ. */
  readonly gradients: Float64Array | null;
  /** The same for the γ that all rows share, else Infinity. */
  readonly shared: number;
  /** Where a feature enters or leaves a lasso; null without an l1 penalty. */
  readonly support: SupportChange | null;
}

/**
 * Rows that share a budget have no corner where their own residual is 0, but at u = 1 one where another row's gain overtakes the
 * largest (to first order; followed where all rows share γ). Rows that are reweighted have none.
 * @param shifts n: v_i'I, from `scoreShifts`.
 */
export async function kinkRadii(attack: Influence, shifts: Float64Array, work?: Work): Promise<KinkRadii> {
  const { fit, threat, influence: I } = attack;
  const { model, data, scores, parameters } = fit;
  const { p, order } = threat.settings;
  const stuck = new Set(attack.multipliers?.residuals.map(({ row }) => row));
  const residuals = scores.map((f, i) => {
    if (isJoint(threat)) return Number.POSITIVE_INFINITY;
    const gap = model.loss.kink(data.y[i]) - f;
    // A row that sits on its kink has no crossing ahead of it.
    return stuck.has(i) ? Number.POSITIVE_INFINITY : firstCrossing(gap, shifts[i]);
  });
  const support = await supportChange(attack, shifts, work);
  const used = usedBudgets(fit, threat);
  const overtaken =
    order === 1 && model.map.sharedGradient ? overtakingRadius(attack, shifts) : Number.POSITIVE_INFINITY;
  if (p !== 1 && p !== Infinity) return { residuals, gradients: null, shared: overtaken, support };
  const crossing = p === 1 ? firstSwitch : firstZero;
  if (model.map.sharedGradient) {
    const none = Matrix.zeros(0, model.map.inputs);
    const shared = crossing(
      model.map.inputGradients(parameters, none).data,
      model.map.inputGradients(I, none).data,
      used,
    );
    return { residuals, gradients: null, shared: Math.min(shared, overtaken), support };
  }
  const gradients = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(I), phase: "kinks" },
    ({ block: { x, firstRow } }) => {
      const gamma = model.map.inputGradients(parameters, x);
      const motion = model.map.inputGradients(I, x);
      for (let i = 0; i < x.rows; i++) gradients[firstRow + i] = crossing(gamma.row(i), motion.row(i), used);
    },
    work,
  );
  return { residuals, gradients, shared: Number.POSITIVE_INFINITY, support };
}

/** u = 1: the first ε at which another row's |ℓ'| overtakes the largest, |ℓ'| followed to first order. */
function overtakingRadius({ fit: { model, data }, pull: { slopes }, fit }: Influence, shifts: Float64Array): number {
  const sizes = slopes.map((slope, i) => (data.weights[i] > 0 ? Math.abs(slope) : 0));
  const rates = slopes.map((slope, i) => Math.sign(slope) * model.loss.second(fit.scores[i], data.y[i]) * shifts[i]);
  const top = sizes.reduce((best, size, i) => (size > sizes[best] ? i : best), 0);
  let first = Number.POSITIVE_INFINITY;
  sizes.forEach((size, i) => {
    const gap = sizes[top] - size;
    if (gap > SNAP * sizes[top] && data.weights[i] > 0)
      first = Math.min(first, firstCrossing(gap, rates[i] - rates[top]));
  });
  return first;
}

/** The kink radius: the smallest ε at which anything happens; null when nothing ever does. */
export function kinkRadius({ residuals, gradients, shared, support }: KinkRadii): number | null {
  const smallest = Math.min(
    shared,
    support?.epsilon ?? Number.POSITIVE_INFINITY,
    minimum(residuals),
    gradients ? minimum(gradients) : Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(smallest) ? smallest : null;
}

/** Share of the rows (by weight) whose residual, γ coordinate or arg-max changes between θ̂ and θ̂ + εI (MATH 14.11). */
export function kinkFraction(
  { residuals, gradients, shared }: KinkRadii,
  weights: Float64Array,
  epsilon: number,
): number {
  if (shared < epsilon) return 1;
  let share = 0;
  for (let i = 0; i < weights.length; i++) {
    if (residuals[i] < epsilon || (gradients !== null && gradients[i] < epsilon)) share += weights[i];
  }
  return Math.min(1, share);
}

/** Share of the rows (by weight) whose residual changes sign between θ̂ and θ̂ + εI. */
export function residualFraction({ residuals }: KinkRadii, weights: Float64Array, epsilon: number): number {
  let share = 0;
  for (let i = 0; i < weights.length; i++) if (residuals[i] < epsilon) share += weights[i];
  return Math.min(1, share);
}

/** The ε > 0 with gap = ε·speed, or Infinity. */
function firstCrossing(gap: number, speed: number): number {
  const epsilon = gap / speed;
  return epsilon > 0 && Number.isFinite(epsilon) ? epsilon : Number.POSITIVE_INFINITY;
}

/** p = ∞: the first sign change of an attacked coordinate that is not zero to begin with. */
function firstZero(gamma: Float64Array, motion: Float64Array, budgets: Float64Array): number {
  const tiny = SNAP * maximumMagnitude(gamma);
  let first = Number.POSITIVE_INFINITY;
  for (let k = 0; k < gamma.length; k++) {
    if (budgets[k] > 0 && Math.abs(gamma[k]) > tiny) first = Math.min(first, firstCrossing(-gamma[k], motion[k]));
  }
  return first;
}

/** p = 1: the first ε at which another ±b_kγ_k overtakes the largest; of those that are tied for it the fastest leads. */
function firstSwitch(gamma: Float64Array, motion: Float64Array, budgets: Float64Array): number {
  let [top, lead, first] = [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let k = 0; k < gamma.length; k++) top = Math.max(top, budgets[k] * Math.abs(gamma[k]));
  const behind = (k: number, side: number): number => top - side * budgets[k] * gamma[k];
  for (const side of [-1, 1]) {
    for (let k = 0; k < gamma.length; k++) {
      if (behind(k, side) <= SNAP * top) lead = Math.max(lead, side * budgets[k] * motion[k]);
    }
  }
  // What is frozen stays at 0, where the other end of the leader meets it.
  for (const side of [-1, 1]) {
    for (let k = 0; k < gamma.length; k++) {
      const gap = behind(k, side);
      if (gap > SNAP * top) first = Math.min(first, firstCrossing(gap, side * budgets[k] * motion[k] - lead));
    }
  }
  return first;
}

function minimum(values: Float64Array): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const value of values) if (value < smallest) smallest = value;
  return smallest;
}
