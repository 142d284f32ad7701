import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { addWeightedGram, type FeatureMap } from "../models/feature-map.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import type { Sampling } from "./sampling.js";

/** The standard normal density. */
export const gaussian = (t: number): number => Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI);

/** n_eff^{−1/5}, the rate of a kernel bandwidth: n_eff = 1/Σw² rows, or N units where weights count them (MATH 14.8). */
export const bandwidthRate = (weights: Float64Array, sampling: Partial<Sampling> = {}): number =>
  rateOf(
    weights.reduce((sum, w) => sum + w * w, 0),
    sampling,
  );

/** @param squares Σw² */
export const rateOf = (squares: number, { weightsKind, totalWeight }: Partial<Sampling> = {}): number =>
  weightsKind === "frequency" && totalWeight !== undefined ? totalWeight ** -0.2 : squares ** 0.2;

/** h = 1.06 s n^{−1/5}, s the spread of what is smoothed. */
export const bandwidth = (spread: number, rate: number): number => 1.06 * spread * rate;

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

/** Whether a threat's penalty has corners of its own in every row, on bases whose input gradients differ by row. */
export const hasRowCorners = ({ fit: { model }, threat: { settings } }: Pick<Influence, "fit" | "threat">): boolean =>
  !model.map.sharedGradient && (settings.p === 1 || settings.p === Infinity);

/**
 * The density terms of bases whose input gradients differ by row (MATH 3): at p = ∞ Σ w|ℓ'| Σ_k 2b_k K_{h_k}(γ_ik) V_kV_k',
 * h_k = 1.06 sd(γ_·k) n^{−1/5}; at p = 1 Σ w|ℓ'| K_h(gap_i) aa' with a = s_1b_1V_1 − s_2b_2V_2 over the two largest b_k|γ_ik|,
 * h = 1.06 √(Σw gap²) n^{−1/5}. null for other p: their penalty has no such corners.
 */
export async function gradientDensity(attack: Influence, rate: number, work?: Work): Promise<CornerTerms | null> {
  if (!hasRowCorners(attack)) return null;
  const sum = async (add: GammaSums): Promise<Float64Array> => {
    const sums = new Float64Array(attack.fit.model.map.inputs);
    await sweep(attack.fit.model.map, attack.fit.data, { phase: "inference" }, ({ block }) => add(block, sums), work);
    return sums;
  };
  return cornerTerms(attack, await gammaSpreads(attack, sum), rate);
}

/** Adds a block's share to m sums over the rows. */
export type GammaSums = (block: Pick<Block, "x" | "w">, sums: Float64Array) => void;

/** What densities of γ are as wide as: sd(γ_·k) for each k at p = ∞, √(Σw gap²) first at p = 1. Two questions to the rows at most. */
export async function gammaSpreads(
  { fit: { model, parameters }, threat }: Pick<Influence, "fit" | "threat">,
  sum: (add: GammaSums) => Promise<Float64Array>,
): Promise<Float64Array> {
  const { p, budgets } = threat.settings;
  const { map } = model;
  const each =
    (value: (gamma: Float64Array, k: number) => number, width: number): GammaSums =>
    ({ x, w }, sums) => {
      const gamma = map.inputGradients(parameters, x);
      for (let i = 0; i < x.rows; i++) for (let k = 0; k < width; k++) sums[k] += w[i] * value(gamma.row(i), k);
    };
  if (p === 1) return (await sum(each((gamma) => twoLargest(gamma, budgets).gap ** 2, 1))).map(Math.sqrt);
  const mean = await sum(each((gamma, k) => gamma[k], map.inputs));
  return (await sum(each((gamma, k) => (gamma[k] - mean[k]) ** 2, map.inputs))).map(Math.sqrt);
}

/** @param spreads of `gammaSpreads`; null where nothing is spread out. */
export function cornerTerms(
  { fit: { model }, threat }: Pick<Influence, "fit" | "threat">,
  spreads: Float64Array,
  rate: number,
): CornerTerms | null {
  const { p, budgets } = threat.settings;
  const widths = spreads.map((spread) => bandwidth(spread, rate));
  return p === 1 ? gapCorners(model.map, budgets, widths[0]) : coordinateCorners(model.map, budgets, widths);
}

function coordinateCorners(map: FeatureMap, budgets: Float64Array, widths: Float64Array): CornerTerms {
  const m = map.inputs;
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

function gapCorners(map: FeatureMap, budgets: Float64Array, h: number): CornerTerms | null {
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
