import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { asColumns, type SweepSums, sweep } from "../models/sweep.js";
import { type Ask, sweepTogether } from "../models/sweep-together.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import type { Influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import { estimationLoss } from "./estimation-loss.js";
import { densitiesOf, type JacobianSums, jacobianAsk } from "./influence-jacobian.js";
import { LeverageForms } from "./leverage.js";
import type { Sampling } from "./sampling.js";
import {
  balanceOf,
  balanceSums,
  gramFrom,
  gramOfScalars,
  type ScalarSums,
  type SharedParts,
  scalarAsk,
  scalarMoments,
} from "./sandwich-grams.js";
import { covarianceBetween, type InverseOfHessian, image, inverseOfHessian, timesInverse } from "./sandwich-inverse.js";
import { clusterSquares, gramOfRows } from "./sandwich-rows.js";
import { type Leverage, type RowScalars, rowScalars, withLeverage } from "./sandwich-scalars.js";

export type { Leverage } from "./sandwich-scalars.js";

/** What the standard errors of the influence allow for. */
export interface SandwichOptions extends Work, Partial<Sampling> {
  /** Whether the radius is relative, so that c is estimated too (default true). */
  readonly relativeRadius?: boolean;
  /** How V̂ allows for many parameters a row (default "none"; `leverageFor` has the rule). */
  readonly leverage?: Leverage;
}

/** The asymptotic distribution of Î and Ŝ = ½Î'H_LÎ around their population values (MATH 3, Remark 2 corrected). */
export interface Sandwich {
  /** V̂ (d×d, full): the estimated covariance of Î. */
  readonly covariance: Matrix;
  /** √diag V̂ */
  readonly standardErrors: Float64Array;
  /** Ŝ − ½tr(H_L V̂): Ŝ without the bias that noise in Î adds. Never with leverages. */
  readonly debiased: number;
  /** Standard error of Ŝ. Never with leverages. */
  readonly sensitivityStandardError: number;
  /** n: IFs_i, by which Ŝ answers to the weight of each row, for comparisons of models on the same rows. */
  readonly sensitivityRows: Float64Array;
}

/** Up to this many parameters a row the plain intervals cover (MATH 14.5), and leverages would cost more than the sandwich. */
const CROWDED = 0.05;

/** The rule for `leverage`: nothing up to d/n = 0.05, then the correction for intervals around `leverageBias`'s centre. */
export const leverageFor = (parameters: number, rows: number): Leverage =>
  parameters > CROWDED * rows ? "centred" : "none";

/**
 * V̂ = Σ ω_i IF_i IF_i', ω_i = w_i² or w_i/N for counts, with the influence function of the plug-in AIF,
 * IF_i = −H⁻¹{[cG_iφ_i − Φ] + (‖x_i‖/c − 1)Φ + [ℓ''_i v_i (v_i'I) − H_LI] + (D + T) IFθ_i},  IFθ_i = −H⁻¹(ℓ'_i v_i + Pθ̂),
 * density terms of D included (MATH 3, 14.8). No n×d array is kept: where V_iφ is one vector V̂ comes from weighted Gram
 * matrices, else rows are made a block at a time.
 * @param shifts n: v_i'I, from `scoreShifts`.
 * @param known what `sandwichParts` made with the same options, for use by several.
 * @throws usage: frequency weights without their total.
 */
export async function sandwich(
  attack: Influence,
  shifts: Float64Array,
  options: SandwichOptions = {},
  known?: SandwichParts,
): Promise<Sandwich> {
  const parts = known ?? (await sandwichParts(attack, shifts, options));
  const { omega, rows, third } = parts;
  const leverage = options.leverage ?? "none";
  const plain = parts.plain
    ? covarianceBetween(parts.inverse, gramFrom(parts.plain.sums, parts, parts.plain.balance))
    : await covarianceOf(attack, parts, rows, options);
  const covariance =
    leverage === "none"
      ? plain
      : await covarianceOf(
          attack,
          parts,
          await withLeverage(attack, shifts, rows, await parts.forms.all(), leverage, options, options),
          options,
        );
  const towards = naturalHessianTimes(attack.fit, attack.influence);
  const sensitivityRows = await sensitivityInfluences(attack, shifts, parts, { towards, third }, options);
  return {
    ...spreadOf(attack, plain, covariance),
    sensitivityStandardError: standardErrorOf(sensitivityRows, attack.fit.data.weights, omega, options),
    sensitivityRows,
  };
}

