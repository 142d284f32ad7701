import { applyEncoding } from "../data/apply-encoding.js";
import { encode } from "../data/encode-table.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import { quoted } from "../data/names.js";
import { scalerOf } from "../data/scaler.js";
import { assignFolds, holdOut } from "../data/splits.js";
import type { Table } from "../data/table.js";
import { inputError, numericalError, usageError } from "../errors.js";
import { influence } from "../influence/aif.js";
import { estimationLoss } from "../influence/estimation-loss.js";
import {
  atFixedRadius,
  type EvaluatedRows,
  heldOutRows,
  otherRows,
  trainingRows,
} from "../influence/evaluated-rows.js";
import { type Metrics, metricsOf } from "../influence/metrics.js";
import { naturalLoss } from "../influence/moving-rows.js";
import type { Sampling } from "../influence/sampling.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { exponentName } from "../threats/norms.js";
import { coefficientTable } from "./coefficients.js";
import { judge } from "./conditions.js";
import type { Judgement } from "./curve.js";
import { groundFlags, noteFlags } from "./data-flags.js";
import { type Groups, groupSection, groupsOf } from "./groups.js";
import { inferencesOf } from "./inference.js";
import { type ChosenModel, chooseModel, ridgeOf, taskOf } from "./model-choice.js";
import type { Coefficients, ResolvedSettings, StudyResult } from "./result.js";
import { checkSettings, evaluationName, hasAbsoluteSizes, type StudySettings } from "./settings.js";
import { type Reach, resolveReach, threatOf } from "./threat-choice.js";
import { type ThreatGround, threatGround, threatSection } from "./threat-section.js";

export interface StudyInput {
  readonly table: Table;
  /** The rows of `--evaluation FILE`. */
  readonly evaluationTable?: Table;
  readonly settings: StudySettings;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds?: number;
}

export interface Study {
  readonly result: StudyResult;
  readonly coefficients: Coefficients;
}

/**
 * One analysis end to end: encode, fit, AIF for every norm, evaluation on held-out rows, and the result as plain data.
 * @throws usage: settings that contradict each other. input: data that do not suit. numerical: no fit, or no influence.
 */
export async function analyze(input: StudyInput, work: Work = {}): Promise<Study> {
  const { settings, table } = input;
  checkSettings(settings);
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const all = encodeTraining(table, settings);
  const { training, evaluation } = splitRows(all, input);
  const model = chooseModel(settings, training);
  const { map } = model.describe(training);
  const reach = resolveReach(settings, training, (k) => map.usesInput(k));
  const l2 = ridgeOf(settings, model, training.weightTotal);
  refuseUndeterminedSquares(model, reach, l2);
  const fit = await fitModel(model.describe, training, { l2, ...work });
  const fitSeconds = clock.lap();

  const grounds: ThreatGround[] = [];
  for (const p of settings.norms) {
    const attack = await influence(fit, threatOf(p, reach), work);
    grounds.push(await threatGround(attack, settings, work));
  }
  const influenceSeconds = clock.lap();

  const { evaluated, singularFolds } = await evaluateGrounds(grounds, training, evaluation, settings, work);
  const evaluationSeconds = clock.lap();
  const sampling = samplingOf(training, settings);
  const inferences = await inferencesOf(grounds, settings, sampling, work);
  const excess = await estimationLossOf(fit, sampling, settings, work);
  const inferenceSeconds = clock.lap();
  const evaluationData = evaluation ?? training;
  const groups = groupsOf(evaluationData);
  const sections: Awaited<ReturnType<typeof threatSection>>[] = [];
  for (const [t, ground] of grounds.entries()) {
    const rows = evaluated[t];
    const judgement: Judgement = {
      evaluated: rows && hasAbsoluteSizes(settings) ? atFixedRadius(rows, ground.attack.scale) : rows,
      sampling: samplingOf(evaluationData, settings),
      groups,
      estimationLoss: excess,
    };
    sections.push(await threatSection(ground, judgement, inferences[t], training, reach, settings, work));
  }
  const reportSeconds = clock.lap();

  const flags = [
    ...noteFlags(table.notes ?? []),
    ...noteFlags(input.evaluationTable?.notes ?? []),
    ...noteFlags(training.notes),
    ...(evaluation ? noteFlags(evaluation.notes.filter((note) => !training.notes.includes(note))) : []),
    ...groundFlags(settings, training, model, reach, fit, singularFolds),
    ...sections.flatMap((section) => section.flags),
  ];
  const read = input.readSeconds ?? 0;
  const result: StudyResult = {
    schema: "aif.study/1",
    settings: resolvedSettings(settings, table, training, model, reach, l2),
    data: {
      source: table.source,
      rows: training.rows,
      features: training.features,
      target: training.encoding.target.column,
      labels: training.labels,
      evaluation: evaluationName(settings.evaluation),
      evaluationRows: evaluated[0]?.rows.y.length ?? training.rows,
      groups: groups && groupsBefore(groups, evaluated[0] ?? trainingRows(grounds[0].attack, grounds[0].shifts)),
      clusters: training.clusters ? new Set(training.clusters).size : null,
    },
    model: modelSection(fit, training, settings),
    fit: {
      parameters: [...fit.parameters],
      trainingLoss: fit.trainingLoss,
      heldOutLoss: evaluated[0] ? naturalLoss(evaluated[0].rows, 0) : null,
      metrics: fitMetrics(evaluated[0], fit, training),
      estimationLoss: excess,
      gradientNorm: fit.gradientNorm,
      iterations: fit.iterations,
    },
    threats: sections.map(({ section }) => section),
    conditions: settings.failIf.flatMap((condition) => sections.flatMap(({ section }) => judge(condition, section))),
    flags,
    timings: {
      read,
      fit: fitSeconds,
      influence: influenceSeconds,
      evaluation: evaluationSeconds + reportSeconds,
      inference: inferenceSeconds,
      total: read + fitSeconds + influenceSeconds + evaluationSeconds + inferenceSeconds + reportSeconds,
    },
  };
  return { result, coefficients: coefficientTable(fit, training, grounds) };
}

