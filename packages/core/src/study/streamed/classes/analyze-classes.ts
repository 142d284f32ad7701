import type { StreamedDataset } from "../../../data/streamed-dataset.js";
import { usageError } from "../../../errors.js";
import { naturalCurvatureTimes } from "../../../influence/local/contributions.js";
import { pointAt } from "../../../influence/local/point.js";
import { localTrust, localValidity } from "../../../influence/local/validity.js";
import { ensureBlas } from "../../../linalg/backend.js";
import { orderly } from "../../../parallel/checkpoint.js";
import type { Ranks } from "../../../parallel/ranks.js";
import type { Work } from "../../../parallel/work.js";
import { dot } from "../../../solvers/inverse-hessian.js";
import type { Study } from "../../analyze.js";
import { isLarge } from "../../attack-sample.js";
import { raise } from "../../flags.js";
import { STUDY_SEARCH } from "../../local-evaluation.js";
import { localGroundFlags, sampledAttacksFlag } from "../../local-flags.js";
import { softmaxLocal } from "../../local-model.js";
import { type DescribedLocal, type DescribedRows, localRidge, refuseUnconverged } from "../../local-prepare.js";
import { respondAt } from "../../local-response.js";
import { contributionsFrom, sectionFrom, TRUST_SEARCH } from "../../local-section.js";
import { trainConvex } from "../../local-separation.js";
import { coefficientsOf, localResult } from "../../local-study.js";
import { stopwatch } from "../../prepare.js";
import type { Flag, ThreatSection } from "../../result.js";
import { checkSettings, type StudySettings } from "../../settings.js";
import { resolveReach } from "../../threat-choice.js";
import { ascending, sizes } from "../../threat-section.js";
import type { StreamedInput, StreamedWork } from "../analyze.js";
import { type CurveSums, curveFrom, curveSums } from "./curve-sums.js";
import { foldParts, onePart, type PassingPart } from "./evaluated-parts.js";
import { PassingBlocks } from "./passing-blocks.js";
import { largestContributions, passingSensitivity, predictedChanges } from "./row-sums.js";

/** What an analysis of classes by passes rests on. */
interface Ground {
  readonly described: DescribedLocal;
  readonly training: PassingBlocks;
  /** How many rows are evaluated, and Σ of their weights. */
  readonly evaluated: { readonly rows: number; readonly weightTotal: number };
  readonly classes: number;
}

const WITHOUT_INTERVALS = "the rows pass by block by block, and a softmax model's intervals need all of them in memory";

/**
 * `analyze` of a softmax model whose rows pass by block by block: every number that is given is that of `analyze` without intervals.
 * @throws as `analyzeStreamed`; usage: a checkpoint, which passes of this model do not keep.
 */
export async function analyzeClasses(input: StreamedInput, work: StreamedWork): Promise<Study> {
  const asked = input.settings;
  if (work.checkpoint) {
    throw usageError("--checkpoint does not keep the passes of --model softmax: leave it out.");
  }
  checkSettings(asked);
  await ensureBlas();
  const clock = stopwatch();
  const settings: StudySettings = { ...asked, inference: "none" };
  const ranks = orderly(input.training.ranks, undefined);
  const ground = await prepared({ ...input, settings }, ranks, clock, work);
  const { described } = ground;
  clock.lap();
  const parts = await partsOf(input, ranks, ground, work);
  const sections: { section: ThreatSection; flags: Flag[]; epsilons: readonly number[] }[] = [];
  const sums: CurveSums[] = [];
  for (const t of described.influences.keys()) {
    const found = await sectionOf(ground, t, parts[t], asked, work);
    sections.push(found);
    sums.push(found.sums);
  }
  const heldOut = settings.evaluation.kind !== "training";
  const result = localResult(described, {
    threats: sections.map(({ section }) => section),
    rows: { evaluationRows: ground.evaluated.rows, groups: null, clusters: null },
    measured: {
      heldOutLoss: heldOut ? sums[0].natural : null,
      metrics: sums[0].now,
      estimationLoss: null,
    },
    flags: [
      ...localGroundFlags(described),
      ...sections.flatMap(({ flags }) => flags),
      raise("streamed", missingHere(asked)),
    ],
    timings: { read: input.readSeconds, evaluation: clock.lap(), inference: 0, passes: null },
  });
  const grounds = sections.map(({ epsilons }, t) => ({ attack: described.influences[t], epsilons }));
  return { result, coefficients: coefficientsOf(described, grounds) };
}

