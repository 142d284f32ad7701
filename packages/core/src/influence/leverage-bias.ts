import type { Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { asColumns } from "../models/sweep.js";
import { type Ask, sweepFor, sweepTogether } from "../models/sweep-together.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import { bandwidthRate } from "./gradient-density.js";
import { slopeDensity } from "./influence-jacobian.js";
import { formsAsk, leverageOf } from "./leverage.js";
import { type NormBias, normCurvatureBias } from "./leverage-norm.js";
import type { Sampling } from "./sampling.js";
import {
  type RowParts,
  type SandwichMatrices,
  type SandwichOptions,
  type SandwichParts,
  sandwichParts,
} from "./sandwich.js";
import { between, covarianceBetween, image, product } from "./sandwich-inverse.js";

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
  const { model, data } = attack.fit;
  const parts = known ?? (await sandwichParts(attack, shifts, options));
  const density = slopeDensity(attack, parts.rows.slope, bandwidthRate(data.weights, options));
  const own = formsAsk(attack, ownForms(parts), parts.inverse.frame);
  const [inverse, cross] = own.values;
  const spread = spreadAsk(attack, parts, inverse, options);
  const asks = [own.ask, spread];
  // A squared loss needs no forms of what it spreads by, so that one pass does.
  const bias = (forms: BiasForms): BiasAsk => biasAsk(attack, shifts, parts, forms, density, options);
  const early = model.loss.quadratic ? bias({ inverse, cross, score: null, mixed: null }) : null;
  if (early) asks.push(early.ask);
  const sums = await sweepTogether(model.map, data, "leverages", asks, options);
  own.done();
  parts.forms.keep(inverse);
  const ground = biasGround(attack, parts, spreadsFrom(sums[1], parts), density);
  if (early) return biasFrom(attack, parts, ground, { pull: sums[2].pull, scalars: early.scalars });
  const later = formsAsk(attack, ground.forms, parts.inverse.frame);
  const [score, mixed = null] = later.values;
  const late = bias({ inverse, cross, score, mixed });
  const [, { pull }] = await sweepTogether(model.map, data, "leverages", [later.ask, late.ask], options);
  later.done();
  return biasFrom(attack, parts, ground, { pull, scalars: late.scalars });
}

/** Whether there is a bias to speak of. */
export const hasLeverageBias = ({ pull, oneSided }: Influence, { clusters }: SandwichOptions): boolean =>
  pull.shared !== null && !clusters && !oneSided;

/** What the bias needs beside the rows. */
export interface BiasGround {
  /** Cov θ̂ and Cov(θ̂, Î), whose v_i'Mv_i are asked for: none of a squared loss. */
  readonly forms: readonly Matrix[];
  readonly norm: NormBias;
  readonly density: (slope: number) => number;
  /** ½ c Σ w 2K_h(ℓ') ℓ''² v'Cov(θ̂)v of a squared loss; 0 of others, which have it row by row. */
  readonly bend: number;
}

export function biasGround(
  attack: Influence,
  { bent }: SandwichMatrices,
  { theta, forms }: Spreads,
  density: (slope: number) => number,
): BiasGround {
  const norm = normCurvatureBias(attack, theta);
  if (forms) return { forms, norm, density, bend: 0 };
  return { forms: [], norm, density, bend: (0.5 * dot(bent.data, theta.data)) / sharedNorm(attack) };
}

/** N, the dual norm of the γ that all rows share. */
function sharedNorm({ fit: { model, parameters }, threat }: Influence): number {
  const { map } = model;
  const none = { x: Matrix.zeros(0, map.inputs), y: new Float64Array(0), w: new Float64Array(0), firstRow: 0 };
  const base = map.inputGradients(parameters, none.x);
  return threat.respond({ slope: Float64Array.of(1), base }, none).gain[0];
}

/** What v_i'Mv_i are asked for before anything is known of spreads: H⁻¹ and H⁻¹Q. */
const ownForms = ({ inverse, jacobian, Q }: SandwichMatrices): Matrix[] => [
  inverse.form,
  inverse.formBetween(jacobian) ?? inverse.times(Q),
];

