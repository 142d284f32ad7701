import { scalerOf } from "../data/scaler.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Study } from "./analyze.js";
import { judge } from "./conditions.js";
import { squaredWeights } from "./data-flags.js";
import { groupSection, groupsOf } from "./groups.js";
import { evaluateLocal, naturalPrediction } from "./local-evaluation.js";
import { localGroundFlags, restartFlags } from "./local-flags.js";
import { localInferencesOf } from "./local-inference.js";
import { type DescribedLocal, type DescribedRows, type PreparedLocal, prepareLocal } from "./local-prepare.js";
import { restartedResponses } from "./local-restarts.js";
import type { ResolvedLocal } from "./local-result.js";
import { type LocalGround, localGround, localThreatSection, withRestarts } from "./local-section.js";
import { localWorstCaseOf } from "./local-worst-cases.js";
import { type StudyInput, stopwatch } from "./prepare.js";
import { projectionFlags } from "./projection-flags.js";
import { deployedProjection, projectionSection } from "./projection-section.js";
import { resolvedSettings } from "./resolved-settings.js";
import type { Coefficients, Flag, StudyResult, ThreatSection } from "./result.js";
import { clusterCount, refuseOneCluster, samplingOf } from "./row-sampling.js";
import { evaluationName } from "./settings.js";
import { normOf } from "./threat-description.js";
import { worstCases } from "./worst-cases.js";

/** `analyze` for models without a closed form: softmax, networks, and models trained elsewhere. */
export async function analyzeLocal(input: StudyInput, work: Work): Promise<Study> {
  const prepared = await prepareLocal(input, work);
  const { study } = await localStudyOf(prepared, work);
  return study;
}

/** What is said of a prepared analysis, and what it was said of. */
export async function localStudyOf(
  prepared: PreparedLocal,
  work: Work,
): Promise<{ study: Study; grounds: LocalGround[] }> {
  const { input, training, evaluation, local, influences } = prepared;
  const { settings } = input;
  const clusters = clusterCount(training, settings);
  refuseOneCluster(clusters, settings);
  const clock = stopwatch();
  const evaluated = await evaluateLocal(prepared, work);
  const evaluationData = evaluation ?? training;
  const rows = { sampling: samplingOf(evaluationData, settings), groups: groupsOf(evaluationData) };
  const grounds: LocalGround[] = [];
  const started = stopwatch();
  const inferences = await localInferencesOf(prepared, work);
  const inferenceSeconds = started.lap();
  const sections: { section: ThreatSection; flags: Flag[] }[] = [];
  for (const t of influences.keys()) {
    const ground = await localGround(influences[t], evaluated[t], settings, work);
    grounds.push(ground);
    sections.push(await localThreatSection(ground, prepared, rows, inferences[t], work));
  }
  const restarts =
    settings.local.restarts > 1
      ? await restartedResponses(
          prepared,
          grounds.map(({ epsilons }) => epsilons),
          work,
        )
      : null;
  const threats = sections.map(({ section }, t) => (restarts ? withRestarts(section, restarts[t]) : section));
  const natural = await naturalPrediction(evaluated[0], local, 0, work);
  const heldOut = settings.evaluation.kind !== "training";
  const evaluationSeconds = clock.lap() - inferenceSeconds;
  const result = localResult(prepared, {
    threats,
    rows: {
      evaluationRows: evaluated[0].y.length / evaluated[0].parts[0].data.copies,
      groups: rows.groups && groupSection(rows.groups, natural.losses, evaluated[0].w),
      clusters,
    },
    measured: {
      heldOutLoss: heldOut ? dot(evaluated[0].w, natural.losses) : null,
      metrics: natural.metrics.values,
      estimationLoss: inferences[0].estimationLoss,
    },
    flags: [
      ...localGroundFlags(prepared, clusters, squaredWeights(training.evaluationWeights)),
      ...projectionFlags(prepared.projection, training, settings.inference !== "none"),
      ...sections.flatMap(({ flags }) => flags),
      ...threats.flatMap(restartFlags),
    ],
    timings: {
      read: input.readSeconds ?? 0,
      evaluation: evaluationSeconds,
      inference: inferenceSeconds,
      passes: null,
    },
  });
  const find = (t: number, epsilon: number) => localWorstCaseOf(influences[t], epsilon, settings.seed, work);
  if (input.onWorstCases) input.onWorstCases(await worstCases(threats, settings, training, find));
  return { study: { result, coefficients: coefficientsOf(prepared, grounds) }, grounds };
}

