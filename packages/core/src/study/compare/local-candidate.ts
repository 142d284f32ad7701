import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { naturalCurvatureTimes } from "../../influence/local/contributions.js";
import { localTrust } from "../../influence/local/validity.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { type EvaluatedLocal, evaluatedSensitivity, evaluateLocal, naturalLosses } from "../local-evaluation.js";
import { localGroundFlags } from "../local-flags.js";
import { localInferencesOf } from "../local-inference.js";
import { type PreparedLocal, prepareLocalOn } from "../local-prepare.js";
import { TRUST_SEARCH } from "../local-section.js";
import { localKindOf } from "../local-settings.js";
import type { StudyInput } from "../prepare.js";
import { projectName } from "../project-settings.js";
import type { Flag } from "../result.js";
import { columnOrder } from "./column-order.js";
import type { EvaluatedCandidate, EvaluatedLosses, PopulationS } from "./evaluated.js";
import type { Candidate } from "./family.js";
import type { ComparedSizes, ComparisonGround } from "./ground.js";
import { populationFrom } from "./population-cost.js";
import { narrowedTo, placesOf } from "./subject.js";

/** One network, from one seed, on the rows that losses are compared on. */
interface Trained {
  readonly seed: number;
  readonly prepared: PreparedLocal;
  readonly evaluated: EvaluatedLocal;
  readonly losses: EvaluatedLosses;
  readonly naturalLoss: number;
}

/**
 * A model without a closed form on the common rows. A network is trained from several seeds: the one whose natural loss is the
 * (lower) median stands for it.
 */
export async function evaluateLocalCandidate(
  candidate: Candidate,
  ground: ComparisonGround,
  input: StudyInput,
  seeds: number,
  work: Work,
): Promise<EvaluatedCandidate> {
  const columns = await columnOrder(candidate, ground, null, null, work);
  const features = placesOf(ground.training, columns);
  const settings = { ...narrowedTo(candidate.settings, columns), epsilons: [ground.sizes.epsilon], radii: null };
  const training = ground.training.withFeatures(features);
  const evaluation = evaluationRows(ground, features, training);
  const trained: Trained[] = [];
  const count = localKindOf(settings.model) === "mlp" ? seeds : 1;
  for (let k = 0; k < count; k++) {
    const seed = settings.seed + k;
    const own = { ...input, settings: { ...settings, seed } };
    trained.push(
      await trainedFrom(await prepareLocalOn({ training, evaluation }, own, work), seed, ground.sizes, work),
    );
  }
  const median = trained.toSorted((a, b) => a.naturalLoss - b.naturalLoss)[Math.floor((count - 1) / 2)];
  const { prepared, evaluated, losses } = median;
  const [attack] = prepared.influences;
  const { local, reach, point, l2 } = prepared;
  const trust = await localTrust(attack, {
    ...work,
    tolerance: settings.trustTolerance,
    search: TRUST_SEARCH,
  });
  return {
    candidate,
    model: local.name,
    loss: local.loss,
    lossLabel: local.lossLabel,
    unit: local.unit,
    l2,
    l1: 0,
    project: settings.project && projectName(settings.project),
    columns,
    stability: null,
    parameters: point.parameters.length,
    attacked: reach.attacked.length,
    scale: attack.scale,
    trainingLoss: point.trainingLoss,
    losses,
    sensitivity: await evaluatedSensitivity(evaluated, attack.curvature, ground.sampling.evaluation, work),
    population: await populationOf(prepared, ground, work),
    trustRadius: trust.radius,
    degreesOfFreedom: null,
    seeds:
      count === 1
        ? null
        : trained.map(({ seed, naturalLoss, losses: own }) => ({
            seed,
            naturalLoss,
            cost: {
              relative: dot(evaluated.w, own.relative.changes),
              absolute: dot(evaluated.w, own.absolute.changes),
            },
          })),
    flags: flagsOf(candidate.name, prepared),
  };
}

/** Rows apart, or the training rows themselves; null: folds. */
function evaluationRows(
  { evaluation, foldOf }: ComparisonGround,
  features: readonly number[],
  training: EncodedDataset,
): EncodedDataset | null {
  if (foldOf !== null) return null;
  return evaluation?.withFeatures(features) ?? training;
}

async function trainedFrom(
  prepared: PreparedLocal,
  seed: number,
  { epsilon, radius }: ComparedSizes,
  work: Work,
): Promise<Trained> {
  const [evaluated] = await evaluateLocal(prepared, work);
  const natural = await naturalLosses(evaluated, 0, work);
  const changes = async (rows: EvaluatedLocal, size: number): Promise<Float64Array> => {
    const after = await naturalLosses(rows, size, work);
    return after.map((loss, i) => loss - natural[i]);
  };
  return {
    seed,
    prepared,
    evaluated,
    naturalLoss: dot(evaluated.w, natural),
    losses: {
      natural,
      relative: { changes: await changes(evaluated, epsilon), attacked: null },
      absolute: { changes: await changes(perRadius(evaluated), radius), attacked: null },
    },
  };
}

/** The same rows with influences per unit of the radius, which is one for all folds. */
const perRadius = (evaluated: EvaluatedLocal): EvaluatedLocal => ({
  ...evaluated,
  parts: evaluated.parts.map((part) => ({
    ...part,
    influence: part.influence.map((value) => value / part.scale),
    scale: 1,
  })),
});

async function populationOf(
  prepared: PreparedLocal,
  { sizes, sampling, training }: ComparisonGround,
  work: Work,
): Promise<PopulationS | null> {
  // Rows that early stopping looked at are not trained on: then other models stand on other rows.
  if (prepared.training.rows !== training.rows) return null;
  const [attack] = prepared.influences;
  const [{ inference }] = await localInferencesOf(prepared, work);
  if (inference === null) return null;
  const { influence: I, scale, rowScales } = attack;
  const curvature = 0.5 * dot(I, await naturalCurvatureTimes(attack, I, work));
  return populationFrom(inference, { curvature, scale, rowScales, w: training.weights }, sizes, sampling.training);
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
  localGroundFlags(prepared)
    .filter(({ code }) => OWN.has(code))
    .map((flag) => ({ ...flag, message: `${name}: ${flag.message}` }));
