import { naturalCurvatureTimes } from "../../influence/local/contributions.js";
import { localTrust } from "../../influence/local/validity.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { raise } from "../flags.js";
import { type EvaluatedLocal, evaluatedSensitivity, evaluateLocal, naturalLosses } from "../local-evaluation.js";
import { localGroundFlags } from "../local-flags.js";
import { localInferencesOf } from "../local-inference.js";
import { type PreparedLocal, prepareLocalOn } from "../local-prepare.js";
import { TRUST_SEARCH } from "../local-section.js";
import { localKindOf } from "../local-settings.js";
import type { StudyInput } from "../prepare.js";
import { projectName } from "../project-settings.js";
import type { Flag } from "../result.js";
import type { EvaluatedCandidate, EvaluatedLosses, ReadyCandidate, SeededResult } from "./evaluated.js";
import type { Candidate } from "./family.js";
import type { ComparisonGround } from "./ground.js";
import { changesAt, evaluatedLosses } from "./part-losses.js";
import { populationFrom } from "./population-cost.js";
import { seenBy } from "./seen-rows.js";
import type { ComparedSizes } from "./sizes.js";

/** One network, from one seed, on the rows that losses are compared on. */
interface Trained {
  readonly seed: number;
  readonly prepared: PreparedLocal;
  readonly evaluated: EvaluatedLocal;
  readonly natural: Float64Array;
  readonly naturalLoss: number;
  /** In ε; null: not known. */
  readonly trustRadius: number | null;
}

/**
 * A model without a closed form on the common rows. A network is trained from several seeds: the one whose natural loss is the
 * (lower) median stands for it. How far the predictions reach is that of the seed that reaches least.
 */
export async function readyLocal(
  candidate: Candidate,
  ground: ComparisonGround,
  input: StudyInput,
  seeds: number,
  work: Work,
): Promise<ReadyCandidate> {
  const { columns, settings, training, evaluation } = await seenBy(candidate, ground, work);
  const trained: Trained[] = [];
  const count = localKindOf(settings.model) === "mlp" ? seeds : 1;
  for (let k = 0; k < count; k++) {
    const seed = settings.seed + k;
    const own = { ...input, settings: { ...settings, seed } };
    trained.push(await trainedFrom(await prepareLocalOn({ training, evaluation }, own, work), seed, work));
  }
  const median = trained.toSorted((a, b) => a.naturalLoss - b.naturalLoss)[Math.floor((count - 1) / 2)];
  const radii = trained.map(({ trustRadius }) => trustRadius ?? Number.POSITIVE_INFINITY);
  const least = Math.min(...radii);
  return {
    scale: median.prepared.influences[0].scale,
    trustRadius: least === Number.POSITIVE_INFINITY ? null : least,
    evaluate: (sizes, quiet) => evaluateLocalCandidate({ candidate, ground, columns, trained, median }, sizes, quiet),
  };
}

interface TrainedCandidate {
  readonly candidate: Candidate;
  readonly ground: ComparisonGround;
  readonly columns: readonly string[];
  readonly trained: readonly Trained[];
  readonly median: Trained;
}

async function evaluateLocalCandidate(
  { candidate, ground, columns, trained, median }: TrainedCandidate,
  sizes: ComparedSizes,
  work: Work,
): Promise<EvaluatedCandidate> {
  const { prepared, evaluated, trustRadius } = median;
  const [attack] = prepared.influences;
  const { local, reach, point, l2 } = prepared;
  const { settings } = candidate;
  const network = localKindOf(settings.model) === "mlp";
  const beyond = network && isBeyond(trustRadius, attack.scale, sizes);
  const runs = trained.length === 1 ? null : await seededResults(trained, sizes, work);
  return {
    candidate,
    model: local.name,
    loss: local.loss,
    lossLabel: local.lossLabel,
    unit: local.unit,
    l2,
    l1: 0,
    project: settings.project && projectName(settings.project),
    kernel: null,
    columns,
    stability: null,
    parameters: point.parameters.length,
    attacked: reach.attacked.length,
    scale: attack.scale,
    trainingLoss: point.trainingLoss,
    losses: await lossesAt(median, sizes, work),
    sensitivity: await evaluatedSensitivity(evaluated, attack.curvature, ground.sampling.evaluation, work),
    ...(beyond ? { population: null, populationReason: BEYOND } : await populationOf(prepared, sizes, ground, work)),
    trustRadius,
    degreesOfFreedom: null,
    seeds: runs,
    flags: [...flagsOf(candidate.name, prepared), ...seedFlags(candidate.name, trained, sizes)],
  };
}

