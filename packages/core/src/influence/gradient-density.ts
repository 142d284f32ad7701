import { Matrix } from "../linalg/matrix.js";
import { addWeightedGram } from "../models/feature-map.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import type { Sampling } from "./sampling.js";

/** The standard normal density. */
export const gaussian = (t: number): number => Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI);

/** n_eff^{−1/5}, the rate of a kernel bandwidth: n_eff = 1/Σw² rows, or N units where weights count them (MATH 14.8). */
export function bandwidthRate(weights: Float64Array, { weightsKind, totalWeight }: Partial<Sampling> = {}): number {
  if (weightsKind === "frequency" && totalWeight !== undefined) return totalWeight ** -0.2;
  let squares = 0;
  for (const w of weights) squares += w * w;
  return squares ** 0.2;
}

/** Weighted standard deviation, ddof 0. */
export function deviation(values: Float64Array, weights: Float64Array): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += weights[i] * values[i];
  let square = 0;
  for (let i = 0; i < values.length; i++) square += weights[i] * (values[i] - mean) ** 2;
  return Math.sqrt(square);
}

/** Adds a block's density terms to the lower triangle of `out`, given γ (r×m) and c w_i |ℓ'_i|. */
export type CornerTerms = (x: Matrix, gamma: Matrix, weights: Float64Array, out: Matrix) => void;

/**
 * The density terms of bases whose input gradients differ by row (MATH 3): at p = ∞ Σ w|ℓ'| Σ_k 2b_k K_{h_k}(γ_ik) V_kV_k',
 * h_k = 1.06 sd(γ_·k) n^{−1/5}; at p = 1 Σ w|ℓ'| K_h(gap_i) aa' with a = s_1b_1V_1 − s_2b_2V_2 over the two largest b_k|γ_ik|,
 * h = 1.06 √(Σw gap²) n^{−1/5}. null for other p: their penalty has no such corners.
 */
export async function gradientDensity(attack: Influence, rate: number, work?: Work): Promise<CornerTerms | null> {
  const { p, budgets } = attack.threat.settings;
  if (p === Infinity) return coordinateCorners(attack, budgets, rate, work);
  return p === 1 ? gapCorners(attack, budgets, rate, work) : null;
}

async function coordinateCorners(
  { fit }: Influence,
  budgets: Float64Array,
  rate: number,
  work?: Work,
): Promise<CornerTerms> {
  const { model, data, parameters } = fit;
  const { map } = model;
  const m = map.inputs;
  const all = Array.from({ length: m }, () => new Float64Array(data.rows));
  await sweep(
    map,
    data,
    { phase: "inference" },
    ({ block: { x, firstRow } }) => {
      const gamma = map.inputGradients(parameters, x);
      for (let i = 0; i < x.rows; i++) for (let k = 0; k < m; k++) all[k][firstRow + i] = gamma.data[i * m + k];
    },
    work,
  );
  const widths = all.map((values) => 1.06 * deviation(values, data.weights) * rate);
  return (x, gamma, weights, out) => {
    const diagonals = Matrix.zeros(gamma.rows, m);
    for (let i = 0; i < gamma.rows; i++) {
      for (let k = 0; k < m; k++) {
        const h = widths[k];
        diagonals.data[i * m + k] = h > 0 ? (2 * budgets[k] * gaussian(gamma.data[i * m + k] / h)) / h : 0;
      }
    }
    map.addJacobianGram(x, diagonals, weights, out);
  };
}

async function gapCorners(
  { fit }: Influence,
  budgets: Float64Array,
  rate: number,
  work?: Work,
): Promise<CornerTerms | null> {
  const { model, data, parameters } = fit;
  const { map } = model;
  let squares = 0;
  await sweep(
    map,
    data,
    { phase: "inference" },
    ({ block: { x, w } }) => {
      const gamma = map.inputGradients(parameters, x);
      for (let i = 0; i < x.rows; i++) squares += w[i] * twoLargest(gamma.row(i), budgets).gap ** 2;
    },
    work,
  );
  const h = 1.06 * Math.sqrt(squares) * rate;
  if (!(h > 0)) return null;
  return (x, gamma, weights, out) => {
    const difference = Matrix.zeros(x.rows, map.inputs);
    const omega = weights.map((weight, i) => {
      const { first, second, gap } = twoLargest(gamma.row(i), budgets);
      if (second < 0) return 0;
      const row = difference.row(i);
      row[first] = Math.sign(gamma.row(i)[first]) * budgets[first];
      row[second] = -Math.sign(gamma.row(i)[second]) * budgets[second];
      return (weight * gaussian(gap / h)) / h;
    });
    addWeightedGram(map.jacobianTimes(x, difference), omega, out.data, map.count);
  };
}

/** The two largest b_k|γ_k| over attacked coordinates and their distance; `second` is −1 when there is only one. */
export function twoLargest(gamma: Float64Array, budgets: Float64Array): { first: number; second: number; gap: number } {
  let [first, second] = [-1, -1];
  const size = (k: number): number => (k < 0 ? -1 : budgets[k] * Math.abs(gamma[k]));
  for (let k = 0; k < gamma.length; k++) {
    if (budgets[k] === 0) continue;
    if (size(k) > size(first)) [first, second] = [k, first];
    else if (size(k) > size(second)) second = k;
  }
  return { first, second, gap: second < 0 ? 0 : size(first) - size(second) };
}
