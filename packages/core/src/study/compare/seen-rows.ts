import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { inputError } from "../../errors.js";
import type { Work } from "../../parallel/work.js";
import type { StudySettings } from "../settings.js";
import { reachBudgets } from "../threat-choice.js";
import { columnOrder } from "./column-order.js";
import type { Candidate } from "./family.js";
import type { ComparisonGround } from "./ground.js";
import { narrowedTo, placesOf } from "./subject.js";

/** The common rows as a model without a closed form sees them. */
export interface SeenRows {
  readonly columns: readonly string[];
  /** Whatever the sizes turn out to be, c counts as estimated with the model. */
  readonly settings: StudySettings;
  readonly training: EncodedDataset;
  /** Rows apart, or the training rows themselves; null: folds. */
  readonly evaluation: EncodedDataset | null;
}

/** @throws input: nothing that it sees can be attacked. */
export async function seenBy(candidate: Candidate, ground: ComparisonGround, work: Work): Promise<SeenRows> {
  const columns = await columnOrder(candidate, ground, null, null, work);
  const features = placesOf(ground.training, columns);
  const narrowed = narrowedTo(candidate.settings, columns);
  const training = ground.training.withFeatures(features);
  const isReached =
    narrowed.divergence !== null || reachBudgets(narrowed, training, () => true).some((budget) => budget > 0);
  if (!isReached) {
    throw inputError(
      "Nothing that it sees can be attacked, and only models in closed form are compared without an attack.",
    );
  }
  return {
    columns,
    settings: { ...narrowed, epsilons: [0], radii: null },
    training,
    evaluation: ground.foldOf === null ? (ground.evaluation?.withFeatures(features) ?? training) : null,
  };
}
