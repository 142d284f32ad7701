import type { DescribedColumns } from "../../data/encoded-dataset.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import { estimationLoss } from "../../influence/estimation-loss.js";
import { METRIC_RULES, type Metrics } from "../../influence/metrics.js";
import type { Sampling } from "../../influence/sampling.js";
import { ensureBlas } from "../../linalg/backend.js";
import { type Checkpoint, orderly } from "../../parallel/checkpoint.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import type { Work } from "../../parallel/work.js";
import type { Fit } from "../../solvers/fit.js";
import type { Study } from "../analyze.js";
import { closedResult } from "../closed-result.js";
import { coefficientTable } from "../coefficients.js";
import { groundFlags, noteFlags } from "../data-flags.js";
import { raise } from "../flags.js";
import { populationSensitivity } from "../inference.js";
import { chooseModel } from "../model-choice.js";
import { penaltiesOf } from "../penalties.js";
import { refuseUndeterminedSquares, stopwatch } from "../prepare.js";
import { resolvedSettings } from "../resolved-settings.js";
import type { Flag, ThreatSection } from "../result.js";
import { checkSettings, evaluationName, type StudySettings } from "../settings.js";
import { resolveReach, threatsOf } from "../threat-choice.js";
import { sectionFrom, trainingCurvature } from "../threat-section.js";
import { attackRows, type StreamedAttack } from "./attack-rows.js";
import { crossFitRows, type FoldFits, foldSumsOf } from "./cross-fit-rows.js";
import {
  type CurveRows,
  curveOf,
  type EvaluatedSpread,
  type EvaluatedSums,
  evaluatedSpread,
  evaluatedSums,
  heldOutOf,
  metricsNow,
  type TrainingSums,
  trainingCurve,
} from "./curve-rows.js";
import { onFolds, onOthers, onTraining } from "./evaluated-view.js";
import { type FitGround, fitRows } from "./fit-rows.js";
import { collapseOf, firstRadii, givenUpBy, giveUp, largestContributions, trusted } from "./ground-rows.js";
import { covarianceRows, inferenceRows } from "./inference-rows.js";
import { refuseUnstreamed } from "./refuse.js";
import { type PassCount, passesOver, type RowsView } from "./rows-view.js";
import { type Summary, summarise } from "./summary.js";

/** An analysis of rows that pass by block by block. */
export interface StreamedInput {
  /** The rows to fit on; with `--evaluation cv` each has its fold. */
  readonly training: StreamedDataset;
  /** Rows apart from them to evaluate on (a share, or a file); null: folds, or the training rows. */
  readonly evaluation: StreamedDataset | null;
  readonly settings: StudySettings;
  /** What the result calls the data. */
  readonly source: string;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds: number;
}

