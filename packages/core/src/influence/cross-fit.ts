import type { Dataset } from "../data/dataset.js";
import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { FoldSums } from "../models/fold-sums.js";
import { isLearned } from "../models/projection/projected-score.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import type { Fit } from "../solvers/fit.js";
import { type Influence, influence, slopeExtent } from "./aif.js";
import { foldsAtCorners, metWithoutFold, orLeastNorm, replaceFold } from "./fold-corners.js";
import { fitFoldSums, leaveOutFits, leaveOutHessians, leaveOutRows, refitFold } from "./leave-out-fits.js";
import {
  type FoldProduct,
  foldSizes,
  keptFoldProduct,
  leaveOutInfluence,
  leaveOutPulls,
  leaveOutScales,
  takeOwn,
} from "./leave-out-influence.js";
import type { MovingRows } from "./moving-rows.js";

/** The model, θ̂_{−k}, I_{−k} and c_{−k} of one fold: fitted on, and attacked on, the rows outside it. */
export interface FoldInfluence {
  readonly model: ScoreModel;
  readonly parameters: Float64Array;
  readonly influence: Float64Array;
  readonly scale: number;
}

/** Every row under the fit that has not seen it. */
export interface CrossFit extends MovingRows {
  readonly foldOf: Uint16Array;
  readonly folds: readonly FoldInfluence[];
  /** Folds without which the Hessian is singular: their influence is the least-norm one. */
  readonly singularFolds: number;
}

/** Fold Hessians are kept together while they fit this; otherwise folds are refitted one after the other. */
const FOLD_HESSIAN_BYTES = 512 * 2 ** 20;

/**
 * Real cross-fitting (MATH 14.1) for several threats at once: for each fold the model is fitted on the other rows, its AIF
 * taken there, and the fold's rows evaluated under both. Fold Hessians come from one pass by leaving a fold's sums out; squared
 * losses are then solved exactly, others by Newton steps that share passes over the data among all folds.
 * @param known the folds' sums at θ̂ (Σ w ℓ''vv', Σ w ℓ'v), for this use alone, where another model's hold them.
 * @param on the same rows as they are judged, if not as they are fitted: without their noise.
 * @throws numerical: a fold without which the fit has no minimum.
 */
export async function crossFit(
  full: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  folds: number,
  work?: Work,
  known?: FoldSums,
  on: Dataset = full.data,
): Promise<CrossFit[]> {
  if (refitsFolds(full, attacks, folds)) return refitFolds(full, attacks, foldOf, folds, on, work);
  const outside = outsideWeights(full, foldOf, folds);
  const leaveOut = leaveOutHessians(full, known ?? (await fitFoldSums(full, foldOf, folds, work)), outside);
  const { theta, inverse } = await leaveOutFits(full, leaveOut, leaveOutRows(full, { foldOf, outside }, work));
  const curvatures = full.model.loss.quadratic ? undefined : new Float64Array(full.data.rows * folds);
  const scores = on === full.data ? new Float64Array(full.data.rows) : undefined;
  const { loss } = full.model;
  const extent = slopeExtent(full);
  const met = metWithoutFold(full, extent, folds);
  const pulls = await leaveOutPulls(full, attacks, { foldOf, outside }, theta, work, { curvatures, scores, met });
  const product: FoldProduct = curvatures ? keptFoldProduct(full, folds, curvatures, work) : async (vectors) => vectors;
  const influences: Matrix[] = [];
  for (const Phi of pulls) influences.push(await leaveOutInfluence(full, inverse, Phi, product));
  const threats = attacks.map(({ threat }) => threat);
  for (const k of foldsAtCorners(full, threats, { theta, hessians: leaveOut.hessians, extent, met })) {
    const without = await refitFold(full, foldOf, k, folds, work, theta.column(k));
    const singular = without.inverse.method === "pseudo-inverse";
    const own = await orLeastNorm(singular, () => influencesWithout(without, attacks, work));
    if (own) replaceFold(influences, k, own);
  }
  const rows = await ownFoldRows(full, foldOf, theta, influences, on, work, scores);
  const singularFolds = inverse.filter(({ method }) => method === "pseudo-inverse").length;
  const scales = attacks.map((attack) => leaveOutScales(attack, { foldOf, outside }));
  return attacks.map((_, a) => ({
    loss,
    y: full.data.y,
    w: full.data.weights,
    scores: rows.scores,
    shifts: rows.shifts[a],
    foldOf,
    singularFolds,
    folds: Array.from({ length: folds }, (_, k) => ({
      model: full.model,
      parameters: theta.column(k),
      influence: influences[a].column(k),
      scale: scales[a][k],
    })),
  }));
}

/**
 * Whether every fold gets a fit of its own: corners of the penalty and rows attacked together are resolved fit by fit; every lasso
 * chooses its own features, every projection is learned again; and K Hessians may be too many to keep.
 */
export function refitsFolds(
  { sparse, model }: Pick<Fit, "sparse" | "model">,
  attacks: readonly Pick<Influence, "oneSided" | "threat">[],
  folds: number,
): boolean {
  const d = model.map.count;
  const own = sparse !== undefined || isLearned(model);
  const single = own || attacks.some(({ oneSided, threat }) => oneSided || isJoint(threat));
  return single || folds * d * d * 8 > FOLD_HESSIAN_BYTES;
}

