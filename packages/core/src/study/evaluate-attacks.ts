import type { EncodedDataset } from "../data/encoded-dataset.js";
import { assignFolds } from "../data/splits.js";
import type { Influence } from "../influence/aif.js";
import { type EvaluatedRows, heldOutRows, otherRows } from "../influence/evaluated-rows.js";
import type { Work } from "../parallel/work.js";
import type { StudySettings } from "./settings.js";

/** The rows that every attack is judged on: held out by folds, or apart from the start; null: the training rows. */
export async function evaluateAttacks(
  attacks: readonly Influence[],
  training: EncodedDataset,
  evaluation: EncodedDataset | null,
  { evaluation: plan, seed }: Pick<StudySettings, "evaluation" | "seed">,
  work: Work,
): Promise<{ evaluated: (EvaluatedRows | null)[]; singularFolds: number }> {
  if (plan.kind === "cv") {
    const strata = training.labels ? training.y : undefined;
    const foldOf = assignFolds(training.sourceRows, plan.folds, seed, { strata, groups: training.groups });
    const { evaluated, singularFolds } = await heldOutRows(attacks, foldOf, plan.folds, work);
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