/** What an analysis by passes accepts beside its rows. */
export interface StreamedWork extends Work {
  /** Where sums of passes are kept, so that a run that was cut off goes on. */
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * One analysis end to end of rows that do not fit in memory, or are spread over ranks: the same digits as `analyze` for every number
 * that it gives, with as many passes over the rows as its longest chain of questions needs. Nothing is kept that grows with the rows.
 * @throws usage: settings that contradict each other, or that need all rows in memory. input: data that do not suit. numerical: no
 * fit, or no influence.
 */
export async function analyzeStreamed(input: StreamedInput, work: StreamedWork = {}): Promise<Study> {
  const { training, evaluation, settings, source } = input;
  refuseUnstreamed(settings);
  checkSettings({ ...settings, local: { ...settings.local, memoryBytes: null } });
  await ensureBlas();
  const clock = stopwatch();
  const columns = columnsOf(training);
  const model = chooseModel(settings, columns);
  const described = model.describe(training);
  const reach = resolveReach(settings, columns, (k) => described.map.usesInput(k));
  const penalties = penaltiesOf(settings, model, training.weightTotal);
  refuseUndeterminedSquares(model, reach, penalties.l2);

  const count: PassCount = { passes: 0, phase: "fitting" };
  const ranks = orderly(training.ranks, work.checkpoint);
  const options = { ...work, parameters: described.map.count, ranks, count };
  const pass = passesOver(training, { ...options, name: "training rows" });
  const other = evaluation && passesOver(evaluation, { ...options, name: "evaluation rows" });
  const ground: FitGround = {
    model: described,
    l2: penalties.l2,
    rows: training.rows,
    features: training.features,
    ranks,
  };
  const folds = settings.evaluation.kind === "cv" ? settings.evaluation.folds : 0;
  const summary = await summarise(pass, described, folds);
  const fit = await fitRows(pass, ground, summary);
  const fitSeconds = clock.lap();

  count.phase = "influence";
  const sampling = samplingOf(training, settings);
  const begun = await begin(pass, { ground, fit, summary, sampling, settings, threats: threatsOf(settings, reach) });
  const influenceSeconds = clock.lap();
  count.phase = "intervals and radii";
  const judged = await judgeAll(pass, { ...begun, ground, fit, summary, sampling, settings });
  const inferenceSeconds = clock.lap();

  count.phase = "evaluation";
  const { attacks } = begun;
  const mean = await meanOf(other, evaluation, summary, settings);
  const curves = attacks.map((attacked, t): CurveRows => {
    const evaluatedOn = other
      ? onOthers(attacked, settings)
      : judged.folds
        ? onFolds(attacked, judged.folds, t, settings)
        : onTraining(attacked);
    const heldOut = other !== null || judged.folds !== null;
    const rows = (evaluation ?? training).rows;
    const sampled = samplingOf(evaluation ?? training, settings);
    return {
      attacked,
      trusted: judged.threats[t].trusted,
      evaluatedOn,
      heldOut,
      rows,
      mean,
      sampling: sampled,
      settings,
    };
  });
  const found = await evaluateAll(pass, other, curves, fit, summary.meanEvaluated);

  const excess = judged.covariance && estimationLoss(fit, judged.covariance);
  const sections = attacks.map((attacked, t) => {
    const { attack } = attacked;
    const { collapse, radii, trusted: sizes, inference, rows } = judged.threats[t];
    const population = populationSensitivity(trainingCurvature(attack), inference);
    const points = { population, estimationLoss: excess };
    const spread = settings.inference === "none" ? null : found.spreads[t];
    const curve = curveOf(curves[t], points, found.training[t], found.sums[t], spread);
    return sectionFrom(
      { attack, collapse, trust: sizes.trust, kinkRadius: radii.kink, support: null },
      {
        heldOut: heldOutOf(curves[t], found.sums[t], found.spreads[t]),
        population,
        curve,
        missingSecondOrder: null,
        inference,
        covariance: judged.covariance,
        boundRadius: radii.bound,
        multipliers: multipliersOf(attacked, training.features),
        rows,
      },
      columns,
      reach,
      settings,
    );
  });
  const flags: Flag[] = [
    ...noteFlags(training.notes),
    ...(evaluation ? noteFlags(evaluation.notes.filter((note) => !training.notes.includes(note))) : []),
    ...groundFlags(
      settings,
      { rows: training.rows, copies: 1, clusters: undefined },
      model,
      reach,
      fit,
      judged.singularFolds,
    ),
    ...sections.flatMap((section) => section.flags),
    raise("streamed", missingHere(settings, described.loss.name)),
  ];
  const evaluationSeconds = clock.lap();
  const heldOut = curves[0].heldOut;
  const result = closedResult(settings, {
    fit,
    columns,
    threats: sections.map(({ section }) => section),
    resolved: resolvedSettings(settings, { source }, columns, model, reach, penalties),
    data: {
      source,
      rows: training.rows,
      evaluation: evaluationName(settings.evaluation),
      evaluationRows: (evaluation ?? training).rows,
      groups: null,
      clusters: null,
    },
    measured: {
      heldOutLoss: heldOut ? found.sums[0].local[1] : null,
      metrics: found.metrics ?? metricsNow(curves[0], found.sums[0]),
      estimationLoss: excess,
    },
    lassoPath: null,
    flags,
    timings: {
      read: input.readSeconds,
      fit: fitSeconds,
      influence: influenceSeconds,
      evaluation: evaluationSeconds,
      inference: inferenceSeconds,
      exact: 0,
      passes: count.passes,
    },
  });
  const sizes = attacks.map(({ attack }, t) => ({ attack, epsilons: judged.threats[t].trusted.epsilons }));
  return {
    result,
    coefficients: coefficientTable(
      fit,
      columns,
      sizes,
      attacks.map(() => new Map()),
    ),
  };
}

const columnsOf = ({ encoding, features }: StreamedDataset): DescribedColumns => ({
  encoding,
  features,
  featureInfo: encoding.features,
  labels: encoding.target.labels,
});

const samplingOf = ({ weightTotal }: StreamedDataset, { weightsKind }: StudySettings): Sampling => ({
  weightsKind,
  totalWeight: weightTotal,
});

interface Known {
  readonly ground: FitGround;
  readonly fit: Fit;
  readonly summary: Summary;
  readonly sampling: Sampling;
  readonly settings: StudySettings;
}

/** What is asked at θ̂: the influences, the folds' sums, and the model that robust training collapses to. */
async function begin(
  pass: Pass<RowsView>,
  { ground, fit, summary, sampling, threats }: Known & { readonly threats: ReturnType<typeof threatsOf> },
) {
  const { ranks, model } = ground;
  const folds = summary.inside.length;
  const made = threats.map((threat) => threat(model.map.inputs));
  const keys = made.map((threat) => givenUpBy(fit, threat));
  const distinct = [...new Set(keys)].filter((key) => key !== null);
  const [attacks, sums, ...given] = await sideBySide<RowsView, unknown>(pass, [
    (own) => attackRows(own, fit, threats, summary, { ranks, sampling }),
    async (own) => (folds > 0 ? foldSumsOf(own, fit, folds) : null),
    ...distinct.map(
      (key) => (own: Pass<RowsView>) => giveUp(own, ground, fit, made[keys.indexOf(key)], summary.meanTarget),
    ),
  ]);
  const givenUp = given as Awaited<ReturnType<typeof giveUp>>[];
  return {
    attacks: attacks as StreamedAttack[],
    foldSums: sums as Awaited<ReturnType<typeof foldSumsOf>> | null,
    givenUp: keys.map((key) => (key === null ? null : givenUp[distinct.indexOf(key)])),
  };
}

/** What is asked once the influences are known: the folds, intervals, radii and the rows that matter most, all side by side. */
async function judgeAll(
  pass: Pass<RowsView>,
  { attacks, foldSums, givenUp, ground, fit, summary, sampling, settings }: Known & Awaited<ReturnType<typeof begin>>,
) {
  const { ranks } = ground;
  const collapses = attacks.map((attacked, t) => collapseOf(attacked, givenUp[t]));
  const [folds, covariance, ...rest] = await sideBySide<RowsView, unknown>(pass, [
    async (own) =>
      summary.inside.length > 0 ? crossFitRows(own, { ground, fit, attacks, summary, sampling }, foldSums) : null,
    (own) => covarianceRows(own, fit, sampling, settings),
    ...attacks.flatMap((attacked, t) => [
      (own: Pass<RowsView>) => firstRadii(own, attacked, ranks),
      (own: Pass<RowsView>) => trusted(own, attacked, collapses[t], settings),
      (own: Pass<RowsView>) => inferenceRows(own, attacked, sampling, settings),
      (own: Pass<RowsView>) => largestContributions(own, attacked, ranks),
    ]),
  ]);
  const crossed = folds as FoldFits | null;
  return {
    folds: crossed,
    singularFolds: crossed?.singularFolds ?? 0,
    covariance: covariance as Awaited<ReturnType<typeof covarianceRows>>,
    threats: attacks.map((_, t) => ({
      collapse: collapses[t],
      radii: rest[4 * t] as Awaited<ReturnType<typeof firstRadii>>,
      trusted: rest[4 * t + 1] as Awaited<ReturnType<typeof trusted>>,
      inference: rest[4 * t + 2] as Awaited<ReturnType<typeof inferenceRows>>,
      rows: rest[4 * t + 3] as Awaited<ReturnType<typeof largestContributions>>,
    })),
  };
}

/** Σ w y of the evaluated rows, with the weights that they have there. */
async function meanOf(
  other: Pass<RowsView> | null,
  evaluation: StreamedDataset | null,
  { meanTarget, meanEvaluated }: Summary,
  { evaluation: { kind } }: StudySettings,
): Promise<number> {
  if (!other || !evaluation) return kind === "cv" ? meanEvaluated : meanTarget;
  const mean = new Float64Array(1);
  await other({
    sums: [mean],
    visit({ block: { y, evaluationWeights } }) {
      for (let i = 0; i < y.length; i++) mean[0] += evaluationWeights[i] * y[i];
    },
  });
  return mean[0];
}

interface Evaluations {
  readonly training: readonly TrainingSums[];
  readonly sums: readonly EvaluatedSums[];
  readonly spreads: readonly EvaluatedSpread[];
  /** Of the fit on its own rows, where those are evaluated; else null. */
  readonly metrics: Metrics | null;
}

/** All curves: two passes over the evaluated rows, and one over the training rows, which may be one of them. */
async function evaluateAll(
  pass: Pass<RowsView>,
  other: Pass<RowsView> | null,
  curves: readonly CurveRows[],
  fit: Fit,
  meanEvaluated: number,
): Promise<Evaluations> {
  const evaluate = async (own: Pass<RowsView>, curve: CurveRows) => {
    const sums = await evaluatedSums(own, curve);
    return { sums, spread: await evaluatedSpread(own, curve, sums) };
  };
  const judging = curves.map((curve) => (own: Pass<RowsView>) => evaluate(own, curve));
  const training = curves.map((curve) => (own: Pass<RowsView>) => trainingCurve(own, curve));
  const onRows = [
    ...training,
    ...(curves[0].heldOut ? [] : [(own: Pass<RowsView>) => ownMetrics(own, fit, meanEvaluated)]),
  ];
  const here = await sideBySide<RowsView, unknown>(pass, [...onRows, ...(other ? [] : judging)]);
  const evaluated = (other ? await sideBySide(other, judging) : here.slice(onRows.length)) as Awaited<
    ReturnType<typeof evaluate>
  >[];
  return {
    training: here.slice(0, curves.length) as TrainingSums[],
    sums: evaluated.map(({ sums }) => sums),
    spreads: evaluated.map(({ spread }) => spread),
    metrics: curves[0].heldOut ? null : (here[curves.length] as Metrics),
  };
}

/** Metrics of the fit on its own rows, without the factors of the classes. */
async function ownMetrics(pass: Pass<RowsView>, { model, parameters }: Fit, mean: number): Promise<Metrics> {
  const rule = METRIC_RULES[model.loss.name];
  const sums = new Float64Array(rule.width);
  await pass({
    sums: [sums],
    visit(view) {
      const { y, evaluationWeights } = view.block;
      rule.add(sums, y, evaluationWeights, rule.predictions(view.scores(model, parameters)), mean);
    },
  });
  return rule.values(sums);
}

function multipliersOf({ attack, stuck }: StreamedAttack, features: readonly string[]): ThreatSection["multipliers"] {
  const { multipliers } = attack;
  if (multipliers === null) return null;
  const named = ({ feature, value }: { readonly feature: number; readonly value: number }) => ({
    feature: features[feature],
    value,
  });
  return {
    residuals: multipliers.residuals.map(({ row, value }) => ({ row: stuck[row].sourceRow, value })),
    coordinates: multipliers.coordinates.map(named),
    ties: multipliers.ties.map(named),
  };
}

/** What the result leaves out because no row is kept. */
function missingHere({ exact }: StudySettings, loss: string): string {
  const missing = [...(exact ? ["exact robust optima"] : []), ...(loss === "logistic" ? ["the AUC"] : [])];
  const left =
    missing.length > 0 ? `: ${missing.join(" and ")} need${missing.length > 1 ? "" : "s"} all rows at once` : "";
  return `The rows passed by block by block${left}.`;
}
