import type { EncodedDataset } from "../data/encoded-dataset.js";
import { toOriginalUnits } from "../data/scaler.js";
import type { Table } from "../data/table.js";
import { AifError } from "../errors.js";
import { type Influence, influence } from "../influence/aif.js";
import { metricsOf } from "../influence/metrics.js";
import { interceptName } from "../models/feature-map.js";
import type { Work } from "../parallel/work.js";
import { type AdversarialTrainingOptions, adversarialTraining } from "../robust/adversarial-training.js";
import { attack } from "../robust/attack.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import { exponentName } from "../threats/norms.js";
import { radiusScale } from "../threats/radius-scale.js";
import type { Threat } from "../threats/threat.js";
import { collapsedTraining, type TrainingRun } from "./collapsed-training.js";
import { raise } from "./flags.js";
import { refuseL1 } from "./l1-settings.js";
import { chooseModel, ridgeOf } from "./model-choice.js";
import { modelSection } from "./model-section.js";
import { pathSettings, trainingRowFlags, trainingRowsSection } from "./path-study.js";
import { encodeTraining, explainMissingHeader, stopwatch } from "./prepare.js";
import { resolvedSettings } from "./resolved-settings.js";
import { checkSettings, requireRowwise, type StudySettings } from "./settings.js";
import { resolveReach, threatOf } from "./threat-choice.js";
import { trainingFlags } from "./training-flags.js";
import type { Comparison, TrainedCoefficients, TrainedModel, TrainingResult } from "./training-result.js";
import { type TrainingSettings, trainingSize } from "./training-settings.js";
import { short } from "./words.js";

/** A table, what is asked of it, and how to train against the attack. */
export interface TrainingInput {
  readonly table: Table;
  /** Data, model and adversary, of one norm and one size; evaluation and inference do not matter. */
  readonly settings: StudySettings;
  readonly training: TrainingSettings;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds?: number;
}

/** What training is watched, kept and gone on with by. */
export type TrainingWork = Work & Pick<AdversarialTrainingOptions, "checkpoint" | "resume" | "resumeName" | "onStep">;

/** The search that judges a model, where its worst case is not known exactly. */
const JUDGING_STEPS = 200;
const JUDGING_RESTARTS = 2;

/**
 * Adversarial training of a table's model by projected gradient (MATH 13), begun at the fit, beside the natural model and the
 * prediction θ̂ + εI: min_θ Σ w max_{‖δ⊘b‖_p ≤ ρ, x+δ in the box} l + ½ΣPθ², ρ = εc.
 * @throws usage: not one norm and one size, settings that contradict each other, a checkpoint of others. input: data that do not
 * suit, or are not those of the checkpoint. numerical: no fit.
 */
export async function trainingStudy(
  { table, settings, training, readSeconds = 0 }: TrainingInput,
  work: TrainingWork = {},
): Promise<TrainingResult> {
  const size = trainingSize(settings);
  checkSettings(settings);
  requireRowwise(settings, "The adversary of this training");
  refuseL1(settings, "Adversarial training");
  const { onProgress, ...watched } = work;
  const plain: Work = { signal: work.signal, onProgress };
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const data = encodeTraining(table, settings);
  const model = chooseModel(settings, data);
  const { map } = model.describe(data);
  const reach = resolveReach(settings, data, (k) => map.usesInput(k));
  const l2 = ridgeOf(settings, model, data.weightTotal);
  const fit = await fitModel(model.describe, data, { l2, ...plain });
  const fitSeconds = clock.lap();

  const { prediction, reason } = await predict(fit, threatOf(size.norm, reach), plain);
  const predictionSeconds = clock.lap();
  const threat = threatOf(size.norm, reach)(map.inputs);
  const scale = await radiusScale(fit.data, threat, plain);
  const radius = size.radius ?? (size.epsilon ?? 0) * scale;
  const epsilon = radius / scale;
  clock.lap();

  const collapsed = await collapsedTraining(fit, threat, radius, plain);
  const run: TrainingRun =
    collapsed?.run ??
    (await adversarialTraining(fit, threat, radius, {
      ...training,
      seed: settings.seed,
      gap: { every: training.gapEvery, tolerance: training.gapTolerance },
      ...watched,
      ...(work.onStep ? {} : { onProgress }),
    }));
  const trainingSeconds = clock.lap();
  const judge = (theta: Float64Array): Promise<TrainedModel> =>
    judged(fit, data, threat, radius, theta, settings, plain);
  const shifted = prediction && fit.parameters.map((value, j) => value + epsilon * prediction.influence[j]);
  const natural = await judge(fit.parameters);
  const predicted = shifted && (await judge(shifted));
  const trained = await judge(run.parameters);
  const seconds = { prediction: predictionSeconds, training: trainingSeconds };
  const resolved = resolvedSettings(settings, table, data, model, reach, { l1: null, l2 });
  const { norms: _norms, ...chosen } = pathSettings(resolved);
  return {
    schema: "aif.training-result/1",
    settings: {
      ...chosen,
      ...training,
      norm: exponentName(size.norm),
      epsilon: size.epsilon,
      radius: size.radius,
      bounds: resolved.bounds,
      seed: settings.seed,
    },
    data: trainingRowsSection(table, data),
    model: modelSection(fit, data, settings),
    fit: {
      parameters: [...fit.parameters],
      trainingLoss: fit.trainingLoss,
      gradientNorm: fit.gradientNorm,
      iterations: fit.iterations,
    },
    threat: {
      norm: exponentName(size.norm),
      attacked: reach.attacked.map(({ name }) => name),
      frozen: reach.frozen.map(({ name }) => name),
    },
    scale,
    epsilon,
    radius,
    natural,
    predicted,
    trained,
    training: trainingSection(run, work.resume?.iteration ?? null),
    comparison: predicted && compared(fit, run, { natural, predicted, trained }, seconds),
    coefficients: coefficientsOf(fit, data, shifted, run.parameters),
    flags: [
      ...trainingRowFlags(table, settings, data, model, reach, fit),
      ...trainingFlags(run, trained.method, reason),
      ...(collapsed
        ? [
            raise(
              "beyond-collapse",
              `ε = ${short(epsilon)} lies beyond the collapse radius ${short(collapsed.collapseRadius / scale)}.`,
            ),
          ]
        : []),
    ],
    timings: {
      read: readSeconds,
      fit: fitSeconds,
      ...seconds,
      total: readSeconds + fitSeconds + predictionSeconds + trainingSeconds + clock.lap(),
    },
  };
}

