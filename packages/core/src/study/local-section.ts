import { localRowContributions, naturalCurvatureTimes } from "../influence/local/contributions.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import { flippedShare, type LocalTrust, localTrust, localValidity } from "../influence/local/validity.js";
import { freeRadius } from "../influence/moving-rows.js";
import type { Sampling } from "../influence/sampling.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { attackSample, isLarge } from "./attack-sample.js";
import type { Groups } from "./groups.js";
import { inferenceFlags, populationSensitivity } from "./inference.js";
import { influenceFields } from "./influence-fields.js";
import { localCurve } from "./local-curve.js";
import { dampingCurveOf, isStationary } from "./local-damping.js";
import { type EvaluatedLocal, evaluatedSensitivity, ObservedAttacks, STUDY_SEARCH } from "./local-evaluation.js";
import { localThreatFlags, sampledAttacksFlag } from "./local-flags.js";
import type { LocalInference } from "./local-inference.js";
import { hasExactNoise, type LocalModel } from "./local-model.js";
import type { DescribedLocal, PreparedLocal } from "./local-prepare.js";
import type { LocalResponse, RestartedResponse } from "./local-result.js";
import { noiseOf } from "./noise.js";
import type { CurvePoint, Flag, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import { smoothingSection } from "./smoothing-section.js";
import { describeThreat } from "./threat-description.js";
import { ascending, LISTED_ROWS, type RowShare, sizes } from "./threat-section.js";
import { referencePoint, verdictOf } from "./verdict.js";
import { threatLabel } from "./words.js";

/** κ is a matter of directions, which few steps find. */
export const TRUST_SEARCH = { ...STUDY_SEARCH, steps: 10 } as const;
/** Parameters listed among the contributions of models with more. */
const LISTED_PARAMETERS = 20;

/** What one threat's section rests on beside its response. */
export interface LocalGround {
  readonly attack: LocalInfluence;
  readonly evaluated: EvaluatedLocal;
  readonly trust: LocalTrust;
  readonly epsilons: readonly number[];
}

/** How far a response reaches, and the sizes that it is looked at. */
export async function localGround(
  attack: LocalInfluence,
  evaluated: EvaluatedLocal,
  settings: StudySettings,
  work: Work,
): Promise<LocalGround> {
  const trust = await localTrust(attack, { ...work, tolerance: settings.trustTolerance, search: TRUST_SEARCH });
  const named = settings.failIf.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon]));
  const epsilons = ascending([...sizes(settings, attack.scale, trust.radius, null), ...named]);
  return { attack, evaluated, trust, epsilons };
}

/** Everything that the result says of one threat. */
export async function localThreatSection(
  { attack, evaluated, trust, epsilons }: LocalGround,
  prepared: PreparedLocal,
  rows: { readonly sampling: Sampling; readonly groups: Groups | null },
  { inference, reason, estimationLoss, nearCorners }: LocalInference,
  work: Work,
): Promise<{ section: ThreatSection; flags: Flag[] }> {
  const { input, training, local, point } = prepared;
  const { settings } = input;
  const { influence: I, scale } = attack;
  const { pattern } = local;
  const heldOut = settings.evaluation.kind !== "training";
  const image = await naturalCurvatureTimes(attack, I, work);
  const curvature = 0.5 * dot(I, image);
  const population = populationSensitivity(curvature, inference);
  const sensitivity = heldOut ? await evaluatedSensitivity(evaluated, attack.curvature, rows.sampling, work) : null;
  const d = I.length;
  const sample = attackSample(evaluated, attack.threat, { settings, sampling: rows.sampling, d });
  // κ is for all rows, and says nothing new where it is known to be too large.
  const positive = epsilons.filter(
    (epsilon) => epsilon > 0 && (!isLarge(training.rows, d) || epsilon <= (trust.radius ?? 0)),
  );
  const observed = heldOut || sample ? null : new ObservedAttacks(evaluated, local);
  const checks = await localValidity(attack, positive, {
    ...work,
    search: { ...STUDY_SEARCH, seed: settings.seed },
    observe: observed?.observe,
  });
  const curve = await localCurve(
    {
      local,
      attack,
      flippedUnits: pattern && ((epsilon, quiet) => flippedShare(attack, pattern, epsilon, quiet)),
      evaluated,
      heldOut,
      trainingRows: {
        y: training.y,
        w: training.weights,
        parts: [{ data: training, model: local.model, rows: null, parameters: point.parameters, influence: I, scale }],
      },
      ...rows,
      trust: trust.radius,
      population,
      estimationLoss,
      observed,
      sample,
      stationarity: new Map(checks.map(({ epsilon, stationarity }) => [epsilon, stationarity])),
    },
    epsilons,
    settings,
    work,
  );
  const { section, flags } = await sectionFrom(
    { attack, trust },
    prepared,
    {
      curve,
      image,
      heldOut: sensitivity,
      population,
      inference,
      reason,
      contributions: await contributions(attack, prepared, image, curvature, work),
    },
    work,
  );
  if (sample) flags.push(sampledAttacksFlag(section, evaluated.y.length, settings.seed));
  return {
    section,
    flags: [...flags, ...inferenceFlags(threatLabel(section.threat), inference, nearCorners, settings)],
  };
}