/** What V̂ says of Î and Ŝ. @param plain V̂ without leverages */
export function spreadOf(
  { fit, influence: I }: Pick<Influence, "fit" | "influence">,
  plain: Matrix,
  covariance: Matrix,
): Pick<Sandwich, "covariance" | "standardErrors" | "debiased"> {
  const d = covariance.rows;
  return {
    covariance,
    standardErrors: Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, covariance.data[j * d + j]))),
    debiased: 0.5 * dot(I, naturalHessianTimes(fit, I)) - estimationLoss(fit, plain),
  };
}

/** What V̂ is made of, beside the rows. */
export interface SandwichMatrices extends SharedParts, JacobianSums {
  readonly inverse: InverseOfHessian;
  /** Pθ̂ (d) */
  readonly penalty: Float64Array;
}

/** What V̂ is made of, of some rows. */
export interface RowParts extends SandwichMatrices {
  readonly rows: RowScalars;
  /** n: what the outer product of each row counts. */
  readonly omega: Float64Array;
  /** v_i'H⁻¹v_i */
  readonly forms: LeverageForms;
}

/** What V̂ is made of, and sums over all rows. */
export interface SandwichParts extends RowParts {
  /** Σ w ℓ''' (v'I)² v (d) */
  readonly third: Float64Array;
  /** What V̂ without leverages is summed from; null where rows are summed one by one. */
  readonly plain: { readonly sums: ScalarSums; readonly balance: number } | null;
}

/** D + T, Q = (D + T)H⁻¹, H⁻¹ and the rows' scalars, with what else one pass can sum. @throws usage: a threat that attacks rows together. */
export async function sandwichParts(
  attack: Influence,
  shifts: Float64Array,
  options: SandwichOptions,
): Promise<SandwichParts> {
  requirePointwise(attack.threat, "Sandwich intervals are");
  const { model, data } = attack.fit;
  const rows = rowScalars(attack, shifts, options.relativeRadius ?? true);
  const omega = rowCounts(data.weights, options);
  const jacobian = jacobianAsk(attack, shifts, await densitiesOf(attack, options));
  const asks = [jacobian.ask, thirdAsk(attack, shifts)];
  const balance = balanceOf(balanceSums(rows, omega));
  if (attack.pull.shared && !options.clusters) asks.push(scalarAsk(rows, omega, balance));
  const [first, third, plain] = await sweepTogether(model.map, data, "inference", asks, options);
  const matrices = sandwichMatrices(attack, jacobian.from(first));
  return {
    ...matrices,
    rows,
    omega,
    forms: new LeverageForms(attack, matrices.inverse, options),
    third: thirdFrom(third, model.map.count),
    plain: asks.length > 2 ? { sums: { ...plain, moments: scalarMoments(rows, omega) }, balance } : null,
  };
}

/** Q = (D + T)H⁻¹, and the constant t = −Φ − H_LI − QPθ̂. */
export function sandwichMatrices(
  { fit, influence: I, penaltyGradient: Phi, pull }: Pick<Influence, "fit" | "influence" | "penaltyGradient" | "pull">,
  { jacobian, bent }: JacobianSums,
): SandwichMatrices {
  const { map } = fit.model;
  const inverse = inverseOfHessian(fit);
  const Q = timesInverse(jacobian, inverse);
  const penalty = fit.ridge.map((P, j) => P * fit.parameters[j]);
  const shrink = image(Q, penalty);
  const towards = naturalHessianTimes(fit, I);
  return {
    inverse,
    jacobian,
    bent,
    Q,
    penalty,
    penaltyGradient: Phi,
    constant: Phi.map((value, j) => -value - towards[j] - shrink[j]),
    along: pull.shared ? map.jacobianTimes(Matrix.zeros(0, map.inputs), pull.shared).data : new Float64Array(0),
  };
}

/** The matrices with the scalars of the rows of `attack`. */
export const partsOf = (
  attack: Influence,
  shifts: Float64Array,
  matrices: SandwichMatrices,
  options: SandwichOptions,
): RowParts => ({
  ...matrices,
  rows: rowScalars(attack, shifts, options.relativeRadius ?? true),
  omega: rowCounts(attack.fit.data.weights, options),
  forms: new LeverageForms(attack, matrices.inverse, options),
});

/** w_i², or w_i/N for counts (MATH 14.8). @throws usage: frequency weights without their total. */
export function rowCounts(weights: Float64Array, { weightsKind, totalWeight }: Partial<Sampling>): Float64Array {
  if (weightsKind !== "frequency") return weights.map((w) => w * w);
  if (totalWeight === undefined) {
    throw usageError(
      "Frequency weights count units, so their total is needed: give totalWeight, the sum of the raw weights.",
    );
  }
  return weights.map((w) => w / totalWeight);
}

