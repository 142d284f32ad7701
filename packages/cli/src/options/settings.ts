import { checkSettings, DEFAULT_SETTINGS, type StudySettings } from "@aif/core";
import { usageError } from "../errors.js";
import { type adversaryOptions, eachOnce } from "./adversary.js";
import type { dataOptions } from "./data.js";
import type { evaluationOptions } from "./evaluation.js";
import type { inferenceOptions } from "./inference.js";
import type { modelOptions } from "./model.js";
import type { ValuesOf } from "./rule.js";
import type { verdictOptions } from "./verdict.js";

export interface StudyOptions {
  readonly data: ValuesOf<typeof dataOptions>;
  readonly model: ValuesOf<typeof modelOptions>;
  readonly adversary: ValuesOf<typeof adversaryOptions>;
  readonly evaluation: ValuesOf<typeof evaluationOptions>;
  readonly inference: ValuesOf<typeof inferenceOptions>;
  readonly verdict: ValuesOf<typeof verdictOptions>;
}

/** The analysis that the options describe. @throws usage: options that are missing or contradict each other */
export function studySettings(options: StudyOptions): StudySettings {
  const { data, model, adversary, evaluation, inference, verdict } = options;
  if (data.target === null) throw usageError("Say which column to predict: --target <column>.");
  const settings: StudySettings = {
    ...DEFAULT_SETTINGS,
    target: data.target,
    positive: data.positive,
    missing: data.missing,
    exclude: data.exclude,
    keep: data.keep,
    weights: data.weights,
    weightsKind: data.weightsKind,
    cluster: data.cluster,
    by: data.by,
    ...model,
    classWeight: model.classWeight === "balanced" ? "balanced" : null,
    norms: [...new Set(adversary.norm)],
    epsilons: adversary.epsilon,
    radii: adversary.radius,
    freeze: adversary.freeze,
    budgets: adversary.budget && eachOnce(adversary.budget, "--budget"),
    bounds: eachOnce(adversary.bounds, "--bounds"),
    ...evaluation,
    ...inference,
    attackRate: verdict.attackRate,
    failIf: verdict.failIf,
  };
  checkSettings(settings);
  return settings;
}
