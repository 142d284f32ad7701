import type { EncodedDataset } from "../data/encoded-dataset.js";
import { scalerOf } from "../data/scaler.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { exponentName } from "../threats/norms.js";
import type { Study } from "./analyze.js";
import { judge } from "./conditions.js";
import { groupSection, groupsOf } from "./groups.js";
import { evaluateKernel } from "./kernel-evaluation.js";
import { kernelGroundFlags } from "./kernel-flags.js";
import { type KernelInference, kernelInferenceOf } from "./kernel-inference.js";
import { kernelOutputNames, kernelPredictionsOf } from "./kernel-predictions.js";
import { type PreparedKernel, prepareKernel } from "./kernel-prepare.js";
import type { ResolvedKernel } from "./kernel-result.js";
import { type KernelGround, kernelGround, kernelThreatSection } from "./kernel-section.js";
import { kernelLoss } from "./kernel-words.js";
import { kernelWorstCaseOf } from "./kernel-worst-cases.js";
import { naturalPrediction } from "./local-evaluation.js";
import { predictionsOf, rowsToPredict } from "./predictions.js";
import { type StudyInput, stopwatch } from "./prepare.js";
import { resolvedSettings } from "./resolved-settings.js";
import type { Coefficients, Flag, StudyResult, ThreatSection } from "./result.js";
import { clusterCount, refuseOneCluster, samplingOf } from "./row-sampling.js";
import { evaluationName } from "./settings.js";
import { worstCases } from "./worst-cases.js";

/** `analyze` for kernel regressions (Corollary 6.1). */
export async function analyzeKernel(input: StudyInput, work: Work): Promise<Study> {
  const { study } = await kernelStudyOf(await prepareKernel(input, work), work);
  return study;
}

/** What is said of a prepared analysis, and what it was said of. */
export async function kernelStudyOf(
  prepared: PreparedKernel,
  work: Work,
): Promise<{ study: Study; grounds: KernelGround[] }> {
  const { input, training, evaluation, influences, fit, chosen, fitSeconds, influenceSeconds } = prepared;
  const { settings, table } = input;
  refuseOneCluster(clusterCount(training, settings), settings);
  const clock = stopwatch();
  const evaluated = await evaluateKernel(prepared, work);
  const evaluationData = evaluation ?? training;
  const rows = { sampling: samplingOf(evaluationData, settings), groups: groupsOf(evaluationData) };
  const grounds: KernelGround[] = [];
  let inferenceSeconds = 0;
  const asked = input.predictionTable ? rowsToPredict(input.predictionTable, training) : null;
  const inferences: KernelInference[] = [];
  const sections: { section: ThreatSection; flags: Flag[] }[] = [];
  for (const [t, attack] of influences.entries()) {
    const ground = await kernelGround(attack, evaluated[t], prepared, work);
    grounds.push(ground);
    const started = stopwatch();
    const inference = await kernelInferenceOf(attack, prepared, work, asked && asked.x);
    inferences.push(inference);
    inferenceSeconds += started.lap();
    sections.push(await kernelThreatSection(ground, prepared, rows, inference, work));
  }
  const threats = sections.map(({ section }) => section);
  const loss = kernelLoss(training);
  const natural = await naturalPrediction(evaluated[0], { loss: loss.judged }, 0, work);
  const evaluationSeconds = clock.lap() - inferenceSeconds;
  const read = input.readSeconds ?? 0;
  const model = { name: settings.model ?? "", loss: "squared" };
  const result: StudyResult = {
    schema: "aif.study/1",
    settings: {
      ...resolvedSettings(settings, table, training, model, prepared.reach, {
        l1: null,
        l2: kernelRidgeAsL2(prepared),
      }),
      intercept: false,
      standardize: training.encoding.standardized,
      kernel: resolvedKernel(prepared),
    },
    data: {
      source: table.source,
      rows: training.rows,
      features: training.features,
      target: training.encoding.target.column,
      labels: training.labels,
      classes: training.classes,
      evaluation: evaluationName(settings.evaluation),
      evaluationRows: evaluated[0].y.length,
      groups: rows.groups && groupSection(rows.groups, natural.losses, evaluated[0].w),
      clusters: training.clusters ? new Set(training.clusters).size : null,
    },
    model: modelOf(prepared),
    fit: {
      parameters: [...fit.theta.data],
      trainingLoss: fit.naturalLoss,
      heldOutLoss: settings.evaluation.kind === "training" ? null : dot(evaluated[0].w, natural.losses),
      metrics: natural.metrics.values,
      estimationLoss: null,
      gradientNorm: fit.gradientNorm,
      iterations: 0,
      sparse: null,
      imported: null,
    },
    lassoPath: null,
    threats,
    conditions: settings.failIf.flatMap((condition) => threats.flatMap((section) => judge(condition, section))),
    flags: [...kernelGroundFlags(prepared), ...sections.flatMap(({ flags }) => flags)],
    timings: {
      read,
      fit: fitSeconds,
      influence: influenceSeconds,
      evaluation: evaluationSeconds,
      inference: inferenceSeconds,
      exact: 0,
      passes: null,
      total: read + fitSeconds + influenceSeconds + evaluationSeconds + inferenceSeconds,
    },
  };
  const find = (t: number, epsilon: number) => kernelWorstCaseOf(influences[t], epsilon, work);
  if (input.onWorstCases) input.onWorstCases(await worstCases(threats, settings, training, find));
  if (asked) {
    const changes = (t: number) => kernelPredictionsOf(influences[t], asked.x, inferences[t].changes);
    input.onPredictions?.(predictionsOf(threats, settings, asked, kernelOutputNames(training), changes));
  }
  return { study: { result, coefficients: coefficientsOf(prepared, chosen.name, grounds) }, grounds };
}