/** H⁻¹ (Σ ω UU') H⁻¹ */
async function covarianceOf(
  attack: Influence,
  parts: RowParts,
  rows: RowScalars,
  options: SandwichOptions,
): Promise<Matrix> {
  const { inverse, omega } = parts;
  const gram =
    attack.pull.shared && !options.clusters
      ? await gramOfScalars(attack.fit, rows, parts, omega, options)
      : await gramOfRows(attack, rows, parts, omega, options.clusters, options);
  return covarianceBetween(inverse, gram);
}

/**
 * IFs_i = (H_LI)'IF_i + ½(ℓ''_i(v_i'I)² − I'H_LI) + ½IFθ_i'Σwℓ'''(v'I)²v, from a few numbers a row: with u = H⁻¹H_LI
 * and t = H⁻¹Σwℓ'''(v'I)²v, (H_LI)'IF_i = −u'U_i.
 * @param towards H_LI; `third` is Σwℓ'''(v'I)²v.
 */
export async function sensitivityInfluences(
  attack: Influence,
  shifts: Float64Array,
  parts: RowParts,
  { towards, third: thirds }: { readonly towards: Float64Array; readonly third: Float64Array },
  options: SandwichOptions,
): Promise<Float64Array> {
  const { fit, pull, penaltyGradient: Phi, influence: I, threat } = attack;
  const { model, data, scores } = fit;
  const { map, loss } = model;
  const { rows, Q, penalty, constant, along } = parts;
  const u = parts.inverse.image(towards);
  const third = parts.inverse.image(thirds);
  const [alongU, sizeU, constantU, thirdPenalty] = [
    dot(along, pull.shared ? u : along),
    dot(Phi, u),
    dot(constant, u),
    dot(third, penalty),
  ];
  const curvature = dot(I, towards);
  const out = new Float64Array(data.rows);
  // What ℓ'_i is multiplied by: −u'Qv_i + ½t'v_i.
  const onSlope = image(Q, u, true).map((value, j) => 0.5 * third[j] - value);
  await sweep(
    map,
    data,
    { theta: asColumns([u, onSlope]), phase: "inference" },
    ({ block, scores: images }) => {
      const { y, firstRow, x } = block;
      const slope = rows.slope.subarray(firstRow, firstRow + y.length);
      const phi = pull.shared
        ? null
        : threat.respond({ slope, base: map.inputGradients(fit.parameters, x) }, block).base;
      const directional = phi && map.inputGradients(u, x);
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const alongRow = phi && directional ? dot(rowOf(phi, i), rowOf(directional, i)) : alongU;
        const toI =
          rows.onFeatures[row] * images.data[2 * i] +
          rows.onJacobian[row] * alongRow +
          rows.size[row] * sizeU +
          slope[i] * images.data[2 * i + 1] +
          constantU;
        const own = loss.second(scores[row], y[i]) * shifts[row] ** 2 - curvature;
        out[row] = 0.5 * (own - thirdPenalty) - toI;
      }
    },
    options,
  );
  return out;
}

/** √Σω IFs_i², or from sums within clusters. */
function standardErrorOf(
  rows: Float64Array,
  weights: Float64Array,
  omega: Float64Array,
  { clusters }: SandwichOptions,
): number {
  if (clusters) {
    const weighted = rows.map((value, i) => weights[i] * value);
    return Math.sqrt(clusterSquares(weighted, clusters, weights));
  }
  return Math.sqrt(rows.reduce((sum, value, i) => sum + omega[i] * value * value, 0));
}

const rowOf = (a: Matrix, i: number): Float64Array => a.row(a.rows === 1 ? 0 : i);

/** What Σ w ℓ''' (v'I)² v asks of a pass over the rows: nothing of a squared loss. */
export function thirdAsk({ fit: { model, scores } }: Pick<Influence, "fit">, shifts: Float64Array): Ask {
  const { loss } = model;
  return {
    grams: 0,
    pull: loss.quadratic ? 0 : 1,
    visit({ block: { y, w, firstRow }, pull: { data, stride, first } }) {
      if (loss.quadratic) return;
      for (let i = 0, row = firstRow, at = first; i < y.length; i++, row++, at += stride)
        data[at] = w[i] * loss.third(scores[row], y[i]) * shifts[row] ** 2;
    },
  };
}

/** Σ w ℓ''' (v'I)² v (d) from the pass. */
export const thirdFrom = ({ pull }: SweepSums, d: number): Float64Array =>
  pull.columns > 0 ? pull.data : new Float64Array(d);
