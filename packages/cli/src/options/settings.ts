import { checkSettings, DEFAULT_SETTINGS, defaultEvaluation, type StudySettings } from "@aif/core";
import { usageError } from "../errors.js";
import { type adversaryOptions, eachOnce } from "./adversary.js";
import type { dataOptions } from "./data.js";
import type { evaluationOptions } from "./evaluation.js";
import type { inferenceOptions } from "./inference.js";
import type { kernelOptions } from "./kernel.js";
import type { modelOptions } from "./model.js";
import type { networkOptions } from "./network.js";
import type { predictionOptions } from "./prediction.js";
import { type representationOptions, representationSettings } from "./representation.js";
import type { ValuesOf } from "./rule.js";
import type { verdictOptions } from "./verdict.js";

type DataValues = ValuesOf<typeof dataOptions>;
type AdversaryValues = ValuesOf<typeof adversaryOptions>;

export interface StudyOptions {
  readonly data: Omit<DataValues, "cluster" | "by"> & Partial<DataValues>;
  readonly model: ValuesOf<typeof modelOptions>;
  readonly network?: ValuesOf<typeof networkOptions>;
  readonly kernel?: ValuesOf<typeof kernelOptions>;
  readonly representation?: ValuesOf<typeof representationOptions>;
  readonly adversary: Pick<AdversaryValues, "norm" | "freeze" | "budget"> & Partial<AdversaryValues>;
  readonly evaluation?: ValuesOf<typeof evaluationOptions>;
  readonly inference?: ValuesOf<typeof inferenceOptions>;
  readonly prediction?: Partial<ValuesOf<typeof predictionOptions>>;
  readonly verdict?: ValuesOf<typeof verdictOptions>;
  /** Bytes that solvers may take; null: as by default. */
  readonly memory?: number | null;
  /** Whether the settings must make sense by themselves (default): those of a family do only with each of its models. */
  readonly checked?: boolean;
}

/** The analysis that the options describe; what a command does not ask for is as by default. @throws usage: options that are missing or contradict each other */
export function studySettings(options: StudyOptions): StudySettings {
  const { data, model, network, representation, adversary, evaluation, inference, prediction, verdict } = options;
  const { checked = true } = options;
  const local = localSettings(network, options.memory ?? null);
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
    cluster: data.cluster ?? null,
    by: data.by ?? null,
    ...model,
    classWeight: model.classWeight === "balanced" ? "balanced" : null,
    norms: [...new Set(adversary.norm ?? (adversary.divergence ? [] : DEFAULT_SETTINGS.norms))],
    wasserstein: adversary.wasserstein ?? null,
    divergence: adversary.divergence ?? null,
    epsilons: adversary.epsilon ?? null,
    radii: adversary.radius ?? null,
    freeze: adversary.freeze,
    budgets: adversary.budget && eachOnce(adversary.budget, "--budget"),
    bounds: eachOnce(adversary.bounds ?? [], "--bounds"),
    ...evaluation,
    evaluation: evaluation?.evaluation ?? defaultEvaluation({ model: model.model, local }),
    local,
    kernel: kernelSettings(options.kernel),
    ...(representation && representationSettings(representation)),
    ...inference,
    ...prediction,
    ...(verdict && { attackRate: verdict.attackRate, failIf: verdict.failIf }),
  };
  if (checked) checkSettings(settings);
  return settings;
}

/** The cap is what `--memory` is called where it is typed. */
const localSettings = (network: StudyOptions["network"], memory: number | null): StudySettings["local"] => ({
  ...DEFAULT_SETTINGS.local,
  ...network,
  memoryBytes: memory,
});

/** On the sphere rows keep their length. */
function kernelSettings(kernel: StudyOptions["kernel"]): StudySettings["kernel"] {
  if (!kernel) return DEFAULT_SETTINGS.kernel;
  const { sphere, ...values } = kernel;
  return { ...values, surface: sphere ? "sphere" : "ball" };
}
