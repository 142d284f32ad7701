import type { Dataset } from "../data/dataset.js";
import type { FoldSums } from "../models/fold-sums.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import { crossFit, type FoldInfluence } from "./cross-fit.js";
import type { MovingRows } from "./moving-rows.js";

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
    fits: [{ model, parameters, influence: I, scale }],
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
    fits: [{ model: fit.model, parameters: fit.parameters, influence: I, scale }],
  };
}

/**
 * Every training row under the fit of the folds that it is not in; one entry a threat.
 * @param on the same rows as they are judged, if not as they are fitted: without their noise.
 */
export async function heldOutRows(
  attacks: readonly Influence[],
  foldOf: Uint16Array,
  folds: number,
  work?: Work,
  known?: FoldSums,
  on: Dataset = attacks[0].fit.data,
): Promise<{ evaluated: EvaluatedRows[]; singularFolds: number }> {
  const { fit } = attacks[0];
  const fits = await crossFit(fit, attacks, foldOf, folds, work, known, on);
  return {
    singularFolds: fits[0].singularFolds,
    evaluated: fits.map((rows) => ({ data: on, rows, fitOf: foldOf, fits: rows.folds })),
  };
}

/** The same rows for absolute sizes: each fit is attacked with ρ = ε·scale, whatever its own c (fold influences are per ε·c_{−k}). */
export function atFixedRadius({ data, rows, fitOf, fits }: EvaluatedRows, scale: number): EvaluatedRows {
  const factors = fits.map((fit) => scale / fit.scale);
  return {
    data,
    rows: { ...rows, shifts: rows.shifts.map((shift, i) => shift * factors[fitOf ? fitOf[i] : 0]) },
    fitOf,
    fits: fits.map(({ model, parameters, influence }, k) => ({
      model,
      parameters,
      influence: influence.map((value) => value * factors[k]),
      scale,
    })),
  };
}
