import type { EncodedDataset } from "../data/encoded-dataset.js";
import { estimationLoss, parameterCovariance } from "../influence/estimation-loss.js";
import { atFixedRadius, type EvaluatedRows, trainingRows } from "../influence/evaluated-rows.js";
import { type Metrics, metricsOf } from "../influence/metrics.js";
import { naturalLoss } from "../influence/moving-rows.js";
import type { Sampling } from "../influence/sampling.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { closedPredictionsOf } from "./closed-predictions.js";
import { closedResult } from "./closed-result.js";
import { coefficientTable } from "./coefficients.js";
import type { Judgement } from "./curve.js";
import { groundFlags, positiveRows, squaredWeights, tableFlags } from "./data-flags.js";
import { evaluateAttacks } from "./evaluate-attacks.js";
import { type Groups, groupSection, groupsOf } from "./groups.js";
import { inferencesOf } from "./inference.js";
import { isKernelModel } from "./kernel-settings.js";
import { analyzeKernel } from "./kernel-study.js";
import { hasClosedForm } from "./local-settings.js";
import { analyzeLocal } from "./local-study.js";
import { withMonteCarloErrors } from "./monte-carlo.js";
import { noiseOf } from "./noise.js";
import { outputNames, predictionsOf, refusePredictions, rowsToPredict } from "./predictions.js";
import { type PreparedStudy, prepareStudy, type StudyInput, stopwatch } from "./prepare.js";
import { projectionFlags } from "./projection-flags.js";
import { type ExactPoints, quickOptima } from "./quick-optima.js";
import { resolvedSettings } from "./resolved-settings.js";
import type { Coefficients, StudyResult } from "./result.js";
import { clusterCount, refuseOneCluster, samplingOf } from "./row-sampling.js";
import { evaluationName, hasAbsoluteSizes, type StudySettings } from "./settings.js";
import { exactNoise, smoothingSection } from "./smoothing-section.js";
import { threatSection } from "./threat-section.js";
import { worstCaseOf, worstCases } from "./worst-cases.js";

/** What `analyze` returns: the result, JSON as it is, and the parameters in original units to deploy. */
export interface Study {
  readonly result: StudyResult;
  readonly coefficients: Coefficients;
}

/**
 * One analysis end to end: encode, fit, AIF for every norm, evaluation on held-out rows, and the result as plain data.
 * @throws usage: settings that contradict each other. input: data that do not suit. numerical: no fit, or no influence.
 */
export async function analyze(input: StudyInput, work: Work = {}): Promise<Study> {
  if (isKernelModel(input.settings.model)) return analyzeKernel(input, work);
  return withMonteCarloErrors(await analyzeOnce(input, work), input, analyzeOnce, work);
}

async function analyzeOnce(input: StudyInput, work: Work): Promise<Study> {
  if (!hasClosedForm(input.settings)) {
    if (input.predictionTable) refusePredictions(input.settings.model ?? "an imported model");
    return analyzeLocal(input, work);
  }
  const prepared = await prepareStudy(input, work);
  const clock = stopwatch();
  const exact = await quickOptima(prepared.grounds, input.settings, work);
  return studyOf(prepared, { exact, exactSeconds: clock.lap() }, work);
}

/** Robust optima that are known, for each threat, and the seconds that they took. */
export interface KnownOptima {
  readonly exact: readonly ExactPoints[];
  readonly exactSeconds: number;
}

