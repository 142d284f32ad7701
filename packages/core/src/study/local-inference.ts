import { AifError } from "../errors.js";
import type { BootstrapDraws } from "../influence/bootstrap.js";
import { drawsCovariance, drawsSummary } from "../influence/bootstrap-summary.js";
import { bootstrapRefusal, localBootstrap } from "../influence/local/bootstrap.js";
import { naturalCurvature, naturalCurvatureTimes } from "../influence/local/contributions.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import { type LocalSandwich, type LocalSandwichOptions, localSandwich } from "../influence/local/sandwich.js";
import { localRefusal } from "../influence/local/sandwich-refusal.js";
import type { Sampling } from "../influence/sampling.js";
import { leverageFor } from "../influence/sandwich.js";
import type { Matrix } from "../linalg/matrix.js";
import { LOSSES } from "../models/losses.js";
import type { Work } from "../parallel/work.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import { type Inference, inferenceFrom } from "./inference.js";
import { localNearCorners } from "./local-corners.js";
import type { DescribedLocal, PreparedLocal } from "./local-prepare.js";
import { isSmoothedLoss } from "./noise.js";
import { samplingOf } from "./row-sampling.js";
import { hasAbsoluteSizes, type StudySettings } from "./settings.js";

/** What inference adds to one threat's response. */
export interface LocalInference {
  /** null: there is none. */
  readonly inference: Inference | null;
  /** Why there is none, where one was asked for. */
  readonly reason: string | null;
  /** T of `estimationLoss`; null without inference. */
  readonly estimationLoss: number | null;
  /** Features whose corner of the penalty is within chance. */
  readonly nearCorners: readonly string[];
}

const NOT_ASKED: LocalInference = { inference: null, reason: null, estimationLoss: null, nearCorners: [] };
const without = (reason: string): LocalInference => ({ ...NOT_ASKED, reason });

const DROWNED =
  "noise in the influence, in directions where the natural loss bends down, outweighs all of S: a larger --l2 bends it up";

const MEAN_LOSS = "the model's loss is a mean over noise, which intervals for the population are not worked out for";

/** What settings decide about intervals before any row is looked at; null: nothing. */
function settled(settings: StudySettings): LocalInference | null {
  if (settings.inference === "none") return NOT_ASKED;
  if (isSmoothedLoss(settings)) return without(MEAN_LOSS);
  return settings.local.polish ? null : without("--no-polish leaves the parameters where another sample would not");
}

/** Intervals for the population at a minimum of a smooth model, one entry a response; else the reason against. */
export async function localInferencesOf(prepared: PreparedLocal, work: Work): Promise<LocalInference[]> {
  const { settings } = prepared.input;
  const { influences } = prepared;
  const known = settled(settings);
  if (known) return influences.map(() => known);
  if (settings.inference === "bootstrap") return fromBootstrap(prepared, work);
  const out: LocalInference[] = [];
  for (const attack of influences) {
    out.push(await sandwichInference(attack, prepared, samplingOf(prepared.training, settings), work));
  }
  return out;
}

const isSmooth = ({ local }: Pick<PreparedLocal, "local">): boolean => !local.activation?.includes("relu");

/** What intervals are told of an analysis, wherever its rows are. */
type InferredFrom = Pick<DescribedLocal, "local" | "projection"> & {
  readonly input: Pick<DescribedLocal["input"], "settings">;
  readonly training: Pick<DescribedLocal["training"], "rows" | "copies" | "features">;
};

