import type { EncodedDataset } from "../data/encoded-dataset.js";
import { assignFolds } from "../data/splits.js";
import type { Influence } from "../influence/aif.js";
import { type EvaluatedRows, heldOutRows, otherRows } from "../influence/evaluated-rows.js";
import type { Work } from "../parallel/work.js";
import { judgedRows } from "./noise.js";
import type { StudySettings } from "./settings.js";

/** The rows that every attack is judged on: held out by folds, or apart from the start; null: the training rows. */
export async function evaluateAttacks(
  attacks: readonly Influence[],
  training: EncodedDataset,
  evaluation: EncodedDataset | null,
  settings: Pick<StudySettings, "evaluation" | "seed" | "smoothing">,
  work: Work,
): Promise<{ evaluated: (EvaluatedRows | null)[]; singularFolds: number }> {
  const { evaluation: plan, seed } = settings;
  if (plan.kind === "cv") {
    // The draws of a row are never apart, and folds are those of the rows without noise.
    const { original, copies } = training;
    const strata = training.labels ? original.y : undefined;
    const ofRows = assignFolds(original.sourceRows, plan.folds, seed, { strata, groups: original.groups });
    const foldOf = copies === 1 ? ofRows : Uint16Array.from(training.y, (_, i) => ofRows[Math.floor(i / copies)]);
    const judged = judgedRows(training, settings);
    const { evaluated, singularFolds } = await heldOutRows(attacks, foldOf, plan.folds, work, undefined, judged);
    return { evaluated: evaluated.map((rows) => reweighted(rows, training.evaluationWeights)), singularFolds };
  }
  if (evaluation === null) return { evaluated: attacks.map(() => null), singularFolds: 0 };
  const evaluated: EvaluatedRows[] = [];
  for (const attack of attacks) {
    evaluated.push(reweighted(await otherRows(attack, evaluation, work), evaluation.evaluationWeights));
  }
  return { evaluated, singularFolds: 0 };
}

/** Class weights shape the fit, not the judgement. */
const reweighted = (evaluated: EvaluatedRows, w: Float64Array): EvaluatedRows => ({
  ...evaluated,
  rows: { ...evaluated.rows, w },
});