/** The curvature of a network's risk changes on the way, so that ε²S may have any size. */
const BEYOND = "the size lies beyond the trust radius of a network, where ε²S says nothing";

/** Whether a size lies beyond the trust radius, or that is not known. */
const isBeyond = (trust: number | null, scale: number, { epsilon, radius }: ComparedSizes): boolean =>
  trust === null || Math.max(epsilon, radius / scale) > trust * (1 + 1e-9);

async function seededResults(trained: readonly Trained[], sizes: ComparedSizes, work: Work): Promise<SeededResult[]> {
  const runs: SeededResult[] = [];
  for (const { seed, naturalLoss, natural, evaluated, trustRadius } of trained) {
    const { relative, absolute } = await changesAt({ evaluated, natural }, sizes, work);
    const cost = { relative: dot(evaluated.w, relative), absolute: dot(evaluated.w, absolute) };
    runs.push({ seed, naturalLoss, trustRadius, cost });
  }
  return runs;
}

/** Seeds whose costs are no predictions, since the size lies beyond their trust radius. */
function seedFlags(name: string, trained: readonly Trained[], sizes: ComparedSizes): Flag[] {
  const beyond = trained.filter(({ trustRadius, prepared }) =>
    isBeyond(trustRadius, prepared.influences[0].scale, sizes),
  );
  if (trained.length === 1 || beyond.length === 0) return [];
  const seeds = beyond.map(({ seed }) => seed).join(", ");
  return [raise("trust-exceeded", `${name}: of the seeds ${seeds} the size lies beyond the trust radius.`)];
}

async function trainedFrom(prepared: PreparedLocal, seed: number, work: Work): Promise<Trained> {
  const [evaluated] = await evaluateLocal(prepared, work);
  const natural = await naturalLosses(evaluated, 0, work);
  const { trustTolerance: tolerance } = prepared.input.settings;
  const { radius } = await localTrust(prepared.influences[0], { ...work, tolerance, search: TRUST_SEARCH });
  return { seed, prepared, evaluated, natural, naturalLoss: dot(evaluated.w, natural), trustRadius: radius };
}

/** Losses of one network at both sizes; under attack by search. */
async function lossesAt(
  { prepared, evaluated, natural, seed }: Trained,
  sizes: ComparedSizes,
  work: Work,
): Promise<EvaluatedLosses> {
  const { local, influences } = prepared;
  return evaluatedLosses({ evaluated, natural, judged: local, attack: influences[0], seed }, sizes, work);
}

async function populationOf(
  prepared: PreparedLocal,
  sizes: ComparedSizes,
  { sampling, training }: ComparisonGround,
  work: Work,
): Promise<Pick<EvaluatedCandidate, "population" | "populationReason">> {
  // Rows that early stopping looked at are not trained on: then other models stand on other rows.
  if (prepared.training.rows !== training.rows) return { population: null, populationReason: null };
  const [attack] = prepared.influences;
  const [{ inference, reason }] = await localInferencesOf(prepared, work);
  if (!inference?.sensitivity) return { population: null, populationReason: reason };
  const { influence: I, scale, rowScales } = attack;
  const curvature = 0.5 * dot(I, await naturalCurvatureTimes(attack, I, work));
  const known = { curvature, scale, rowScales, w: training.weights };
  return { population: populationFrom(inference, known, sizes, sampling.training), populationReason: null };
}

/** What is said of one network, not of the data that all share. */
const OWN: ReadonlySet<string> = new Set([
  "few-rows",
  "early-stopping",
  "unconverged-training",
  "damped-response",
  "gauss-newton",
  "relu-kinks",
]);

const flagsOf = (name: string, prepared: PreparedLocal): Flag[] =>
  localGroundFlags(prepared, null, null)
    .filter(({ code }) => OWN.has(code))
    .map((flag) => ({ ...flag, message: `${name}: ${flag.message}` }));