/** What a section says of one response, wherever its rows are. */
export interface LocalNumbers extends Pick<LocalInference, "inference" | "reason"> {
  readonly curve: readonly CurvePoint[];
  /** H_L I (d) */
  readonly image: Float64Array;
  /** On rows that were not trained on; null: there are none. */
  readonly heldOut: ThreatSection["sensitivity"]["heldOut"];
  readonly population: ThreatSection["sensitivity"]["population"];
  readonly contributions: ThreatSection["contributions"];
}

/** The section of a threat from its numbers, with its verdict and flags. */
export async function sectionFrom(
  { attack, trust }: Pick<LocalGround, "attack" | "trust">,
  { input: { settings }, training, trained, local, reach, point, l2 }: DescribedLocal,
  { curve, image, heldOut, population, inference, reason, contributions: shares }: LocalNumbers,
  work: Work,
): Promise<{ section: ThreatSection; flags: Flag[] }> {
  const { influence: I } = attack;
  const noise = noiseOf(settings);
  const natural = point.gradient.map((value, j) => value - point.ridge[j] * point.parameters[j]);
  const judged = {
    ...describeThreat(attack.threat, training, reach, settings),
    ...influenceFields(attack, inference),
    oneSided: false,
    multipliers: null,
    local: await localResponse(attack, curve, trust.radius, work),
    solver: {
      name: attack.solver.name,
      iterations: attack.solver.iterations,
      products: attack.solver.products,
      sketchProducts: attack.solver.sketchProducts,
      relativeResidual: attack.solver.relativeResidual,
      converged: attack.solver.converged,
      reason: attack.solver.reason,
    },
    sensitivity: { training: { slope: dot(natural, I), curvature: 0.5 * dot(I, image) }, heldOut, population },
    smoothing: noise && smoothingSection(noise, hasExactNoise(local, noise), null),
    kinkRadius: null,
    supportChange: null,
    trustRadius: trust.radius,
    trustMethod: trust.radius === null ? null : ("stationarity" as const),
    freeRadius: heldOut && freeRadius(heldOut),
    collapseRadius: null,
    boundRadius: null,
    errorNorm: null,
    curve,
    contributions: shares,
  } satisfies Omit<ThreatSection, "verdict">;
  const verdict = verdictOf(judged, {
    level: settings.confidence,
    l2,
    trainedElsewhere: trained.method === "import",
    penalised: l2 > 0,
    parametersPerRow: (I.length * training.copies) / training.rows,
    inSample: settings.evaluation.kind === "training",
    attackRate: settings.attackRate,
    unit: local.unit,
  });
  const section: ThreatSection = { ...judged, verdict };
  const chosen = settings.epsilons !== null || settings.radii !== null || settings.budgets !== null;
  return { section, flags: localThreatFlags(section, chosen, { trust: trust.reason, inference: reason }) };
}

async function localResponse(
  attack: LocalInfluence,
  curve: readonly CurvePoint[],
  trustRadius: number | null,
  work: Work,
): Promise<LocalResponse> {
  const { local, influence: I, damping, curvature, penaltyGradient } = attack;
  const reference = referencePoint({ curve });
  // I'(H+λI)I = −I'Φ, and a step towards the minimum has the squared length 2·decrement in that norm.
  const moved = (reference?.epsilon ?? 0) * Math.sqrt(Math.max(0, -dot(I, penaltyGradient)));
  const step = Math.sqrt(2 * Math.max(0, local.newtonDecrement));
  return {
    kind: damping === 0 && isStationary(local.gradientNorm) ? "influence" : "damped",
    curvature,
    damping,
    gradientNorm: local.gradientNorm,
    newtonDecrement: local.newtonDecrement,
    shift: Math.sqrt(dot(local.shift, local.shift)),
    relativeShift: moved > 0 ? step / moved : null,
    smallestEigenvalue: local.smallestEigenvalue,
    proposedDamping: local.proposedDamping,
    dampingCurve: await dampingCurveOf(attack, work),
    restarts: null,
  };
}

/** Shares of ½I'H_LI (MATH 14.11): the rows and the parameters with the largest. */
async function contributions(
  attack: LocalInfluence,
  { training, local }: PreparedLocal,
  image: Float64Array,
  curvature: number,
  work: Work,
): Promise<ThreatSection["contributions"]> {
  if (!(curvature > 0)) return { rows: [], parameters: [] };
  const rows = await localRowContributions(attack, image, work);
  const listed = largest(rows, LISTED_ROWS).map((i) => ({ row: training.sourceRows[i], value: rows[i] }));
  return contributionsFrom(attack, local, image, listed);
}

/** @param rows those with the largest part in I'H_LI. */
export function contributionsFrom(
  { influence: I }: Pick<LocalInfluence, "influence">,
  { model }: Pick<LocalModel, "model">,
  image: Float64Array,
  rows: readonly RowShare[],
): ThreatSection["contributions"] {
  const whole = dot(I, image);
  const parameters = I.map((value, j) => value * image[j]);
  const part = (value: number) => ({ value: value / 2, share: value / whole });
  return {
    rows: rows.map(({ row, value }) => ({ row, ...part(value) })),
    parameters: largest(parameters, LISTED_PARAMETERS).map((j) => ({
      name: model.parameterNames[j],
      ...part(parameters[j]),
    })),
  };
}

const largest = (values: Float64Array, count: number): number[] =>
  [...values.keys()].toSorted((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, count);

/** The same section with the spread over restarts. */
export const withRestarts = (section: ThreatSection, restarts: readonly RestartedResponse[]): ThreatSection => ({
  ...section,
  local: section.local && { ...section.local, restarts },
});