/** v_i'Mv_i of every row (n each); null: not needed. */
interface BiasForms {
  readonly inverse: Float64Array;
  readonly cross: Float64Array;
  readonly score: Float64Array | null;
  readonly mixed: Float64Array | null;
}

/** Sums over the rows that the bias is made of. */
export interface BiasSums {
  /** d×5: own part of H and α; the rest of the own part and the spreads; for θ̂; Σwℓ'''(v'I)²v; what grows with the norm. */
  readonly pull: Matrix;
  /** Of e, of ∇ν, and of Ŝ. */
  readonly scalars: Float64Array;
}

/** The same in a pass of its own. */
export async function biasSums(
  attack: Influence,
  shifts: Float64Array,
  parts: RowParts,
  { forms, density }: BiasGround,
  options: SandwichOptions,
): Promise<BiasSums> {
  const { model, data } = attack.fit;
  const { ask, values, done } = formsAsk(attack, [...ownForms(parts), ...forms], parts.inverse.frame);
  const [inverse, cross, score = null, mixed = null] = values;
  const own = biasAsk(attack, shifts, parts, { inverse, cross, score, mixed }, density, options);
  const [, { pull }] = await sweepTogether(model.map, data, "leverages", [ask, own.ask], options);
  done();
  return { pull, scalars: own.scalars };
}

interface BiasAsk {
  readonly ask: Ask;
  readonly scalars: Float64Array;
}

/** What the bias asks of a pass over the rows, which also sums `scalars`. */
function biasAsk(
  attack: Influence,
  shifts: Float64Array,
  { rows }: RowParts,
  { inverse, cross: crossForms, score, mixed }: BiasForms,
  density: (slope: number) => number,
  options: SandwichOptions,
): BiasAsk {
  const { model, data, scores } = attack.fit;
  const { loss } = model;
  const unit = unitOf(data, options);
  const scalars = new Float64Array(3);
  const visit: Ask["visit"] = ({ block: { w, y, firstRow }, pull }) => {
    let alongSum = 0;
    let jacobianSum = 0;
    let sensitivity = 0;
    for (let i = 0, row = firstRow, at = pull.first; i < y.length; i++, row++, at += pull.stride) {
      const f = scores[row];
      const second = loss.second(f, y[i]);
      if (w[i] === 0 || second === 0) continue;
      const slope = rows.slope[row];
      const shift = shifts[row];
      const s = score ? score[row] : 0;
      const third = loss.third(f, y[i]);
      const fourth = fourthDerivative(attack, f, y[i]);
      const alpha = rows.onFeatures[row];
      const reach = alpha / second; // cN sgn(ℓ') + v'I
      const h = leverageOf(second, unit ?? w[i], inverse[row]);
      const twist = (-h * third * slope) / second;
      const cross = mixed ? third * mixed[row] : 0;
      pull.data[at] = w[i] * (-h * alpha + (unit ?? w[i]) * crossForms[row] * slope * second);
      pull.data[at + 1] = w[i] * ((twist + 0.5 * fourth * s) * reach + cross);
      pull.data[at + 2] = w[i] * (-h * slope + 0.5 * third * s);
      pull.data[at + 3] = w[i] * third * shift * shift;
      pull.data[at + 4] = w[i] * second * (reach - shift);
      const beta = rows.onJacobian[row];
      const bend = score ? 2 * density(slope) * second * second + Math.sign(slope) * third : 0;
      alongSum += w[i] * (-h * beta + 0.5 * attack.scale * bend * s);
      jacobianSum += w[i] * beta;
      sensitivity += w[i] * shift * (cross + 0.5 * shift * (twist + 0.5 * fourth * s));
    }
    scalars[0] += alongSum;
    scalars[1] += jacobianSum;
    scalars[2] += sensitivity;
  };
  return { ask: { pull: 5, grams: 0, visit }, scalars };
}

/** What one unit weighs, where weights count units; null: as much as its row. */
const unitOf = ({ rows }: Dataset, { weightsKind, totalWeight }: Partial<Sampling>): number | null =>
  weightsKind === "frequency" ? 1 / (totalWeight ?? rows) : null;