async function prepared(
  { training: stream, evaluation: other, settings, source }: StreamedInput,
  ranks: Ranks,
  clock: ReturnType<typeof stopwatch>,
  work: Work,
): Promise<Ground> {
  const rows = describedRows(stream);
  const local = softmaxLocal(settings, rows, rows.features);
  const l2 = localRidge(settings, local, stream.weightTotal);
  const training = new PassingBlocks(stream, ranks);
  const trained = await trainConvex(local, training, { l2 }, work);
  const point = await pointAt(local.model, training, trained.parameters, { l2 }, work);
  const reach = resolveReach(settings, rows, () => true);
  const fitSeconds = clock.lap();
  const response = await respondAt(point, local, reach, settings, work);
  refuseUnconverged(response.influences, settings);
  return {
    training,
    evaluated: other ?? stream,
    classes: rows.classes?.length ?? 0,
    described: {
      input: { settings, table: { source } },
      training: rows,
      evaluation: other && describedRows(other),
      projection: null,
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

/** The rows that each threat is judged on. */
async function partsOf(
  { training: stream, evaluation: other, settings: { evaluation } }: StreamedInput,
  ranks: Ranks,
  { described, training }: Ground,
  work: Work,
): Promise<PassingPart[][]> {
  if (evaluation.kind === "cv") return foldParts(stream, { ranks }, evaluation.folds, described, work);
  return onePart(other ? new PassingBlocks(other, ranks) : training, described);
}

/** Everything that is said of one threat. */
async function sectionOf(
  { described, training, evaluated, classes }: Ground,
  t: number,
  parts: readonly PassingPart[],
  asked: StudySettings,
  work: Work,
) {
  const { input, local, influences } = described;
  const { settings } = input;
  const attack = influences[t];
  const { influence: I, scale } = attack;
  const trust = await localTrust(attack, { ...work, tolerance: settings.trustTolerance, search: TRUST_SEARCH });
  const named = settings.failIf.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon]));
  const epsilons = ascending([...sizes(settings, scale, trust.radius, null), ...named]);
  const heldOut = settings.evaluation.kind !== "training";
  const image = await naturalCurvatureTimes(attack, I, work);
  const sampling = { weightsKind: settings.weightsKind, totalWeight: evaluated.weightTotal };
  const sensitivity = heldOut ? await passingSensitivity(local.model, parts, attack.curvature, sampling, work) : null;
  const checked = epsilons.filter(
    (epsilon) => epsilon > 0 && (!isLarge(training.rows, I.length) || epsilon <= (trust.radius ?? 0)),
  );
  const checks = await localValidity(attack, checked, { ...work, search: { ...STUDY_SEARCH, seed: settings.seed } });
  const curve = { model: local.model, classes, threat: attack.threat, parts, rows: evaluated.rows, settings };
  const sums = await curveSums(curve, epsilons, work);
  const points = curveFrom(
    sums,
    curve,
    {
      attack,
      heldOut,
      population: null,
      estimationLoss: null,
      trust: trust.radius,
      stationarity: new Map(checks.map(({ epsilon, stationarity }) => [epsilon, stationarity])),
    },
    epsilons,
    await predictedChanges(attack, training, epsilons, work),
  );
  const contributions =
    dot(I, image) > 0
      ? contributionsFrom(attack, local, image, await largestContributions(attack, training, image, work))
      : { rows: [], parameters: [] };
  const reason = asked.inference === "none" ? null : WITHOUT_INTERVALS;
  const numbers = {
    curve: points,
    image,
    heldOut: sensitivity,
    population: null,
    inference: null,
    reason,
    contributions,
  };
  const { section, flags } = await sectionFrom({ attack, trust }, described, numbers, work);
  if (sums.drawn !== null) flags.push(sampledAttacksFlag(section, evaluated.rows, settings.seed));
  return { section, flags, epsilons, sums };
}

/** What the result leaves out because no row is kept. */
const missingHere = ({ inference }: StudySettings): string =>
  `The rows passed by block by block${inference === "none" ? "" : ": intervals of a softmax model need all rows at once"}.`;
