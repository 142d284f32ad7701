import type { StreamedDataset } from "../../../data/streamed-dataset.js";
import type { LocalInfluence } from "../../../influence/local/influence.js";
import { pointAt } from "../../../influence/local/point.js";
import { ensureBlas } from "../../../linalg/backend.js";
import { orderly } from "../../../parallel/checkpoint.js";
import { type Pass, sideBySide } from "../../../parallel/passes.js";
import type { Work } from "../../../parallel/work.js";
import { dot } from "../../../solvers/inverse-hessian.js";
import { modelBlockRows } from "../../../solvers/model-risk.js";
import type { Study } from "../../analyze.js";
import { squaredWeights } from "../../data-flags.js";
import { inferenceFlags, populationSensitivity } from "../../inference.js";
import { localGroundFlags, sampledAttacksFlag } from "../../local-flags.js";
import type { LocalInference } from "../../local-inference.js";
import { onComponents, softmaxLocal } from "../../local-model.js";
import { type DescribedLocal, type DescribedRows, localRidge, refuseUnconverged } from "../../local-prepare.js";
import { respondAt } from "../../local-response.js";
import { contributionsFrom, sectionFrom } from "../../local-section.js";
import { trainConvex } from "../../local-separation.js";
import { coefficientsOf, localResult } from "../../local-study.js";
import { stopwatch } from "../../prepare.js";
import { chooseProjection } from "../../projection-choice.js";
import { projectionFlags } from "../../projection-flags.js";
import type { Flag, ThreatSection } from "../../result.js";
import { refuseOneCluster } from "../../row-sampling.js";
import { checkSettings } from "../../settings.js";
import { resolveReach, threatsOf } from "../../threat-choice.js";
import { threatLabel } from "../../words.js";
import type { StreamedInput } from "../analyze.js";
import { refuseManyClusters } from "../cluster-room.js";
import { drawingRoom } from "../drawn-waves.js";
import { rowsOutside } from "../outside-rows.js";
import { passingFlags } from "../passing-flags.js";
import { type PassCount, passesOver, type RowsView } from "../rows-view.js";
import type { StreamedWork } from "../work.js";
import { bootstrapClasses } from "./bootstrap-classes.js";
import { curveFrom } from "./curve-sums.js";
import type { PassingCurve } from "./curve-tally.js";
import { foldParts, onePart, type PassingPart } from "./evaluated-parts.js";
import { KEPT_BYTES, PassingBlocks } from "./passing-blocks.js";
import { type EvaluatedClasses, evaluateClasses, type JudgedClasses, judging } from "./stages.js";

/** What an analysis of classes by passes rests on. */
interface Ground {
  readonly described: DescribedLocal;
  readonly training: PassingBlocks;
  /** How many rows are evaluated, and Σ of their weights. */
  readonly evaluated: { readonly rows: number; readonly weightTotal: number };
  readonly classes: number;
}

/**
 * `analyze` of a softmax model whose rows pass by block by block: the same digits for every number that it gives.
 * @throws as `analyzeStreamed`
 */
export async function analyzeClasses(input: StreamedInput, work: StreamedWork): Promise<Study> {
  const { training: stream, evaluation: other, settings } = input;
  checkSettings(settings);
  refuseOneCluster(stream.clusters ?? null, settings);
  await ensureBlas();
  const clock = stopwatch();
  const count: PassCount = { passes: 0, phase: "fitting" };
  const ranks = orderly(stream.ranks, work.checkpoint);
  const options = { ...work, rowsPerBlock: modelBlockRows(stream.features.length), ranks, count };
  const views = passesOver(stream, { ...options, name: "training rows" });
  const others = other && passesOver(other, { ...options, name: "evaluation rows" });
  const keptBytes = KEPT_BYTES / (work.threads ?? 1);
  const passing = new PassingBlocks(stream, ranks, views, keptBytes);
  const ground = await prepared(input, views, passing, { clock, count }, work);
  const { described, training, evaluated } = ground;
  const { influences } = described;
  const clusters = stream.clusters ?? null;
  const roomBytes = await drawingRoom(ranks, work);

  const squares = await squaresOf(views, settings);
  count.phase = "folds, intervals and radii";
  const trained = { weightsKind: settings.weightsKind, totalWeight: stream.weightTotal };
  const questions = influences.map((attack) =>
    judging(attack, described, training, { ...trained, clusterCount: clusters }, work),
  );
  const folds = settings.evaluation.kind === "cv" ? settings.evaluation.folds : 0;
  const isBootstrap = settings.inference === "bootstrap";
  const [parts, drawn, ...answers] = await sideBySide<RowsView, unknown>(views, [
    async (own) => {
      if (folds > 0) return foldParts(own, { training, stream, folds }, described, work);
      return onePart(other && others ? new PassingBlocks(other, ranks, others, keptBytes) : training, described);
    },
    async (own) =>
      isBootstrap ? bootstrapClasses(own, described, training, { sampling: trained, roomBytes }, work) : null,
    ...questions.flat(),
  ]);
  const bootstrapped = drawn as LocalInference[] | null;
  const judged = questions.map((asked, t): JudgedClasses => {
    const first = questions.slice(0, t).reduce((sum, { length }) => sum + length, 0);
    const inference = bootstrapped && { inference: bootstrapped[t] };
    return Object.assign({}, ...answers.slice(first, first + asked.length), inference) as JudgedClasses;
  });
  const inferenceSeconds = clock.lap();

  count.phase = "evaluation";
  const heldOut = settings.evaluation.kind !== "training";
  const sampling = { weightsKind: settings.weightsKind, totalWeight: evaluated.weightTotal };
  const curves = influences.map((attack, t) => ({
    attack,
    epsilons: judged[t].epsilons,
    curve: {
      classes: ground.classes,
      threat: attack.threat,
      parts: (parts as PassingPart[][])[t],
      rows: evaluated.rows,
      sampling,
      groups: (other ?? stream).groups ?? null,
      clusters: (other ?? stream).clusters ?? null,
      ranks,
      settings,
    },
  }));
  const found = await evaluateClasses(others ?? views, curves, heldOut, work);
  const sections: { section: ThreatSection; flags: Flag[] }[] = [];
  for (const t of influences.keys()) {
    sections.push(await sectionOf(ground, curves[t], judged[t], found[t], work));
  }
  const [{ sums }] = found;
  const result = localResult(described, {
    threats: sections.map(({ section }) => section),
    rows: { evaluationRows: evaluated.rows, groups: sums.groups?.section() ?? null, clusters },
    measured: {
      heldOutLoss: heldOut ? sums.natural : null,
      metrics: sums.now,
      estimationLoss: judged[0].inference.estimationLoss,
    },
    flags: [
      ...localGroundFlags(described, clusters, squares),
      ...projectionFlags(described.projection, stream, settings.inference !== "none"),
      ...sections.flatMap(({ flags }) => flags),
      ...passingFlags(),
    ],
    timings: {
      read: input.readSeconds,
      evaluation: clock.lap(),
      inference: inferenceSeconds,
      passes: count.passes,
    },
  });
  const grounds = influences.map((attack, t) => ({ attack, epsilons: judged[t].epsilons }));
  return { result, coefficients: coefficientsOf(described, grounds) };
}