/** Training does not need a prediction: where there is none, the reason is all that is said of it. */
async function predict(
  fit: Fit,
  threat: Parameters<typeof influence>[1],
  work: Work,
): Promise<{ prediction: Influence | null; reason: string | null }> {
  try {
    return { prediction: await influence(fit, threat, work), reason: null };
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") return { prediction: null, reason: error.message };
    throw error;
  }
}

async function judged(
  { model }: Fit,
  data: EncodedDataset,
  threat: Threat,
  radius: number,
  theta: Float64Array,
  { seed }: StudySettings,
  work: Work,
): Promise<TrainedModel> {
  const search = { steps: JUDGING_STEPS, restarts: JUDGING_RESTARTS, seed, ...work };
  const robust = await attack({ model }, theta, threat, data, radius, search);
  const natural = await attack({ model }, theta, threat, data, 0, { ...search, steps: 1, restarts: 0 });
  const metrics = (scores: Float64Array) => metricsOf(model.loss, data.y, data.evaluationWeights, scores);
  return {
    parameters: [...theta],
    naturalLoss: natural.robustLoss,
    robustLoss: robust.robustLoss,
    method: robust.method,
    metrics: { natural: metrics(natural.scores), robust: metrics(robust.scores) },
  };
}

function trainingSection(run: TrainingRun, resumedAt: number | null): TrainingResult["training"] {
  const { robustLoss: searchedLoss, innerGap, gap, gradientNorm, iterations, stopped, converged, history } = run;
  return { searchedLoss, innerGap, gap, gradientNorm, iterations, resumedAt, stopped, converged, history };
}

function compared(
  { hessian, parameters: start }: Fit,
  run: TrainingRun,
  { natural, predicted, trained }: Record<"natural" | "predicted" | "trained", TrainedModel>,
  seconds: { readonly prediction: number; readonly training: number },
): Comparison {
  const lengthOf = (x: Float64Array): number => Math.sqrt(Math.max(0, dot(x, hessianTimes(hessian, x))));
  const parameterError = lengthOf(run.parameters.map((value, j) => value - predicted.parameters[j]));
  const shift = lengthOf(start.map((value, j) => predicted.parameters[j] - value));
  return {
    parameterError,
    relativeParameterError: shift > 0 ? parameterError / shift : null,
    predictedChange: predicted.naturalLoss - natural.naturalLoss,
    change: trained.naturalLoss - natural.naturalLoss,
    timesPrediction: seconds.prediction > 0 ? seconds.training / seconds.prediction : null,
  };
}

function coefficientsOf(
  { model: { map, parameterNames }, parameters }: Fit,
  data: EncodedDataset,
  predicted: Float64Array | null,
  trained: Float64Array,
): TrainedCoefficients {
  const isLinear = map.sharedGradient;
  const translate = (theta: Float64Array): number[] => {
    if (!isLinear) return [...theta];
    const { intercept, coefficients } = toOriginalUnits(theta, data.encoding, map.intercept);
    return [intercept, ...coefficients];
  };
  return {
    units: isLinear || !data.encoding.standardized ? "original" : "standardized",
    names: isLinear ? [interceptName(data.features), ...data.features] : [...parameterNames],
    natural: translate(parameters),
    predicted: predicted && translate(predicted),
    trained: translate(trained),
  };
}