/** What is said of a prepared analysis: everything from the evaluation on. */
export async function studyOf(
  prepared: PreparedStudy,
  { exact, exactSeconds }: KnownOptima,
  work: Work,
): Promise<Study> {
  const { input, training, evaluation, model, reach, penalties, fit, grounds } = prepared;
  const { settings, table } = input;
  const { fitSeconds, influenceSeconds } = prepared;
  const clusters = clusterCount(training, settings);
  refuseOneCluster(clusters, settings);
  const clock = stopwatch();
  const attacks = grounds.map(({ attack }) => attack);
  const { evaluated, singularFolds } = await evaluateAttacks(attacks, training, evaluation, settings, work);
  const evaluationSeconds = clock.lap();
  const sampling = samplingOf(training, settings);
  const inferences = await inferencesOf(grounds, settings, sampling, work);
  const covariance = await covarianceOf(fit, sampling, settings, work);
  const excess = covariance && estimationLoss(fit, covariance);
  const inferenceSeconds = clock.lap();
  const evaluationData = evaluation ?? training;
  const groups = groupsOf(evaluationData);
  const smoothing = noiseOf(settings);
  const sections: Awaited<ReturnType<typeof threatSection>>[] = [];
  for (const [t, ground] of grounds.entries()) {
    const rows = evaluated[t];
    const judgement: Judgement = {
      evaluated: rows && hasAbsoluteSizes(settings) ? atFixedRadius(rows, ground.attack.scale) : rows,
      sampling: samplingOf(evaluationData, settings),
      fittedSampling: sampling,
      groups,
      estimationLoss: excess,
      covariance,
    };
    const known = { judgement, inference: inferences[t], exact: exact[t] };
    const made = await threatSection(ground, known, training, reach, settings, work);
    const closed = smoothing && (await exactNoise(prepared, smoothing, ground.attack, work));
    sections.push({
      ...made,
      section: { ...made.section, smoothing: smoothing && smoothingSection(smoothing, false, closed) },
    });
  }
  const reportSeconds = clock.lap();

  const flags = [
    ...tableFlags(input, training, evaluation),
    ...groundFlags(
      settings,
      {
        rows: training.rows,
        copies: training.copies,
        clusters,
        positive: positiveRows(training.y),
        squares: squaredWeights(training.evaluationWeights),
      },
      model,
      reach,
      fit,
      singularFolds,
      prepared.lassoPath,
    ),
    ...projectionFlags(prepared.projection, training, settings.inference !== "none"),
    ...sections.flatMap((section) => section.flags),
  ];
  const rows = training.rows / training.copies;
  const result = closedResult(settings, {
    fit,
    columns: training,
    threats: sections.map(({ section }) => section),
    resolved: resolvedSettings(settings, table, training, model, reach, penalties),
    data: {
      source: table.source,
      rows,
      evaluation: evaluationName(settings.evaluation),
      evaluationRows: evaluated[0] ? evaluated[0].data.rows / (evaluated[0].data.copies ?? 1) : rows,
      groups: groups && groupsBefore(groups, evaluated[0] ?? trainingRows(grounds[0].attack, grounds[0].shifts)),
      clusters,
    },
    measured: {
      heldOutLoss: evaluated[0] ? naturalLoss(evaluated[0].rows, 0) : null,
      metrics: fitMetrics(evaluated[0], fit, training),
      estimationLoss: excess,
    },
    lassoPath: prepared.lassoPath,
    flags,
    timings: {
      read: input.readSeconds ?? 0,
      fit: fitSeconds,
      influence: influenceSeconds,
      evaluation: evaluationSeconds + reportSeconds,
      inference: inferenceSeconds,
      exact: exactSeconds,
      passes: null,
    },
  });
  const find = (t: number, epsilon: number) => worstCaseOf(grounds[t].attack, epsilon, work);
  if (input.onWorstCases) input.onWorstCases(await worstCases(result.threats, settings, training, find));
  if (input.predictionTable) {
    const asked = rowsToPredict(input.predictionTable, training);
    const changes = (t: number) => closedPredictionsOf(grounds[t].attack, asked.x);
    input.onPredictions?.(predictionsOf(result.threats, settings, asked, outputNames(training), changes));
  }
  return { result, coefficients: coefficientTable(fit, training, grounds, exact) };
}

/** Cov θ̂, where intervals have a ground too. */
async function covarianceOf(
  fit: Fit,
  sampling: Sampling,
  { inference }: StudySettings,
  work: Work,
): Promise<Matrix | null> {
  if (inference === "none" || fit.inverse.method !== "cholesky" || fit.sparse) return null;
  return parameterCovariance(fit, sampling, work);
}

function groupsBefore(groups: Groups, { rows: { loss, y, w, scores } }: EvaluatedRows) {
  const losses = y.map((target, i) => loss.value(scores[i], target));
  return groupSection(groups, losses, w);
}

/** Metrics of the natural predictions, on the evaluation rows where there are some. */
function fitMetrics(evaluated: EvaluatedRows | null, { model, scores }: Fit, data: EncodedDataset): Metrics {
  if (evaluated === null) return metricsOf(model.loss, data.y, data.evaluationWeights, scores);
  const { y, w, scores: f } = evaluated.rows;
  return metricsOf(model.loss, y, w, f);
}