/** A header that was taken for data hides the target's name: say so rather than list column1, column2, … */
function explainMissingHeader({ columns, notes, source }: Table, { target }: StudySettings): void {
  const guessed = notes?.some(({ code }) => code === "no-header");
  if (!guessed || columns.some(({ name }) => name === target) || /^#\d+$/.test(target)) return;
  throw inputError(
    `${source} has no column ${quoted(target)}: its first row was taken for data, so columns are called column1, column2, …; say --header if the first row holds names.`,
  );
}

function encodeTraining(table: Table, settings: StudySettings): EncodedDataset {
  const { target, positive, missing, standardize, intercept, weights, weightsKind, exclude, keep } = settings;
  const { splitBy, cluster, by, classWeight } = settings;
  return encode(table, {
    target,
    task: taskOf(settings),
    missing,
    standardize,
    intercept,
    exclude,
    keep,
    ...(positive === null ? {} : { positive }),
    ...(weights === null ? {} : { weights, weightsKind }),
    ...(splitBy === null ? {} : { splitBy }),
    ...(cluster === null ? {} : { cluster }),
    ...(by === null ? {} : { by }),
    ...(classWeight === null ? {} : { classWeight }),
  });
}

/** The rows to fit on, and rows apart from them to evaluate on (null: folds, or the training rows). */
function splitRows(
  data: EncodedDataset,
  { settings: { evaluation, seed }, evaluationTable }: StudyInput,
): { training: EncodedDataset; evaluation: EncodedDataset | null } {
  if (evaluation.kind === "file") {
    if (!evaluationTable) throw usageError(`--evaluation ${evaluation.path}: the file was not read.`);
    return { training: data, evaluation: applyEncoding(evaluationTable, data.encoding, { role: "evaluation" }) };
  }
  if (evaluation.kind !== "fraction") return { training: data, evaluation: null };
  const rows = holdOut(data.sourceRows, evaluation.share, seed, {
    strata: data.labels ? data.y : undefined,
    groups: data.groups,
  });
  return { training: data.select(rows.training), evaluation: data.select(rows.evaluation) };
}

async function evaluateGrounds(
  grounds: readonly ThreatGround[],
  training: EncodedDataset,
  evaluation: EncodedDataset | null,
  { evaluation: plan, seed }: StudySettings,
  work: Work,
): Promise<{ evaluated: (EvaluatedRows | null)[]; singularFolds: number }> {
  const attacks = grounds.map(({ attack }) => attack);
  if (plan.kind === "cv") {
    const strata = training.labels ? training.y : undefined;
    const foldOf = assignFolds(training.sourceRows, plan.folds, seed, { strata, groups: training.groups });
    const { evaluated, singularFolds } = await heldOutRows(attacks, foldOf, plan.folds, work);
    return { evaluated: evaluated.map((rows) => reweighted(rows, training.evaluationWeights)), singularFolds };
  }
  if (evaluation === null) return { evaluated: attacks.map(() => null), singularFolds: 0 };
  const evaluated: EvaluatedRows[] = [];
  for (const attack of attacks) {
    evaluated.push(reweighted(await otherRows(attack, evaluation, work), evaluation.evaluationWeights));
  }
  return { evaluated, singularFolds: 0 };
}

/** Class weights shape the fit, not the judgement. */
const reweighted = (evaluated: EvaluatedRows, w: Float64Array): EvaluatedRows => ({
  ...evaluated,
  rows: { ...evaluated.rows, w },
});

const samplingOf = ({ weightTotal, clusters }: EncodedDataset, { weightsKind }: StudySettings): Sampling => ({
  weightsKind,
  totalWeight: weightTotal,
  clusters,
});

/** T, where intervals have a ground too. */
async function estimationLossOf(
  fit: Fit,
  sampling: Sampling,
  { inference }: StudySettings,
  work: Work,
): Promise<number | null> {
  if (inference === "none" || fit.inverse.method !== "cholesky") return null;
  return estimationLoss(fit, sampling, work);
}

function groupsBefore(groups: Groups, { rows: { loss, y, w, scores } }: EvaluatedRows) {
  const losses = y.map((target, i) => loss.value(scores[i], target));
  return groupSection(groups, losses, w);
}

/** Attacking a column whose square is missing from the basis asks about a direction the model cannot follow (MATH 1.1). */
function refuseUndeterminedSquares({ omittedSquares }: ChosenModel, { attacked }: Reach, l2: number): void {
  const bad = attacked.find(({ name }) => omittedSquares.includes(name));
  if (bad && l2 === 0) {
    throw numericalError(
      `${bad.name} has two values, so its square is no feature of the quadratic model and no influence exists when it is attacked: freeze it, or add a ridge such as --l2 0.01.`,
    );
  }
}

/** Metrics of the natural predictions, on the evaluation rows where there are some. */
function fitMetrics(evaluated: EvaluatedRows | null, { model, scores }: Fit, data: EncodedDataset): Metrics {
  if (evaluated === null) return metricsOf(model.loss, data.y, data.evaluationWeights, scores);
  const { y, w, scores: f } = evaluated.rows;
  return metricsOf(model.loss, y, w, f);
}

function modelSection(fit: Fit, data: EncodedDataset, settings: StudySettings): StudyResult["model"] {
  const { mean, scale } = scalerOf(data.encoding);
  const { loss, kind, map, parameterNames } = fit.model;
  return {
    kind,
    loss: loss.name,
    lossLabel: loss.label,
    unit: loss.unit(data.encoding.target.column),
    l2: fit.l2,
    damping: 0,
    intercept: map.intercept,
    scaler: settings.standardize ? { mean: Array.from(mean), scale: Array.from(scale) } : null,
    parameters: parameterNames,
  };
}

function resolvedSettings(
  settings: StudySettings,
  table: Table,
  data: EncodedDataset,
  model: ChosenModel,
  reach: Reach,
  l2: number,
): ResolvedSettings {
  return {
    source: table.source,
    target: data.encoding.target.column,
    model: model.name,
    loss: model.loss,
    positive: data.labels?.positive ?? null,
    intercept: settings.intercept,
    standardize: settings.standardize,
    missing: settings.missing,
    exclude: settings.exclude,
    keep: settings.keep,
    weights: settings.weights,
    weightsKind: settings.weightsKind,
    cluster: settings.cluster,
    by: settings.by,
    classWeight: settings.classWeight,
    l2,
    norms: settings.norms.map(exponentName),
    epsilons: settings.epsilons,
    radii: settings.radii,
    freeze: settings.budgets ? null : reach.frozenColumns.length > 0 ? reach.frozenColumns : ["none"],
    budgets: settings.budgets,
    bounds: settings.bounds,
    evaluation: evaluationName(settings.evaluation),
    splitBy: settings.splitBy,
    seed: settings.seed,
    confidence: settings.confidence,
    inference: settings.inference,
    draws: settings.draws,
    attackRate: settings.attackRate,
    failIf: settings.failIf.map(({ text }) => text),
  };
}

/** Seconds since the last lap. */
function stopwatch(): { lap(): number } {
  let last = performance.now();
  return {
    lap() {
      const now = performance.now();
      const seconds = (now - last) / 1000;
      last = now;
      return seconds;
    },
  };
}
