import type { DescribedColumns } from "../data/encoded-dataset.js";
import type { FeatureInfo, Task } from "../data/encoding.js";
import { usageError } from "../errors.js";
import type { LossName } from "../models/losses.js";
import { projected } from "../models/projection/projected-score.js";
import type { Projection } from "../models/projection/projection.js";
import {
  basis,
  linear,
  logistic,
  type ModelDescription,
  type ModelKind,
  poisson,
  quadratic,
} from "../models/score-model.js";
import { hasClosedForm, localTaskOf } from "./local-settings.js";
import { parseModel, type StudySettings } from "./settings.js";

/** What the target must be for a model, before the table is encoded. */
export function taskOf(settings: StudySettings): Task | "auto" {
  if (!hasClosedForm(settings)) return localTaskOf(settings);
  const { model, loss } = settings;
  if (loss === "logistic") return "binary";
  if (loss === "poisson") return "count";
  if (model === null) return loss === null ? "auto" : "regression";
  const { kind } = parseModel(model);
  return TASK_OF[kind];
}

const TASK_OF: Readonly<Record<ModelKind, Task>> = {
  linear: "regression",
  quadratic: "regression",
  basis: "regression",
  logistic: "binary",
  poisson: "count",
};

export interface ChosenModel {
  readonly kind: ModelKind;
  /** As the user wrote it or could have: "linear", "basis:x,x^2". */
  readonly name: string;
  readonly loss: LossName;
  readonly describe: ModelDescription;
  /** Features whose square the quadratic model leaves out. */
  readonly omittedSquares: readonly string[];
}

/** The losses that each model allows, the default first. */
const LOSSES_OF: Readonly<Record<ModelKind, readonly LossName[]>> = {
  linear: ["squared", "half-squared"],
  logistic: ["logistic"],
  poisson: ["poisson"],
  quadratic: ["squared", "half-squared", "logistic", "poisson"],
  basis: ["squared", "half-squared", "logistic", "poisson"],
};

/**
 * @param among all features that the terms of a basis may name, where `data` has some of them.
 * @throws usage: a loss that the model does not allow.
 */
export function chooseModel(
  settings: StudySettings,
  data: DescribedColumns,
  projection: Projection | null = null,
  among: readonly string[] = data.features,
): ChosenModel {
  const { intercept } = settings;
  const binary = data.encoding.target.task === "binary";
  const name = settings.model ?? (binary ? "logistic" : settings.loss === "poisson" ? "poisson" : "linear");
  const { kind, terms } = parseModel(name);
  const allowed = LOSSES_OF[kind];
  const loss = allowed.find((known) => known === (settings.loss ?? allowed[0]));
  if (!loss) {
    throw usageError(`--loss ${settings.loss} does not go with --model ${kind}: use ${allowed.join(" or ")}.`);
  }
  // Products of components repeat nothing, whatever the features are.
  const omitted = projection ? () => false : omittedProducts(data.featureInfo);
  const describe: Record<ModelKind, () => ModelDescription> = {
    linear: () => linear({ loss, intercept }),
    logistic: () => logistic({ intercept }),
    poisson: () => poisson({ intercept }),
    quadratic: () => quadratic({ loss, intercept, omitted }),
    basis: () => basis(terms ?? "", { loss, intercept, ...(projection ? {} : { among }) }),
  };
  const omittedSquares = kind === "quadratic" ? data.features.filter((_, k) => omitted(k, k)) : [];
  const plain = describe[kind]();
  return { kind, name, loss, describe: projection ? projected(plain, projection) : plain, omittedSquares };
}

/** Squares of two-valued features and products of two levels of one column repeat other features (MATH 1.1). */
function omittedProducts(features: readonly FeatureInfo[]): (j: number, k: number) => boolean {
  return (j, k) =>
    j === k
      ? features[k].twoValued
      : features[j].level !== null && features[k].level !== null && features[j].column === features[k].column;
}

/** λ from --l2, or from scikit-learn's C or alpha (MATH 14.7). @throws usage: a convention of another model. */
export function ridgeOf({ l2, C, alpha }: StudySettings, { loss }: ChosenModel, rows: number): number {
  if (C !== null) {
    if (loss !== "logistic")
      throw usageError("--C is the penalty of scikit-learn's LogisticRegression: use --l2 or --alpha here.");
    return 1 / (C * rows);
  }
  if (alpha === null) return l2 ?? 0;
  if (loss === "logistic")
    throw usageError("--alpha is the penalty of scikit-learn's Ridge and PoissonRegressor: use --C or --l2 here.");
  return { squared: (2 * alpha) / rows, "half-squared": alpha / rows, poisson: alpha }[loss];
}
