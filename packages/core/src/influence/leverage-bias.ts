import type { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { asColumns, sweep } from "../models/sweep.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import { bandwidthRate } from "./gradient-density.js";
import { slopeDensity } from "./influence-jacobian.js";
import { leverages, rowForms } from "./leverage.js";
import { type NormBias, normCurvatureBias } from "./leverage-norm.js";
import { type SandwichMatrices, type SandwichOptions, type SandwichParts, sandwichParts } from "./sandwich.js";
import { between, image, product } from "./sandwich-inverse.js";
import { withLeverage } from "./sandwich-scalars.js";

/** What is expected to lie between estimates and their population values, to first order in d/n. */
export interface LeverageBias {
  /** E Î − I (d): an interval for I is centred at Î less this. */
  readonly influence: Float64Array;
  /** E θ̂ − θ (d) */
  readonly parameters: Float64Array;
  /** E `debiased` − S: an interval for S is centred at `Sandwich.debiased` less this. */
  readonly sensitivity: number;
}

/**
 * The bias of order d/n of Î = −Ĥ⁻¹Φ̂(θ̂), from the second-order expansion of the M-estimator (θ, I) with Σw∇l = 0 and
 * Σw{cG_iφ_i + ℓ''_i v_i v_i'I} = 0, keeping the terms that add up over parameters: a row's own part in θ̂ and in Î
 * (v_i'IFθ_i = −h_iℓ'_i/(w_iℓ''_i), v_i'IF_i = −(h_iα_i/ℓ''_i − q_iℓ'_i)/w_i with q_i = w_i v_i'H⁻¹Qv_i) and the spread of its score
 * (v_i'Cov(θ̂)v_i, v_i'Cov(θ̂,Î)v_i, and that of γ in ‖γ‖). With it E|ℓ'|, too small by the factor √(1 − h), and E Ĥ⁻¹, too
 * large by 1/(1 − d/n), are put right. The curvature of the dual norm is taken into account at p = 2 only; at p = 1 and ∞ it has none
 * away from its corners. null where each row has its own gradient, with clusters, and at corners of A.
 * @param shifts n: v_i'I
 * @param known what `sandwichParts` made with the same options, for use by several.
 */
export async function leverageBias(
  attack: Influence,
  shifts: Float64Array,
  options: SandwichOptions = {},
  known?: SandwichParts,
): Promise<LeverageBias | null> {
  if (!hasLeverageBias(attack, options)) return null;
  const parts = known ?? (await sandwichParts(attack, shifts, options));
  const spread = spreadsFrom(await spreadSums(attack, shifts, parts, options), parts);
  const rate = bandwidthRate(attack.fit.data.weights, options);
  const ground = biasGround(attack, parts, spread, slopeDensity(attack, parts.rows.slope, rate));
  return biasFrom(attack, parts, ground, await biasSums(attack, shifts, parts, ground, options));
}

/** Whether there is a bias to speak of. */
export const hasLeverageBias = ({ pull, oneSided }: Influence, { clusters }: SandwichOptions): boolean =>
  pull.shared !== null && !clusters && !oneSided;

/** What the bias needs beside the rows. */
export interface BiasGround {
  /** Q-forms, Cov θ̂ and Cov(θ̂, Î): matrices whose v_i'Mv_i are asked for. */
  readonly forms: readonly Matrix[];
  readonly norm: NormBias;
  readonly density: (slope: number) => number;
}

export function biasGround(
  attack: Influence,
  { inverse, Q }: SandwichMatrices,
  { theta, mixed }: Spreads,
  density: (slope: number) => number,
): BiasGround {
  return {
    forms: [product(inverse, Q), theta, ...(mixed ? [mixed] : [])],
    norm: normCurvatureBias(attack, theta),
    density,
  };
}

/** Sums over the rows that the bias is made of. */
export interface BiasSums {
  /** d×4: own part of H and α; the rest of the own part and the spreads; for θ̂; Σwℓ'''(v'I)²v. */
  readonly pull: Matrix;
  /** Of e, of ∇ν, and of Ŝ. */
  readonly scalars: Float64Array;
}

export async function biasSums(
  attack: Influence,
  shifts: Float64Array,
  parts: SandwichParts,
  { forms: matrices, norm, density }: BiasGround,
  options: SandwichOptions,
): Promise<BiasSums> {
  const { model, data, scores } = attack.fit;
  const { loss, map } = model;
  const { rows } = parts;
  const forms = await parts.leverageForms();
  const [crossForms, scoreForms, mixedForms] = await rowForms(attack, matrices, options);
  const unit = options.weightsKind === "frequency" ? 1 / (options.totalWeight ?? data.rows) : null;
  const h = leverages(attack, forms, unit);
  let alongSum = 0;
  let jacobianSum = 0;
  let sensitivity = 0;
  const { pull } = await sweep(
    map,
    data,
    { pull: 4, phase: "leverages" },
    ({ block: { w, y, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const [f, slope, shift, s] = [scores[row], rows.slope[row], shifts[row], scoreForms[row]];
        const [second, third, fourth] = [loss.second(f, y[i]), loss.third(f, y[i]), fourthDerivative(attack, f, y[i])];
        if (w[i] === 0 || second === 0) continue;
        const alpha = rows.onFeatures[row];
        const reach = alpha / second; // cN sgn(ℓ') + v'I
        const own = -h[row] * alpha + (unit ?? w[i]) * crossForms[row] * slope * second;
        const twist = (-h[row] * third * slope) / second;
        const cross = mixedForms ? third * mixedForms[row] : 0;
        const at = 4 * i;
        omega.data[at] = w[i] * own;
        omega.data[at + 1] =
          w[i] * ((twist + 0.5 * fourth * s) * reach + cross + norm.growth * second * (reach - shift));
        omega.data[at + 2] = w[i] * (-h[row] * slope + 0.5 * third * s);
        omega.data[at + 3] = w[i] * third * shift * shift;
        const beta = rows.onJacobian[row];
        const bend = 2 * density(slope) * second * second + Math.sign(slope) * third;
        alongSum += w[i] * (-h[row] * beta + 0.5 * attack.scale * bend * s);
        jacobianSum += w[i] * beta;
        sensitivity += w[i] * shift * (cross + 0.5 * shift * (twist + 0.5 * fourth * s));
      }
    },
    options,
  );
  return { pull, scalars: Float64Array.of(alongSum, jacobianSum, sensitivity) };
}

/** The bias from sums over all rows. */
export function biasFrom(
  { fit, influence: I, penaltyGradient: Phi }: Influence,
  { inverse, jacobian, along }: SandwichMatrices,
  { norm }: BiasGround,
  { pull, scalars }: BiasSums,
): LeverageBias {
  const [alongSum, jacobianSum, ownSensitivity] = scalars;
  const column = (k: number): Float64Array => Float64Array.from(Phi, (_, j) => pull.data[4 * j + k]);
  const parameters = image(inverse, column(2)).map((value) => -value);
  const [own, rest, moved] = [column(0), column(1), image(jacobian, parameters)];
  const total = own.map((value, j) => value + rest[j] + moved[j] + alongSum * along[j] + jacobianSum * norm.turn[j]);
  const bias = image(inverse, total).map((value) => -value);
  const sensitivity =
    ownSensitivity + dot(naturalHessianTimes(fit, I), bias) + dot(own, I) + 0.5 * dot(column(3), parameters);
  return { influence: bias, parameters, sensitivity };
}

/** ℓ'''', by central differences where the loss is not quadratic: to 1e-6. */
function fourthDerivative(
  {
    fit: {
      model: { loss },
    },
  }: Influence,
  f: number,
  y: number,
): number {
  return loss.quadratic ? 0 : (loss.third(f + STEP, y) - loss.third(f - STEP, y)) / (2 * STEP);
}

const STEP = 1e-3;

/** Cov(θ̂), and Cov(θ̂, Î) where ℓ''' is not 0, with leverages: H⁻¹Σω ℓ'²vv'H⁻¹ and H⁻¹Σω ℓ'_iv_iU_i'H⁻¹. */
export interface Spreads {
  readonly theta: Matrix;
  readonly mixed: Matrix | null;
}

/** Sums over the rows that the spreads are made of. */
export interface SpreadSums {
  /** Σωℓ'²vv', and where ℓ''' is not 0 Σω(ℓ'α)₊vv' and Σω(ℓ'α)₋vv' (lower triangles). */
  readonly grams: readonly Matrix[];
  /** d×3: Σωℓ'(β, s, 1)v, or nothing. */
  readonly pull: Matrix;
}

export async function spreadSums(
  attack: Influence,
  shifts: Float64Array,
  parts: SandwichParts,
  options: SandwichOptions,
): Promise<SpreadSums> {
  const { fit } = attack;
  const { omega } = parts;
  const { onFeatures, onJacobian, size, slope } = await withLeverage(
    attack,
    shifts,
    parts.rows,
    await parts.leverageForms(),
    "hc2",
    options,
    options,
  );
  const curved = !fit.model.loss.quadratic;
  return sweep(
    fit.model.map,
    fit.data,
    { grams: curved ? 3 : 1, pull: curved ? 3 : 0, phase: "leverages" },
    ({ block: { firstRow, y }, grams: [slopes, plus, minus], pull: sums }) => {
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const l = omega[row] * slope[row];
        slopes[i] = l * slope[row];
        if (!curved) continue;
        plus[i] = Math.max(0, l * onFeatures[row]);
        minus[i] = Math.max(0, -l * onFeatures[row]);
        sums.data.set([l * onJacobian[row], l * size[row], l], 3 * i);
      }
    },
    options,
  );
}

/** The spreads from sums over all rows, which are used up. */
export function spreadsFrom(
  { grams, pull }: SpreadSums,
  { inverse, Q, along, penaltyGradient, constant }: SandwichMatrices,
): Spreads {
  const full = grams.map(symmetrise);
  const theta = between(inverse, full[0]);
  if (full.length === 1) return { theta, mixed: null };
  const towards = asColumns([along, penaltyGradient, constant]);
  const inner = product(pull, towards, true);
  const back = product(full[0], Q, true);
  for (let at = 0; at < inner.data.length; at++) {
    inner.data[at] += full[1].data[at] - full[2].data[at] - back.data[at];
  }
  return { theta, mixed: between(inverse, inner) };
}