/** Those of one response by the sandwich, which is made of sums over the rows. */
export async function sandwichInference(
  attack: LocalInfluence,
  prepared: InferredFrom,
  sampling: Sampling & Pick<LocalSandwichOptions, "clusterCount">,
  work: Work,
): Promise<LocalInference> {
  const { input, training, local } = prepared;
  const { settings } = input;
  const known = settled(settings);
  if (known) return known;
  const options = {
    ...work,
    ...sampling,
    relativeRadius: !hasAbsoluteSizes(settings),
    loss: local.loss === "softmax" ? null : LOSSES[local.loss],
    smooth: isSmooth(prepared),
    leverage:
      leverageFor(attack.influence.length, training.rows / training.copies) === "none"
        ? ("none" as const)
        : ("hc1" as const),
  };
  const refused = localRefusal(attack, options);
  if (refused) {
    const instead = refused.code === "too-large" ? ": --inference bootstrap takes time, but has no such limit" : "";
    return without(refused.reason + instead);
  }
  let found: LocalSandwich;
  try {
    found = await localSandwich(attack, options);
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical")
      return without("the Hessian has no inverse that can be trusted");
    throw error;
  }
  const { confidence: level, seed } = settings;
  const inference = inferenceFrom(found, attack.influence, found.sensitivityInterval(level), { level, seed });
  const { influence: I } = attack;
  const estimate = 0.5 * dot(I, await naturalCurvatureTimes(attack, I, work));
  // Ŝ − ½tr(H_L Cov Î) is above twice Ŝ only where H_L is negative in directions that Î is nearly all noise in.
  const drowned = inference.debiased > 2 * estimate;
  return {
    inference: drowned ? { ...inference, sensitivity: null } : inference,
    reason: drowned ? DROWNED : null,
    estimationLoss: found.estimationLoss,
    nearCorners: cornersOf(attack, prepared, found.parameterCovariance),
  };
}

/** All threats share draws and refits. */
function fromBootstrap(prepared: PreparedLocal, work: Work): Promise<LocalInference[]> {
  const { input, training, influences } = prepared;
  const { settings } = input;
  const { seed, draws } = settings;
  const relativeRadius = !hasAbsoluteSizes(settings);
  const options = {
    ...work,
    ...samplingOf(training, settings),
    smooth: isSmooth(prepared),
    draws,
    seed,
    relativeRadius,
  };
  return bootstrapInferences(influences, prepared, (sound) => localBootstrap(sound, options), work);
}

/** Intervals of all responses at one point, one entry each. @param draw those of them that have ground */
export async function bootstrapInferences(
  influences: readonly LocalInfluence[],
  prepared: InferredFrom,
  draw: (sound: readonly LocalInfluence[]) => Promise<readonly BootstrapDraws[]>,
  work: Work,
): Promise<LocalInference[]> {
  const known = settled(prepared.input.settings);
  if (known) return influences.map(() => known);
  const options = { smooth: isSmooth(prepared) };
  const refusals = influences.map((attack) => bootstrapRefusal(attack, options));
  const sound = influences.filter((_, t) => refusals[t] === null);
  const drawn = await draw(sound);
  const out: LocalInference[] = [];
  for (const [t, attack] of influences.entries()) {
    const refused = refusals[t];
    const own = drawn[sound.indexOf(attack)];
    out.push(refused ? without(refused.reason) : await drawnInference(attack, prepared, own, work));
  }
  return out;
}

/** Intervals of one response from its draws. */
async function drawnInference(
  attack: LocalInfluence,
  prepared: InferredFrom,
  own: BootstrapDraws,
  work: Work,
): Promise<LocalInference> {
  const { confidence: level } = prepared.input.settings;
  const curvature = await naturalCurvature(attack, work);
  const covariance = drawsCovariance(own.parameters);
  return {
    inference: {
      level,
      ...drawsSummary(attack.influence, (u) => hessianTimes(curvature, u), own, level),
      failedDraws: own.failed,
      sensitivityRows: null,
      sensitivityDraws: own.sensitivity,
    },
    reason: null,
    estimationLoss: 0.5 * traceOf(curvature, covariance),
    nearCorners: cornersOf(attack, prepared, covariance),
  };
}

/** tr(AB) of two full symmetric matrices. */
const traceOf = (a: Matrix, b: Matrix): number => a.data.reduce((sum, value, at) => sum + value * b.data[at], 0);

function cornersOf(
  attack: LocalInfluence,
  { local, training, projection }: InferredFrom,
  covariance: Matrix,
): readonly string[] {
  // Weights of components say nothing of one feature.
  if (projection !== null) return [];
  const near = localNearCorners(attack.threat.settings, local, attack.point.parameters, covariance);
  return near.map((k) => training.features[k]);
}