/** What a result says beside what is known once responses are. */
interface LocalParts {
  readonly threats: readonly ThreatSection[];
  readonly rows: Pick<StudyResult["data"], "evaluationRows" | "groups" | "clusters">;
  /** On the evaluated rows. */
  readonly measured: Pick<StudyResult["fit"], "heldOutLoss" | "metrics" | "estimationLoss">;
  readonly flags: readonly Flag[];
  readonly timings: Pick<StudyResult["timings"], "read" | "evaluation" | "inference" | "passes">;
}

/** The result of an analysis without a closed form, wherever its rows are. */
export function localResult(
  prepared: DescribedLocal,
  { threats, rows, measured, flags, timings }: LocalParts,
): StudyResult {
  const { input, training, local, fitSeconds, influenceSeconds } = prepared;
  const { settings, table } = input;
  const { read, evaluation, inference } = timings;
  return {
    schema: "aif.study/1",
    settings: {
      ...resolvedSettings(settings, table, training, local, prepared.reach, { l1: null, l2: prepared.l2 }),
      standardize: training.encoding.standardized,
      local: resolvedLocal(prepared),
    },
    data: {
      source: table.source,
      rows: training.rows / training.copies,
      features: training.features,
      target: training.encoding.target.column,
      labels: training.labels,
      classes: training.classes,
      evaluation: evaluationName(settings.evaluation),
      ...rows,
    },
    model: modelOf(prepared),
    fit: fitOf(prepared, measured),
    lassoPath: null,
    threats,
    conditions: settings.failIf.flatMap((condition) => threats.flatMap((section) => judge(condition, section))),
    flags,
    timings: {
      read,
      fit: fitSeconds,
      influence: influenceSeconds,
      evaluation,
      inference,
      exact: 0,
      passes: timings.passes,
      total: read + fitSeconds + influenceSeconds + evaluation + inference,
    },
  };
}

function fitOf(
  { point, trained, imported }: DescribedLocal,
  { heldOutLoss, metrics, estimationLoss }: LocalParts["measured"],
): StudyResult["fit"] {
  return {
    parameters: [...point.parameters],
    trainingLoss: point.trainingLoss,
    heldOutLoss,
    metrics,
    estimationLoss,
    gradientNorm: point.gradientNorm,
    iterations: trained.iterations,
    sparse: null,
    imported,
  };
}

function modelOf({ local, training, l2, damping, projection }: DescribedLocal): StudyResult["model"] {
  return {
    kind: local.kind,
    loss: local.loss,
    lossLabel: local.lossLabel,
    unit: local.unit,
    l1: 0,
    l2,
    damping: damping.damping,
    intercept: local.intercept,
    scaler: scalerSection(training),
    outputScaler: local.outputScaler,
    parameters: local.model.parameterNames,
    projection: projectionSection(projection, training),
    kernel: null,
  };
}

/** null where the model sees the columns as they are. */
function scalerSection(data: DescribedRows): StudyResult["model"]["scaler"] {
  const { mean, scale } = scalerOf(data.encoding);
  const plain = Array.from(mean).every((value, k) => value === 0 && scale[k] === 1);
  return plain ? null : { mean: Array.from(mean), scale: Array.from(scale) };
}

function resolvedLocal({ input, local, trained, damping, influences }: DescribedLocal): ResolvedLocal {
  const { optimizer: _optimizer, ...given } = input.settings.local;
  return {
    ...given,
    activation: local.activation,
    training: trained.method,
    curvature: damping.curvature,
    damping: damping.damping,
    solver: influences[0].solver.name,
  };
}

/** θ̃ and θ̃ + εI, in the units that the model sees. */
export function coefficientsOf(
  { training, local, point, projection }: DescribedLocal,
  grounds: readonly Pick<LocalGround, "attack" | "epsilons">[],
): Coefficients {
  const scaler = scalerSection(training);
  return {
    schema: "aif.coefficients/1",
    model: local.kind,
    loss: local.loss,
    target: training.encoding.target.column,
    labels: training.labels,
    names: local.model.parameterNames,
    units: scaler ? "standardized" : "original",
    scaler: scaler && { features: training.features, ...scaler },
    // A network of components is no network of the features.
    network:
      local.layers && projection === null
        ? {
            features: training.features,
            classes: training.classes,
            layers: local.layers,
            outputScaler: local.outputScaler,
          }
        : null,
    projection: projection && deployedProjection(projection, training),
    columns: [
      { norm: null, epsilon: 0, radius: 0, kind: "natural", values: [...point.parameters] },
      ...grounds.flatMap(({ attack, epsilons }) =>
        epsilons.map((epsilon) => ({
          norm: normOf(attack.threat),
          epsilon,
          radius: epsilon * attack.scale,
          kind: "predicted" as const,
          values: Array.from(point.parameters, (value, j) => value + epsilon * attack.influence[j]),
        })),
      ),
    ],
  };
}
