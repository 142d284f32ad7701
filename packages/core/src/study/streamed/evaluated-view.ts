import { atFixedRadius, type EvaluatedRows, trainingRows } from "../../influence/evaluated-rows.js";
import { hasAbsoluteSizes, type StudySettings } from "../settings.js";
import { onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import { type FoldFits, foldInfluences, foldScores } from "./cross-fit-rows.js";
import type { RowsView } from "./rows-view.js";

/** The rows of a view on which a threat is judged, each under the fit that is meant for it. */
export type EvaluatedOn = (view: RowsView) => Promise<EvaluatedRows>;

/** The training rows under the fit itself. */
export const onTraining =
  (attacked: StreamedAttack): EvaluatedOn =>
  async (view) =>
    trainingRows(await onView(view, attacked), shiftsOf(view, attacked));

/** Rows that the fit has not seen. */
export function onOthers(attacked: StreamedAttack, settings: StudySettings): EvaluatedOn {
  const { fit, influence, scale } = attacked.attack;
  const { model, parameters } = fit;
  const fits = [{ model, parameters, influence, scale }];
  return async (view) => {
    const scores = view.scores(model, parameters);
    return judged(view, attacked, { scores, shifts: shiftsOf(view, attacked), fitOf: null, fits }, settings);
  };
}

/** The training rows, each under the fit of the folds that it is not in. @param t which threat */
export function onFolds(attacked: StreamedAttack, folds: FoldFits, t: number, settings: StudySettings): EvaluatedOn {
  const { fit } = attacked.attack;
  const fits = foldInfluences(fit, folds, t);
  return async (view) => {
    const { scores, shifts } = await foldScores(view, fit, folds);
    return judged(view, attacked, { scores, shifts: shifts[t], fitOf: view.foldOf, fits }, settings);
  };
}

/** Class weights shape the fit, not the judgement; absolute sizes attack every fit alike. */
function judged(
  { data, block }: RowsView,
  { attack }: StreamedAttack,
  {
    scores,
    shifts,
    fitOf,
    fits,
  }: Pick<EvaluatedRows, "fitOf" | "fits"> & { readonly scores: Float64Array; readonly shifts: Float64Array },
  settings: StudySettings,
): EvaluatedRows {
  const rows = { loss: attack.fit.model.loss, y: data.y, w: block.evaluationWeights, scores, shifts };
  const found = { data, rows, fitOf, fits };
  return hasAbsoluteSizes(settings) ? atFixedRadius(found, attack.scale) : found;
}
