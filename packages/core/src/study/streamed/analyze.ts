import type { DescribedColumns } from "../../data/encoded-dataset.js";
import { readableBytes } from "../../data/stream/estimate.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { Table } from "../../data/table.js";
import { estimationLoss } from "../../influence/estimation-loss.js";
import type { Sampling } from "../../influence/sampling.js";
import { ensureBlas } from "../../linalg/backend.js";
import { orderly } from "../../parallel/checkpoint.js";
import type { Study } from "../analyze.js";
import { closedResult } from "../closed-result.js";
import { coefficientTable } from "../coefficients.js";
import { groundFlags, tableFlags } from "../data-flags.js";
import { populationSensitivity } from "../inference.js";
import { localKindOf } from "../local-settings.js";
import { chooseModel } from "../model-choice.js";
import { penaltiesOf } from "../penalties.js";
import { refuseUndeterminedSquares, stopwatch } from "../prepare.js";
import { chooseProjection } from "../projection-choice.js";
import { projectionFlags } from "../projection-flags.js";
import { resolvedSettings } from "../resolved-settings.js";
import type { Flag, ThreatSection } from "../result.js";
import { refuseOneCluster } from "../row-sampling.js";
import { checkSettings, evaluationName, type StudySettings } from "../settings.js";
import { resolveReach, threatsOf } from "../threat-choice.js";
import { sectionFrom, trainingCurvature } from "../threat-section.js";
import type { StreamedAttack } from "./attack-rows.js";
import { aucBytes, aucRows, listsAtOnce, metricsWith } from "./auc-rows.js";
import { analyzeClasses } from "./classes/analyze-classes.js";
import { refuseManyClusters } from "./cluster-room.js";
import { curveOf, heldOutOf, metricsNow } from "./curve-points.js";
import type { CurveRows } from "./curve-rows.js";
import { drawingRoom } from "./drawn-waves.js";
import { evaluateAll, meanOf } from "./evaluate-rows.js";
import { onFolds, onOthers, onTraining } from "./evaluated-view.js";
import type { FitGround } from "./fit-rows.js";
import { rowsOutside } from "./outside-rows.js";
import { passingFlags } from "./passing-flags.js";
import { refuseUnstreamed } from "./refuse.js";
import { blocksOf, gramBlockRows, type PassCount, passesOver } from "./rows-view.js";
import { begin, judgeAll } from "./stages.js";
import { firstLook, warmStart } from "./warm-start.js";
import type { StreamedWork } from "./work.js";

/** An analysis of rows that pass by block by block. */
export interface StreamedInput {
  /** The rows to fit on; with `--evaluation cv` each has its fold. */
  readonly training: StreamedDataset;
  /** Rows apart from them to evaluate on (a share, or a file); null: folds, or the training rows. */
  readonly evaluation: StreamedDataset | null;
  readonly settings: StudySettings;
  /** The matrix that `--project` names, where it names one. */
  readonly projectionTable?: Table | undefined;
  /** What the result calls the data. */
  readonly source: string;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds: number;
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
  if (localKindOf(settings.model) === "softmax") return analyzeClasses(input, work);
  checkSettings({ ...settings, local: { ...settings.local, memoryBytes: null } });
  await ensureBlas();
  const clock = stopwatch();
  const columns = columnsOf(training);
  const count: PassCount = { passes: 0, phase: "fitting" };
  const ranks = orderly(training.ranks, work.checkpoint);
  const m = training.features.length;
  const learning = { ...work, rowsPerBlock: gramBlockRows(m, m), ranks, count, name: "projected rows" };
  const looking = passesOver(training, learning);
  const projection = await chooseProjection(settings, blocksOf(looking, training), input.projectionTable);
  const model = chooseModel(settings, columns, projection);
  const described = model.describe(training);
  const outside = await rowsOutside(looking, ranks, settings, training);
  const reach = resolveReach(settings, columns, (k) => described.map.usesInput(k), outside);
  const penalties = penaltiesOf(settings, model, training.weightTotal);
  refuseUndeterminedSquares(model, reach, penalties.l2);
  const clusters = training.clusters ?? null;
  refuseOneCluster(clusters, settings);
  await refuseManyClusters(
    input,
    { parameters: described.map.count, threats: threatsOf(settings, reach).length },
    work,
  );
  const hasAuc = described.loss.name === "logistic";
  const lists = hasAuc ? await listsAtOnce(evaluation ?? training, settings, work) : 0;