/** Σ w² of sampling weights; null without. */
async function squaresOf(
  views: Pass<RowsView>,
  { weights, weightsKind }: StreamedInput["settings"],
): Promise<number | null> {
  if (weights === null || weightsKind !== "sampling") return null;
  const sum = new Float64Array(1);
  await views({
    sums: [sum],
    visit({ block: { evaluationWeights } }) {
      sum[0] += squaredWeights(evaluationWeights);
    },
  });
  return sum[0];
}

async function prepared(
  input: StreamedInput,
  views: Pass<RowsView>,
  training: PassingBlocks,
  { clock, count }: { readonly clock: ReturnType<typeof stopwatch>; readonly count: PassCount },
  work: StreamedWork,
): Promise<Ground> {
  const { training: stream, evaluation: other, settings, source } = input;
  const rows = describedRows(stream);
  const projection = await chooseProjection(settings, training, input.projectionTable);
  const local = onComponents(softmaxLocal(settings, rows, projection?.names ?? rows.features), projection);
  const classes = rows.classes?.length ?? 0;
  const outside = await rowsOutside(views, training.ranks, settings, stream);
  const reach = resolveReach(settings, rows, () => true, outside);
  const threats = threatsOf(settings, reach).length;
  await refuseManyClusters(input, { parameters: local.model.parameterNames.length, threats, classes }, work);
  const l2 = localRidge(settings, local, stream.weightTotal);
  const trained = await trainConvex(local, training, { l2 }, work);
  const point = await pointAt(local.model, training, trained.parameters, { l2 }, work);
  const fitSeconds = clock.lap();
  count.phase = "influence";
  const response = await respondAt(point, local, reach, settings, work);
  refuseUnconverged(response.influences, settings);
  return {
    training,
    evaluated: other ?? stream,
    classes,
    described: {
      input: { settings, table: { source } },
      training: rows,
      evaluation: other && describedRows(other),
      projection,
      local,
      trained: { ...trained, stoppingRows: 0 },
      imported: null,
      statements: [],
      reach,
      l2,
      point,
      ...response,
      fitSeconds,
      influenceSeconds: clock.lap(),
    },
  };
}

const describedRows = ({ encoding, features, rows, notes, weightTotal }: StreamedDataset): DescribedRows => ({
  encoding,
  features,
  featureInfo: encoding.features,
  labels: encoding.target.labels,
  classes: encoding.target.classes,
  rows,
  copies: 1,
  notes,
  weightTotal,
});

/** Everything that is said of one threat. */
async function sectionOf(
  { described, evaluated }: Ground,
  { attack, curve, epsilons }: { attack: LocalInfluence; curve: PassingCurve; epsilons: readonly number[] },
  { trust, checks, predicted, image, rows, inference: inferred }: JudgedClasses,
  { sums, sensitivity }: EvaluatedClasses,
  work: Work,
): Promise<{ section: ThreatSection; flags: Flag[] }> {
  const { local, input } = described;
  const { settings } = input;
  const { influence: I } = attack;
  const { inference, reason, estimationLoss, nearCorners } = inferred;
  const bend = dot(I, image);
  const population = populationSensitivity(0.5 * bend, inference);
  const points = curveFrom(
    sums,
    curve,
    {
      attack,
      heldOut: settings.evaluation.kind !== "training",
      population,
      estimationLoss,
      trust: trust.radius,
      stationarity: new Map(checks.map(({ epsilon, stationarity }) => [epsilon, stationarity])),
    },
    epsilons,
    predicted,
  );
  const numbers = {
    curve: points,
    image,
    heldOut: sensitivity,
    population,
    inference,
    reason,
    contributions: bend > 0 ? contributionsFrom(attack, local, image, rows) : { rows: [], parameters: [] },
  };
  const { section, flags } = await sectionFrom({ attack, trust }, described, numbers, work);
  if (sums.drawn !== null) flags.push(sampledAttacksFlag(section, evaluated.rows, settings.seed));
  flags.push(...inferenceFlags(threatLabel(section.threat), inference, nearCorners, settings));
  return { section, flags };
}