/** The bias from sums over all rows. */
export function biasFrom(
  { fit, influence: I, penaltyGradient: Phi }: Influence,
  { inverse, jacobian, along }: SandwichMatrices,
  { norm, bend }: BiasGround,
  { pull, scalars }: BiasSums,
): LeverageBias {
  const [alongSum, jacobianSum, ownSensitivity] = scalars;
  const column = (k: number): Float64Array => Float64Array.from(Phi, (_, j) => pull.data[5 * j + k]);
  const parameters = inverse.image(column(2)).map((value) => -value);
  const [own, rest, grown, moved] = [column(0), column(1), column(4), image(jacobian, parameters)];
  const total = own.map(
    (value, j) =>
      value + rest[j] + norm.growth * grown[j] + moved[j] + (alongSum + bend) * along[j] + jacobianSum * norm.turn[j],
  );
  const bias = inverse.image(total).map((value) => -value);
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
  /** Cov θ̂ and Cov(θ̂, Î), or what they are asked for in the frame; null for a squared loss. */
  readonly forms: readonly Matrix[] | null;
}

/** Sums over the rows that the spreads are made of. */
export interface SpreadSums {
  /** Σωℓ'²vv', and where ℓ''' is not 0 Σω(ℓ'α)₊vv' and Σω(ℓ'α)₋vv' (lower triangles). */
  readonly grams: readonly Matrix[];
  /** d×3: Σωℓ'(β, s, 1)v, or nothing. */
  readonly pull: Matrix;
}

export async function spreadSums(attack: Influence, parts: RowParts, options: SandwichOptions): Promise<SpreadSums> {
  const { model, data } = attack.fit;
  const ask = spreadAsk(attack, parts, await parts.forms.all(), options);
  return sweepFor(model.map, data, "leverages", ask, options);
}

/** What they ask of a pass over the rows. @param inverse n: v_i'H⁻¹v_i, of a block when it is visited */
function spreadAsk(
  { fit: { model, data, scores } }: Influence,
  { rows: { onFeatures, onJacobian, size, slope }, omega }: RowParts,
  inverse: Float64Array,
  options: SandwichOptions,
): Ask {
  const { loss } = model;
  const unit = unitOf(data, options);
  const curved = !loss.quadratic;
  return {
    grams: curved ? 3 : 1,
    pull: curved ? 3 : 0,
    visit({ block: { firstRow, y, w }, grams: [slopes, plus, minus], pull }) {
      for (let i = 0, row = firstRow, at = pull.first; i < y.length; i++, row++, at += pull.stride) {
        const rest = 1 - leverageOf(loss.second(scores[row], y[i]), unit ?? w[i], inverse[row]);
        // "hc2": α_i and ℓ'_i are divided by √(1 − h_i).
        const l = omega[row] * slope[row];
        slopes[i] = (l * slope[row]) / rest;
        if (!curved) continue;
        plus[i] = Math.max(0, l * onFeatures[row]) / rest;
        minus[i] = Math.max(0, -l * onFeatures[row]) / rest;
        const single = l / Math.sqrt(rest);
        pull.data[at] = single * onJacobian[row];
        pull.data[at + 1] = single * size[row];
        pull.data[at + 2] = single;
      }
    },
  };
}

/** The spreads from sums over all rows, which are used up. */
export function spreadsFrom(
  { grams, pull }: SpreadSums,
  { inverse, Q, along, penaltyGradient, constant }: SandwichMatrices,
): Spreads {
  const full = grams.map(symmetrise);
  const theta = covarianceBetween(inverse, full[0]);
  if (full.length === 1) return { theta, forms: null };
  const towards = asColumns([along, penaltyGradient, constant]);
  const inner = product(pull, towards, true);
  const back = product(full[0], Q, true);
  for (let at = 0; at < inner.data.length; at++) {
    inner.data[at] += full[1].data[at] - full[2].data[at] - back.data[at];
  }
  const [own, mixed] = [inverse.formBetween(full[0]), inverse.formBetween(inner)];
  return { theta, forms: [own ?? theta, mixed ?? between(inverse, inner)] };
}
