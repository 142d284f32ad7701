import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { assignFolds } from "../../data/splits.js";
import type { Sampling } from "../../influence/sampling.js";
import type { FeatureMap } from "../../models/feature-map.js";
import type { Work } from "../../parallel/work.js";
import { NormalEquations } from "../../solvers/normal-equations.js";
import { radiusScale } from "../../threats/radius-scale.js";
import { type ChosenModel, chooseModel } from "../model-choice.js";
import { samplingOf } from "../row-sampling.js";
import type { StudySettings } from "../settings.js";
import { resolveReach, threatOf } from "../threat-choice.js";

/** The size of the attack, in both conventions (MATH 5): ε times the mean norm of what a model sees, or one ρ for all models. */
export interface ComparedSizes {
  readonly epsilon: number;
  readonly radius: number;
  /** c of all columns that can be attacked: radius = epsilon · referenceScale. */
  readonly referenceScale: number;
  /** Which of the two was given, or is the default. */
  readonly given: "epsilon" | "radius";
}

/** What all models of a comparison stand on. */
export interface ComparisonGround {
  readonly training: EncodedDataset;
  /** Rows apart; null: folds, or the training rows. */
  readonly evaluation: EncodedDataset | null;
  /** n; null without folds. */
  readonly foldOf: Uint16Array | null;
  readonly folds: number;
  readonly sizes: ComparedSizes;
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

const DEFAULT_EPSILON = 0.01;

/** Radii of a comparison. @throws as `resolveReach` */
export async function sizesOf(settings: StudySettings, training: EncodedDataset, work: Work): Promise<ComparedSizes> {
  const reach = resolveReach(settings, training, () => true);
  const referenceScale = await radiusScale(training, threatOf(settings.norms[0], reach), work);
  const { epsilons, radii, budgets } = settings;
  const radius = radii?.[0] ?? (budgets && !epsilons ? 1 : null);
  if (radius !== null) return { epsilon: radius / referenceScale, radius, referenceScale, given: "radius" };
  const epsilon = epsilons?.[0] ?? DEFAULT_EPSILON;
  return { epsilon, radius: epsilon * referenceScale, referenceScale, given: "epsilon" };
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