/** λ‖θ‖² = ½·2λ‖θ‖²; λθ'Kθ is no sum of squares. */
export const kernelRidgeAsL2 = ({ chosen: { ridge, penalty } }: PreparedKernel): number =>
  penalty === "coefficients" ? 2 * ridge : 0;

export function resolvedKernel({ chosen: { name: _name, ...rest } }: PreparedKernel): ResolvedKernel {
  return rest;
}

function modelOf(prepared: PreparedKernel): StudyResult["model"] {
  const { training, chosen, fit, outputs, parameterNames } = prepared;
  const { label, unit } = kernelLoss(training);
  return {
    kind: "kernel",
    loss: "squared",
    lossLabel: label,
    unit,
    l1: 0,
    l2: kernelRidgeAsL2(prepared),
    damping: 0,
    intercept: false,
    scaler: scalerSection(training),
    outputScaler: null,
    parameters: parameterNames,
    projection: null,
    kernel: { ...chosen, formula: fit.kernel.formula, outputs, repeatedPairs: fit.repeated?.count ?? 0 },
  };
}

/** null where the model sees the columns as they are. */
function scalerSection(data: EncodedDataset): StudyResult["model"]["scaler"] {
  if (!data.encoding.standardized) return null;
  const { mean, scale } = scalerOf(data.encoding);
  return { mean: Array.from(mean), scale: Array.from(scale) };
}

/** θ̂ and θ̂ + εI, one entry for each row and output, in the units that the model sees. */
function coefficientsOf(
  { training, fit, parameterNames }: PreparedKernel,
  name: string,
  grounds: readonly KernelGround[],
): Coefficients {
  const scaler = scalerSection(training);
  const theta = fit.theta.data;
  return {
    schema: "aif.coefficients/1",
    model: `kernel:${name}`,
    loss: "squared",
    target: training.encoding.target.column,
    labels: training.labels,
    names: parameterNames,
    units: scaler ? "standardized" : "original",
    scaler: scaler && { features: training.features, ...scaler },
    network: null,
    projection: null,
    columns: [
      { norm: null, epsilon: 0, radius: 0, kind: "natural", values: [...theta] },
      ...grounds.flatMap(({ attack, epsilons }) =>
        epsilons.map((epsilon) => ({
          norm: exponentName(attack.threat.settings.p),
          epsilon,
          radius: epsilon * attack.scale,
          kind: "predicted" as const,
          values: Array.from(theta, (value, j) => value + epsilon * attack.influence.data[j]),
        })),
      ),
    ],
  };
}