  const rowsPerBlock = gramBlockRows(training.features.length, described.map.count);
  const options = { ...work, rowsPerBlock, ranks, count };
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
  const warm = await warmStart(training, ground, rowsPerBlock, work);
  const first = await firstLook(pass, ground, folds, warm);
  const { summary } = first;
  const sampling = samplingOf(training, settings);
  let fitSeconds = 0;
  const begun = await begin(pass, { ground, first, sampling, settings, threats: threatsOf(settings, reach) }, () => {
    fitSeconds = clock.lap();
    count.phase = "influence";
  });
  const { fit, attacks } = begun;
  const influenceSeconds = clock.lap();
  count.phase = "intervals and radii";
  const judged = await judgeAll(pass, {
    ...begun,
    ground,
    summary,
    sampling,
    settings,
    roomBytes: await drawingRoom(ranks, work),
    clusters,
  });
  const inferenceSeconds = clock.lap();

  count.phase = "evaluation";
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
      bend: judged.threats[t].bend,
      evaluatedOn,
      heldOut,
      rows,
      mean,
      sampling: sampled,
      groups: (evaluation ?? training).groups ?? null,
      clusters: (evaluation ?? training).clusters ?? null,
      ranks,
      settings,
    };
  });
  const found = await evaluateAll(pass, other, curves, fit, summary.meanEvaluated);
  const judgedOn = evaluation ?? training;
  // Scores that are kept are no sums that a checkpoint could remember.
  const anew = passesOver(judgedOn, { ...options, checkpoint: undefined, name: "ranked rows" });
  const aucs = lists > 0 ? await aucRows(anew, judgedOn, curves, { fit, ranks, lists }) : null;

  const excess = judged.covariance && estimationLoss(fit, judged.covariance);
  const sections = attacks.map((attacked, t) => {
    const { attack } = attacked;
    const { collapse, radii, trusted: sizes, inference, rows } = judged.threats[t];
    const population = populationSensitivity(trainingCurvature(attack), inference);
    const points = { population, estimationLoss: excess, checks: found.checks[t] };
    const spread = settings.inference === "none" ? null : found.spreads[t];
    const curve = curveOf(curves[t], points, found.training[t], found.sums[t], spread, aucs?.curves[t] ?? null);
    return sectionFrom(
      { attack, collapse, trust: sizes.trust, kinkRadius: radii.kink, support: null },
      {
        heldOut: heldOutOf(curves[t], found.sums[t], found.spreads[t]),
        population,
        curve,
        missingSecondOrder: curves[t].bend?.reason ?? null,
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
    ...tableFlags({ table: {} }, training, evaluation),
    ...groundFlags(
      settings,
      { rows: training.rows, copies: 1, clusters, positive: summary.above, squares: summary.ownSquares },
      model,
      reach,
      fit,
      judged.singularFolds,
    ),
    ...projectionFlags(projection, training, settings.inference !== "none"),
    ...sections.flatMap((section) => section.flags),
    ...passingFlags(missingHere(settings, hasAuc && lists === 0 ? (evaluation ?? training).rows : null)),
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
      groups: found.sums[0].groups?.section() ?? null,
      clusters,
    },
    measured: {
      heldOutLoss: heldOut ? found.sums[0].local[1] : null,
      metrics: found.metrics
        ? metricsWith(found.metrics, aucs?.own)
        : metricsNow(curves[0], found.sums[0], aucs?.curves[0]),
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

/** What the result leaves out because no row is kept. @param unranked rows whose scores take too much memory for the AUC; null: none */
const missingHere = ({ exact }: StudySettings, unranked: number | null): string[] => [
  ...(exact ? ["exact robust optima, which need all rows at once"] : []),
  ...(unranked === null
    ? []
    : [`the AUC, which takes ${readableBytes(aucBytes(unranked))}, for which --memory leaves no room`]),
];
