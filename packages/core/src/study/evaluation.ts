import type { Dataset } from "../data/dataset.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import { assignFolds } from "../data/splits.js";
import type { Influence } from "../influence/aif.js";
import { crossFit, type FoldInfluence } from "../influence/cross-fit.js";
import type { MovingRows } from "../influence/moving-rows.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import {
  dualNormOf,
  expandedRobustLoss,
  hasClosedForm,
  type RobustLossMethod,
  worstLoss,
} from "../robust/robust-loss.js";
import type { EvaluationPlan } from "./settings.js";

/** Rows on which one threat is evaluated, each under the fit that is meant for it. */
export interface EvaluatedRows {
  readonly data: Dataset;
  readonly rows: MovingRows;
  /** Which of `fits` each row belongs to; null: there is one. */
  readonly fitOf: Uint16Array | null;
  readonly fits: readonly FoldInfluence[];
}

/** The training rows under the fit itself, s_i given. */
export function trainingRows(attack: Influence, shifts: Float64Array): EvaluatedRows {
  const { fit, influence: I, scale } = attack;
  const { data, model, scores, parameters } = fit;
  return {
    data,
    rows: { loss: model.loss, y: data.y, w: data.weights, scores, shifts },
    fitOf: null,
    fits: [{ parameters, influence: I, scale }],
  };
}

/** Rows of another table under the fit. */
export async function otherRows(attack: Influence, data: Dataset, work?: Work): Promise<EvaluatedRows> {
  const { fit, influence: I, scale } = attack;
  const scores = new Float64Array(data.rows);
  const shifts = new Float64Array(data.rows);
  await sweep(
    fit.model.map,
    data,
    { theta: asColumns([fit.parameters, I]), phase: "evaluation" },
    ({ block: { firstRow }, scores: both }) => {
      for (let i = 0; i < both.rows; i++) {
        scores[firstRow + i] = both.data[2 * i];
        shifts[firstRow + i] = both.data[2 * i + 1];
      }
    },
    work,
  );
  return {
    data,
    rows: { loss: fit.model.loss, y: data.y, w: data.weights, scores, shifts },
    fitOf: null,
    fits: [{ parameters: fit.parameters, influence: I, scale }],
  };
}

/** Every training row under the fit of the folds that it is not in; one entry a threat. */
export async function heldOutRows(
  attacks: readonly Influence[],
  data: EncodedDataset,
  plan: Extract<EvaluationPlan, { kind: "cv" }>,
  seed: number,
  work?: Work,
): Promise<{ evaluated: EvaluatedRows[]; singularFolds: number }> {
  const foldOf = assignFolds(data.sourceRows, plan.folds, seed, {
    strata: data.labels ? data.y : undefined,
    groups: data.groups,
  });
  const fits = await crossFit(attacks[0].fit, attacks, foldOf, plan.folds, work);
  return {
    singularFolds: fits[0].singularFolds,
    evaluated: fits.map((rows) => ({ data, rows, fitOf: foldOf, fits: rows.folds })),
  };
}

/** Robust losses at θ̂ and at θ̂ + εI for every ε, each row under its own fit. */
export async function robustLosses(
  { fit: { model }, threat }: Influence,
  evaluated: EvaluatedRows,
  epsilons: readonly number[],
  work?: Work,
): Promise<{ method: RobustLossMethod; natural: number[]; robust: number[] }> {
  if (!hasClosedForm(model, threat)) return expandedLosses(model, threat, evaluated, epsilons, work);
  const { rows, fitOf, fits } = evaluated;
  const mean = (epsilon: number, moved: number): number => {
    const reach = fits.map(({ parameters, influence, scale }) => {
      const theta = parameters.map((value, j) => value + moved * influence[j]);
      return epsilon * scale * dualNormOf(model, threat, theta).norm;
    });
    let sum = 0;
    for (let i = 0; i < rows.y.length; i++) {
      const f = rows.scores[i] + moved * rows.shifts[i];
      sum += rows.w[i] * worstLoss(model.loss, f, rows.y[i], reach[fitOf ? fitOf[i] : 0]);
    }
    return sum;
  };
  return {
    method: "closed-form",
    natural: epsilons.map((epsilon) => mean(epsilon, 0)),
    robust: epsilons.map((epsilon) => mean(epsilon, epsilon)),
  };
}

async function expandedLosses(
  model: Influence["fit"]["model"],
  threat: Influence["threat"],
  { data, rows, fitOf, fits }: EvaluatedRows,
  epsilons: readonly number[],
  work?: Work,
): Promise<{ method: RobustLossMethod; natural: number[]; robust: number[] }> {
  const natural = epsilons.map(() => 0);
  const robust = epsilons.map(() => 0);
  for (const [k, { parameters, influence, scale }] of fits.entries()) {
    const own = fitOf ? Int32Array.from([...fitOf.keys()].filter((i) => fitOf[i] === k)) : null;
    if (own?.length === 0) continue;
    const part = own ? data.select(own) : data;
    const weight = own ? own.reduce((sum, i) => sum + rows.w[i], 0) : 1;
    for (const [e, epsilon] of epsilons.entries()) {
      const moved = parameters.map((value, j) => value + epsilon * influence[j]);
      natural[e] += weight * (await expandedRobustLoss(model, threat, part, parameters, epsilon * scale, work));
      robust[e] += weight * (await expandedRobustLoss(model, threat, part, moved, epsilon * scale, work));
    }
  }
  return { method: "expansion", natural, robust };
}
