import { readableBytes } from "../../data/stream/estimate.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { Table } from "../../data/table.js";
import { estimationLoss } from "../../influence/estimation-loss.js";
import { ensureBlas } from "../../linalg/backend.js";
import { orderly } from "../../parallel/checkpoint.js";
import type { Study } from "../analyze.js";
import { closedResult } from "../closed-result.js";
import { coefficientTable } from "../coefficients.js";
import { groundFlags, tableFlags } from "../data-flags.js";
import { localKindOf } from "../local-settings.js";
import { stopwatch } from "../prepare.js";
import { projectionFlags } from "../projection-flags.js";
import { resolvedSettings } from "../resolved-settings.js";
import type { Flag } from "../result.js";
import { checkSettings, evaluationName, type StudySettings } from "../settings.js";
import { threatsOf } from "../threat-choice.js";
import { aucBytes, aucRows, listsAtOnce, metricsWith } from "./auc-rows.js";
import { choose } from "./choices.js";
import { analyzeClasses } from "./classes/analyze-classes.js";
import { metricsNow } from "./curve-points.js";
import { drawingRoom } from "./drawn-waves.js";
import { evaluateAll, meanOf } from "./evaluate-rows.js";
import type { FitGround } from "./fit-rows.js";
import { passingFlags } from "./passing-flags.js";
import { refuseUnstreamed } from "./refuse.js";
import { gramBlockRows, type PassCount, passesOver } from "./rows-view.js";
import { curvesOf, samplingOf, sectionsOf } from "./sections.js";
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
  const count: PassCount = { passes: 0, phase: "fitting" };
  const ranks = orderly(training.ranks, work.checkpoint);
  const m = training.features.length;
  const learning = { ...work, rowsPerBlock: gramBlockRows(m, m), ranks, count, name: "projected rows" };
  const looking = passesOver(training, learning);
  const choices = await choose(input, looking, ranks, work);
  const { columns, projection, model, described, reach, penalties, clusters } = choices;
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
  const curves = curvesOf(input, { attacks, judged, mean, ranks, isApart: other !== null });
  const found = await evaluateAll(pass, other, curves, fit, summary.meanEvaluated);
  const judgedOn = evaluation ?? training;
  // Scores that are kept are no sums that a checkpoint could remember.
  const anew = passesOver(judgedOn, { ...options, checkpoint: undefined, name: "ranked rows" });
  const aucs = lists > 0 ? await aucRows(anew, judgedOn, curves, { fit, ranks, lists }) : null;

  const excess = judged.covariance && estimationLoss(fit, judged.covariance);
  const sections = sectionsOf(input, choices, { attacks, judged, curves, found, aucs, excess });
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

/** What the result leaves out because no row is kept. @param unranked rows whose scores take too much memory for the AUC; null: none */
const missingHere = ({ exact }: StudySettings, unranked: number | null): string[] => [
  ...(exact ? ["exact robust optima, which need all rows at once"] : []),
  ...(unranked === null
    ? []
    : [`the AUC, which takes ${readableBytes(aucBytes(unranked))}, for which --memory leaves no room`]),
];
