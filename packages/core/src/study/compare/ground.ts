import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { assignFolds } from "../../data/splits.js";
import type { Sampling } from "../../influence/sampling.js";
import type { FeatureMap } from "../../models/feature-map.js";
import type { Work } from "../../parallel/work.js";
import { NormalEquations } from "../../solvers/normal-equations.js";
import { type ChosenModel, chooseModel } from "../model-choice.js";
import { samplingOf } from "../row-sampling.js";
import type { StudySettings } from "../settings.js";

/** What all models of a comparison stand on. */
export interface ComparisonGround {
  readonly training: EncodedDataset;
  /** Rows apart; null: folds, or the training rows. */
  readonly evaluation: EncodedDataset | null;
  /** n; null without folds. */
  readonly foldOf: Uint16Array | null;
  readonly folds: number;
  /** Of the rows that losses are compared on, and of those that models are fitted to. */
  readonly sampling: { readonly evaluation: Sampling; readonly training: Sampling };
  readonly columns: readonly string[];
  /** How many columns the longest forward selection takes. */
  readonly steps: { readonly forward: number };
  /** Orders of columns that selections have found, by what they depend on. */
  readonly orders: Map<string, Promise<readonly string[]>>;
  /** Normal equations of models that some candidates are parts of, by model. */
  readonly equations: Map<string, Promise<SharedEquations | null>>;
}

/** Sums that serve every subset of the columns, every ridge and every fold of one model with a squared loss. */
export interface SharedEquations {
  readonly equations: NormalEquations;
  /** Of the model with all columns. */
  readonly map: FeatureMap;
}

/** The folds of a comparison: the same for every model, and the same as those of an analysis. */
export function foldsOf(
  { evaluation, seed }: StudySettings,
  training: EncodedDataset,
): Pick<ComparisonGround, "foldOf" | "folds"> {
  if (evaluation.kind !== "cv") return { foldOf: null, folds: 0 };
  const classes = training.encoding.target.task === "binary" || training.encoding.target.task === "multiclass";
  const foldOf = assignFolds(training.sourceRows, evaluation.folds, seed, {
    strata: classes ? training.y : undefined,
    groups: training.groups,
  });
  return { foldOf, folds: evaluation.folds };
}

export const samplings = (
  training: EncodedDataset,
  evaluation: EncodedDataset | null,
  settings: StudySettings,
): ComparisonGround["sampling"] => ({
  training: samplingOf(training, settings),
  evaluation: samplingOf(evaluation ?? training, settings),
});

/** What the folds' Gram matrices of one model may take. */
const SUMS_BYTES = 512 * 2 ** 20;

/** The sums of a candidate's model with all columns; null: the loss is not squared, or they would take too much memory. */
export function sharedEquations(
  ground: ComparisonGround,
  settings: StudySettings,
  work: Work,
): Promise<SharedEquations | null> {
  const key = settings.model ?? "";
  const known = ground.equations.get(key);
  if (known) return known;
  const found = sumUp(ground, chooseModel(settings, ground.training), work);
  ground.equations.set(key, found);
  return found;
}

async function sumUp(
  { training, foldOf, folds }: ComparisonGround,
  chosen: ChosenModel,
  work: Work,
): Promise<SharedEquations | null> {
  const model = chosen.describe(training);
  const { map, loss } = model;
  const count = Math.max(1, folds);
  const bytes = count * map.count ** 2 * 8;
  if (!loss.quadratic || !map.inputsOf || bytes > SUMS_BYTES) return null;
  const all = foldOf ?? new Uint16Array(training.rows);
  return { equations: await NormalEquations.of(model, training, all, count, work), map };
}