/** W_k: the weight outside each fold. */
const outsideWeights = ({ data }: Fit, foldOf: Uint16Array, folds: number): Float64Array =>
  outsideOf(foldSizes(new Float64Array(data.rows).fill(1), data.weights, foldOf, folds));

/** W_k from the weight inside each fold (K). @throws numerical: a fold that leaves nothing. */
export function outsideOf(inside: Float64Array): Float64Array {
  const outside = inside.map((weight) => 1 - weight);
  const empty = outside.findIndex((weight) => !(weight > 1e-12));
  if (empty >= 0)
    throw numericalError(`Fold ${empty + 1} holds all the weight, so nothing is left to fit on: use fewer folds.`);
  return outside;
}

/** f_i and s_i of every row under its own fold's fit, one pass for all attacks. @param known f_i, where they are */
export async function ownFoldRows(
  { model }: Pick<Fit, "model">,
  foldOf: Uint16Array,
  theta: Matrix,
  influences: readonly Matrix[],
  data: Dataset,
  work?: Work,
  known?: Float64Array,
): Promise<{ scores: Float64Array; shifts: Float64Array[] }> {
  const folds = theta.columns;
  const all = known ? influences : [theta, ...influences];
  const together = asColumns(all.flatMap((matrix) => Array.from({ length: folds }, (_, k) => matrix.column(k))));
  const out = all.map(() => new Float64Array(data.rows));
  await sweep(
    model.map,
    data,
    { theta: together, phase: "held-out rows" },
    ({ block: { firstRow }, scores }) => {
      for (const [a, values] of out.entries()) takeOwn(scores, foldOf, firstRow, a * folds, values);
    },
    work,
  );
  return known ? { scores: known, shifts: out } : { scores: out[0], shifts: out.slice(1) };
}

type OwnRows = Awaited<ReturnType<typeof ownFoldRows>>;

/** f_i and s_i where the folds' fits differ in θ and I alone. */
function ownParameterRows(
  full: Fit,
  foldOf: Uint16Array,
  perAttack: readonly (readonly FoldInfluence[])[],
  data: Dataset,
  work?: Work,
): Promise<OwnRows> {
  const theta = asColumns(perAttack[0].map((fold) => fold.parameters));
  const influences = perAttack.map((list) => asColumns(list.map((fold) => fold.influence)));
  return ownFoldRows(full, foldOf, theta, influences, data, work);
}

/** f_i and s_i where every fold has a model of its own: a pass over each fold's rows. */
export async function ownModelRows(
  foldOf: Uint16Array,
  perAttack: readonly (readonly FoldInfluence[])[],
  data: Dataset,
  work?: Work,
): Promise<OwnRows> {
  const scores = new Float64Array(data.rows);
  const shifts = perAttack.map(() => new Float64Array(data.rows));
  for (const [k, { model, parameters }] of perAttack[0].entries()) {
    const inside = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] === k));
    if (inside.length === 0) continue;
    const theta = asColumns([parameters, ...perAttack.map((folds) => folds[k].influence)]);
    await sweep(
      model.map,
      data.select(inside),
      { theta, phase: "held-out rows" },
      ({ block: { y, firstRow }, scores: found }) => {
        for (let i = 0; i < y.length; i++) {
          const row = inside[firstRow + i];
          scores[row] = found.data[i * found.columns];
          shifts.forEach((values, a) => {
            values[row] = found.data[i * found.columns + 1 + a];
          });
        }
      },
      work,
    );
  }
  return { scores, shifts };
}

/** Corners resolved, one entry a threat. */
async function influencesWithout(without: Fit, attacks: readonly Influence[], work?: Work): Promise<Float64Array[]> {
  const out: Float64Array[] = [];
  for (const { threat } of attacks) {
    out.push((await influence(without, () => threat, { signal: work?.signal })).influence);
  }
  return out;
}

/** The same by one whole fit a fold, for models too large to keep K Hessians of, and for those that learn from the rows. */
async function refitFolds(
  full: Fit,
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  folds: number,
  on: Dataset,
  work?: Work,
): Promise<CrossFit[]> {
  const { model, data } = full;
  const perAttack = attacks.map(() => [] as FoldInfluence[]);
  let singularFolds = 0;
  for (let k = 0; k < folds; k++) {
    const without = await refitFold(full, foldOf, k, folds, work);
    if (without.inverse.method === "pseudo-inverse") singularFolds++;
    for (const [a, { threat }] of attacks.entries()) {
      const attack = await influence(without, () => threat, { signal: work?.signal });
      const { influence: I, scale } = attack;
      perAttack[a].push({ model: without.model, parameters: without.parameters, influence: I, scale });
    }
    work?.onProgress?.({ phase: "held-out folds", done: k + 1, total: folds });
  }
  const rows = await (isLearned(model)
    ? ownModelRows(foldOf, perAttack, on, work)
    : ownParameterRows(full, foldOf, perAttack, on, work));
  return attacks.map((_, a) => ({
    loss: model.loss,
    y: data.y,
    w: data.weights,
    scores: rows.scores,
    shifts: rows.shifts[a],
    foldOf,
    folds: perAttack[a],
    singularFolds,
  }));
}
